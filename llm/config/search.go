package config

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// checkLoad applies the rules that hold between the stages, the sweep and the search, one of which makes the load. The
// arrivals of a search over a rate are Poisson unless the document says otherwise.
func (c *Config) checkLoad(at *tagged.Section) {
	if !at.Valid("load.type", "load.stages", "load.sweep", "x-llm") {
		return
	}
	over := c.Own.SearchOver()
	switch {
	case c.Own.Search == nil:
		if c.Load.Sweep == nil && c.Load.Stages.Len() == 0 && c.Own.Clock != TraceClock {
			at.Fault("load.stages", "%s", c.noLoad())
		}
		c.checkClock(at)
	case c.Load.Stages.Len() > 0:
		at.Fault("x-llm.search", "takes the place of load.stages: leave one of them out")
	case c.Load.Sweep != nil:
		at.Fault("x-llm.search", "takes the place of load.sweep: leave one of them out")
	case c.Own.Warmup != nil:
		at.Fault("x-llm.warmup", "is for stages, and x-llm.search finds the transient of each probe by itself: "+
			"leave it out")
	case !at.Given("load.type"):
		if over == "rate" {
			c.Load.Type = PoissonLoad
		}
	case over == "rate" && !slices.Contains([]LoadType{Constant, PoissonLoad}, c.Load.Type),
		over == "concurrency" && !slices.Contains([]LoadType{Constant, Concurrent}, c.Load.Type):
		at.Fault("load.type", "%q does not go with an x-llm.search over %s: leave it out", c.Load.Type, over)
	}
}

// noLoad says that there is no load, and what makes one.
func (c *Config) noLoad() string {
	switch {
	case c.Load.Type != TraceSessionReplay:
		return "is missing: give stages, or a sweep"
	case c.Data.Type == AgenticData:
		return "is missing: give stages, such as [{concurrent_sessions: 8}]"
	}
	return "is missing: give stages, such as [{concurrent_sessions: 8}], or x-llm: {clock: trace} " +
		"for the times of the trace"
}

// checkClock requires sessions for the options about their times.
func (c *Config) checkClock(at *tagged.Section) {
	if c.Load.Type == TraceSessionReplay {
		if c.Own.Clock == TraceClock && c.Data.Type == AgenticData {
			at.Fault("x-llm.clock", "needs a trace with times, and data.type %q is made up", c.Data.Type)
		}
		return
	}
	if c.Own.Clock != StageClock {
		at.Fault("x-llm.clock", "is for load.type %q, got %q", TraceSessionReplay, c.Load.Type)
	}
	if c.Own.Speed != nil {
		at.Fault("x-llm.speed", "is for load.type %q, got %q", TraceSessionReplay, c.Load.Type)
	}
}

// SearchOver returns what a search raises: rate, the default, or concurrency. It returns another text if the option is
// wrong, and "" without a search.
func (o Own) SearchOver() string {
	if o.Search != nil && o.Search["over"] == nil {
		return "rate"
	}
	return o.Search.Text("over") // what is no text is refused with the other options
}
