package convert

import (
	"cmp"
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

// benchmarkTime returns the time from the first start to the last end, in seconds, less what lies between the stages if
// the load that was sent there is left out. If the requests do not show it, it
// is the sum of the stages' durations that the tool states, provided that the requests are all requests of these
// stages. Otherwise it is unknown.
func benchmarkTime(r *run.Run, requests []*run.Request) float64 {
	switch {
	case hasTimes(r, requests) && leavesOutBetweenStages(r):
		return stagesTime(r, requests)
	case hasTimes(r, requests):
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

// leavesOutBetweenStages reports whether the load went on between the stages with requests that are in no figure: those
// of warm-ups, of stages that are left out, or outside steady parts.
func leavesOutBetweenStages(r *run.Run) bool {
	return r.WarmedUp() || r.Cut.StageWarmup > 0 || r.Cut.Stages != nil || r.Cut.Steady != nil
}

// stagesTime returns the seconds that lie within any stage's time, from its first start to its last end.
func stagesTime(r *run.Run, requests []*run.Request) float64 {
	var spans [][2]int64
	for _, part := range run.ByStage(r, requests) {
		span := [2]int64{part[0].Start, part[0].End}
		for _, q := range part {
			span = [2]int64{min(span[0], q.Start), max(span[1], q.End)}
		}
		spans = append(spans, span)
	}
	slices.SortFunc(spans, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	total, until := int64(0), int64(math.MinInt64)
	for _, span := range spans {
		if from := max(span[0], until); span[1] > from {
			total, until = total+span[1]-from, span[1]
		}
	}
	return r.Seconds(total)
}
