// Package alarm waits for instants more exactly than Go's timers do.
package alarm

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lead is how long before an instant a Clock leaves Go's timers, which are up to a millisecond late, for one of the kernel's.
const lead = 2 * time.Millisecond

// Clock waits for instants to within some 0.1 ms. It is for one goroutine. The kernel's timer is a file that the runtime
// polls with the sockets: unlike a sleep in the kernel it takes no processor away from the tokens that arrive meanwhile,
// and where the tokens have to wait for a processor, it waits as long as they do.
type Clock struct {
	timer *time.Timer
	file  *os.File // nil where there is none
}

// New makes a clock, which takes a file descriptor until it is closed.
func New() Clock {
	c := Clock{timer: time.NewTimer(time.Hour)}
	if fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err == nil {
		c.file = os.NewFile(uintptr(fd), "timerfd") //nolint:gosec // a descriptor
	}
	return c
}

// Close gives the descriptor back.
func (c Clock) Close() {
	c.timer.Stop()
	if c.file != nil {
		_ = c.file.Close()
	}
}

// Until waits for an instant, and reports whether ctx had not ended by then.
func (c Clock) Until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > lead {
		c.timer.Reset(d - lead)
		select {
		case <-c.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for d := time.Until(at); d > 0; d = time.Until(at) {
		if !c.kernel(d) {
			time.Sleep(d)
		}
	}
	return ctx.Err() == nil
}

// kernel waits by the kernel's timer, and reports false if it cannot.
func (c Clock) kernel(d time.Duration) bool {
	if c.file == nil {
		return false
	}
	conn, err := c.file.SyscallConn()
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
	_, err = c.file.Read(expirations[:])
	return err == nil
}
