// Package status shows the progress of a run while it runs, and its summary afterwards: it adds up the requests of each
// stage, and prints a line of figures every few seconds. Counting a token costs an addition; nothing is kept of a
// request.
package status

import (
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Board adds up the requests of a process. It may be used concurrently.
type Board struct {
	share float64
	plan  []record.Scenario

	mu       sync.Mutex
	schedule schedule
	inFlight int64
	failed   int64 // since the start of the run
	left     int64 // users, likewise
	byURL    int64 // media that requests name by an address, of all requests
	texts    bool  // some requests generate text
	others   bool  // some do not
	since    time.Time
	interval interval // since the last line

	stages   []stage // by their number in the run
	totals   totals
	sessions sessions
	// of the requests that have a label, and that have an endpoint, by its name
	labels, endpoints classes
}

// stage is a stage of the plan with what happened in it.
type stage struct {
	record.Stage
	scenario string
	began    *time.Time // in the schedule; zero until it is known
	figures  figures
	growth   growth
}

// interval holds the sums between two lines.
type interval struct {
	sent, failed, tokens, inputs int64
	made                         int64 // pictures, videos or sounds
	ttft, delay                  histogram
}

func (i *interval) reset() {
	i.sent, i.failed, i.tokens, i.inputs, i.made = 0, 0, 0, 0, 0
	i.ttft.reset()
	i.delay.reset()
}

// New returns a board for the scenarios of a plan. The plan has the rates of all instances together; share is the part
// of them, from 0 to 1, that this instance sends.
func New(now time.Time, plan []record.Scenario, share float64) *Board {
	b := &Board{share: share, plan: plan, schedule: newSchedule(plan), since: now}
	b.stages = make([]stage, b.schedule.stages)
	for i := range b.schedule.scenarios {
		s := &b.schedule.scenarios[i]
		for k, planned := range s.Stages {
			if planned.Index >= 0 && planned.Index < len(b.stages) {
				b.stages[planned.Index] = stage{Stage: planned, scenario: s.Name, began: &s.began[k]}
			}
		}
	}
	return b
}

// Sent counts a request that is about to be sent. A call of Done or Lost with the ticket must follow.
func (b *Board) Sent(now time.Time, p Position) Ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight++
	b.interval.sent++
	if p.Scenario == "" {
		return Ticket{outside}
	}
	t := Ticket{b.schedule.observe(now, p)}
	if p.Probe != nil && t.stage >= 0 && b.stage(t.stage) == nil {
		b.addProbes(b.schedule.find(p.Scenario))
	}
	if s := b.stage(t.stage); s != nil {
		s.look(now)
		s.growth.open++
	}
	return t
}

// Ticket is what the board gives for a request that is sent, and takes back when it ends.
type Ticket struct{ stage int }

// outside is the number of the stage of requests in setup and teardown.
const outside = -1

// stage returns the stage of a number, or nil if the plan has none of that number.
func (b *Board) stage(number int) *stage {
	if number < 0 || number >= len(b.stages) || b.stages[number].began == nil {
		return nil
	}
	return &b.stages[number]
}

// length returns how long the stage sends requests after its warm-up, and 0 if its end does not depend on the clock, or
// if its load is no rate.
func (s *stage) length() time.Duration {
	measured := s.Measured()
	if _, ok := measured.Ramp(); !ok || s.WarmsUp() {
		return 0
	}
	return seconds(*measured.Duration)
}

// into returns the time since the end of the stage's warm-up, which is negative before it.
func (s *stage) into(now time.Time) time.Duration {
	into := now.Sub(*s.began)
	if s.Warmup != nil {
		into -= seconds(*s.Warmup)
	}
	return into
}

func (s *stage) look(now time.Time) {
	if length := s.length(); length > 0 && !s.began.IsZero() {
		s.growth.look(s.into(now), length)
	}
}

// ended takes a ticket back.
func (b *Board) ended(now time.Time, t Ticket) {
	b.inFlight--
	if s := b.stage(t.stage); s != nil {
		s.look(now)
		s.growth.open--
	}
}

// Lost counts a request that ended without a record.
func (b *Board) Lost(now time.Time, t Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended(now, t)
}

// Done counts a request that ended, by its finished record and its token counts.
func (b *Board) Done(r *record.Request, c record.Counts, t Ticket) {
	ttft, first := r.TTFT()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended(time.Unix(0, r.End), t)
	b.add(r, c)
	for i := range r.Media {
		if r.Media[i].URL {
			b.byURL++
		}
	}
	b.texts, b.others = b.texts || r.Generates(), b.others || !r.Generates()
	if delay, due := r.ScheduleDelay(); due {
		b.interval.delay.add(delay)
	}
	switch {
	case r.ErrorType == record.ErrorAbandoned:
		b.left++
		return
	case r.Unfinished(), r.Failed() && r.Warmup:
		return
	case r.Failed():
		b.failed++
		b.interval.failed++
		return
	}
	b.interval.tokens += int64(c.Completion)
	if r.Inputs != nil {
		b.interval.inputs += *r.Inputs
	}
	b.interval.made += made(r)
	if first {
		b.interval.ttft.add(ttft)
	}
}

// ByURL returns how many media the requests that ended name by an address, 0 of a nil board.
func (b *Board) ByURL() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byURL
}

// add counts a request among those of its stage.
func (b *Board) add(r *record.Request, c record.Counts) {
	if r.Stage < 0 {
		b.totals.outside++
		if !r.Failed() {
			b.totals.outsideOK++
		}
		return
	}
	if r.Warmup {
		b.totals.warmup++
		return
	}
	b.grow(r.Stage, r.Scenario) // a plan that does not say its stages
	s := &b.stages[r.Stage]
	s.figures.add(r, c.Completion)
	b.labels.add(r.Label, r)
	b.endpoints.add(r.Endpoint, r)
	b.totals.add(r, c)
	if s.began != nil && !r.Failed() && s.length() > 0 {
		s.growth.add(r, c, s.into(time.Unix(0, r.Start)), s.length())
	}
}

// Take returns the status since the last call, or since New, and begins the next interval.
func (b *Board) Take(now time.Time) Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	load, i := b.schedule.between(b.since, now), &b.interval
	s := Status{
		Stage: load.stage, Stages: b.schedule.stages - b.schedule.warmups, Into: load.into, Probe: load.probe,
		Warmup: load.warmup,
		Asked:  load.rate * b.share, HasAsked: load.hasRate && !b.totals.later, Concurrency: load.concurrency,
		InFlight: b.inFlight, Failed: b.failed, NewlyFailed: i.failed, Left: b.left, Dropped: b.schedule.dropped(),
	}
	if span := now.Sub(b.since).Seconds(); span > 0 {
		s.Sent, s.Tokens, s.Inputs = float64(i.sent)/span, float64(i.tokens)/span, float64(i.inputs)/span
		s.Made = float64(i.made) / span
	}
	s.Sessions, s.HasSessions = b.sessions.counts, b.sessions.begun
	s.HasInputs, s.MadeOf = b.others && !b.texts, b.totals.madeOf()
	s.TTFT50, s.HasTTFT = i.ttft.quantile(0.5)
	s.TTFT99, _ = i.ttft.quantile(0.99)
	s.Delay99, s.HasDelay = i.delay.quantile(0.99)
	b.since = now
	i.reset()
	return s
}

// Watch passes a line to show at every interval, and returns once stop is closed. The first line is preceded by one
// that names the figures. width returns how many columns there are.
func (b *Board) Watch(stop <-chan struct{}, every time.Duration, width func() int, show func(line string)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	legend := sync.OnceFunc(func() { show(Legend) })
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			status := b.Take(time.Now())
			legend()
			show(status.Line(width()))
		}
	}
}
