package convert

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// hasTimes says whether requests tell how long they took together: their starts are known, and the ends of all
// successes.
func hasTimes(r *run.Run, requests []*run.Request) bool {
	return !r.Untimed && !slices.ContainsFunc(requests, func(q *run.Request) bool {
		return q.EndUnknown && !q.Failed()
	})
}

// benchmarkTime is the time from the first start to the last end, in seconds. Where the requests do not tell it, it is
// that which the tool states: of the stages together, if the requests are all of theirs; else unknown.
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

// orStated replaces totals of tokens that are unknown by those the tool states. Where the group's time is unknown
// they are of no use.
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
