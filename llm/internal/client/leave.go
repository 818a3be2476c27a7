package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Causes of a cancellation by the user who asked. They close the connection, or reset a stream of HTTP/2.
var (
	errLeft     = errors.New("the user left")
	errSignaled = fmt.Errorf("%w by a signal", errLeft)
)

// Leave tells when the user of a request leaves, so that the request is given up and recorded as abandoned. What is
// zero does not make the user leave. An answer that is over before is not touched.
type Leave struct {
	Rule   string          // as records tell it
	After  time.Duration   // since the request was sent
	Queued time.Duration   // likewise, unless output has come by then
	Tokens int             // pieces of output that have come; of no effect unless the client Trickles
	Sent   bool            // as soon as the request is written
	Signal context.Context // when it ends; if it has ended before, the request is not sent
	Heard  func()          // is called when the first output of a stream has come, and must not block; may be nil
}

// Trickles reports whether answers are texts that come piece by piece.
func Trickles(o *Options) bool { return o.Streaming && o.API.Output() == api.OutputText }

// Trickles reports whether answers are texts that come piece by piece.
func (c *Client) Trickles() bool { return Trickles(&c.opts) }

// unsent reports whether the user left before the request was sent.
func (l *Leave) unsent() bool { return l != nil && l.Signal != nil && l.Signal.Err() != nil }

// flushing is how long the last bytes of a request may stay in a buffer of net/http after it reports them as written.
const flushing = time.Millisecond

// leaving waits for the moment at which the user of a request leaves, be it in an attempt or between two. The context
// of all attempts ends then.
type leaving struct {
	ctx   context.Context
	leave context.CancelCauseFunc

	heard    func()        // nil once it was called
	tokens   int           // 0 means that the user does not count
	queued   time.Duration // 0 means that the user does not mind the queue
	after    time.Duration
	timer    *time.Timer // of after
	waits    *time.Timer // of queued; nil once output has come
	written  *time.Timer // set when the request is written
	unlisten func() bool
}

// expectLeaving makes the attempts of a request end when its user leaves.
//
//go:noinline
func expectLeaving(x *exchange) {
	l := x.asked.Leave
	w := &leaving{queued: l.Queued, after: l.After, heard: l.Heard}
	if x.c.Trickles() {
		w.tokens = l.Tokens
	}
	w.ctx, w.leave = context.WithCancelCause(x.caller)
	if l.Sent {
		w.written = w.in(math.MaxInt64)
	}
	if l.Signal != nil {
		w.unlisten = context.AfterFunc(l.Signal, func() { w.leave(errSignaled) })
	}
	x.caller, x.leaving, x.stream.leaving = w.ctx, w, w
}

func (w *leaving) in(d time.Duration) *time.Timer {
	return time.AfterFunc(d, func() { w.leave(errLeft) })
}

// sent starts the clocks of a request that is sent now.
func (w *leaving) sent() {
	if w.after > 0 {
		w.timer = w.in(w.after)
	}
	if w.queued > 0 {
		w.waits = w.in(w.queued)
	}
}

// whenWritten returns the timer to set when the request is written, nil if there is none.
func (w *leaving) whenWritten() *time.Timer {
	if w == nil {
		return nil
	}
	return w.written
}

// hear tells the user of the first output.
func (w *leaving) hear(pieces int) {
	if pieces > 0 && w.heard != nil {
		w.heard()
		w.heard = nil
	}
}

// got takes that so many pieces of output have come, and reports whether the user leaves by that.
func (w *leaving) got(pieces int) bool {
	if pieces > 0 && w.waits != nil {
		w.waits.Stop()
		w.waits = nil
	}
	if w.tokens == 0 || pieces < w.tokens {
		return false
	}
	w.leave(errLeft)
	return true
}

// end stops waiting, and completes the record of a request whose user left.
func (w *leaving) end(rec *record.Request) {
	for _, t := range [...]*time.Timer{w.timer, w.waits, w.written} {
		if t != nil {
			t.Stop()
		}
	}
	if w.unlisten != nil {
		w.unlisten()
	}
	if rec.ErrorType == record.ErrorAbandoned {
		if errors.Is(context.Cause(w.ctx), errSignaled) {
			rec.Leaves = "signal"
		}
		rec.Error = fmt.Sprintf("the user left before the answer was over (cancel: %s)", rec.Leaves)
	}
	w.leave(nil)
}

// endedBy returns the error_type of a request whose context has ended.
func endedBy(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), errLeft) {
		return record.ErrorAbandoned
	}
	return record.ErrorCanceled
}
