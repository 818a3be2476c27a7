package executor

import (
	"context"
	"iter"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// closedLoop sends the requests of a closed loop: each one as soon as a slot is free, and not before it is due if the
// arrival process sets due times. It returns how many numbers of arrivals the loop takes over all instances, when it
// began, and when it ended: with its last request, or after its duration, when requests may still be in flight.
func (r *run) closedLoop(ctx context.Context, i int, base int64, at time.Time) (n int64, began, ended time.Time) {
	s := r.plan.Stages[i]
	r.draws = time.Now()
	next, stop := iter.Pull(r.plan.Due(i))
	defer stop()
	after, due := next()
	at = r.begin(ctx, i, at)
	if !s.Counted() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, at.Add(s.Duration))
		defer cancel()
	}
	free := newSlots(s, at, r.state.ExecutionTuple)
	for ; n < s.Numbers(); n++ {
		if n > 0 {
			after, due = next()
		}
		if !r.share.has(base + n) {
			continue
		}
		a := r.arrival(i, base+n)
		if due {
			a.Due = at.Add(after)
		}
		if !r.wait.Until(ctx, a.Due) || !free.acquire(ctx) || !r.hand(ctx, a, at, free.release) {
			break
		}
	}
	if s.Counted() {
		free.waitFree(ctx)
		return s.Requests, at, time.Now()
	}
	if r.share.alone() {
		r.share = newStripes(r.tuple) // the next stage begins with the number that was not sent
	} else {
		n = s.Numbers()
	}
	return n, at, earlier(at.Add(s.Duration), time.Now())
}

// hand gives an arrival of a closed loop that began at an instant to a worker, and reports whether one was free before
// ctx ended. done is called when the iteration is over, or if there is none.
func (r *run) hand(ctx context.Context, a arrival.Arrival, began time.Time, done func()) bool {
	if !r.pool.await(ctx) {
		done()
		return false
	}
	now := time.Now()
	a.Warmup = now.Sub(began) < r.plan.Stages[a.Stage].Warmup
	r.sent++
	r.pool.take(r.probe.job(job{Arrival: a, done: func() {
		r.meter.count(a.Stage)
		done()
	}}, now))
	return true
}
