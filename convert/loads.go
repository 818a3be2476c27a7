package convert

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// severalLoads reports whether the successes of a group were sent under loads that differ: in stages of which one asks
// for another rate or concurrency than the rest of its scenario, in a ramp, or in scenarios that follow each other.
func severalLoads(g *subset) bool {
	if g.loads == nil {
		g.loads = new(differentLoads(g))
	}
	return *g.loads
}

func differentLoads(g *subset) bool {
	type span struct{ first, last int64 }
	scenarios := map[string]span{} // of the starts
	loads := map[string]map[any]bool{}
	plan := g.run.StagePlan()
	stage, scenario := math.MinInt32, ""
	var times span
	for _, q := range g.ok {
		if int(q.Stage) == stage && q.Scenario == scenario {
			times = span{min(times.first, q.Start), max(times.last, q.Start)}
			scenarios[scenario] = times
			continue
		}
		stage, scenario = int(q.Stage), q.Scenario
		var known bool
		if times, known = scenarios[scenario]; !known {
			times = span{q.Start, q.Start}
			loads[scenario] = map[any]bool{}
		}
		times = span{min(times.first, q.Start), max(times.last, q.Start)}
		scenarios[scenario] = times
		load, constant := loadKey(plan, stage)
		if loads[scenario][load] = true; !constant || len(loads[scenario]) > 1 {
			return true
		}
	}
	begun, over := int64(math.MinInt64), int64(math.MaxInt64)
	for _, s := range scenarios {
		begun, over = max(begun, s.first), min(over, s.last)
	}
	return len(scenarios) > 1 && begun > over
}

// loadKey returns what two stages of one load have in common, and false for a stage whose load changes.
func loadKey(plan map[int]record.Stage, stage int) (key any, constant bool) {
	asked, known := plan[stage]
	if !known || asked.Rate == nil && asked.Concurrency == nil {
		return stage, true
	}
	of := struct {
		rate float64
		many int64
	}{-1, -1}
	if asked.Rate != nil {
		of.rate = *asked.Rate
	}
	if asked.Concurrency != nil {
		of.many = *asked.Concurrency
	}
	ramp, timed := asked.Ramp()
	return of, !timed || ramp.From == ramp.To
}
