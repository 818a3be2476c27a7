// Package status tells how a run goes while it runs: it adds up what its requests do, and makes a line of that every
// few seconds. What a request costs here does not depend on how long its answer is.
package status

import (
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Board adds up. It may be used concurrently.
type Board struct {
	share float64

	mu       sync.Mutex
	schedule schedule
	flying   int64
	failed   int64 // since the beginning
	since    time.Time
	interval interval // since the last line
}

// interval is what happened between two lines.
type interval struct {
	sent, failed, tokens int64
	ttft, late           histogram
}

// New gives a board for the scenarios of a plan. Rates in a plan are those of all instances; share is the part of them
// that this one has, from 0 to 1.
func New(now time.Time, plan []record.Scenario, share float64) *Board {
	return &Board{share: share, schedule: newSchedule(plan), since: now}
}

// Sent notes a request that is being sent. Each must be followed by Done or Lost.
func (b *Board) Sent(now time.Time, p Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying++
	b.interval.sent++
	if p.Scenario != "" {
		b.schedule.see(now, p)
	}
}

// Lost notes that a request is over of which there is no record.
func (b *Board) Lost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
}

// Done notes that a request is over, by its finished record, and how many output tokens that counts.
func (b *Board) Done(r *record.Request, tokens int) {
	ttft, first := r.TTFT()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
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

// Look gives what happened since the last call, or since the board was made, and begins the next interval.
func (b *Board) Look(now time.Time) Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	load, i := b.schedule.between(b.since, now), &b.interval
	s := Status{
		Stage: load.stage, Stages: b.schedule.stages, Into: load.into,
		Asked: load.rate * b.share, HasAsked: load.rated, Places: load.places,
		InFlight: b.flying, Failed: b.failed, NewlyFailed: i.failed, Dropped: b.schedule.dropped(),
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

// Watch shows a line at every interval until stop is closed. It blocks; the caller waits for its end.
func (b *Board) Watch(stop <-chan struct{}, every time.Duration, show func(line string)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			show(b.Look(time.Now()).String())
		}
	}
}
