package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// PlanSample is what a run tells of an objective for the plan of another.
type PlanSample struct {
	Requests int     // that the objective was judged by
	Of       int     // of so many of the run
	Value    float64 // percentile, or share that does not keep the objective; NaN or infinite without one
	// Sigma is the standard deviation of the logarithm of log-normal latencies that are like those near the percentile;
	// Far means that few of the run's are. Both are of objectives on one latency.
	Sigma float64
	Known bool // Sigma
	Far   bool
	// Effect is by how much dependence between requests multiplies the variance of a share of them.
	Effect float64
}

// SampleForPlan returns what a run tells of an objective.
func SampleForPlan(r *run.Run, objective slo.Objective) PlanSample {
	g := judge{newSubset(r, run.Sent(r), Options{}, nil)}
	o := given(objective)
	var values, missed []float64 // in the order of the starts
	for _, q := range g.of.all {
		bounds := o.bounds(q)
		if bounds == nil || unfinished(q) || q.LeftOut && o.Kind != slo.Failures || !bearOn(q, bounds) {
			continue
		}
		value, kept, known := math.Inf(1), false, true
		if !q.Failed() {
			if kept, known = g.keeps(q, bounds); known && o.onOneLatency() {
				value, _ = g.latency(q, bounds[0].Latency)
			}
		}
		if known {
			values, missed = append(values, value), append(missed, 1-float64(countOf(kept)))
		}
	}
	s := PlanSample{Requests: len(values), Of: len(g.of.all), Value: math.NaN(), Effect: designEffect(missed)}
	switch {
	case len(values) == 0:
	case o.onOneLatency():
		s.addPercentile(values, o.Share)
	default:
		s.Value = 0
		for _, m := range missed {
			s.Value += m / float64(len(missed))
		}
	}
	return s
}

// onOneLatency reports whether the objective is on a percentile of a latency.
func (o objective) onOneLatency() bool {
	return o.Kind != slo.Failures && len(o.Bounds) == 1 && o.Share < 1
}

func countOf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// designEffect returns by how much dependence multiplies the variance of the mean of a series.
func designEffect(series []float64) float64 {
	if len(series) == 0 {
		return 1
	}
	effect, _ := quantile.DesignEffect(series)
	return effect
}

// leastSlow is how many requests show in what clusters slow ones come.
const leastSlow = 15

// addPercentile adds a percentile of latencies, which are infinite for failed requests.
func (s *PlanSample) addPercentile(values []float64, p float64) {
	sorted := slices.Sorted(slices.Values(values))
	s.Value = rank.Nearest(sorted, p)
	limit := sorted[max(0, min(int(p*float64(len(sorted))), len(sorted)-1-leastSlow))]
	slow := make([]float64, len(values))
	for i, v := range values {
		slow[i] = float64(countOf(v > limit))
	}
	s.Effect = designEffect(slow)
	end, _ := slices.BinarySearch(sorted, math.Inf(1))
	s.Sigma, s.Far, s.Known = quantile.LocalSigma(sorted[:end], p)
}

// MeanLatency returns the mean latency of a run's successes in seconds, 0 if it has none.
func MeanLatency(r *run.Run) float64 {
	g := newSubset(r, run.Sent(r), Options{}, nil)
	sum := 0.0
	for _, q := range g.ok {
		sum += requestLatency(g, q)
	}
	if len(g.ok) == 0 || !(sum > 0) {
		return 0
	}
	return sum / float64(len(g.ok))
}
