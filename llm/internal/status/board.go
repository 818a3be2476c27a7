// Package status shows the progress of a run while it runs, and its summary afterwards: it counts requests, and prints
// a line of figures every few seconds. The cost of counting a request does not depend on the length of its answer.
package status

import (
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Board adds up the requests of a process. It may be used concurrently.
type Board struct {
	share float64

	mu       sync.Mutex
	schedule schedule
	inFlight int64
	failed   int64 // since the start of the run
	since    time.Time
	interval interval // since the last line
}

// interval holds the sums between two lines.
type interval struct {
	sent, failed, tokens int64
	ttft, late           histogram
}

// New returns a board for the scenarios of a plan. The plan has the rates of all instances together; share is the part
// of them, from 0 to 1, that this instance sends.
func New(now time.Time, plan []record.Scenario, share float64) *Board {
	return &Board{share: share, schedule: newSchedule(plan), since: now}
}

// Sent counts a request that is about to be sent. A call of Done or Lost must follow each call of Sent.
func (b *Board) Sent(now time.Time, p Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight++
	b.interval.sent++
	if p.Scenario != "" {
		b.schedule.observe(now, p)
	}
}

// Lost counts a request that ended without a record.
func (b *Board) Lost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
}

// Done counts a request that ended, by its finished record and its number of output tokens.
func (b *Board) Done(r *record.Request, tokens int) {
	ttft, first := r.TTFT()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if delay, due := r.ScheduleDelay(); due {
		b.interval.late.add(delay)
	}
	if r.Failed() {
		b.failed++
		b.interval.failed++
		return
	}
	b.interval.tokens += int64(tokens)
	if first {
		b.interval.ttft.add(ttft)
	}
}

// Take returns the status since the last call, or since New, and begins the next interval.
func (b *Board) Take(now time.Time) Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	load, i := b.schedule.between(b.since, now), &b.interval
	s := Status{
		Stage: load.stage, Stages: b.schedule.stages, Into: load.into,
		Asked: load.rate * b.share, HasAsked: load.hasRate, Concurrency: load.concurrency,
		InFlight: b.inFlight, Failed: b.failed, NewlyFailed: i.failed, Dropped: b.schedule.dropped(),
	}
	if span := now.Sub(b.since).Seconds(); span > 0 {
		s.Sent, s.Tokens = float64(i.sent)/span, float64(i.tokens)/span
	}
	s.TTFT50, s.HasTTFT = i.ttft.quantile(0.5)
	s.TTFT99, _ = i.ttft.quantile(0.99)
	s.Late99, s.HasLate = i.late.quantile(0.99)
	b.since, *i = now, interval{}
	return s
}

// Watch passes a line to show at every interval, and returns once stop is closed.
func (b *Board) Watch(stop <-chan struct{}, every time.Duration, show func(line string)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			show(b.Take(time.Now()).String())
		}
	}
}
