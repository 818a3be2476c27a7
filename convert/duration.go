package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// hasTimes reports whether the requests show how long they took together: their starts are known, and so are the ends
// of all successes.
func hasTimes(r *run.Run, requests []*run.Request) bool {
	return !r.Untimed && !slices.ContainsFunc(requests, func(q *run.Request) bool {
		return q.EndUnknown && !q.Failed()
	})
}

// benchmarkTime returns the time from the first start to the last end, in seconds. If the requests do not show it, it
// is the sum of the stages' durations that the tool states, provided that the requests are all requests of these
// stages. Otherwise it is unknown.
func benchmarkTime(r *run.Run, requests []*run.Request) float64 {
	if hasTimes(r, requests) {
		return timeSpan(r, requests)
	}
	total := 0.0
	for stage, part := range run.ByStage(r, requests) {
		s := r.Stated[stage]
		if s.Seconds == nil || s.Requests != len(part) {
			return unknown
		}
		total += *s.Seconds
	}
	return total
}

// orStated replaces unknown totals of tokens by the totals that the tool states. They are of no use if the group's time
// is unknown.
func (g *subset) orStated(in, out float64) (float64, float64) {
	statedIn, statedOut := 0.0, 0.0
	for stage := range run.ByStage(g.run, g.all) {
		s := g.run.Stated[stage]
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
