package status

import (
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Position is the position of a request in the run.
type Position struct {
	Scenario string        // "" in setup and teardown
	Started  time.Time     // start of the scenario
	Stage    int           // number of the stage in the scenario, from 0; only if HasStage
	HasStage bool          // reports whether the executor names the stage; otherwise the clock decides
	Due      time.Time     // due instant of the arrival; zero if the executor names none
	Probe    *record.Stage // stage of a search, which the plan does not list; nil for others
	// returns the number of dropped arrivals of the scenario; nil if the executor does not count them
	Dropped func() int64
}

// schedule knows when the stages of the plan begin. k6 starts scenarios by the clock, so the start of one scenario
// determines the start of the others. Stages follow each other by the clock as well, except with an executor that waits
// between stages and names the stage of each request.
type schedule struct {
	scenarios []scenario
	stages    int  // number of stages of all scenarios
	warmups   int  // number of those that are warm-ups as a whole
	known     bool // reports whether a scenario has begun
}

// scenario is a scenario of the plan with the starts of its stages.
type scenario struct {
	record.Scenario
	hasStage bool
	began    []time.Time // start of each stage, which may lie in the future; zero if unknown
	dropped  func() int64
	probes   bool // it is a search, whose stages are added as they begin
}

func newSchedule(plan []record.Scenario) schedule {
	s := schedule{scenarios: make([]scenario, len(plan))}
	for i, p := range plan {
		p.Stages = slices.Clip(p.Stages) // the probes of a search are appended
		s.scenarios[i] = scenario{Scenario: p, began: make([]time.Time, len(p.Stages))}
		s.stages += len(p.Stages)
		for _, stage := range p.Stages {
			if stage.WarmsUp() {
				s.warmups++
			}
		}
	}
	return s
}

// observe updates the schedule by a request that is about to be sent. It returns the number of the request's stage in
// the run, or -1 if the plan has none for it.
func (s *schedule) observe(now time.Time, p Position) (stage int) {
	c := s.find(p.Scenario)
	if c == nil {
		return -1
	}
	if !s.known {
		s.begin(p.Started.Add(-seconds(c.StartAt)))
	}
	c.observe(now, p)
	return c.number(now, p)
}

// find returns the scenario of a name, and nil if the plan has none.
func (s *schedule) find(name string) *scenario {
	for i := range s.scenarios {
		if s.scenarios[i].Name == name {
			return &s.scenarios[i]
		}
	}
	return nil
}

// number returns the number in the run of the stage of a request.
func (c *scenario) number(now time.Time, p Position) int {
	at := p.Stage
	if !p.HasStage {
		at = c.running(now)
	}
	if at < 0 || at >= len(c.Stages) {
		return -1
	}
	return c.Stages[at].Index
}

// begin sets the starts of all stages, given the instant at which a scenario with StartAt 0 begins.
func (s *schedule) begin(zero time.Time) {
	s.known = true
	for i := range s.scenarios {
		c := &s.scenarios[i]
		at := zero.Add(seconds(c.StartAt))
		for k, stage := range c.Stages {
			c.began[k] = at
			if stage.Duration == nil {
				break // the start of the next stage depends on the server
			}
			at = at.Add(seconds(*stage.Duration))
		}
	}
}

func (c *scenario) observe(now time.Time, p Position) {
	if p.Dropped != nil {
		c.dropped = p.Dropped
	}
	if !p.HasStage {
		return
	}
	if !c.hasStage {
		c.hasStage = true
		clear(c.began)
	}
	if p.Probe != nil {
		c.add(p.Stage, *p.Probe)
	}
	switch {
	case p.Stage >= len(c.began) || !c.began[p.Stage].IsZero():
	case p.Stage == 0:
		c.began[0] = p.Started
	case p.Due.IsZero():
		c.began[p.Stage] = now
	default:
		c.began[p.Stage] = p.Due // nearer to the stage's start than now
	}
}

// running returns the index of the stage that began last, or -1 if none has begun.
func (c *scenario) running(now time.Time) int {
	for i := len(c.began) - 1; i >= 0; i-- {
		if at := c.began[i]; !at.IsZero() && !at.After(now) {
			return i
		}
	}
	return -1
}

// load is the load that the stages ask for in an interval.
type load struct {
	stage       int // number of the running stage among all stages, from 1; 0 before the first
	into        time.Duration
	rate        float64 // mean rate over the interval, of all instances together
	hasRate     bool    // reports whether a stage with a rate runs
	concurrency int64   // requests at a time of the stages without a rate
	probe       bool    // the stage is a probe of a search
	warmup      bool    // all of the stage is a warm-up
}

// between returns the load from one instant to another. Its stage is the stage that runs at the end. If several run, it
// is the stage that began last.
func (s *schedule) between(from, to time.Time) load {
	var l load
	var newest time.Time
	for i := range s.scenarios {
		c := &s.scenarios[i]
		at := c.running(to)
		if at < 0 {
			continue
		}
		stage, into := c.Stages[at], to.Sub(c.began[at])
		if !c.began[at].Before(newest) {
			newest, l.stage, l.into, l.probe = c.began[at], stage.Index+1, into, c.probes
			l.warmup = stage.WarmsUp()
		}
		l.hasRate = l.hasRate || stage.Rate != nil && stage.Concurrency == nil
		if over := stage.Duration != nil && into > seconds(*stage.Duration); stage.Concurrency != nil && !over {
			l.concurrency += *stage.Concurrency
		}
		for k := range at + 1 {
			if !c.began[k].IsZero() {
				ramp, end := c.ramp(k, to), to
				if k < at && c.Stages[k].WarmsUp() && c.began[k+1].Before(to) { // it may have ended early
					end = c.began[k+1]
				}
				l.rate += ramp.Between(from.Sub(c.began[k]).Seconds(), end.Sub(c.began[k]).Seconds())
			}
		}
	}
	if span := to.Sub(from).Seconds(); span > 0 {
		l.rate /= span
	}
	return l
}

// dropped returns the number of dropped arrivals of all scenarios.
func (s *schedule) dropped() (n int64) {
	for i := range s.scenarios {
		if count := s.scenarios[i].dropped; count != nil {
			n += count()
		}
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
