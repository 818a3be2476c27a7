package executor

import (
	"context"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// places are how many requests of a closed loop this instance may have in flight. One after the other they open, over
// the stage's rampUp; each is taken by a request and given back when that ends.
type places struct {
	opens  []time.Time
	opened int
	free   chan struct{} // given back
}

// newPlaces gives this instance its share of a stage's places, one at least.
func newPlaces(s arrival.Stage, at time.Time, et *lib.ExecutionTuple) *places {
	p := &places{}
	mine := stripes(et)
	for i := range s.Concurrency {
		if mine(i) {
			p.opens = append(p.opens, at.Add(s.Opens(i)))
		}
	}
	if len(p.opens) == 0 {
		p.opens = []time.Time{at}
	}
	p.free = make(chan struct{}, len(p.opens))
	return p
}

// take waits for a place, and says whether it got one before the load was to end.
func (p *places) take(ctx context.Context) bool {
	var opens <-chan time.Time
	if p.opened < len(p.opens) {
		timer := time.NewTimer(time.Until(p.opens[p.opened]))
		defer timer.Stop()
		opens = timer.C
	}
	select {
	case <-p.free:
	case <-opens:
		p.opened++
	case <-ctx.Done():
		return false
	}
	return true
}

func (p *places) giveBack() { p.free <- struct{}{} }

// empty waits until all places that were opened are free, or the load is to end.
func (p *places) empty(ctx context.Context) {
	for range p.opened {
		select {
		case <-p.free:
		case <-ctx.Done():
			return
		}
	}
}
