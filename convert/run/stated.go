package run

import (
	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
)

// Stated holds what another tool reports for a stage. It replaces what the requests do not show.
type Stated struct {
	Requests int      `json:"requests"` // the number of requests read
	Seconds  *float64 `json:"seconds,omitempty"`
	Input    *int     `json:"input_tokens,omitempty"` // Input and Output count the successes only
	Output   *int     `json:"output_tokens,omitempty"`
}

// forgetStarts moves the start of each request to 0, and keeps the figures that the tool reports, because they cannot
// be computed without starts.
func (m *importer) forgetStarts(meta foreign.Meta) {
	r := m.run
	r.Untimed = true
	for _, q := range r.Requests {
		q.End, q.Due, q.Start = q.End-q.Start, q.Due-q.Start, 0
	}
	if m.keepStated(meta) {
		r.remark("%s: it has no start times: throughput is by the duration that it states, and figures over time "+
			"cannot be known", m.name)
	} else {
		r.remark("%s: it has no start times, and states no duration: throughput and figures over time cannot be known",
			m.name)
	}
}

// forgetSpan keeps the figures that the tool reports if successes have no end, because the end of the run is then
// unknown.
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

// keepStated keeps the figures that the tool reports for each stage, and reports whether it has the durations of all
// stages.
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

// ByStage groups requests by their stages, in the given order.
func ByStage(r *Run, requests []*Request) map[int][]*Request {
	counts, groups := map[int]int{}, map[int][]*Request{}
	for _, q := range requests {
		counts[int(q.Stage)]++
	}
	if len(counts) == 1 {
		return map[int][]*Request{int(requests[0].Stage): requests}
	}
	for stage, n := range counts {
		groups[stage] = make([]*Request, 0, n)
	}
	for _, q := range requests {
		groups[int(q.Stage)] = append(groups[int(q.Stage)], q)
	}
	return groups
}
