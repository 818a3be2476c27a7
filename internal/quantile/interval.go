package quantile

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Series is a sample whose values may depend on those before them, as the latencies of requests do that wait in one
// queue.
type Series struct {
	values []float64
	at     func(rank int) float64
	memory float64
}

// NewSeries takes values in the order in which they came about, a function that returns the value of a rank, from 0,
// and the [Memory] of what the values depend on, 1 if nothing is known of it. It keeps the values.
func NewSeries(values []float64, at func(rank int) float64, memory float64) Series {
	return Series{values, at, max(memory, Memory(values))}
}

// Memory returns the larger of the memory of the values and the one that was given.
func (s Series) Memory() float64 { return s.memory }

// Interval tells where the quantile of a distribution lies of which there is a sample.
type Interval struct {
	Low, High float64 // infinite where the sample has no end
	// AtLeast is the lower end that independent requests would have, however they depend on each other.
	AtLeast float64
	// Certified means that there is an interval, of two ends, that contains the quantile at the level.
	Certified bool
	// Needs is how many values certify it, [Least] if there are too few to tell. It is 0 if no number does, as of the
	// extremes.
	Needs int
	// Design is by how much dependence multiplies the variance of the share of values above the quantile.
	Design float64
}

// The share above a quantile has its variance from 32 blocks, or from 16 if the sample is too short for that. A block
// is so much longer than the values' memory.
const (
	manyBlocks, fewBlocks = 32, 16
	lengths               = 10
)

// clusters is how many clusters of values beyond a quantile show how large they are, if values depend on each other.
const clusters = 12

// Interval returns where the p-quantile lies at a confidence level, such as 0.95.
//
// Its ends are values of the sample, or between two that follow each other in ascending order, as in [Ranks]. Dependent
// values count for as many independent ones as the mean of an indicator, whether a value is above the quantile, has the
// same variance for. The variance is that of the means of blocks (Schmeiser, Batch size effects in the analysis of
// simulation output, Operations Research 30, 1982), and since it is an estimate from few blocks, Student's t takes the
// place of the normal, as in Korn and Graubard (1998).
//
// A sample that is short beside its memory cannot show its own variance, however narrow its intervals look: it may
// have seen no queue at all. Such a quantile is not certified, and has no upper end.
func (s Series) Interval(p, level float64) Interval {
	n := len(s.values)
	blocks, enough := blocksFor(n, s.memory)
	design := s.memory
	if 0 < p && p < 1 && n > 0 {
		if own := s.design(p, blocks); enough {
			design = own
		} else {
			design = max(design, own)
		}
	}
	return sample{n: n, units: n, at: s.at, design: design, within: 1, memory: s.memory}.interval(p, level)
}

// Clustered returns where the p-quantile of n values lies that came in clusters, such as the gaps between the tokens of
// each request. design is by how much what the values of a cluster have in common multiplies the variance of the share
// above the quantile, memory what dependence between clusters does to it. The number needed is one of clusters.
func Clustered(n, clusters int, at func(rank int) float64, p, level, design, memory float64) Interval {
	design, memory = max(design, 1), max(memory, 1)
	return sample{n: n, units: clusters, at: at, design: design * memory, within: design, memory: memory}.interval(p,
		level)
}

// blocksFor returns into how many blocks so many values are cut, and whether they are enough for their memory.
func blocksFor(n int, memory float64) (blocks int, enough bool) {
	enough = float64(n) >= enoughFor(memory)
	for _, blocks := range [...]int{manyBlocks, fewBlocks} {
		if float64(n) >= lengths*float64(blocks)*memory {
			return blocks, enough
		}
	}
	return max(min(leastBlocks, n), 1), enough
}

// enoughFor returns how many values show their memory. A sample that is short beside it shows less than there is, so
// the more of it is seen, the longer a sample has to be.
func enoughFor(memory float64) float64 { return lengths * (fewBlocks*memory + manyBlocks*(memory-1)) }

// Telling is from how many values on they tell how they depend on each other, and so how many are enough.
const Telling = 64

// Fewest is how many values certify any quantile: fewer cannot show that they do not depend on each other.
const Fewest = lengths * fewBlocks

// Least returns how many values certify the p-quantile if they do not depend on each other.
func Least(p, level float64) int { return max(Fewest, Needs(p, level, 1)) }

// sample is what an interval is made from.
type sample struct {
	n, units int // values, and what depends on each other: the same, or clusters of them
	at       func(rank int) float64
	design   float64 // of the share of values above the quantile
	within   float64 // the part of it that is within clusters
	memory   float64 // of the units
}

func (s sample) interval(p, level float64) Interval {
	out := Interval{Low: math.Inf(-1), High: math.Inf(1), AtLeast: math.Inf(-1), Design: s.design}
	if s.n == 0 || s.units == 0 || !(p > 0 && p < 1) {
		return out
	}
	n := float64(s.n)
	blocks, _ := blocksFor(s.units, s.memory)
	alpha, freedom := (1-level)/2, float64(max(blocks-1, 1))
	ratio := distuv.UnitNormal.Quantile(alpha) / distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(alpha)
	some := n / s.design * ratio * ratio
	low, high := fractions(some, p, alpha)
	if !math.IsNaN(low) {
		out.Low = s.value(low, false)
	}
	if alone, _ := fractions(n/s.within, p, alpha); !math.IsNaN(alone) {
		out.AtLeast = s.value(alone, false)
	}
	// What shows the size of clusters is not there if there are none.
	most, each := max(s.memory, s.design), n/float64(s.units)
	needs := (float64(Needs(p, level, most)) + clusters/min(p, 1-p)*(most-1)) / each
	needs = max(needs, enoughFor(s.memory))
	if out.Certified = float64(s.units) >= needs && !math.IsNaN(low) && !math.IsNaN(high); out.Certified {
		out.High = s.value(high, true)
	} else if s.units < Telling {
		needs = max(Fewest, float64(Needs(p, level, 1))/each)
	} else { // at least one more than there are
		needs = max(needs, n/some*float64(Needs(p, level, 1))/each, float64(s.units)+1)
	}
	out.Needs = int(math.Ceil(min(needs, math.MaxInt32)))
	return out
}

// value returns the value at a share of the sample in ascending order, such as 0.99. Between a value and an infinite
// one it is the one or the other.
func (s sample) value(share float64, upper bool) float64 {
	n := s.n
	rank := min(max(share*float64(n+1)-1, 0), float64(n-1))
	below := int(rank)
	if below == n-1 {
		return s.at(below)
	}
	a, b, part := s.at(below), s.at(below+1), rank-float64(below)
	switch {
	case part == 0 || a == b || math.IsInf(b, 1) && !upper:
		return a
	case math.IsInf(b, 1):
		return b
	}
	return a + part*(b-a)
}

// fractions returns the shares of some independent values between which the quantile lies, NaN where there is no such
// end. They need not be those of one value: between two, the binomial distribution is continued by the beta
// distribution (Hutson, Calculating nonparametric confidence intervals for quantiles using fractional order statistics,
// Journal of Applied Statistics 26, 1999), so that the confidence is the level and not more.
func fractions(some, p, alpha float64) (low, high float64) {
	low, high = math.NaN(), math.NaN()
	if math.Pow(1-p, some) <= alpha {
		low = orderOf(some, p, 1-alpha) / (some + 1)
	}
	if math.Pow(p, some) <= alpha {
		high = orderOf(some, p, alpha) / (some + 1)
	}
	return low, high
}

// largeCount is from how many values on each side of a quantile the approximation by Cornish and Fisher is as good as
// the binomial distribution itself: it errs by less than 0.01 of a rank.
const largeCount = 500

// orderOf returns the k of which at least k of some values lie below the quantile with a probability.
func orderOf(some, p, probability float64) float64 {
	z := distuv.UnitNormal.Quantile(1 - probability)
	k := some*p + z*math.Sqrt(some*p*(1-p)) + (1-2*p)*(z*z-1)/6 + 0.5
	if some*min(p, 1-p) >= largeCount {
		return k
	}
	low, high := 1.0, some
	k = min(max(k, low), high)
	// Secant steps, which halve the span when they leave it.
	other, miss := k, 0.0
	for i := range 40 {
		off := mathext.RegIncBeta(k, some+1-k, p) - probability
		if off > 0 {
			low = k
		} else {
			high = k
		}
		next := k + math.Copysign(0.5, off)
		if i > 0 && off != miss {
			next = k - off*(k-other)/(off-miss)
		}
		other, miss = k, off
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if k = next; math.Abs(k-other) < 1e-4 || high-low < 1e-4 {
			break
		}
	}
	return k
}
