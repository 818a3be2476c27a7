package status

import (
	"math/bits"
	"time"
)

const (
	// An octave has 2^subBits buckets.
	subBits = 7
	// The octaves reach to 2^32 µs, which is over an hour. Longer durations fall into the last bucket.
	octaves = 26
	buckets = octaves << subBits
)

// histogram counts durations in microseconds. Below 256 µs each microsecond has a bucket; above, each octave has 128
// buckets of equal width. From 128 µs on, the width of a bucket is at most 1/128 of its lower bound. A bucket stands
// for its middle, so the error of a quantile is at most 1/256 (0.4 %), and half a microsecond below 128 µs. The zero
// value is empty.
type histogram struct {
	counts [buckets]uint32
	n      uint32
}

// add counts a duration. A negative duration counts as 0.
func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(0, d/time.Microsecond)))]++ // not negative
	h.n++
}

// bucket returns the index of the bucket that counts a number of microseconds. The top subBits+1 bits of the number
// choose the bucket.
func bucket(us uint64) int {
	shift := max(0, bits.Len64(us)-subBits-1)
	return min(shift<<subBits+int(us>>shift), buckets-1) // at most 255
}

// middle returns the duration in the middle of bucket i, which the bucket stands for.
func middle(i int) time.Duration {
	shift := max(0, i>>subBits-1)
	low := i - shift<<subBits
	return (time.Duration(low)*time.Microsecond + time.Microsecond/2) << shift
}

// quantile returns the nearest-rank quantile for a q from 0 to 1. It returns false if the histogram is empty.
func (h *histogram) quantile(q float64) (time.Duration, bool) {
	if h.n == 0 {
		return 0, false
	}
	// The rank is the ceiling of q·n, less a small tolerance: rounding may put q·n just above a whole number.
	rank := min(uint32(q*float64(h.n)-1e-6)+1, h.n)
	seen := uint32(0)
	for i, count := range h.counts {
		if seen += count; seen >= rank {
			return middle(i), true
		}
	}
	return 0, false
}
