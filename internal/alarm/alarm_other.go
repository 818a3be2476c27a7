//go:build !linux

// Package alarm waits for instants more exactly than Go's timers do, where the system allows it.
package alarm

import (
	"context"
	"time"
)

// Clock waits for instants by Go's timers. It is for one goroutine.
type Clock struct{ timer *time.Timer }

// New makes a clock.
func New() Clock { return Clock{time.NewTimer(time.Hour)} }

// Close stops the timer.
func (c Clock) Close() { c.timer.Stop() }

// Until waits for an instant, and reports whether ctx had not ended by then.
func (c Clock) Until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > 0 {
		c.timer.Reset(d)
		select {
		case <-c.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// Ticker goes off once a period, by Go's timers.
type Ticker struct {
	ticker *time.Ticker
	closed chan struct{}
}

// NewTicker starts a ticker, and returns when its first period began.
func NewTicker(period time.Duration) (*Ticker, time.Time) {
	start := time.Now() // before the ticker's own, so that it never seems to go off early
	return &Ticker{time.NewTicker(period), make(chan struct{})}, start
}

// Wait returns when the ticker has gone off since the last call, once or more often, and reports false once it is closed.
func (t *Ticker) Wait() bool {
	select {
	case <-t.ticker.C:
		return true
	case <-t.closed:
		return false
	}
}

// Close ends the ticker and a Wait under way. It is to be called once.
func (t *Ticker) Close() {
	t.ticker.Stop()
	close(t.closed)
}
