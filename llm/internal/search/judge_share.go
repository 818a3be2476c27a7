package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
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
	design, blocks := quantile.DesignEffect(series)
	n /= part + (1-part)*design
	freedom := max(min(float64(blocks), n)-1, leastFreedom)
	ratio := distuv.UnitNormal.Quantile(1-alpha) / distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(1-alpha)
	return n * ratio * ratio
}

// high returns 1 for each value above a quantile of the values, and 0 for the others. Values equal to the quantile are
// above it if most of them are. It lowers the quantile to have leastHigh values above it, and returns false if there
// are not as many nevertheless, because values are equal.
func high(values []float64, p float64) (out []float64, some bool) {
	n := float64(len(values))
	rank := min(p, 1-leastHigh/n) * n
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

// decide compares bounds of the true share with the one that is needed.
func decide(o slo.Objective, lower, upper float64) (passes, fails bool) {
	need := needed(o)
	passes = lower > need || lower == need && !o.Strict
	fails = upper < need || upper == need && o.Strict
	return passes, fails
}
