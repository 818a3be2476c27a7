//go:build !linux

package executor

import (
	"context"
	"time"
)

// waiter waits for instants by Go's timers. It is for one goroutine.
type waiter struct{ timer *time.Timer }

func newWaiter() waiter { return waiter{time.NewTimer(time.Hour)} }

func (w waiter) close() { w.timer.Stop() }

// until waits for an instant, and says whether ctx was still there.
func (w waiter) until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > 0 {
		w.timer.Reset(d)
		select {
		case <-w.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}
