package status

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Place says where in the run a request belongs.
type Place struct {
	Scenario string       // "" in setup and teardown
	Started  time.Time    // when the scenario did
	Stage    int          // in the scenario, from 0; only if Told
	Told     bool         // the executor tells the stage; else the clock does
	Due      time.Time    // of the arrival; zero where none is told
	Dropped  func() int64 // counts the arrivals of the scenario that were dropped; nil where nobody counts them
}

// schedule says when the stages of the plan begin. k6 starts scenarios by the clock, so one that has begun gives away
// when the others do. Stages follow each other by the clock as well, except under an executor that waits between them
// and tells which one a request belongs to.
type schedule struct {
	scenarios []scenario
	stages    int  // of all
	known     bool // a scenario has begun
}

// scenario is a scenario of the plan, and what was seen of it.
type scenario struct {
	record.Scenario
	told    bool
	began   []time.Time // of each stage, which may lie ahead; zero if not known yet
	dropped func() int64
}

func newSchedule(plan []record.Scenario) schedule {
	s := schedule{scenarios: make([]scenario, len(plan))}
	for i, p := range plan {
		s.scenarios[i] = scenario{Scenario: p, began: make([]time.Time, len(p.Stages))}
		s.stages += len(p.Stages)
	}
	return s
}

// see takes what a request tells that is being sent.
func (s *schedule) see(now time.Time, p Place) {
	for i := range s.scenarios {
		if c := &s.scenarios[i]; c.Name == p.Scenario {
			if !s.known {
				s.begin(p.Started.Add(-seconds(c.StartAt)))
			}
			c.see(now, p)
			return
		}
	}
}

// begin sets all scenarios by the clock, the first of which began at an instant.
func (s *schedule) begin(zero time.Time) {
	s.known = true
	for i := range s.scenarios {
		c := &s.scenarios[i]
		at := zero.Add(seconds(c.StartAt))
		for k, stage := range c.Stages {
			c.began[k] = at
			if stage.Duration == nil {
				break // when the next begins depends on the server
			}
			at = at.Add(seconds(*stage.Duration))
		}
	}
}

func (c *scenario) see(now time.Time, p Place) {
	if p.Dropped != nil {
		c.dropped = p.Dropped
	}
	if !p.Told {
		return
	}
	if !c.told {
		c.told = true
		clear(c.began)
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

// running gives the stage that began last, -1 if none did.
func (c *scenario) running(now time.Time) int {
	for i := len(c.began) - 1; i >= 0; i-- {
		if at := c.began[i]; !at.IsZero() && !at.After(now) {
			return i
		}
	}
	return -1
}

// load is what the stages ask for.
type load struct {
	stage  int // the number among all, from 1, of the stage that runs; 0 before the first
	into   time.Duration
	rate   float64 // over all instances, the mean of the time looked at
	rated  bool    // a stage with a rate runs
	places int64   // requests at a time, of stages without a rate
}

// between gives the load from one instant to another. The stage is that which runs at the end, in the scenario that
// began last.
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
			newest, l.stage, l.into = c.began[at], stage.Index+1, into
		}
		l.rated = l.rated || stage.Rate != nil
		if over := stage.Duration != nil && into > seconds(*stage.Duration); stage.Concurrency != nil && !over {
			l.places += *stage.Concurrency
		}
		for k := range at + 1 {
			if !c.began[k].IsZero() {
				ramp, _ := c.Stages[k].Ramp()
				l.rate += ramp.Between(from.Sub(c.began[k]).Seconds(), to.Sub(c.began[k]).Seconds())
			}
		}
	}
	if span := to.Sub(from).Seconds(); span > 0 {
		l.rate /= span
	}
	return l
}

// dropped adds up what the executors count.
func (s *schedule) dropped() (n int64) {
	for i := range s.scenarios {
		if count := s.scenarios[i].dropped; count != nil {
			n += count()
		}
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
