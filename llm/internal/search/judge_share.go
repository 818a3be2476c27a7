package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// sample is what a window of requests tells of one objective.
type sample struct {
	findings []finding // of the requests that it judges, in the order of their due instants
	beside   []float64 // number of requests in flight when each was due
	kept     int
	unknown  int // requests whose answer may yet keep the objective or not
}

// effective returns to how many independent requests those of the sample amount for a bound with error alpha on the
// share, of which so much is needed.
//
// Requests that are over the bound come in clusters, one for each time that the queue is long, and a sample with few of
// them does not show how large the clusters are. So the design effect is the largest of several series: whether the
// requests keep the objective, and whether they would if the bound were so low that just the needed share does. If too
// few requests stand out for that, because none has to wait, the requests in flight when each was due take their
// place, which are the state of a queue even while nobody waits: what is a function of a state is no more correlated
// over time than the state at its most (Gebelein 1941).
func (s sample) effective(need, alpha float64) float64 {
	n := float64(len(s.findings))
	kept, margins := make([]float64, len(s.findings)), make([]float64, len(s.findings))
	for i, f := range s.findings {
		margins[i] = f.margin
		if f.kept {
			kept[i] = 1
		}
	}
	slow, some := high(margins, need)
	least := min(independent(n, kept, 0, alpha), independent(n, slow, 0, alpha))
	if !some {
		// No cluster has come yet, so what counts is how many could have. The design effect is the mean size of the
		// clusters, each weighed by its size; their plain mean, if sizes are geometric, is half of that and a half.
		busy, _ := high(s.beside, need)
		least = min(least, independent(n, busy, 0.5, alpha))
	}
	return least
}

// independent returns to how many independent values n values amount, by the design effect of a series of which a part
// is taken for 1. The design effect is an estimate. Korn & Graubard (1998) allow for this by the squared ratio of the
// normal's quantile to Student's with as many degrees of freedom as there are blocks, less one. Here there are no more
// of them than independent values.
func independent(n float64, series []float64, part, alpha float64) float64 {
	design, blocks := dependence(series)
	n /= part + (1-part)*design
	freedom := max(min(float64(blocks), n)-1, leastFreedom)
	ratio := distuv.UnitNormal.Quantile(1-alpha) / distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(1-alpha)
	return n * ratio * ratio
}

// high returns 1 for each value above a quantile of the values, and 0 for the others. Values equal to the quantile are
// above it if most of them are. It lowers the quantile to have leastHigh values above it, and returns false if there
// are not as many nevertheless, because values are equal.
func high(values []float64, quantile float64) (out []float64, some bool) {
	n := float64(len(values))
	rank := min(quantile, 1-leastHigh/n) * n
	sorted := slices.Sorted(slices.Values(values))
	limit := sorted[min(max(int(rank), 0), len(sorted)-1)]
	first, _ := slices.BinarySearch(sorted, limit)
	last, _ := slices.BinarySearch(sorted, math.Nextafter(limit, math.Inf(1)))
	count := len(sorted) - last
	equal := float64(first+last+1)/2 > rank
	if equal {
		count = len(sorted) - first
	}
	out = make([]float64, len(values))
	for i, v := range values {
		if v > limit || equal && v == limit {
			out[i] = 1
		}
	}
	return out, count >= leastHigh
}

// leastHigh is how many requests show the size of clusters.
const leastHigh = 15

// leastFreedom is the smallest number of degrees of freedom. Student's quantile is far out with it, so nothing is
// certain.
const leastFreedom = 1

// bounds returns bounds on the true share, each with error alpha. Requests whose fate is unknown count against the
// lower bound and for the upper one.
func (s sample) bounds(need, alpha float64) interval {
	if len(s.findings) == 0 {
		return interval{0, 1}
	}
	n := float64(len(s.findings) + s.unknown)
	effective := s.effective(need, alpha) * n / float64(len(s.findings))
	lower, _ := clopperPearson(float64(s.kept)/n, effective, alpha)
	_, upper := clopperPearson(float64(s.kept+s.unknown)/n, effective, alpha)
	return interval{lower, upper}
}

// clopperPearson returns the exact bounds of Clopper & Pearson (1934) on the probability of an event that made up a
// share of n independent trials, each with error alpha. n need not be an integer: Korn & Graubard (1998) take these
// bounds at the number of independent trials to which the dependent ones amount.
func clopperPearson(share, n, alpha float64) (lower, upper float64) {
	k := share * n
	lower, upper = 0, 1
	if !(n >= 1) {
		return lower, upper
	}
	if share > 0 {
		lower = distuv.Beta{Alpha: k, Beta: n - k + 1}.Quantile(alpha)
	}
	if share < 1 {
		upper = distuv.Beta{Alpha: k + 1, Beta: n - k}.Quantile(1 - alpha)
	}
	return lower, upper
}

// The variance of a mean is estimated from 64 blocks if their means look independent, from 8 if they do not. At least
// leastSize requests make a block if there are more than 8.
const (
	mostBlocks, leastBlocks = 64, 8
	leastSize               = 8
	// Means of blocks with a higher correlation than nearlyNone are not taken for independent. mostCorrelation bounds
	// what is corrected for.
	nearlyNone, mostCorrelation = 0.25, 0.9
)

// dependence returns the design effect of a series, at least 1, and the number of blocks that it was estimated from.
func dependence(series []float64) (design float64, blocks int) {
	for blocks = mostBlocks; blocks > leastBlocks; blocks /= 2 {
		if len(series) < blocks*leastSize {
			continue
		}
		if d, correlation := designEffect(series, blocks); correlation <= nearlyNone {
			return max(d, 1), blocks
		}
	}
	blocks = min(leastBlocks, len(series))
	design, _ = designEffect(series, blocks)
	return max(design, 1), blocks
}

// designEffect returns by how much the variance of the mean of a series exceeds that of as many independent values. It
// cuts the series into blocks (batch means, Schmeiser 1982). What correlation may be left between the means of
// neighbouring blocks, by an upper estimate, is taken for that of an autoregressive process, as in ASAP3 (Steiger et
// al. 2005).
func designEffect(series []float64, blocks int) (design, correlation float64) {
	size := len(series) / blocks
	series = series[len(series)-size*blocks:]
	_, within := moments(series)
	means := make([]float64, blocks)
	for i := range means {
		means[i], _ = moments(series[i*size : (i+1)*size])
	}
	mean, between := moments(means)
	if within == 0 || between == 0 {
		return 1, 0
	}
	sum := 0.0
	for i := 1; i < blocks; i++ {
		sum += (means[i] - mean) * (means[i-1] - mean)
	}
	count := float64(blocks)
	correlation = sum/((count-1)*between) + 1/count // which independent means fall short of zero by
	correlation = min(max(correlation+0.5/math.Sqrt(count), 0), mostCorrelation)
	return float64(size) * between / within * (1 + correlation) / (1 - correlation), correlation
}

// moments returns the mean of the values and their variance.
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(max(len(values)-1, 1))
}

// decide compares bounds of the true share with the one that is needed.
func decide(o slo.Objective, lower, upper float64) (passes, fails bool) {
	need := needed(o)
	passes = lower > need || lower == need && !o.Strict
	fails = upper < need || upper == need && o.Strict
	return passes, fails
}
