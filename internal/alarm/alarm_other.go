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
