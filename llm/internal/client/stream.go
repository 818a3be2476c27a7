package client

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stream reads the answer to a request from the body of its response.
type stream struct {
	attempt *attempt  // the attempt that was answered
	start   time.Time // start of the first attempt
	kind    string    // content type
	output  api.Output
	reply   reply
	events  *sse.Reader
	leaving *leaving // nil if the user stays
	idle    *idle    // nil before the first event, or without a limit
}

// read reads an answer of the kind that the API has; a text by its content, whatever its label: one JSON object, or
// else events.
func (s *stream) read(r *sse.Reader) {
	s.events = r
	switch s.output {
	case api.OutputSound:
		s.speech()
		return
	}
	if s.isPlain() {
		s.whole(r.Rest())
	} else if first, err := r.Peek(); err == nil && (first == '{' || first == '[') {
		s.whole(r.Rest())
	} else {
		s.readEvents()
	}
}

// isPlain reports whether an answer is a transcription that is neither JSON nor events, but words or subtitles.
//
//go:noinline
func (s *stream) isPlain() bool {
	plain := strings.HasPrefix(strings.ToLower(s.kind), "text/plain")
	return plain && s.reply.outcome.opts.API.Input() == api.InputSound
}

// whole reads an answer that is not streamed.
func (s *stream) whole(body io.Reader) {
	reply := &s.reply
	limit := reply.outcome.opts.maxBytes()
	data, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	end := time.Now()
	err = s.attempt.ended(err)
	data = bytes.TrimPrefix(data, []byte(textfile.Mark))
	switch {
	case err != nil && reply.outcome.opts.API.Decode(data, &reply.delta) != nil:
		s.conclude(ending{at: end, err: err})
		return
	case len(data) > limit:
		reply.outcome.fail(end, record.ErrorTooLarge,
			fmt.Sprintf("answer over the limit of %d bytes in one JSON object%s", limit, raiseLimit))
		return
	}
	if !reply.decode(data, end, record.ErrorTruncated) {
		return
	}
	if err != nil {
		reply.noteBroken(s.attempt.errorType(err, false))
	}
	if !reply.fits(end) {
		return
	}
	if reply.delta.Choices > 0 {
		reply.choices.any, reply.choices.several = true, reply.delta.Choices > 1
	}
	reply.takeText()
	reply.take()
	if !reply.within(end) { // bytes that are not UTF-8 become three each
		return
	}
	if reply.outcome.opts.Streaming {
		reply.outcome.note(record.NoteWhole)
	}
	s.conclude(ending{at: end, whole: true})
}

// readEvents reads the events of an answer to its end.
func (s *stream) readEvents() {
	for s.next() {
	}
	if s.idle != nil {
		s.idle.timer.Stop()
	}
	if !s.reply.outcome.opts.Streaming && s.reply.choices.any {
		s.reply.outcome.note(record.NoteStreamed)
	}
}

// next reads the next event, and reports whether to go on.
func (s *stream) next() bool {
	ev, err := s.events.Next()
	if err != nil {
		s.over(err)
		return false
	}
	if s.event(ev) {
		return true
	}
	if s.reply.delta.Done {
		s.drain()
	}
	return false
}

// over ends an answer without an end mark.
func (s *stream) over(err error) {
	s.conclude(ending{at: time.Now(), err: s.attempt.ended(err), kind: shorten(s.kind)})
}

// event reads one event into the record, and reports whether to go on.
func (s *stream) event(ev *sse.Event) bool {
	reply := &s.reply
	if isHeartbeat(ev) {
		return true
	}
	reply.evidence.events++
	if string(ev.Name) == "error" {
		reply.outcome.fail(ev.At, record.ErrorStream,
			cmp.Or(shorten(api.ErrorMessage(ev.Data)), "an error event without a word"))
		return false
	}
	if reply.isStrange(ev) {
		return true
	}
	if !reply.decode(ev.Data, ev.At, record.ErrorMalformed) {
		return false
	}
	if d := &reply.delta; (d.Choices > 0 || d.Usage != nil) && !s.part(ev.At) {
		return false
	}
	if reply.delta.Done { // some APIs say in the mark how the answer ended
		s.conclude(ending{at: ev.At, mark: true})
	}
	return !reply.delta.Done
}

// part takes what an event brought of the answer, and reports whether the answer is within its limits.
func (s *stream) part(at time.Time) bool {
	reply := &s.reply
	reply.evidence.last, reply.evidence.strange = at, ""
	since := at.Sub(s.start)
	if reply.followed() {
		reply.chunk(record.Micros(since))
	}
	if s.output == api.OutputPictures && !reply.picture(at, record.Micros(since)) {
		return false
	}
	reply.take()
	s.noteProgress(since)
	return reply.within(at) && (s.leaving == nil || !s.left(at))
}

// left tells the user what has come, and reports whether the user leaves by that: before the answer is over.
//
//go:noinline
func (s *stream) left(at time.Time) bool {
	rec := s.reply.outcome.rec
	s.leaving.hear(rec.OutputChunks())
	if s.reply.delta.Done || rec.FinishReason != "" || !s.leaving.got(rec.OutputChunks()) {
		return false
	}
	s.conclude(ending{at: at, err: errLeft})
	return true
}

// isHeartbeat reports whether an event only keeps a connection awake: an event without data, one with the name of a
// heartbeat, or one whose data is such a word.
func isHeartbeat(ev *sse.Event) bool {
	if len(ev.Name) == 0 && len(ev.Data) > 0 && (ev.Data[0] == '{' || ev.Data[0] == '[') {
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

// noteProgress tells the idle timer that the stream is alive.
func (s *stream) noteProgress(since time.Duration) {
	switch limit := s.reply.outcome.opts.IdleTimeout; {
	case limit == 0:
	case s.idle == nil:
		s.idle = watchIdle(s.attempt, limit, s.start, since)
	default:
		s.idle.last.Store(int64(since))
	}
}

// drainTime is how long to wait for the end of a body whose last event has come.
const drainTime = 250 * time.Millisecond

// drain reads to the end of the body, so that the connection can be used again. The request is over already; a server
// that keeps the stream open costs its connection, not time.
func (s *stream) drain() {
	s.attempt.alarm.shorten(drainTime)
	s.events.Drain(1 << 20)
}

// conclude adds to an ending what the attempt and the reader of events know, and lets the reply decide.
func (s *stream) conclude(e ending) {
	e.stray = s.events.Stray()
	if !e.clean() {
		e.errorType = s.attempt.errorType(e.err, false)
	}
	s.reply.conclude(e)
}
