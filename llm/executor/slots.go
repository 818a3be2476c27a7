package executor

import (
	"context"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// slots holds the requests of a closed loop that this instance may have in flight. Slots open one after the other, over
// the stage's rampUp. A request acquires one and releases it when it ends.
type slots struct {
	opens  []time.Time
	opened int
	free   chan time.Time // when each slot was released that is free
}

// slot is one that was acquired.
type slot struct {
	since time.Time // when it was free to be acquired
	first bool      // it was never acquired before
}

// newSlots returns this instance's share of a stage's slots, at least one.
func newSlots(s arrival.Stage, at time.Time, et *lib.ExecutionTuple) *slots {
	p := &slots{}
	mine := newStripes(et)
	for i := range s.Concurrency {
		if mine.has(i) {
			p.opens = append(p.opens, at.Add(s.Opens(i)))
		}
	}
	if len(p.opens) == 0 {
		p.opens = []time.Time{at}
	}
	p.free = make(chan time.Time, len(p.opens))
	return p
}

// acquire waits for a slot, and reports whether it got one before ctx ended. After that it may or may not get one.
func (p *slots) acquire(ctx context.Context) (s slot, ok bool) {
	var opens <-chan time.Time
	if p.opened < len(p.opens) {
		timer := time.NewTimer(time.Until(p.opens[p.opened]))
		defer timer.Stop()
		opens = timer.C
	}
	select {
	case s.since = <-p.free:
	case <-opens:
		s = slot{since: p.opens[p.opened], first: true}
		p.opened++
	case <-ctx.Done():
		return s, false
	}
	return s, true
}

func (p *slots) release() { p.free <- time.Now() }

// waitFree waits until all open slots are free, or ctx ends.
func (p *slots) waitFree(ctx context.Context) {
	for range p.opened {
		select {
		case <-p.free:
		case <-ctx.Done():
			return
		}
	}
}
