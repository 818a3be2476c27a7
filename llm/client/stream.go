package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sse"
)

// stream reads a streamed answer to its end.
func (x *exchange) stream(resp *http.Response, body io.Reader) {
	r, _ := x.c.readers.Get().(*sse.Reader)
	r.Reset(body, x.c.opts.EventLimit)
	defer func() {
		x.rec.BytesReceived = r.Received()
		r.Reset(nil, 0)
		x.c.readers.Put(r)
	}()
	if x.c.opts.IdleTimeout > 0 {
		defer func() {
			if x.idle != nil {
				x.idle.Stop()
			}
		}()
	}
	events := 0
	for ; ; events++ {
		ev, err := r.Next()
		if err != nil {
			x.streamEnd(err, events, resp)
			return
		}
		if string(ev.Data) == "[DONE]" {
			x.succeed(ev.At)
			x.drain(body)
			return
		}
		if !x.event(ev) {
			return
		}
	}
}

// event takes one event into the record, and says whether to go on.
func (x *exchange) event(ev sse.Event) bool {
	if err := x.c.opts.API.Decode(ev.Data, &x.delta); err != nil && string(ev.Name) != "error" {
		x.fail(ev.At, record.ErrorMalformed, fmt.Sprintf("%v in event %q", err, clip(string(ev.Data))))
		return false
	}
	if x.delta.Error != "" || string(ev.Name) == "error" {
		x.fail(ev.At, record.ErrorStream, clip(firstOf(x.delta.Error, string(ev.Data))))
		return false
	}
	since := ev.At.Sub(x.start)
	us := record.Micros(since)
	if len(x.delta.Content) > 0 {
		x.rec.Chunks = append(x.rec.Chunks, us)
		x.text = append(x.text, x.delta.Content...)
		if x.c.opts.Count != nil {
			x.ends = append(x.ends, len(x.text))
		}
	}
	if x.delta.Reasoning {
		x.rec.Reasoning = append(x.rec.Reasoning, us)
	}
	if x.delta.ToolCall {
		x.rec.ToolCalls = append(x.rec.ToolCalls, us)
	}
	x.take()
	x.noteProgress(since)
	return true
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// noteProgress tells the idle timer that the stream lives. The timer runs from the first event on (waiting for that is the
// timeout's matter) and looks by itself how old the newest event is, so an event costs no more than an atomic store.
func (x *exchange) noteProgress(since time.Duration) {
	idle := x.c.opts.IdleTimeout
	if idle == 0 {
		return
	}
	x.last.Store(int64(since))
	if x.idle != nil {
		return
	}
	ready := make(chan struct{})
	x.idle = time.AfterFunc(idle, func() {
		<-ready // x.idle is set
		if rest := idle - (time.Since(x.start) - time.Duration(x.last.Load())); rest > 0 {
			x.idle.Reset(rest)
			return
		}
		x.cancel(errStall)
	})
	close(ready)
}

// streamEnd judges a stream that ended without [DONE].
func (x *exchange) streamEnd(err error, events int, resp *http.Response) {
	now := time.Now()
	switch {
	case errors.Is(err, sse.ErrTooLarge):
		x.fail(now, record.ErrorTooLarge, err.Error())
	case !errors.Is(err, io.EOF):
		x.fail(now, x.errorType(err, false), err.Error())
	case x.rec.FinishReason != "":
		x.succeed(now)
		x.rec.Note = "the stream ended after a finish reason without [DONE]"
	case events == 0 && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		x.fail(now, record.ErrorMalformed, fmt.Sprintf("expected a stream of events, got content type %q", resp.Header.Get("Content-Type")))
	default:
		x.fail(now, record.ErrorTruncated, fmt.Sprintf("the stream ended after %d events without a finish reason and without [DONE]", events))
	}
}

// drainTime is how long to wait for the end of a body whose last event is here.
const drainTime = 250 * time.Millisecond

// drain reads to the end of the body, which lets the connection be used again. The request is over already; a server that
// keeps the stream open costs its connection, not time.
func (x *exchange) drain(body io.Reader) {
	x.deadline.Reset(drainTime)
	_, _ = io.CopyN(io.Discard, body, 1<<20)
}
