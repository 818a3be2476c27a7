package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
)

// stated is what another tool says itself of a stage. It stands in for what the requests do not tell.
type stated struct {
	Requests int      `json:"requests"` // that were read
	Seconds  *float64 `json:"seconds,omitempty"`
	Input    *int     `json:"input_tokens,omitempty"` // of the successes, as Output
	Output   *int     `json:"output_tokens,omitempty"`
}

// Untimed says whether nobody knows when the requests were sent, so that the run has no course in time.
func (r *Run) Untimed() bool { return r.untimed }

// timed says whether requests tell how long they took together: their starts are known, and the ends of all successes.
func (r *Run) timed(requests []*Request) bool {
	return !r.untimed && !slices.ContainsFunc(requests, func(q *Request) bool { return q.endless && !q.Failed() })
}

// duration is the time from the first start to the last end, in seconds. Where the requests do not tell it, it is that
// which the tool states: of the stages together, if the requests are all of theirs; else unknown.
func (r *Run) duration(requests []*Request) float64 {
	if r.timed(requests) {
		return r.span(requests)
	}
	total := 0.0
	for stage, part := range r.byStage(requests) {
		s := r.stated[stage]
		if s.Seconds == nil || s.Requests != len(part) {
			return unknown
		}
		total += *s.Seconds
	}
	return total
}

// orStated replaces totals of tokens that are unknown by those the tool states. Where the group's time is unknown
// they are of no use.
func (g *group) orStated(in, out float64) (float64, float64) {
	statedIn, statedOut := 0.0, 0.0
	for stage := range g.run.byStage(g.all) {
		s := g.run.stated[stage]
		statedIn, statedOut = statedIn+floatOf(s.Input), statedOut+floatOf(s.Output)
	}
	if math.IsNaN(in) {
		in = statedIn
	}
	if math.IsNaN(out) {
		out = statedOut
	}
	return in, out
}

func floatOf(n *int) float64 {
	if n == nil {
		return unknown
	}
	return float64(*n)
}

// forgetStarts makes each request count from 0, and keeps what the tool states in place of what the starts would tell.
func (m *importer) forgetStarts(meta foreign.Meta) {
	r := m.run
	r.untimed = true
	for _, q := range r.Requests {
		q.End, q.Due, q.Attempt, q.Start = q.End-q.Start, q.Due-q.Start, q.Attempt-q.Start, 0
	}
	if m.keepStated(meta) {
		r.remark("%s: it has no start times: throughput is by the duration that it states, and figures over time "+
			"cannot be known", m.name)
	} else {
		r.remark("%s: it has no start times, and states no duration: throughput and figures over time cannot be known",
			m.name)
	}
}

// forgetSpan keeps what the tool states where successes have no end, so that nobody knows the last one.
func (m *importer) forgetSpan(meta foreign.Meta) {
	r, endless := m.run, 0
	for _, q := range r.Requests {
		if q.endless && !q.Failed() {
			endless++
		}
	}
	switch {
	case endless == 0:
	case m.keepStated(meta):
		r.remark("%s: %d successes have no end: benchmark time and throughput are by the duration that it states",
			m.name, endless)
	default:
		r.remark("%s: %d successes have no end, and it states no duration: benchmark time and throughput cannot be "+
			"known", m.name, endless)
	}
}

// keepStated keeps what the tool states of each stage, and says whether it states the durations of all.
func (m *importer) keepStated(meta foreign.Meta) (known bool) {
	r := m.run
	r.stated, known = map[int]stated{}, true
	for stage, part := range r.byStage(r.Requests) {
		var s foreign.Stage
		if stage < len(meta.Stages) {
			s = meta.Stages[stage]
		}
		kept := stated{Requests: len(part), Input: s.InputTotal, Output: s.OutputTotal}
		if s.Duration != nil && *s.Duration > 0 {
			kept.Seconds = s.Duration
		}
		r.stated[stage] = kept
		known = known && kept.Seconds != nil
	}
	return known
}
