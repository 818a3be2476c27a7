package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// reply collects what comes of an answer. It writes the parts into the record, keeps the texts, and decides at the end
// whether the answer is whole.
type reply struct {
	outcome    outcome
	delta      api.Delta // of the newest event
	choices    choices
	ask        *api.Request
	transcript transcript
	aside      []byte // text of reasoning and tool calls, if tokens are counted
	asideSize  int    // bytes of that text, kept or not
	kept       kept
	sound      *sound // nil unless the answer is one
	evidence   evidence
	id         string // of an answer that can be continued
}

// decode reads an event's data or a whole answer, and reports whether it is usable. cut is the error type of JSON that
// ends too early.
func (r *reply) decode(data []byte, at time.Time, cut string) bool {
	err := r.outcome.opts.API.Decode(data, &r.delta)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.outcome.fail(at, cut, fmt.Sprintf("%v in %q", err, shorten(string(data))))
	case err != nil:
		r.outcome.fail(at, record.ErrorMalformed, fmt.Sprintf("%v in %q", err, shorten(string(data))))
	case r.delta.Error != "":
		r.outcome.fail(at, record.ErrorStream, shorten(r.delta.Error))
	default:
		if r.delta.Words != nil && r.evidence.words == "" {
			r.evidence.words = shorten(api.ErrorMessage(r.delta.Words))
		}
		return true
	}
	return false
}

// fits checks a whole answer against its request, where the API has a check, and keeps what it counts.
func (r *reply) fits(at time.Time) bool {
	checker, has := r.outcome.opts.API.(api.Checker)
	if !has || r.delta.Choices == 0 {
		return true
	}
	if err := checker.Check(r.ask, &r.delta); err != nil {
		r.outcome.fail(at, record.ErrorMalformed, err.Error())
		return false
	}
	if r.delta.Pictures != nil {
		return r.pictures(at)
	}
	count := int64(r.delta.Results.Count)
	if r.outcome.opts.API.Input() == api.InputRanking {
		r.outcome.rec.Scores = &count
	} else {
		r.outcome.rec.VectorLength = new(int64(r.delta.Results.Length))
	}
	return true
}

// takeText keeps the texts of a delta, and reports whether it brought new content.
func (r *reply) takeText() (content bool) {
	rec, d, counting := r.outcome.rec, &r.delta, r.outcome.opts.Count != nil
	if r.kept.on && len(d.Pieces) > 0 {
		r.kept.take(d)
	}
	r.leaveOut()
	r.asideSize += len(d.Aside)
	if counting {
		r.aside = append(r.aside, d.Aside...)
	}
	content = len(d.Content) > 0 && !r.repeated() && r.transcript.add(d.Content, counting, r.outcome.opts.maxBytes())
	if content {
		r.evidence.deltas = r.evidence.deltas || !d.Message
	}
	r.evidence.reasoned = r.evidence.reasoned || d.Reasoning && !d.Message
	r.evidence.called = r.evidence.called || d.ToolCall && !d.Message
	r.evidence.output = r.evidence.output || content || d.Reasoning || d.ToolCall
	rec.CompletionRaw = rec.CompletionRaw || counting && (d.Reasoning || d.ToolCall)
	return content
}

// leaveOut removes from a delta the output besides text that has come already: all of it from a whole answer, and what
// came in deltas from a message.
func (r *reply) leaveOut() {
	d, e := &r.delta, &r.evidence
	switch {
	case d.Again && e.output:
		d.Content, d.Aside, d.Reasoning, d.ToolCall = d.Content[:0], d.Aside[:0], false, false
	case d.Message && (e.reasoned && d.Reasoning || e.called && d.ToolCall):
		if d.Reasoning, d.ToolCall = d.Reasoning && !e.reasoned, d.ToolCall && !e.called; !d.Reasoning && !d.ToolCall {
			d.Aside = d.Aside[:0]
		}
	}
}

// repeated reports whether a delta brings text that has come already: as a message after deltas, or with the finish
// reason.
func (r *reply) repeated() bool {
	return r.delta.Message && r.evidence.deltas || r.delta.FinishReason != "" && r.transcript.repeats(r.delta.Content)
}

// maxUsage bounds, in bytes, a usage map, which a record keeps as it is.
const maxUsage = 16 << 10

// take keeps what a chunk says besides its content. A usage map that is not JSON would make the record unwritable.
func (r *reply) take() {
	rec := r.outcome.rec
	if len(r.delta.ID) > 0 && r.outcome.opts.Chain {
		r.id = string(r.delta.ID)
	}
	if r.delta.FinishReason != "" {
		rec.FinishReason = shorten(r.delta.FinishReason)
	}
	switch usage := r.delta.Usage; {
	case len(usage) == 0:
	case len(rec.Usage)+len(usage) > maxUsage || !gjson.ValidBytes(usage): // each of many maps may have other names
		r.outcome.note(record.NoteBadUsage)
	default:
		rec.Usage = api.MergeUsage(rec.Usage, rec.Usage, usage)
	}
}

// isStrange reports whether an event is not part of an answer, and keeps it for the verdict: an event that the end of
// the body cut off, or words in place of an object, which may be a sign of life, an end mark of the server's own, or
// what a proxy says when the server is gone.
func (r *reply) isStrange(ev *sse.Event) bool {
	data := bytes.TrimSpace(ev.Data)
	isObject := bytes.HasPrefix(data, []byte("{")) || bytes.HasPrefix(data, []byte("[{"))
	if isObject && !ev.Unended || r.outcome.opts.API.Decode(data, &r.delta) == nil {
		return false
	}
	if ev.Unended {
		r.evidence.cut = true
	} else {
		r.evidence.strange = shorten(string(data))
	}
	return true
}

// chunk keeps what came, and when.
func (r *reply) chunk(us int64) {
	rec := r.outcome.rec
	if r.sound != nil {
		r.evidence.output = true
		r.sound.take(rec, r.delta.Content, us)
		return
	}
	if r.takeText() {
		rec.Chunks = append(rec.Chunks, us)
	}
	if r.delta.Reasoning {
		rec.Reasoning = append(rec.Reasoning, us)
	}
	if r.delta.ToolCall {
		rec.ToolCalls = append(rec.ToolCalls, us)
	}
}

// settle corrects what is known only when an answer is over: texts that came again and again, and counts that cannot be
// true.
func (r *reply) settle() {
	rec := r.outcome.rec
	var cumulative bool
	if rec.Chunks, cumulative = r.transcript.settle(rec.Chunks); cumulative {
		r.outcome.note(record.NoteCumulative)
	}
	if r.choices.several {
		r.outcome.note(record.NoteChoices)
	}
	if r.evidence.output && r.sound == nil && len(rec.Usage) > 0 {
		var zeros bool
		if rec.Usage, zeros = record.PlausibleUsage(rec.Usage, true, rec.OutputChunks()); zeros {
			r.outcome.note(record.NoteZeroUsage)
		}
	}
}

// count counts tokens with the client's tokenizer, after the request's end so that counting is in no latency.
func (r *reply) count(req *Request) {
	rec, count := r.outcome.rec, r.outcome.opts.Count
	if count == nil {
		return
	}
	prompt, raw := r.outcome.opts.CountPrompt(r.outcome.opts.API, *req)
	rec.Prompt, rec.PromptRaw = &prompt, raw
	if rec.ErrorType == record.ErrorTooLarge || !r.outcome.opts.API.Input().Generates() {
		return // a tokenizer would need seconds for such an answer
	}
	text, ends := r.transcript.text, r.transcript.ends
	rec.Completion = new(count(string(text)) + count(string(r.aside)))
	if len(rec.Chunks) > 0 {
		rec.ChunkTokens = make([]int, len(rec.Chunks))
	}
	from := 0
	for i := range rec.ChunkTokens {
		rec.ChunkTokens[i] = count(string(text[from:ends[i]]))
		from = ends[i]
	}
}

// shorten cuts a text to a readable length.
func shorten(text string) string { return plain.Clip(strings.TrimSpace(text), 1000) }
