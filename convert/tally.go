package convert

import (
	"math"
	"math/bits"
	"slices"
)

// tally is a multiset of whole numbers, whose order statistics are exact. Repeated numbers, as microseconds between
// tokens are, cost no memory: those below a second are counted in an array, the others listed.
type tally struct {
	ticks  float64 // per second
	counts []uint64
	rest   []int64 // sorted once at is asked
	sorted bool
	n      int
	sum    float64
}

// tallied is up to where numbers are counted.
const tallied = 1 << 20

// repeated is the clock whose ticks repeat; those of others hardly do.
const repeated = 1e6

func newTally(ticks float64) *tally { return &tally{ticks: ticks} }

// add adds a number, not a negative one.
func (t *tally) add(x int64) {
	t.n++
	t.sum += float64(x) // whole numbers: exact up to 2^53
	if x >= int64(len(t.counts)) {
		if x >= tallied || t.ticks != repeated {
			t.rest, t.sorted = append(t.rest, x), false
			return
		}
		t.counts = append(t.counts, make([]uint64, 1<<bits.Len64(uint64(x))-len(t.counts))...) // not negative
	}
	t.counts[x]++
}

// zeros is how often 0 was added.
func (t *tally) zeros() int64 {
	n := int64(0)
	if len(t.counts) > 0 {
		n = int64(t.counts[0]) // a count of what was read
	}
	for _, x := range t.rest {
		if x == 0 {
			n++
		}
	}
	return n
}

// at is the number of rank k from 0, in seconds.
func (t *tally) at(k int) float64 {
	below := t.n - len(t.rest) // those of rest are larger than those counted
	if k >= below {
		if !t.sorted {
			slices.Sort(t.rest)
			t.sorted = true
		}
		return float64(t.rest[k-below]) / t.ticks
	}
	left := uint64(k) // a rank
	for x, n := range t.counts {
		if left < n {
			return float64(x) / t.ticks
		}
		left -= n
	}
	return math.NaN()
}

// distribution sums the tally up, nil if it is empty.
func (t *tally) distribution(percentiles []float64) *Distribution {
	if t.n == 0 {
		return nil
	}
	return newDistribution(t.n, t.sum/t.ticks/float64(t.n), t.at, percentiles)
}

// deviation is the standard deviation of a sample, in seconds; unknown of less than two numbers.
func (t *tally) deviation() float64 {
	if t.n < 2 {
		return unknown
	}
	mean, squares := t.sum/float64(t.n), 0.0
	for x, n := range t.counts {
		squares += float64(n) * (float64(x) - mean) * (float64(x) - mean)
	}
	for _, x := range t.rest {
		squares += (float64(x) - mean) * (float64(x) - mean)
	}
	return math.Sqrt(squares/float64(t.n-1)) / t.ticks
}
