package executor

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lead is how long before an instant a waiter leaves Go's timers, which are up to a millisecond late, for one of the kernel's.
const lead = 2 * time.Millisecond

// waiter waits for instants to within some 0.1 ms. It is for one goroutine. The kernel's timer is a file that the runtime polls
// with the sockets: unlike a sleep in the kernel it takes no processor away from the tokens that arrive meanwhile.
type waiter struct {
	timer *time.Timer
	file  *os.File // nil where there is none
}

func newWaiter() waiter {
	w := waiter{timer: time.NewTimer(time.Hour)}
	if fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err == nil {
		w.file = os.NewFile(uintptr(fd), "timerfd") //nolint:gosec // a descriptor
	}
	return w
}

func (w waiter) close() {
	w.timer.Stop()
	if w.file != nil {
		_ = w.file.Close()
	}
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
	for d := time.Until(at); d > 0; d = time.Until(at) {
		if !w.kernel(d) {
			time.Sleep(d)
		}
	}
	return ctx.Err() == nil
}

// kernel waits by the kernel's timer, and says false if it cannot.
func (w waiter) kernel(d time.Duration) bool {
	if w.file == nil {
		return false
	}
	conn, err := w.file.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil) //nolint:gosec // a descriptor
	})
	if err != nil || failed != nil {
		return false
	}
	var expirations [8]byte
	_, err = w.file.Read(expirations[:])
	return err == nil
}
