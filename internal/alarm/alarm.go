// Package alarm waits for instants more exactly than Go's timers do, where the system allows it.
package alarm

import (
	"context"
	"os"
	"time"
)

// Until waits for one instant as a [Clock] does. It holds a file descriptor for the last two milliseconds only, so that
// many goroutines may wait at once, in virtual time too. It returns early, and false, if ctx ends before.
func Until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > lead {
		timer := time.NewTimer(d - lead)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	if time.Until(at) > 0 {
		c := Clock{file: newTimer()}
		c.rest(at)
		c.closeFile()
	}
	return ctx.Err() == nil
}

// Clock waits for instants, on Linux to within some 0.1 ms. It is for one goroutine. The kernel's timer is a file that
// the runtime polls with the sockets: unlike a sleep in the kernel it takes no processor away from the tokens that
// arrive meanwhile, and where the tokens have to wait for a processor, the timer waits as long as they do.
type Clock struct {
	timer *time.Timer
	file  *os.File // nil where the system has no such timer
}

// New returns a clock. It may hold a file descriptor until Close is called.
func New() Clock { return Clock{timer: time.NewTimer(time.Hour), file: newTimer()} }

// Plain returns a clock that waits with Go's timers alone, up to a millisecond too long. It works in virtual time.
func Plain() Clock { return Clock{timer: time.NewTimer(time.Hour)} }

// Close releases the file descriptor.
func (c Clock) Close() {
	c.timer.Stop()
	c.closeFile()
}

func (c Clock) closeFile() {
	if c.file != nil {
		_ = c.file.Close()
	}
}

// Until waits for an instant. It returns early, and false, if ctx ends before.
func (c Clock) Until(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > lead {
		c.timer.Reset(d - lead)
		select {
		case <-c.timer.C:
		case <-ctx.Done():
			return false
		}
	}
	c.rest(at)
	return ctx.Err() == nil
}

// rest waits for an instant that is near. The kernel's timer leaves a virtual time where it is.
func (c Clock) rest(at time.Time) {
	for d := time.Until(at); d > 0; d = time.Until(at) {
		if !c.kernel(d) || time.Until(at) == d {
			time.Sleep(time.Until(at))
		}
	}
}

// kernel waits with the kernel's timer, and reports whether it could.
func (c Clock) kernel(d time.Duration) bool {
	return c.file != nil && set(c.file, d, 0) && goesOff(c.file)
}

// Ticker goes off once a period. It waits as [Clock] does, with one wake-up each time.
type Ticker struct {
	file   *os.File // nil where the system has no such timer
	ticker *time.Ticker
	closed chan struct{}
}

// NewTicker starts a ticker, which may hold a file descriptor until Close is called, and returns the instant at which
// its first period began.
func NewTicker(period time.Duration) (*Ticker, time.Time) {
	t := &Ticker{file: newTimer()}
	start := time.Now() // taken before the timer starts, so that it never seems to go off early
	if t.file != nil && set(t.file, period, period) {
		return t, start
	}
	t.file, t.ticker, t.closed = nil, time.NewTicker(period), make(chan struct{})
	return t, start
}

// Wait waits until the ticker has gone off at least once since the last call. It returns false once the ticker is
// closed.
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

// Close ends the ticker, and a Wait under way. It must be called once.
func (t *Ticker) Close() {
	if t.file != nil {
		_ = t.file.Close()
		return
	}
	t.ticker.Stop()
	close(t.closed)
}
