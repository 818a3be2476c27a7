package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// Gate is what became of an objective that the whole run must keep: whether its requests kept it, and what that says
// of others like them.
type Gate struct {
	Judgement
	Status gate.Status `json:"status"`
	// Reason says in one line what was measured, and of an inconclusive gate what would decide it.
	Reason   string        `json:"reason"`
	Interval *GateInterval `json:"interval"` // of the value; null if no request was judged
	Power    *GatePower    `json:"power"`    // null if so few requests tell nothing, and of gates on each request
	// Needs is of how many requests an inconclusive gate would be decided, with the chance of the power, if what was
	// measured is so; null for others, and if it lies on the bound.
	Needs *int64 `json:"needs_requests"`
	// Design is by how much dependence between requests multiplies the variance of the share that is over the bound.
	Design *Float `json:"design_effect"`

	could string // see, in words; "" for a gate that has an answer
}

// GateInterval is the confidence interval of a value. An end is null where there are too few requests for it, or where
// it is a request that failed.
type GateInterval struct {
	Low   *Float `json:"low"`
	High  *Float `json:"high"`
	Level Float  `json:"level"` // of this gate, with the others together at 0.95
}

// GatePower tells what a gate could have seen with a probability: it answers PASS if no more than a share of all
// requests is over the bound, and FAIL from another on; null if so few requests cannot tell.
type GatePower struct {
	Probability Float  `json:"probability"`
	PassesTo    *Float `json:"passes_to"`
	FailsFrom   *Float `json:"fails_from"`
}

// judgedSeries holds what an objective judged, in the order of the starts.
type judgedSeries struct {
	starts []int64
	values []float64 // the latency, infinite for a failure; 0 without one
	kept   []bool
}

func (s *judgedSeries) add(q *run.Request, value float64, kept bool) {
	if s != nil {
		s.starts, s.values, s.kept = append(s.starts, q.Start), append(s.values, value), append(s.kept, kept)
	}
}

// gatesOf judges a run by gates, which are asked together.
func gatesOf(g judge, list []objective) []Gate {
	out := make([]Gate, len(list))
	samples := make([]gateSample, len(list))
	asked := make([]func(float64) gate.Status, len(list))
	for i, o := range list {
		s := &judgedSeries{}
		out[i].Judgement, _ = g.judged(o, s)
		samples[i] = newGateSample(g, o, out[i].Judgement, s)
		asked[i] = samples[i].status
	}
	for i, answer := range gate.Decide(gate.Level, asked) {
		out[i].settle(samples[i], answer)
	}
	return out
}

// gateSample is what a gate is judged by.
type gateSample struct {
	objective
	share      gate.Share // that is over the bound
	most       float64    // of it that keeps the objective
	percentile *gate.Percentile
	allFailed  bool
	judged     Judgement
}

func newGateSample(g judge, o objective, j Judgement, s *judgedSeries) gateSample {
	x := gateSample{objective: o, judged: j, most: 1 - o.Share, allFailed: j.Failed+j.Dropped == j.Requests}
	if o.Kind == slo.Failures {
		x.most = o.Share
	}
	if x.most < 1e-12 { // what 1 − 0.99… leaves of nothing
		x.most = 0
	}
	s.addDropped(g.of, j.Dropped)
	s.sort()
	x.share = gate.Share{Over: j.Requests - j.Kept, Requests: j.Requests}
	if !o.single() {
		x.share.Design = s.design()
		return x
	}
	memory := memoryOf(g.of)
	if o.partial { // of the requests of the whole run, of which so many lie between two of these
		memory = 1 + (memory-1)*min(1, float64(len(s.values))/float64(max(len(g.of.all), 1)))
	}
	x.percentile = s.percentile(1-x.most, memory)
	x.share.Design = x.percentile.Series.Interval(1-x.most, gate.Level).Design
	return x
}

// percentile returns that of the latencies, as the [Certainty] of a distribution has it.
func (s *judgedSeries) percentile(share, memory float64) *gate.Percentile {
	sorted, largest := slices.Sorted(slices.Values(s.values)), math.NaN()
	if len(sorted) > 0 {
		largest = sorted[len(sorted)-1]
	}
	at := func(rank int) float64 { return sorted[rank] }
	return &gate.Percentile{Series: quantile.NewSeries(s.values, at, memory), Largest: largest, Share: share}
}

// addDropped adds so many arrivals that were dropped, at the instants when they were due. Those of which no instant is
// known are taken for the last, which is as much in a row as they can be.
func (s *judgedSeries) addDropped(g *subset, left int) {
	for _, d := range g.run.Dropped {
		due := int64(math.MaxInt64)
		if d.Due != nil {
			due = *d.Due
		}
		for range min(d.Count, int64(left)) {
			s.starts, s.values, s.kept = append(s.starts, due), append(s.values, math.Inf(1)), append(s.kept, false)
			left--
		}
	}
}

// sort puts what was judged in the order of the starts.
func (s *judgedSeries) sort() {
	order := make([]int, len(s.starts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.starts[a], s.starts[b]) })
	sorted := judgedSeries{make([]int64, len(order)), make([]float64, len(order)), make([]bool, len(order))}
	for i, at := range order {
		sorted.starts[i], sorted.values[i], sorted.kept[i] = s.starts[at], s.values[at], s.kept[at]
	}
	*s = sorted
}

// design returns by how much dependence multiplies the variance of the share that is over the bounds.
func (s *judgedSeries) design() float64 {
	over := make([]float64, len(s.kept))
	for i, kept := range s.kept {
		if !kept {
			over[i] = 1
		}
	}
	return compare.Design(over)
}

// status answers a gate at a level. A run without requests, or of which every request failed, keeps nothing.
func (x gateSample) status(level float64) gate.Status {
	switch {
	case x.judged.Requests == 0 || x.allFailed && x.most < 1:
		return gate.Fail
	case x.percentile != nil:
		return x.percentile.Status(x.Bounds[0].Keeps, level)
	case x.Strict && x.judged.Outcome == slo.Broken && (x.most <= 0 || x.most >= 1):
		return gate.Fail
	}
	return x.share.Status(x.most, level)
}

// settle sets the answer of a gate, and what it rests on.
func (g *Gate) settle(x gateSample, answer gate.Answer) {
	g.Status = answer.Status
	if g.Reason = g.Observed; g.Requests == 0 {
		return
	}
	g.Design = new(Float(max(x.share.Design, 1)))
	g.Interval = x.interval(answer.Level)
	passes, fails := x.share.Sees(x.most, answer.Level)
	if !math.IsNaN(passes) || !math.IsNaN(fails) {
		g.Power = &GatePower{Probability: gate.Power, PassesTo: finiteFloat(passes), FailsFrom: finiteFloat(fails)}
	}
	g.Reason += x.intervalText(answer.Level) + fmt.Sprintf(" of %s requests", countText(g.Requests))
	if g.Status != gate.Inconclusive {
		return
	}
	g.could = x.could(g.Requests, g.Power)
	needs := x.share.Needs(x.most, answer.Level)
	if x.percentile != nil { // and so many that the percentile has an interval
		needs = max(needs, float64(x.percentile.Series.Interval(x.percentile.Share, answer.Level).Needs))
	}
	if math.IsInf(needs, 0) {
		g.Reason += "; it lies on the bound, where no number of requests decides"
		return
	}
	needs = max(needs, float64(g.Requests+1))
	g.Needs = new(int64(needs))
	g.Reason += fmt.Sprintf("; some %s requests would decide it", roughly(needs))
}

// interval returns the interval of a gate's value.
func (x gateSample) interval(level float64) *GateInterval {
	i := &GateInterval{Level: Float(level)}
	if x.percentile != nil {
		low, high := x.percentile.Interval(level)
		i.Low, i.High = finiteFloat(low), finiteFloat(high)
		return i
	}
	low, high := x.share.Interval(level)
	if x.Kind != slo.Failures { // the value is the share that keeps the bounds
		low, high = 1-high, 1-low
	}
	i.Low, i.High = new(Float(low)), new(Float(high))
	return i
}

// intervalText writes the interval behind the value: [431, 562]. Where failures decide a percentile, the interval is
// that of the share over the bound.
func (x gateSample) intervalText(level float64) string {
	if x.percentile == nil || x.judged.Value == nil {
		low, high := x.share.Interval(level)
		text := fmt.Sprintf("[%s, %s]", sharePercent(low), sharePercent(high))
		if x.Kind == slo.Failures {
			return " " + text
		}
		return "; " + text + " are over the bound,"
	}
	low, high := x.percentile.Interval(level)
	latency := x.Bounds[0].Latency
	return fmt.Sprintf(" [%s, %s]", endText(latency, low, "?"), endText(latency, high, "?"))
}

// endText writes an end of an interval without its unit.
func endText(latency string, v float64, unknown string) string {
	switch {
	case math.IsNaN(v):
		return unknown
	case math.IsInf(v, 0):
		return "a failure"
	case slo.IsFactor(latency):
		return Digits(v)
	}
	return Digits(1000 * v)
}

// sharePercent writes a share of the requests.
func sharePercent(share float64) string { return Digits(100*share) + " %" }

// roughly writes a count with two digits: some 2,900.
func roughly(n float64) string {
	scale := math.Pow(10, max(0, math.Floor(math.Log10(n))-1))
	return countText(int(math.Ceil(n/scale) * scale))
}

// countText writes a count.
func countText(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return Digits(float64(n))
}

// finiteFloat returns nil for what no JSON has.
func finiteFloat(v float64) *Float {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return new(Float(v))
}

// Sentence returns the gate, its answer and the reason in one line.
func (g Gate) Sentence() string { return fmt.Sprintf("%s: %s: %s", g.Objective, g.Status, g.Reason) }
