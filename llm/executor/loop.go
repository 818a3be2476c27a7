package executor

import (
	"context"
	"iter"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// closedLoop sends the requests of a closed loop: each one as soon as a slot is free and the rate of the loop allows
// it, and not before it is due if the arrival process sets due times. It returns how many numbers of arrivals the loop
// takes over all instances, when it began, and when it ended: with its last request, or after its duration or its
// timeout, when requests may still be in flight.
func (r *run) closedLoop(stage context.Context, i int, base int64, at time.Time) (n int64, began, ended time.Time) {
	s, ctx := r.plan.Stages[i], stage
	r.draws = time.Now()
	next, stop := iter.Pull(r.plan.Due(i))
	defer stop()
	after, due := next()
	at = r.begin(ctx, i, at)
	switch {
	case !s.Counted():
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, at.Add(s.Duration))
		defer cancel()
	case s.Timeout > 0:
		timer := time.AfterFunc(time.Until(at.Add(s.Timeout)), func() { r.stopper.timeOut(stage) })
		defer timer.Stop()
	}
	l := loop{run: r, start: at, slots: newSlots(s, at, r.state.ExecutionTuple),
		pacer: pacer{rate: s.Dispatch, next: at}}
	for ; n < s.Numbers(); n++ {
		if n > 0 {
			after, due = next()
		}
		if !r.share.has(base + n) {
			continue
		}
		a := r.arrival(stage, i, base+n)
		if due {
			a.Due = at.Add(after)
		}
		if !l.send(ctx, a, n) {
			break
		}
	}
	if s.Counted() {
		l.slots.waitFree(ctx)
		if r.stopper.reason() == record.StageTimedOut {
			r.explainTimeout(i, l.begun)
		}
		return s.Requests, at, time.Now()
	}
	if r.share.alone() {
		r.share = newStripes(r.tuple) // the next stage begins with the number that was not sent
	} else {
		n = s.Numbers()
	}
	return n, at, earlier(at.Add(s.Duration), time.Now())
}

// loop is a closed loop that is sent.
type loop struct {
	*run
	start time.Time
	slots *slots
	pacer pacer
	begun int64 // arrivals on this instance
}

// send waits for a slot and for the instant at which arrival k of the loop may begin, hands it to a worker, and reports
// whether one was free before ctx ended.
func (l *loop) send(ctx context.Context, a arrival.Arrival, k int64) bool {
	if !l.wait.Until(ctx, a.Due) {
		return false
	}
	slot, ok := l.slots.acquire(ctx)
	if !ok {
		return false
	}
	a.First = slot.first
	if l.pacer.rate > 0 {
		a.Due = l.pacer.due(k, slot.since)
		if !l.wait.Until(ctx, a.Due) {
			return false
		}
	}
	if !l.pool.await(ctx) {
		l.slots.release()
		return false
	}
	now := time.Now()
	l.pacer.begun = now
	a.Warmup = l.plan.Stages[a.Stage].WarmsAt(now.Sub(l.start))
	l.begun++
	l.run.sent++
	l.pool.take(l.warming.job(l.probe.job(job{Arrival: a, done: func() {
		l.meter.count(a.Stage)
		l.slots.release()
	}}, now), now))
	return true
}

// pacer keeps the arrivals of a closed loop below a rate. After a delay they do not make up for the time that was lost.
// Instances that send every n-th arrival each leave n times the gap, so together they keep the rate, too.
type pacer struct {
	rate  float64   // per second over all instances; 0 means no limit
	next  time.Time // when arrival number last was allowed to begin
	last  int64
	begun time.Time // when it did begin
}

// due returns when arrival k may begin, whose slot is free since an instant.
func (p *pacer) due(k int64, free time.Time) time.Time {
	gap := time.Duration(float64(k-p.last) / p.rate * float64(time.Second))
	p.next, p.last = later(p.next.Add(gap), p.begun), k
	return later(p.next, free)
}
