package stats

import (
	"math"
	"math/bits"
	"slices"
)

// Tally is a multiset of whole numbers, whose order statistics are exact. Repeated numbers, as microseconds between
// tokens are, cost no memory: numbers below a second are counted in an array, the others are listed.
type Tally struct {
	ticks  float64 // per second
	counts []uint64
	rest   []int64 // sorted when At needs it
	sorted bool
	n      int
	sum    float64
}

// countedBelow bounds the numbers that are counted rather than listed.
const countedBelow = 1 << 20

// microseconds are the ticks per second of the only clock whose ticks repeat often enough to be counted.
const microseconds = 1e6

// NewTally returns an empty tally of numbers of ticks, of which a second has the number given.
func NewTally(ticksPerSecond float64) *Tally { return &Tally{ticks: ticksPerSecond} }

// Add adds a number of ticks, which must not be negative.
func (t *Tally) Add(x int64) {
	t.n++
	t.sum += float64(x) // whole numbers: exact up to 2^53
	if x >= int64(len(t.counts)) {
		if x >= countedBelow || t.ticks != microseconds {
			t.rest, t.sorted = append(t.rest, x), false
			return
		}
		t.counts = append(t.counts, make([]uint64, 1<<bits.Len64(uint64(x))-len(t.counts))...) // not negative
	}
	t.counts[x]++
}

// AddGaps adds the gaps between ascending numbers.
func (t *Tally) AddGaps(times []int64) {
	if len(times) < 2 {
		return
	}
	last, n := times[0], 0
	for _, x := range times[1:] {
		gap := x - last
		last = x
		if gap >= int64(len(t.counts)) {
			t.Add(gap)
			continue
		}
		t.counts[gap]++
		t.sum += float64(gap)
		n++
	}
	t.n += n
}

// Merge adds the numbers of another tally, whose ticks must be the same.
func (t *Tally) Merge(other *Tally) {
	if more := len(other.counts) - len(t.counts); more > 0 {
		t.counts = append(t.counts, make([]uint64, more)...)
	}
	for x, n := range other.counts {
		t.counts[x] += n
	}
	t.rest, t.sorted = append(t.rest, other.rest...), false
	t.n += other.n
	t.sum += other.sum
}

// Ticks returns the ticks of a second.
func (t *Tally) Ticks() float64 { return t.ticks }

// Len returns how many numbers were added.
func (t *Tally) Len() int { return t.n }

// Zeros returns how often 0 was added.
func (t *Tally) Zeros() int64 {
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

// At returns the number of a rank, from 0, in seconds. It may sort, so calls must not be concurrent.
func (t *Tally) At(rank int) float64 {
	below := t.n - len(t.rest) // the listed numbers are larger than the counted ones
	if rank >= below {
		if !t.sorted {
			slices.Sort(t.rest)
			t.sorted = true
		}
		return float64(t.rest[rank-below]) / t.ticks
	}
	left := uint64(rank) // not negative
	for x, n := range t.counts {
		if left < n {
			return float64(x) / t.ticks
		}
		left -= n
	}
	return math.NaN()
}

// Mean returns the mean in seconds, NaN if the tally is empty.
func (t *Tally) Mean() float64 { return t.sum / t.ticks / float64(t.n) }

// StdDev returns the standard deviation of a sample in seconds, NaN if there are fewer than two numbers.
func (t *Tally) StdDev() float64 {
	if t.n < 2 {
		return math.NaN()
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
