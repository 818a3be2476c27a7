package compare

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// spread is what the means of long spans of a series tell of how well its mean is known.
type spread struct {
	variance float64 // of the mean
	spans    float64 // that it was found from
}

// The variance of a mean is found from as many spans as are still independent of each other: from mostSpans down to
// leastSpans, each of leastSpan values or more.
const (
	mostSpans, leastSpans = 64, 8
	leastSpan             = 8
	// Spans of a higher correlation than nearlyNone are not taken for independent, and mostCorrelation is the most that
	// is corrected for.
	nearlyNone, mostCorrelation = 0.25, 0.9
)

// spreadOf finds how well the mean of a series is known by the means of long spans of it (batch means, Schmeiser,
// Operations Research 30, 1982). Blocks are as long as correlations of single requests can be told from noise, and
// those of a queue near its limit last far longer than that: each is small, but there are many. What correlation is
// left between the longest spans is taken for that of an autoregressive process, as in ASAP3 (Steiger et al., ACM
// TOMACS 15, 2005). x is about the mean of each stage.
func spreadOf(x []float64) spread {
	for spans := mostSpans; spans > leastSpans; spans /= 2 {
		if len(x) < spans*leastSpan {
			continue
		}
		if v, r := betweenSpans(x, spans); r <= nearlyNone {
			return spread{v, float64(spans)}
		}
	}
	v, r := betweenSpans(x, min(leastSpans, len(x)))
	r = min(max(r, 0), mostCorrelation)
	return spread{v * (1 + r) / (1 - r), leastSpans}
}

// betweenSpans returns the variance of the mean of a series by the means of so many spans of it, and their correlation
// with the next, which falls short by some 1/spans where they are independent.
func betweenSpans(x []float64, spans int) (variance, correlation float64) {
	means := spanMeans(x, spans)
	around := centred(means, []int{spans})
	scale := largest(around)
	if !(scale > 1e-12*largest(x)) {
		return 0, 0
	}
	for i := range around {
		around[i] /= scale // squares of large numbers overflow
	}
	between := autocovariance(around, 0)
	count := float64(spans)
	return square(scale) * between / (count - 1), autocovariance(around, 1)/between + 1/count
}

// spanMeans returns the means of so many spans of a series.
func spanMeans(x []float64, spans int) []float64 {
	means := make([]float64, spans)
	for i := range means {
		means[i] = average(x[i*len(x)/spans : (i+1)*len(x)/spans])
	}
	return means
}

// byBlocks returns the variance of the mean of a series that circular blocks of a length show.
func byBlocks(x []float64, length int) float64 {
	c := cumulate(x)
	n, sum := len(x), 0.0
	scale := largest(x)
	if scale == 0 {
		return 0
	}
	for from := range n {
		end := from + length
		s := c[min(end, n)] - c[from]
		if end > n {
			s += c[end-n]
		}
		sum += square(s / scale)
	}
	return square(scale) * sum / float64(n) / float64(n) / float64(length)
}

// allowFor makes blocks tell of a series, about the mean of each stage, at least what its long spans do. A straight
// rise of a series that drifts is no chance.
func (b blocks) allowFor(x []float64) blocks {
	if len(x) < 2*leastSpans*leastSpan {
		return b
	}
	short := byBlocks(x, min(b.length, len(x))) * square(b.widen)
	if b.drifts {
		x = detrended(x)
	}
	long := spreadOf(x)
	if short > 0 && long.variance > short {
		b.widen *= math.Sqrt(long.variance / short)
		b.count = min(b.count, long.spans)
	}
	return b
}

// detrended returns a series about the straight line that is nearest to it.
func detrended(x []float64) []float64 {
	at := make([]float64, len(x))
	for i := range at {
		at[i] = float64(i)
	}
	level, slope := stat.LinearRegression(at, x, nil, false)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - level - slope*at[i]
	}
	return out
}

// above returns 1 for each value above a percentile and 0 for the others, about their mean in each stage. The
// percentile is lowered to have leastAbove values above it, and raised likewise: fewer do not show in what clusters
// they come.
func above(s series, sorted []float64, p float64) []float64 {
	n := len(s.values)
	rank := int(p / 100 * float64(n))
	rank = max(min(rank, n-1-leastAbove), min(leastAbove, n-1), 0)
	limit := sorted[rank]
	x := make([]float64, n)
	for i, v := range s.values {
		if v > limit {
			x[i] = 1
		}
	}
	return centred(x, s.ends)
}

// leastAbove is how many requests show the size of clusters.
const leastAbove = 15

// drifts reports whether a series has no level about which it varies: each of twenty spans of it is like the one
// before, with a correlation above 1/2. That holds for one series in a hundred whose spans are independent, so the
// spans must also vary by more than chance lets means of single values vary.
func drifts(s series) bool {
	if len(s.values) < 5*growthSpans {
		return false
	}
	const chance = 3 // 19 independent spans vary by so much in one series of a hundred thousand
	x := centred(s.values, s.ends)
	variance, correlation := betweenSpans(x, growthSpans)
	return variance > chance*byBlocks(x, 1) && correlation-1./growthSpans > 0.5
}

// growth is by how much the mean of a series rises from a twentieth of it to the next.
type growth struct {
	value, error float64
}

const growthSpans = 20

// growthOf returns the growth of a series that drifts. What such a series is at the end is the sum of all its changes;
// these, and not its values, are independent of each other, so they tell how much of it is chance: of a random walk
// with or without a trend.
func growthOf(s series) growth {
	if len(s.values) < growthSpans {
		return growth{}
	}
	means := spanMeans(centred(s.values, s.ends), growthSpans)
	steps := make([]float64, growthSpans-1)
	for i := range steps {
		steps[i] = means[i+1] - means[i]
	}
	return growth{average(steps), deviation(steps) / math.Sqrt(float64(len(steps)))}
}

// outgrows returns how likely the growth of two equal series differs by so much, in the direction of the change of
// their values.
func outgrows(a, b estimate) float64 {
	d, v := b.growth.value-a.growth.value, square(a.growth.error)+square(b.growth.error)
	if !(v > 0) || (d > 0) != (b.value > a.value) {
		return 1
	}
	const freedom = growthSpans - 2 // of one side, lest a quiet one adds any
	return math.Erfc(unstudent(math.Abs(d)/math.Sqrt(v), freedom) / math.Sqrt2)
}
