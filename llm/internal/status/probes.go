package status

import (
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// add adds the i-th stage of a search, which no plan lists, and those before it of which no request was sent.
func (c *scenario) add(i int, probe record.Stage) {
	c.probes = true
	for k := len(c.Stages); k <= i; k++ {
		c.Stages = append(c.Stages, record.Stage{Index: probe.Index - i + k})
		c.began = append(c.began, time.Time{})
	}
	if c.began[i].IsZero() {
		c.Stages[i] = probe
	}
}

// ramp returns the rate of a stage until an instant. A probe has no end while it runs.
func (c *scenario) ramp(stage int, until time.Time) record.Ramp {
	s := c.Stages[stage]
	if c.probes && s.Duration == nil {
		s.Duration = new(until.Sub(c.began[stage]).Seconds())
	}
	ramp, _ := s.Ramp()
	return ramp
}

// addProbes takes over the stages of a search.
func (b *Board) addProbes(c *scenario) {
	for k := range c.Stages {
		number := c.Stages[k].Index
		b.grow(number, c.Name)
		s := &b.stages[number]
		s.Stage, s.scenario, s.began = c.Stages[k], c.Name, &c.began[k]
	}
}

// grow makes room for the stage of a number in a scenario.
func (b *Board) grow(number int, scenario string) {
	for len(b.stages) <= number {
		b.stages = append(b.stages, stage{Stage: record.Stage{Index: len(b.stages)}, scenario: scenario})
	}
}

// EndProbe notes that a probe has ended. From then on nothing is asked for until the next one begins.
func (b *Board) EndProbe(scenario string, ended record.Stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.schedule.scenarios {
		c := &b.schedule.scenarios[i]
		for k := range c.Stages {
			if c.Name == scenario && c.Stages[k].Index == ended.Index {
				c.Stages[k] = ended
			}
		}
	}
}

// unanswered reports whether a search ended for another reason than that it has its answer.
func (s *summaryText) unanswered() bool {
	return slices.ContainsFunc(s.facts.Searches, func(found *record.Search) bool {
		return found.StopReason != "converged" && found.StopReason != "max_reached"
	})
}

// answers writes what searches have found.
func (s *summaryText) answers() {
	for _, found := range s.facts.Searches {
		label := "search"
		if len(s.facts.Searches) > 1 {
			label += " " + found.Scenario
		}
		for _, tier := range found.Tiers {
			if len(found.Tiers) > 1 {
				s.wrapped("  "+label+", "+tier.Name+": ", tier.Text)
			}
		}
		if len(found.Tiers) <= 1 {
			s.wrapped("  "+label+": ", found.Text)
		}
		if found.Reason != "" {
			s.wrapped("  ", found.Reason)
		}
	}
}
