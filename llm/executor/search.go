package executor

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searching is a search that runs: a load that is sent in probes. Each is a stage of its own with an open end, and what
// became of it decides which one follows.
type searching struct {
	run     *run
	chooses *search.Search
	first   int                   // number of the first probe's stage
	base    int64                 // number of the next arrival
	shown   atomic.Pointer[probe] // for the progress bar, as over is
	over    atomic.Bool
	fault   string // why the whole run ends, because no probe can be judged
}

// drained bounds the wait for the server after a probe, and asked is how often it is asked meanwhile.
const (
	drained = 30 * time.Second
	asked   = 250 * time.Millisecond
)

// allProbes sends the probes of a search one after the other. The arrivals of each are drawn as those of a stage: from
// the seed of the load and the number of the probe.
func (s *searching) allProbes() error {
	var last record.Stage
	for {
		next, more := s.chooses.Next()
		if !more {
			break
		}
		if why := s.tooFewVUs(next); why != "" {
			s.chooses.Stop(search.ClientLimited, why)
			break
		}
		stage, err := s.try(next)
		if err != nil {
			return err
		}
		last = stage
		if s.fault != "" {
			s.chooses.Stop(search.Interrupted, s.fault)
			break
		}
		if s.run.parent.Err() != nil {
			s.chooses.Stop(search.Interrupted, fmt.Sprintf("the run was ended in probe %d", stage.Index))
			break
		}
	}
	s.tell(last)
	if s.run.parent.Err() == nil {
		s.over.Store(true)
		s.run.meter.end()
	}
	line := s.chooses.Line()
	s.run.log.Infof("search: %s (%s)", line.Text, strings.ReplaceAll(line.StopReason, "_", " ")) // the summary has more
	return nil
}

// tooFewVUs returns why a closed loop cannot be sent, and "" if it can.
func (s *searching) tooFewVUs(p search.Probe) string {
	if s.run.pool.most >= int64(p.Value) || !s.closed() {
		return ""
	}
	return fmt.Sprintf("%d requests at a time need as many VUs, and maxVUs is %d: raise maxVUs", int64(p.Value),
		s.run.pool.most)
}

func (s *searching) closed() bool { return s.run.config.Search.Over.String == record.OverConcurrency }

// try sends a probe, waits until nothing is left of it, and hands in what became of it.
func (s *searching) try(next search.Probe) (record.Stage, error) {
	p := s.newProbe(next)
	s.run.probe = p
	s.shown.Store(p)
	s.run.share = newStripes(s.run.tuple) // numbers go on after the last one that was sent
	number, before := len(s.run.plan.Stages)-1, s.run.sent+s.run.dropped.Load()
	_, began, ended := s.run.stage(number, s.base, time.Now().Add(s.run.config.Interval.TimeDuration()))
	s.base += s.run.sent + s.run.dropped.Load() - before
	p.rest()
	broken, status := s.run.stopper.reason(), s.run.stopper.status(s.run.parent)
	err := s.settle(p)
	outcome := p.outcome(broken)
	outcome.Stage, outcome.Seconds = p.stage.Index, time.Since(began).Seconds()
	stage := p.stage
	stage.Duration = new(ended.Sub(began).Seconds())
	if outcome.Transient > 0 {
		stage.Warmup = new(min(outcome.Transient, *stage.Duration))
	}
	s.run.stages[number] = stage
	line := stage
	line.Start, line.End, line.Status = record.UnixNano(began), record.UnixNano(ended), status
	s.run.push(s.run.metrics.Event(&line, s.run.tags()))
	s.fault = unjudged(outcome)
	if s.run.parent.Err() != nil || err != nil || s.fault != "" {
		return line, err
	}
	s.judge(p, &outcome, line)
	s.chooses.Done(next, outcome)
	s.run.log.Infof("probe %d: %s%s", outcome.Stage, s.chooses.Tell(outcome), because(broken))
	s.tell(line)
	return line, nil
}

// because returns why a probe was stopped, unless the judge stopped it.
func because(reason string) string {
	if reason == "" || reason == decided {
		return ""
	}
	return ": " + reason
}

// unjudged returns why a probe tells nothing of an objective, and "" if it tells of all: none of its answers has the
// latency.
func unjudged(p record.SearchProbe) string {
	for _, share := range p.Shares {
		if share.Share == nil && p.Requests > p.Failed {
			return fmt.Sprintf("none of %d answers has a latency that %s is about: one that is not streamed has no "+
				"TTFT, TPOT and ITL, and one of a single token no TPOT and ITL", p.Requests-p.Failed, share.Objective)
		}
	}
	return ""
}

// newProbe adds the stage of a probe to the plan.
func (s *searching) newProbe(next search.Probe) *probe {
	stage := arrival.Stage{From: next.Value, To: next.Value, Duration: openEnd}
	if s.closed() {
		stage = arrival.Stage{Concurrency: int64(next.Value), Duration: openEnd}
	}
	planned := recordStage(stage)
	planned.Index, planned.Duration = s.first+len(s.run.plan.Stages), nil
	s.run.plan.Stages = append(s.run.plan.Stages, stage)
	s.run.stages = append(s.run.stages, planned)
	p := &probe{Probe: next, judge: s.chooses.Judge(next), stage: planned, stop: s.run.stopper.stop,
		sent: make(chan struct{}), cut: func() bool { return s.run.pool.ctx.Err() != nil }}
	if s.run.config.module != nil {
		s.run.config.module.Salt(p.salt())
	}
	if s.run.watch != nil {
		p.vitals = s.run.watch()
	}
	return p
}

// openEnd is the length of a stage that is stopped before.
const openEnd = arrival.MaxClosedLoop

// settle waits until no request of a probe is in flight, here or at the server. It cuts those of a probe that has
// failed, unless they are few: an overloaded server may take minutes for them.
func (s *searching) settle(p *probe) error {
	grace := s.run.config.GracefulStop.TimeDuration()
	if p.judge.Failing() && s.run.pool.busy.Load() > few {
		grace = 0
	}
	ended := s.run.pool.idle(s.run.parent, grace)
	p.measure()
	if !ended && s.run.parent.Err() == nil {
		s.run.pool.close(0)
		if err := s.run.openPool(); err != nil {
			return err
		}
	}
	s.awaitServer(p)
	return nil
}

// few is how many requests a failed probe waits for.
const few = 10

// awaitServer waits until the server has nothing to do, if its page tells. It does not wait for one that has answered
// nothing, which may be gone.
func (s *searching) awaitServer(p *probe) {
	if s.run.config.module == nil || !p.answered.Load() {
		return
	}
	for began := time.Now(); s.run.parent.Err() == nil; {
		idle, known := s.run.config.module.ServerIdle(s.run.parent)
		if idle || !known {
			return
		}
		if time.Since(began) > drained {
			s.run.log.Warnf("the server's own page does not tell that it is idle %v after probe %d: the next probe "+
				"begins all the same", drained, p.stage.Index)
			return
		}
		s.run.wait.Until(s.run.parent, time.Now().Add(asked))
	}
}

// judge adds the verdict on the load generator to what became of a probe. If it is not VALID, the probe tells nothing
// of the server.
func (s *searching) judge(p *probe, outcome *record.SearchProbe, stage record.Stage) {
	outcome.Verdict, outcome.Reasons = p.verdict(s.run.config.Name, stage, s.chooses.Options().Objectives())
	if outcome.Verdict != convert.Valid {
		outcome.Outcome, outcome.Certain = record.ProbeRefused, false
	}
}

// tell writes what is known of the search, and shows it.
func (s *searching) tell(last record.Stage) {
	line := s.chooses.Line()
	line.Scenario, line.Arrival = s.run.config.Name, process(s.run.config)
	s.run.push(s.run.metrics.Event(line, s.run.tags()))
	if s.run.config.module != nil {
		s.run.config.module.Searched(line, last)
	}
}

// view returns what the progress bar shows: two texts, because k6 has room for three. Nobody knows how many probes are
// left, so it counts those that there may be.
func (s *searching) view(func(int64) int64) (done float64, texts []string) {
	p := s.shown.Load()
	if p == nil {
		return 0, []string{"", ""}
	}
	load := fmt.Sprintf("%.4g/s", p.Value)
	if s.closed() {
		load = fmt.Sprintf("%.0f at a time", p.Value)
	}
	most := s.chooses.Options().MostProbes()
	if s.over.Load() {
		most = p.Number
	}
	done = min(1, float64(p.Number)/float64(max(1, most)))
	return done, []string{fmt.Sprintf("probe %d, %s", p.stage.Index, p.Phase), load}
}
