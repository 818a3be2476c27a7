package client

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stream reads the events of an answer to its end.
func (x *exchange) stream(resp *http.Response, r *sse.Reader, body io.Reader) {
	defer func() {
		if x.idle != nil {
			x.idle.Stop()
		}
	}()
	for {
		ev, err := r.Next()
		if err != nil {
			x.conclude(ending{at: time.Now(), err: err, kind: shorten(resp.Header.Get("Content-Type"))})
			break
		}
		if !x.event(ev) {
			if x.delta.Done {
				x.drain(body)
			}
			break
		}
	}
	x.events = nil // the reader serves other requests now
	if !x.c.opts.Streaming && x.choices.any {
		x.note(record.NoteStreamed)
	}
}

// event reads one event into the record, and reports whether to go on.
func (x *exchange) event(ev sse.Event) bool {
	if isHeartbeat(ev) {
		return true
	}
	x.evidence.events++
	if string(ev.Name) == "error" {
		x.fail(ev.At, record.ErrorStream, cmp.Or(shorten(api.ErrorMessage(ev.Data)), "an error event without a word"))
		return false
	}
	if x.isStrange(ev) {
		return true
	}
	if !x.decode(ev.Data, ev.At, record.ErrorMalformed) {
		return false
	}
	d := &x.delta
	if d.Done {
		x.conclude(ending{at: ev.At, mark: true})
		return false
	}
	if d.Choices == 0 && d.Usage == nil {
		return true
	}
	x.evidence.last, x.evidence.strange = ev.At, ""
	since := ev.At.Sub(x.start)
	if x.followed() {
		x.chunk(record.Micros(since))
	}
	x.take()
	x.noteProgress(since)
	return x.within(ev.At)
}

// isStrange reports whether an event is not part of an answer, and keeps it for the verdict: an event that the end of
// the body cut off, or words in place of an object, which may be a sign of life, an end mark of the server's own, or
// what a proxy says when the server is gone.
func (x *exchange) isStrange(ev sse.Event) bool {
	data := bytes.TrimSpace(ev.Data)
	isObject := bytes.HasPrefix(data, []byte("{")) || bytes.HasPrefix(data, []byte("[{"))
	if isObject && !ev.Unended || x.c.opts.API.Decode(data, &x.delta) == nil {
		return false
	}
	if ev.Unended {
		x.evidence.cut = true
	} else {
		x.evidence.strange = shorten(string(data))
	}
	return true
}

// chunk keeps what came, and when.
func (x *exchange) chunk(us int64) {
	if x.takeText() {
		x.rec.Chunks = append(x.rec.Chunks, us)
	}
	if x.delta.Reasoning {
		x.rec.Reasoning = append(x.rec.Reasoning, us)
	}
	if x.delta.ToolCall {
		x.rec.ToolCalls = append(x.rec.ToolCalls, us)
	}
}

// isHeartbeat reports whether an event only keeps a connection awake: an event without data, one with the name of a
// heartbeat, or one whose data is such a word.
func isHeartbeat(ev sse.Event) bool {
	if len(ev.Name) == 0 && len(ev.Data) > 0 && ev.Data[0] == '{' {
		return false // nearly all events
	}
	if string(ev.Name) == "error" {
		return false
	}
	return isSignOfLife(ev.Name) || isSignOfLife(ev.Data) || len(bytes.TrimSpace(ev.Data)) == 0
}

func isSignOfLife(word []byte) bool {
	if len(word) > len(`"keep-alive"`)+4 {
		return false
	}
	switch strings.ToLower(strings.Trim(string(word), "\" \t:")) {
	case "ping", "heartbeat", "keepalive", "keep-alive", "keep_alive", "null":
		return true
	}
	return false
}

// noteProgress tells the idle timer that the stream is alive. The timer runs from the first event on (the timeout
// limits the wait for that) and checks by itself how old the newest event is, so an event costs no more than an atomic
// store.
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

// drainTime is how long to wait for the end of a body whose last event has come.
const drainTime = 250 * time.Millisecond

// drain reads to the end of the body, so that the connection can be used again. The request is over already; a server
// that keeps the stream open costs its connection, not time.
func (x *exchange) drain(body io.Reader) {
	x.deadline.Reset(drainTime)
	_, _ = io.CopyN(io.Discard, body, 1<<20)
}
