package dropin

import (
	"errors"
	"fmt"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

var errNoSession = errors.New("load.stages: the data has no session to replay")

// sessionStages returns the options of the stages that replay the given number of sessions, one after the other: each
// takes the next ones of the data. notes are about stages for which none is left.
func sessionStages(m mapping, sessions int64) (list []arrival.StageOptions, notes []string, err error) {
	if sessions == 0 {
		return nil, nil, errNoSession
	}
	stages := m.config.Load.Stages.Sessions
	if asked, whole := askedSessions(stages); whole && asked > sessions {
		return nil, nil, fmt.Errorf("load.stages: they replay %d sessions together, and the data has %d: lower "+
			"num_sessions, or leave it out of the last stage for all that remain", asked, sessions)
	}
	left := sessions
	for i, s := range stages {
		n := left
		if s.NumSessions != nil {
			n = min(n, *s.NumSessions)
		}
		if n == 0 {
			notes = append(notes, fmt.Sprintf("load.stages[%d] is left out: the stages before it replay all %d "+
				"sessions of the data", i, sessions))
			continue
		}
		o, err := sessionStage(m, i, s, n)
		if err != nil {
			return nil, nil, err
		}
		list, left = append(list, o), left-n
	}
	return list, notes, nil
}

// askedSessions returns how many sessions the stages ask for, and false if one of them takes all that remain.
func askedSessions(stages []config.SessionStage) (n int64, whole bool) {
	for _, s := range stages {
		if s.NumSessions == nil {
			return 0, false
		}
		n += *s.NumSessions
	}
	return n, true
}

// sessionStage returns the options of a stage that replays n sessions.
func sessionStage(m mapping, i int, s config.SessionStage, n int64) (o arrival.StageOptions, err error) {
	o.Requests, o.Concurrency = null.IntFrom(n), null.IntFrom(n)
	if s.Concurrent > 0 {
		o.Concurrency.Int64 = min(s.Concurrent, n)
	}
	if s.Rate != nil {
		o.Rate = null.FloatFrom(*s.Rate)
	}
	if s.Timeout != nil {
		d, err := duration(fmt.Sprintf("load.stages[%d].timeout", i), *s.Timeout)
		if err != nil {
			return o, err
		}
		o.Timeout = types.NullDurationFrom(d)
	}
	o.Warmup, err = m.stageWarmup(i, nil)
	return o, err
}

// sessionStarts returns when the sessions begin that the stages ask for: all of them, unless each stage has a number.
func sessionStarts(stages []config.SessionStage, instants []float64) ([]float64, error) {
	if len(instants) == 0 {
		return nil, errors.New("x-llm.clock: the data does not tell when its sessions began: leave the key out")
	}
	asked, whole := askedSessions(stages)
	switch {
	case len(stages) == 0 || !whole:
		return instants, nil
	case asked > int64(len(instants)):
		return nil, fmt.Errorf("load.stages: they replay %d sessions together, and the data has %d: lower "+
			"num_sessions, or leave the stages out", asked, len(instants))
	}
	return instants[:asked], nil
}

// clockRemarks returns a line on the stages if the sessions begin by the clock of the trace.
func clockRemarks(c *config.Config) []string {
	if c.Own.Clock != config.TraceClock {
		return nil
	}
	for _, s := range c.Load.Stages.Sessions {
		if s.Concurrent > 0 || s.Rate != nil || s.Timeout != nil {
			return []string{"load.stages: only num_sessions has an effect beside x-llm.clock: trace, by which " +
				"sessions begin when they began in the trace"}
		}
	}
	return nil
}
