// Package alarm waits for instants more exactly than Go's timers do.
package alarm

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lead is how long before an instant a Clock leaves Go's timers, which are up to a millisecond late, for one of the
// kernel's.
const lead = 2 * time.Millisecond

// Clock waits for instants to within some 0.1 ms. It is for one goroutine. The kernel's timer is a file that the
// runtime polls with the sockets: unlike a sleep in the kernel it takes no processor away from the tokens that arrive
// meanwhile, and where the tokens have to wait for a processor, it waits as long as they do.
type Clock struct {
	timer *time.Timer
	file  *os.File // nil where there is none
}

// New makes a clock, which takes a file descriptor until it is closed.
func New() Clock {
	return Clock{timer: time.NewTimer(time.Hour), file: newTimer()}
}

// newTimer makes a timer of the kernel, nil where there is none.
func newTimer() *os.File {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "timerfd") //nolint:gosec // a descriptor
}

// set starts a timer, which goes off once after a while and then once a period, if that is not 0.
func set(timer *os.File, after, period time.Duration) bool {
	conn, err := timer.SyscallConn()
	if err != nil {
		return false
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(after)), Interval: unix.NsecToTimespec(int64(period))}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), 0, &spec, nil) //nolint:gosec // a descriptor
	})
	return err == nil && failed == nil
}

// goesOff waits until a timer has gone off, and reports false if it was closed.
func goesOff(timer *os.File) bool {
	var expirations [8]byte
	_, err := timer.Read(expirations[:])
	return err == nil
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
	return c.file != nil && set(c.file, d, 0) && goesOff(c.file)
}

// Ticker goes off once a period. It waits as [Clock] does, with one wake-up each time.
type Ticker struct {
	file   *os.File // nil where there is none
	ticker *time.Ticker
	closed chan struct{}
}

// NewTicker starts a ticker, which takes a file descriptor until it is closed, and returns when its first period began.
func NewTicker(period time.Duration) (*Ticker, time.Time) {
	t := &Ticker{file: newTimer()}
	start := time.Now() // before the timer's own, so that it never seems to go off early
	if t.file != nil && set(t.file, period, period) {
		return t, start
	}
	t.file, t.ticker, t.closed = nil, time.NewTicker(period), make(chan struct{})
	return t, start
}

// Wait returns when the ticker has gone off since the last call, once or more often, and reports false once it is closed.
func (t *Ticker) Wait() bool {
	if t.file != nil {
		return goesOff(t.file)
	}
	select {
	case <-t.ticker.C:
		return true
	case <-t.closed:
		return false
	}
}

// Close ends the ticker and a Wait under way. It is to be called once.
func (t *Ticker) Close() {
	if t.file != nil {
		_ = t.file.Close()
		return
	}
	t.ticker.Stop()
	close(t.closed)
}
