package client

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// outcome writes into a record how its request ends. Copies of it write into the same record.
type outcome struct {
	rec  *record.Request
	opts *Options
}

func (o outcome) succeed(end time.Time) { o.rec.End = record.UnixNano(end) }

func (o outcome) fail(end time.Time, errorType, message string) {
	o.rec.End = record.UnixNano(end)
	o.rec.ErrorType, o.rec.Error = errorType, strings.ToValidUTF8(message, "\ufffd")
	switch errorType {
	case record.ErrorTimeout:
		o.rec.Error = fmt.Sprintf("no complete answer within the timeout of %v", o.opts.Timeout)
	case record.ErrorStall:
		o.rec.Error = fmt.Sprintf("no chunk for longer than the idleTimeout of %v", o.opts.IdleTimeout)
	case record.ErrorCanceled:
		o.rec.Error = "cut by the end of the test or of its gracefulStop"
	}
}

// note adds an oddity to the record, once.
func (o outcome) note(text string) {
	if o.rec.Noted(text) {
		return
	}
	if o.rec.Note != "" {
		text = o.rec.Note + "; " + text
	}
	o.rec.Note = text
}

// noteOwnFault notes an attempt that failed on this machine, whether or not another one follows.
func (o outcome) noteOwnFault(errorType string, err error) {
	if cause := record.OwnFault(errorType, err.Error()); cause != "" {
		o.note(record.NoteOwnFault + ": " + cause)
	}
}

// untilEnd returns an instant that the transport saw, or 0 if it came after the request was given up.
func (o outcome) untilEnd(seen *atomic.Int64) int64 {
	if at := seen.Load(); at <= o.rec.End {
		return at
	}
	return 0
}
