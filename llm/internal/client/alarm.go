package client

import (
	"math"
	"sync/atomic"
	"time"
)

// alarm ends the attempt that it is set for with errTimeout. It is set for one attempt after another until it rings.
type alarm struct {
	timer *time.Timer
	of    *attempt
	rang  bool // it may still ring for the attempt
}

// setAlarm sets the alarm to the timeout of an attempt.
func (x *exchange) setAlarm() {
	limit := x.c.opts.Timeout
	if limit == 0 {
		limit = math.MaxInt64 // nanoseconds: no timeout
	}
	if a := x.alarm; a != nil {
		a.of = x.attempt
		a.timer.Reset(limit)
	} else {
		a = &alarm{of: x.attempt}
		a.timer = time.AfterFunc(limit, func() { a.of.cancel(errTimeout) })
		x.alarm = a
	}
	x.attempt.alarm = x.alarm
}

// shorten sets the alarm of a running attempt to another limit.
func (a *alarm) shorten(limit time.Duration) { a.rang = !a.timer.Reset(limit) }

// end ends an attempt. An alarm that may still ring stays with the attempt.
func (x *exchange) end() {
	if a := x.alarm; a.timer.Stop() && !a.rang {
		a.of = nil
	} else {
		x.alarm = nil
	}
	x.attempt.cancel(nil)
}

// idle ends an attempt with errStall when no event comes for longer than the limit.
type idle struct {
	attempt *attempt
	limit   time.Duration
	timer   *time.Timer
	start   time.Time
	last    atomic.Int64 // arrival of the newest event, since start
}

// watchIdle begins to watch a stream whose first event has come; the timeout limits the wait for that.
func watchIdle(a *attempt, limit time.Duration, start time.Time, since time.Duration) *idle {
	i := &idle{attempt: a, limit: limit, start: start}
	i.last.Store(int64(since))
	ready := make(chan struct{})
	i.timer = time.AfterFunc(limit, func() {
		<-ready // i.timer is set
		i.check()
	})
	close(ready)
	return i
}

// check sees by itself how old the newest event is, so an event costs no more than an atomic store.
func (i *idle) check() {
	if rest := i.limit - (time.Since(i.start) - time.Duration(i.last.Load())); rest > 0 {
		i.timer.Reset(rest)
		return
	}
	i.attempt.cancel(errStall)
}
