package executor

import (
	"context"
	"runtime"
	"syscall"
	"time"
)

// lead is how long before an instant a waiter leaves Go's timers, which are up to a millisecond late, for the kernel's.
const lead = 2 * time.Millisecond

// waiter waits for instants to within some 0.1 ms, on a thread of its own. It is for the goroutine that made it.
type waiter struct{ timer *time.Timer }

func newWaiter() waiter {
	runtime.LockOSThread()
	return waiter{time.NewTimer(time.Hour)}
}

func (w waiter) close() {
	w.timer.Stop()
	runtime.UnlockOSThread()
}

// until waits for an instant, and says whether ctx was still there.
func (w waiter) until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > lead {
		w.timer.Reset(d - lead)
		select {
		case <-w.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for d := time.Until(at); d > 0; d = time.Until(at) { // a signal ends a nanosleep early
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil)
	}
	return ctx.Err() == nil
}
