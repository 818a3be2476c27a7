package run

import (
	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
)

// Stated is what another tool says itself of a stage. It stands in for what the requests do not tell.
type Stated struct {
	Requests int      `json:"requests"` // that were read
	Seconds  *float64 `json:"seconds,omitempty"`
	Input    *int     `json:"input_tokens,omitempty"` // of the successes, as Output
	Output   *int     `json:"output_tokens,omitempty"`
}

// forgetStarts makes each request count from 0, and keeps what the tool states in place of what the starts would tell.
func (m *importer) forgetStarts(meta foreign.Meta) {
	r := m.run
	r.Untimed = true
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
		if q.EndUnknown && !q.Failed() {
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
	r.Stated, known = map[int]Stated{}, true
	for stage, part := range ByStage(r, r.Requests) {
		var s foreign.Stage
		if stage < len(meta.Stages) {
			s = meta.Stages[stage]
		}
		kept := Stated{Requests: len(part), Input: s.InputTotal, Output: s.OutputTotal}
		if s.Duration != nil && *s.Duration > 0 {
			kept.Seconds = s.Duration
		}
		r.Stated[stage] = kept
		known = known && kept.Seconds != nil
	}
	return known
}

func ByStage(r *Run, requests []*Request) map[int][]*Request {
	groups := map[int][]*Request{}
	for _, q := range requests {
		groups[int(q.Stage)] = append(groups[int(q.Stage)], q)
	}
	return groups
}
