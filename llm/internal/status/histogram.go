package status

import (
	"math/bits"
	"time"
)

const (
	// subBits says into how many buckets an octave is cut: 2^subBits.
	subBits = 7
	// octaves suffice for 2^32 µs, over an hour; what is longer falls into the last bucket.
	octaves = 26
	buckets = octaves << subBits
)

// histogram counts durations in microseconds: below 256 µs each has a bucket of its own, above each octave is cut into
// 128 buckets of one width. From 128 µs on a bucket is at most 1/128 of its lower bound wide, and stands for its
// middle, so that a quantile is wrong by 1/256 (0.4 %) at most; below, by half a microsecond. The zero value is empty.
type histogram struct {
	counts [buckets]uint32
	n      uint32
}

// add counts a duration; a negative one as 0.
func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(0, d/time.Microsecond)))]++ // not negative
	h.n++
}

// bucket is where a number of microseconds is counted. The top subBits+1 bits of a number choose it.
func bucket(us uint64) int {
	shift := max(0, bits.Len64(us)-subBits-1)
	return min(shift<<subBits+int(us>>shift), buckets-1) // at most 255
}

// middle is what bucket i stands for.
func middle(i int) time.Duration {
	shift := max(0, i>>subBits-1)
	low := i - shift<<subBits
	return (time.Duration(low)*time.Microsecond + time.Microsecond/2) << shift
}

// quantile is the nearest-rank quantile, q from 0 to 1, and false of an empty histogram.
func (h *histogram) quantile(q float64) (time.Duration, bool) {
	if h.n == 0 {
		return 0, false
	}
	// The rank is the ceiling of q·n; a hair less, for q·n may come out a hair above the whole number it is.
	rank := min(uint32(q*float64(h.n)-1e-6)+1, h.n)
	seen := uint32(0)
	for i, count := range h.counts {
		if seen += count; seen >= rank {
			return middle(i), true
		}
	}
	return 0, false
}
