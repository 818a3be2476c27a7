package convert

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Load is what a stage asks of the load generator, and what came of it. Rates are requests per second.
type Load struct {
	Scenario string   `json:"scenario"`
	Stage    int      `json:"stage"`
	Unit     string   `json:"unit,omitempty"` // what is asked for, Sessions or Iterations; else requests
	Asked    *Float   `json:"asked_rate"`     // nil: no rate is asked for, as in a closed loop, or it is unknown
	From     *float64 `json:"asked_from_rate,omitempty"`
	To       *float64 `json:"asked_to_rate,omitempty"` // of a ramp
	AtATime  *int64   `json:"at_a_time"`               // concurrency of a closed loop; nil: it is none
	Seconds  *float64 `json:"planned_seconds,omitempty"`
	Done     *Float   `json:"done_rate"` // requests that succeeded; nil: unknown
}

// The units of a load whose arrivals are no requests.
const (
	Sessions   = "sessions"   // of a replay
	Iterations = "iterations" // some of which send several requests
)

// loadOf returns the load of the group within a stage.
func loadOf(g *subset, stage int) *Load {
	asked := g.run.StagePlan()[stage]
	l := &Load{Stage: stage, AtATime: asked.Concurrency, Seconds: asked.Duration}
	if len(g.sent) > 0 {
		l.Scenario = g.sent[0].Scenario
	}
	switch {
	case replays(g):
		l.Unit = Sessions
	case slices.ContainsFunc(g.sent, func(q *run.Request) bool { return q.Seq > 0 }):
		l.Unit = Iterations
	}
	if asked.Rate != nil && l.Unit != Sessions { // the rate of a replay is that of its sessions
		l.Asked = new(Float(asked.MeanRate()))
		if asked.From != nil && *asked.From != *asked.Rate {
			l.From, l.To = asked.From, asked.Rate
		}
	}
	l.Done = doneRate(g, asked.Concurrency != nil)
	return l
}

// replays reports whether the requests are calls of replayed sessions.
func replays(g *subset) bool { return len(g.all) > 0 && g.all[0].Replayed }

// doneRate returns how many requests per second succeeded, comparable with the sent rate: n ends lie n - 1 intervals
// apart. In a closed loop, whose requests end in bunches, it is their number over the time that they took, and in a
// whole stage whose rate changes their number over its duration.
func doneRate(g *subset, closed bool) *Float {
	if !hasTimes(g.run, g.ok) || g.time <= 0 {
		return nil
	}
	if duration, changes := g.changingStage(); changes {
		return new(Float(float64(len(g.ok)) / duration))
	}
	if closed || len(g.ok) < 2 {
		return new(Float(float64(len(g.ok)) / g.time))
	}
	first, last := ends(g.ok)
	if span := g.run.Seconds(last - first); span > 0 {
		return new(Float(float64(len(g.ok)-1) / span))
	}
	return nil
}

// ends returns the first and the last end of requests, of which there must be one at least.
func ends(requests []*run.Request) (first, last int64) {
	first, last = requests[0].End, requests[0].End
	for _, q := range requests {
		first, last = min(first, q.End), max(last, q.End)
	}
	return first, last
}
