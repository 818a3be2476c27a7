package trace

import (
	"iter"
	"math/bits"
)

// set is a set of calls by their places.
type set []uint64

// newSet returns a set for the first calls.
func newSet(calls int) set { return make(set, (calls+63)/64) }

func (s set) has(call int) bool { return s[call/64]>>(call%64)&1 != 0 }

// add adds a call and all of another set, which is for no more calls.
func (s set) add(call int, others set) {
	s[call/64] |= 1 << (call % 64)
	for i, word := range others {
		s[i] |= word
	}
}

// all returns the calls in ascending order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(i*64 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
