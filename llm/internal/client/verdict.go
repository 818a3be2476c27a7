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
	events  int       // events with data
	output  bool      // text, reasoning or a tool call
	deltas  bool      // text came in deltas, so a message repeats it
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
}

// conclude decides, for every API, whether an answer is whole, failed, or missing:
//   - An error that the server reports, in whichever form, is a failure; decode finds it before conclude runs.
//   - A body without a model's choice is not an answer, whatever its status and label.
//   - An answer is whole once it has its finish reason. How the stream ends after that changes nothing: with the end
//     mark, without it, with a reset or never. The answer's end is the end mark or a clean end; without either, its
//     newest event.
//   - An end mark without a finish reason before it ends the answer as it is: a success with a note if there is any
//     output, else a truncated answer.
//   - Everything else is a truncated answer.
func (x *exchange) conclude(e ending) {
	x.settleChoices()
	s := &x.evidence
	finished := x.choices.any && x.rec.FinishReason != ""
	clean := e.whole || e.mark || errors.Is(e.err, io.EOF)
	switch {
	case errors.Is(e.err, sse.ErrTooLarge):
		x.fail(e.at, record.ErrorTooLarge, e.err.Error())
	case finished && !clean:
		x.succeed(s.last)
		x.note(record.NoteBroken + ": " + x.errorType(e.err, false))
	case !clean:
		x.fail(e.at, x.errorType(e.err, false), e.err.Error())
	case !finished && !e.whole && x.strayError(e):
	case !x.choices.any:
		x.fail(x.noAnswer(e))
	case e.whole, finished && e.mark:
		x.succeed(e.at)
	case finished:
		x.succeed(e.at)
		x.note(record.NoteNoDone)
	case !s.output && e.mark:
		x.fail(e.at, record.ErrorTruncated,
			"the stream ended with [DONE], but without a finish reason and without any output")
	case e.mark:
		x.succeed(e.at)
		x.note(record.NoteNoFinish)
	case s.strange != "":
		x.fail(e.at, record.ErrorMalformed, fmt.Sprintf("no object in event %q", s.strange))
	default:
		x.fail(e.at, record.ErrorTruncated, x.cutShort())
	}
}

// strayError fails a stream in which a line that is not a field of an event says what went wrong: some servers write an
// error object, and proxies write a page, in the middle of it. A line that is cut off proves nothing.
func (x *exchange) strayError(e ending) bool {
	stray := x.stray()
	if len(stray) == 0 || !x.choices.any && stray[0] != '{' {
		return false
	}
	words := api.ErrorMessage(stray)
	switch {
	case x.c.opts.API.Decode(stray, &x.delta) == nil && x.delta.Error != "":
		x.fail(e.at, record.ErrorStream, shorten(x.delta.Error))
	case words != "" && !e.mark:
		x.fail(e.at, record.ErrorMalformed, fmt.Sprintf("no field of an event in line %q", shorten(words)))
	default:
		return false
	}
	return true
}

// stray returns the first line that was not a field of an event.
func (x *exchange) stray() []byte {
	if x.events == nil {
		return nil
	}
	return x.events.Stray()
}

func (x *exchange) cutShort() string {
	if x.evidence.cut {
		return "the stream ended inside an event: " + io.ErrUnexpectedEOF.Error()
	}
	return fmt.Sprintf("the stream ended after %d events without a finish reason and without [DONE]", x.evidence.events)
}

// noAnswer returns the failure of a body that ended without a choice.
func (x *exchange) noAnswer(e ending) (at time.Time, errorType, message string) {
	switch stray := x.stray(); {
	case x.evidence.words != "" || x.evidence.strange != "":
		return e.at, record.ErrorMalformed, "no choice in the answer: " + cmp.Or(x.evidence.words, x.evidence.strange)
	case len(stray) > 0:
		message = fmt.Sprintf("expected a stream of events, got content type %q", e.kind)
		if words := api.ErrorMessage(stray); words != "" {
			message += ": " + words
		}
		return e.at, record.ErrorMalformed, message
	case e.mark:
		return e.at, record.ErrorMalformed, "no choice in the answer: nothing came before [DONE]"
	case e.whole:
		return e.at, record.ErrorMalformed, "no choice in the answer"
	}
	return e.at, record.ErrorTruncated, x.cutShort()
}

// settle corrects what is known only when an answer is over: texts that came again and again, and counts that cannot be
// true.
func (x *exchange) settle() {
	var cumulative bool
	if x.rec.Chunks, cumulative = x.transcript.settle(x.rec.Chunks); cumulative {
		x.note(record.NoteCumulative)
	}
	if x.choices.several {
		x.note(record.NoteChoices)
	}
	if x.evidence.output && len(x.rec.Usage) > 0 {
		var zeros bool
		if x.rec.Usage, zeros = record.PlausibleUsage(x.rec.Usage, true, x.rec.OutputChunks()); zeros {
			x.note(record.NoteZeroUsage)
		}
	}
}

// note adds an oddity to the record, once.
func (x *exchange) note(text string) {
	if x.rec.Noted(text) {
		return
	}
	if x.rec.Note != "" {
		text = x.rec.Note + "; " + text
	}
	x.rec.Note = text
}
