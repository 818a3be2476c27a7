package compare

import (
	"math"
	"slices"
	"sort"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// askPercentile adds to a percentile the questions of gates that bound its value in NEW. A failed request is slower
// than any, as in the gates of a report: a server that fails where it would be slow does not pass.
func (s scope) askPercentile(m *Metric, q quantity, id metricID, f figure, o Options) {
	for _, g := range o.Gates {
		if !g.kept || g.kind != absolute || g.metric != id || !id.isPercentile() {
			continue
		}
		if m.questions == nil {
			m.questions = map[string]*question{}
		}
		m.questions[g.text] = s.percentileQuestion(q, g, f)
	}
}

func (s scope) percentileQuestion(q quantity, g Gate, f figure) *question {
	var values []float64 // infinite for failures
	design, memory, shares := 1.0, 1.0, []float64(nil)
	over := func(v float64) bool { return v >= g.bound }
	for _, r := range s.fresh {
		all := r.gather(r.having(q).order, r.withFailures(q), nil)
		if len(all.values) == 0 {
			continue
		}
		flags := make([]float64, len(all.values))
		for i, v := range all.values {
			if flags[i] = 0; over(v) {
				flags[i] = 1
			}
			if v == failure {
				v = math.Inf(1)
			}
			values = append(values, v)
		}
		shares = append(shares, average(flags))
		design = max(design, Design(flags), DesignAbove(all.values, g.metric.percentile))
		memory = r.memory()
	}
	share := id100(g.metric.percentile)
	sorted := slices.Sorted(slices.Values(values))
	asked := &question{gate: g, unit: q.unit, value: f.value, requests: len(values)}
	if len(shares) == 1 { // as the gate of a report
		one := quantile.NewSeries(values, func(rank int) float64 { return sorted[rank] }, memory)
		design = one.Interval(share, gate.Level).Design
		asked.ends = gate.Percentile{Series: one, Share: share}.Interval
		asked.least = func(level float64) float64 { return float64(one.Interval(share, level).Needs) }
	} else {
		design = max(design, designBetween(shares, len(values)))
		asked.ends = func(level float64) (low, high float64) { return ends(sorted, share, level, design) }
	}
	at := sort.Search(len(sorted), func(i int) bool { return over(sorted[i]) })
	asked.share, asked.most = &gate.Share{Over: len(sorted) - at, Requests: len(sorted), Design: design}, 1-share
	if !g.above { // the percentile is to be above the bound: what is not over it counts
		asked.share.Over, asked.most = at, share
	}
	if f.replicates > 0 {
		asked.runs = f.runs
	}
	return asked
}

// ends returns the values between which a percentile of several runs lies, NaN where there are too few requests.
func ends(sorted []float64, share, level, design float64) (low, high float64) {
	low, high = math.NaN(), math.NaN()
	from, to := quantile.Ranks(len(sorted), share, level, design)
	if from >= 0 {
		low = sorted[from]
	}
	if to < len(sorted) {
		high = sorted[to]
	}
	return low, high
}

// memory returns how much the requests depend on those before them, by the two figures that show how busy the server
// is.
func (r *run) memory() float64 {
	var first, latency []float64
	for _, i := range r.order {
		if q := &r.requests[i]; !q.Failed {
			if finite(q.TTFT) {
				first = append(first, q.TTFT)
			}
			if finite(q.Latency) {
				latency = append(latency, q.Latency)
			}
		}
	}
	return max(quantile.Memory(first), quantile.Memory(latency))
}

func id100(percentile float64) float64 { return math.Round(percentile*1e9) / 1e11 }

// failure stands for the latency of a failed request in a series, which holds finite values alone.
const failure = math.MaxFloat64

// withFailures returns a latency, or failure.
func (r *run) withFailures(q quantity) func(*Request, int) float64 {
	return func(req *Request, _ int) float64 {
		if req.Failed && !q.ofFailed {
			return failure
		}
		return q.latency(req)
	}
}

// designBetween returns by how much the shares of several runs vary more than those of independent requests would.
func designBetween(shares []float64, n int) float64 {
	mean := average(shares)
	if len(shares) < 2 || mean <= 0 || mean >= 1 {
		return 1
	}
	d := square(deviation(shares)) / float64(len(shares)) / (mean * (1 - mean) / float64(n))
	// The variance is from few runs, so Student's t takes the place of the normal, as of all intervals of runs.
	return d * square(student(1.96, float64(len(shares)-1))/1.96)
}

// Design returns by how much dependence multiplies the variance of the share of ones among zeros and ones, in the order
// of their requests: what blocks of neighbours show, and long spans. It is an estimate from few of them, so Student's t
// takes the place of the normal (Korn and Graubard, Survey Methodology 24, 1998).
func Design(flags []float64) float64 {
	n, share := len(flags), average(flags)
	if n < 4 || share <= 0 || share >= 1 {
		return 1
	}
	s := series{values: flags, ends: []int{n}}
	x := centred(flags, s.ends)
	b := chooseBlocks(s, nil).allowFor(x)
	design := byBlocks(x, min(b.length, n)) * square(b.widen) / (share * (1 - share) / float64(n))
	freedom := max(b.count-1, 1)
	const usual = 1.96
	return max(1, design*square(student(usual, freedom)/usual))
}

// DesignAbove is that of the values above a percentile of theirs. It shows in what clusters slow requests come even if
// none of them is over a bound.
func DesignAbove(values []float64, percentile float64) float64 {
	if len(values) < 2*leastAbove {
		return 1
	}
	s := series{values: slices.Clone(values), ends: []int{len(values)}}
	for i, v := range s.values {
		s.values[i] = min(v, failure)
	}
	x := above(s, slices.Sorted(slices.Values(s.values)), percentile)
	for i, v := range x {
		x[i] = 0
		if v > 0 {
			x[i] = 1
		}
	}
	return Design(x)
}
