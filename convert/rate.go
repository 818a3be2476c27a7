package convert

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// sentRate returns how many requests per second were sent, comparable with the requested rate: n arrivals lie n - 1
// intervals apart. For a whole stage whose rate changes it is the mean over the stage, as the requested rate is. It is
// nil if the starts do not show it.
func (g *subset) sentRate() *Float {
	if duration, ok := g.changingStage(); ok {
		return new(Float(float64(len(g.sent)) / duration))
	}
	if send := g.run.Seconds(g.sendSpan()); send > 0 {
		return new(Float(float64(len(g.sent)-1) / send))
	}
	return nil
}

// sendSpan returns the time from the first start to the last, in ticks.
func (g *subset) sendSpan() int64 {
	if len(g.sent) == 0 {
		return 0
	}
	first, last := g.sent[0].Start, g.sent[0].Start
	for _, q := range g.sent {
		first, last = min(first, q.Start), max(last, q.Start)
	}
	return last - first
}

// changingStage reports whether the group is a whole stage whose rate changes, and the planned duration of that stage
// in seconds.
func (g *subset) changingStage() (duration float64, ok bool) {
	if len(g.sent) == 0 || g.run.Cut.Requests > 0 {
		return 0, false
	}
	stage := int(g.sent[0].Stage)
	plan := g.run.StagePlan()[stage]
	if plan.From == nil || plan.Rate == nil || *plan.From == *plan.Rate || plan.Duration == nil || *plan.Duration <= 0 {
		return 0, false
	}
	within := func(q *run.Request) bool { return int(q.Stage) == stage }
	if slices.ContainsFunc(g.sent, func(q *run.Request) bool { return !within(q) }) ||
		!isWholeStage(g.run, g.sent, stage) {
		return 0, false
	}
	return *plan.Duration, true
}
