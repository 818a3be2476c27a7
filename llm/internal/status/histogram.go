package status

import (
	"math"
	"math/bits"
	"time"
)

const (
	// An octave has 2^subBits buckets, which are a page.
	subBits = 12
	page    = 1 << subBits
	// The octaves reach to 2^32 µs, which is over an hour. Longer durations fall into the last bucket.
	pages   = 32 - subBits + 1
	buckets = pages * page
)

// histogram counts durations in microseconds. Below 8192 µs each microsecond has a bucket; above, each octave has 4096
// buckets of equal width. A bucket stands for its middle, so the error of a quantile is at most 1/8192 (0.012 %). The
// zero value is empty. A histogram takes memory for the octaves that it has met, 32 KiB for each.
type histogram struct {
	pages [pages]*[page]uint64
	n     uint64
	sum   float64 // in microseconds
	max   uint64
}

// add counts a duration. A negative duration counts as 0.
func (h *histogram) add(d time.Duration) { h.addMicros(int64(d / time.Microsecond)) }

func (h *histogram) addMicros(n int64) {
	us := uint64(max(0, n)) // not negative
	at := bucket(us)
	p := h.pages[at>>subBits]
	if p == nil {
		p = new([page]uint64)
		h.pages[at>>subBits] = p
	}
	p[at%page]++
	h.n++
	h.sum += float64(us)
	h.max = max(h.max, us)
}

// merge adds what another histogram has counted.
func (h *histogram) merge(other *histogram) {
	for i, p := range other.pages {
		if p == nil {
			continue
		}
		if h.pages[i] == nil {
			h.pages[i] = new([page]uint64)
		}
		for k, count := range p {
			h.pages[i][k] += count
		}
	}
	h.n, h.sum, h.max = h.n+other.n, h.sum+other.sum, max(h.max, other.max)
}

// reset empties the histogram and keeps its memory.
func (h *histogram) reset() {
	for _, p := range h.pages {
		if p != nil {
			clear(p[:])
		}
	}
	h.n, h.sum, h.max = 0, 0, 0
}

// bucket returns the index of the bucket that counts a number of microseconds. The top subBits+1 bits of the number
// choose the bucket.
func bucket(us uint64) int {
	shift := max(0, bits.Len64(us)-subBits-1)
	return min(shift<<subBits+int(us>>shift), buckets-1) // less than 2·page + page·shift
}

// middle returns the middle of bucket i, in microseconds.
func middle(i int) float64 {
	shift := max(0, i>>subBits-1)
	low := i - shift<<subBits
	return float64(low<<shift) + float64(int(1)<<shift-1)/2
}

// quantile returns the quantile for a q from 0 to 1, by the definition of the report: a linear interpolation between
// the two order statistics next to rank q·(n−1). It returns false if the histogram is empty.
func (h *histogram) quantile(q float64) (time.Duration, bool) {
	if h.n == 0 {
		return 0, false
	}
	rank := q * float64(h.n-1)
	below := uint64(rank)
	a, b := h.ranked(below)
	us := a + (b-a)*(rank-math.Floor(rank))
	return time.Duration(us * float64(time.Microsecond)), true
}

// ranked returns the order statistics of a rank, from 0, and of the next rank, if there is one.
func (h *histogram) ranked(rank uint64) (at, next float64) {
	seen, found := uint64(0), false
	for i, p := range h.pages {
		if p == nil {
			continue
		}
		for k, count := range p {
			if count == 0 {
				continue
			}
			seen += count
			if !found && seen > rank {
				at, found = middle(i<<subBits+k), true
			}
			if found && (seen > rank+1 || seen == h.n) {
				return at, middle(i<<subBits + k)
			}
		}
	}
	return at, at
}

// mean returns the mean, and false if the histogram is empty. Only rounding to microseconds affects it.
func (h *histogram) mean() (time.Duration, bool) {
	if h.n == 0 {
		return 0, false
	}
	return time.Duration(h.sum / float64(h.n) * float64(time.Microsecond)), true
}

// most returns the greatest duration, and false if the histogram is empty.
func (h *histogram) most() (time.Duration, bool) {
	return time.Duration(h.max) * time.Microsecond, h.n > 0 // far from overflow
}
