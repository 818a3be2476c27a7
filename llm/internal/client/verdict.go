package client

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// evidence is what an answer has shown so far.
type evidence struct {
	events int  // events with data
	output bool // text, reasoning or a tool call
	deltas bool // text came in deltas, so a message repeats it

	reasoned, called bool // likewise reasoning and tool calls

	cut     bool      // the body ended inside an event
	last    time.Time // when the newest part of the answer came
	words   string    // words of the first object without a choice
	strange string    // an event that is not an object, with nothing of the answer after it
}

// ending describes how the reading of an answer ended.
type ending struct {
	at    time.Time
	whole bool   // the answer was one JSON object
	mark  bool   // the end mark came
	err   error  // otherwise the error of the last read; io.EOF at a clean end of the body
	kind  string // the content type

	errorType string // the error_type of err, unless the body ended cleanly
	stray     []byte // the first line that was not a field of an event
}

// clean reports whether the body came to its end.
func (e *ending) clean() bool { return e.whole || e.mark || errors.Is(e.err, io.EOF) }

// conclude decides, for every API, whether an answer is whole, failed, or missing:
//   - An error that the server reports, in whichever form, is a failure; decode finds it before conclude runs.
//   - A body without a model's choice is not an answer, whatever its status and label.
//   - An answer is whole once it has its finish reason. How the stream ends after that changes nothing: with the end
//     mark, without it, with a reset or never. The answer's end is the end mark or a clean end; without either, its
//     newest event.
//   - An end mark without a finish reason before it ends the answer as it is: a success with a note if there is any
//     output, else a truncated answer.
//   - Everything else is a truncated answer.
func (r *reply) conclude(e ending) {
	r.settleChoices()
	s := &r.evidence
	finished := r.choices.any && r.outcome.rec.FinishReason != ""
	switch {
	case errors.Is(e.err, sse.ErrTooLarge):
		r.outcome.fail(e.at, record.ErrorTooLarge, e.err.Error())
	case finished && !e.clean():
		r.outcome.succeed(s.last)
		r.noteBroken(e.errorType)
	case !e.clean():
		r.outcome.fail(e.at, e.errorType, e.err.Error())
	case !finished && !e.whole && r.strayError(&e):
	case !r.choices.any:
		r.outcome.fail(r.noAnswer(&e))
	case e.whole, finished && e.mark:
		r.outcome.succeed(e.at)
	case finished:
		r.outcome.succeed(e.at)
		r.outcome.note(record.NoteNoDone)
	case !s.output && e.mark:
		r.outcome.fail(e.at, record.ErrorTruncated,
			fmt.Sprintf("the stream ended with %s, but without a finish reason and without any output", r.endMark()))
	case e.mark:
		r.outcome.succeed(e.at)
		r.outcome.note(record.NoteNoFinish)
	case s.strange != "":
		r.outcome.fail(e.at, record.ErrorMalformed, fmt.Sprintf("no object in event %q", s.strange))
	default:
		r.outcome.fail(e.at, record.ErrorTruncated, r.cutShort())
	}
}

// noteBroken notes that the connection of a whole answer did not end as it should, unless the user broke it off.
func (r *reply) noteBroken(errorType string) {
	if errorType != record.ErrorAbandoned {
		r.outcome.note(record.NoteBroken + ": " + errorType)
	}
}

// strayError fails a stream in which a line that is not a field of an event says what went wrong: some servers write an
// error object, and proxies write a page, in the middle of it. A line that is cut off proves nothing.
func (r *reply) strayError(e *ending) bool {
	stray := e.stray
	if len(stray) == 0 || !r.choices.any && stray[0] != '{' {
		return false
	}
	words := api.ErrorMessage(stray)
	switch {
	case r.outcome.opts.API.Decode(stray, &r.delta) == nil && r.delta.Error != "":
		r.outcome.fail(e.at, record.ErrorStream, shorten(r.delta.Error))
	case words != "" && !e.mark:
		r.outcome.fail(e.at, record.ErrorMalformed, fmt.Sprintf("no field of an event in line %q", shorten(words)))
	default:
		return false
	}
	return true
}

func (r *reply) cutShort() string {
	if r.evidence.cut {
		return "the stream ended inside an event: " + io.ErrUnexpectedEOF.Error()
	}
	return fmt.Sprintf("the stream ended after %d events without a finish reason and without %s", r.evidence.events,
		r.endMark())
}

func (r *reply) endMark() string { return r.outcome.opts.API.EndMark() }

// noAnswer returns the failure of a body that ended without a choice.
func (r *reply) noAnswer(e *ending) (at time.Time, errorType, message string) {
	switch {
	case r.evidence.words != "" || r.evidence.strange != "":
		return e.at, record.ErrorMalformed, "no choice in the answer: " + cmp.Or(r.evidence.words, r.evidence.strange)
	case len(e.stray) > 0:
		message = fmt.Sprintf("expected a stream of events, got content type %q", e.kind)
		if words := api.ErrorMessage(e.stray); words != "" {
			message += ": " + words
		}
		return e.at, record.ErrorMalformed, message
	case e.mark:
		return e.at, record.ErrorMalformed, "no choice in the answer: nothing came before " + r.endMark()
	case e.whole:
		return e.at, record.ErrorMalformed, "no choice in the answer"
	}
	return e.at, record.ErrorTruncated, r.cutShort()
}
