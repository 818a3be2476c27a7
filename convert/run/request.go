package run

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// none is the token count of a request without a count.
const none = record.NotReported

// unknown is a figure that is not defined for a request.
var unknown = math.NaN()

// Traits holds the properties that many requests of a run share.
type Traits struct {
	Instance, Scenario, API, Model, Adapter string
	Label, Endpoint, Leaves                 string // as in the record
	FinishReason, ErrorType, Note           string
	InputSource, OutputSource               record.Source // of the token counts
	Client, Status                          int
	Streaming                               bool
	// Textless reports that the request asks for no text: for vectors, scores, a sound, pictures or a video.
	Textless bool
	// TakesInputs reports that it is one of embeddings or rerank, whose details hold its inputs.
	TakesInputs bool
	SLO         record.Bounds // the zero value means no bounds

	idPrefix, usage string // of the ID, and the usage map without its numbers; see details.go
}

// Request is one request of a run. It takes 152 bytes, and its details and chunks, which are packed. Instants are
// ticks of the run's clock.
type Request struct {
	*Traits

	Start, End int64
	// Due is the instant at which the request was due, recorded or fitted. It is valid only if DueKnown.
	Due   int64
	Index int64
	Seq   int32
	// Stage is the stage in which the request was due, or in which it was sent if the due instant is unknown.
	Stage int32

	PromptTokens, CompletionTokens int32 // from the first source that has a count, in the order of package record
	// ServerPrompt, ServerCompletion and ServerCached are the counts in the usage map, or none.
	ServerPrompt, ServerCompletion, ServerCached int32
	MaxTokens                                    int32
	ChunkCount, TokenTimes                       int32
	DueKnown                                     bool
	Tokenized                                    bool // chunks' tokens were counted
	HasReasoning, HasToolCalls                   bool // the answer has reasoning, tool calls
	EndUnknown                                   bool // an imported request's end is unknown, and End equals Start
	// ChunksUnlisted reports that only an imported request's first and last chunks are known.
	ChunksUnlisted bool
	Warmup         bool // it belongs to the warm-up of its stage; a run that was read has none
	LeftOut        bool // it is left out of the latencies because it was read late
	InSession      bool // it is a turn of a session
	Replayed       bool // it is a call of a replayed session; see Call
	Retried        bool
	slowWrite      bool // its WriteDelay is a lateness that can matter
	derived        bool // its other figures follow from these facts; see figures
	Good           int8 // 1 if it met its bounds, 0 if not, none without bounds

	// Figures in seconds, unknown where undefined, by the formulas of package record. TokenSpan is the time between the
	// first token and the last. Methods return the other figures.
	TTFT, TPOT, TokenSpan float64

	// Media is what the request says of pictures, videos and sounds; nil if it has none.
	Media *Media

	packed []byte // details and lists; see packer
}

// Failed reports whether the request failed.
func (q *Request) Failed() bool { return q.ErrorType != "" }

// Abandoned reports whether the user of the request left before its answer was over.
func (q *Request) Abandoned() bool { return q.ErrorType == record.ErrorAbandoned }

// fill returns a request with all of a record except its details, lists and bodies, which keep adds.
func (r *Run) fill(rec *record.Request, instance string) *Request {
	return r.fillCounted(rec, rec.Counts(), instance)
}

// fillCounted does what fill does, with the given token counts.
func (r *Run) fillCounted(rec *record.Request, c record.Counts, instance string) *Request {
	q := r.rows.next()
	*q = Request{
		Traits: r.traits(rec, instance, c), Start: rec.Start, End: rec.End, Index: rec.Index,
		Seq: narrow(rec.Seq), Stage: narrow(rec.Stage), Tokenized: len(rec.ChunkTokens) > 0,
		PromptTokens: narrow(c.Prompt), CompletionTokens: narrow(c.Completion),
		ServerPrompt: narrow(c.ServerPrompt), ServerCompletion: narrow(c.ServerCompletion),
		ServerCached: narrow(c.ServerCached), MaxTokens: narrow(rec.MaxTokens), ChunkCount: narrow(len(rec.Chunks)),
		InSession: rec.SessionID != "", Replayed: rec.Call != nil, Warmup: rec.Warmup, Retried: rec.Retries > 0,
		Good: none, Media: newMedia(rec),
	}
	r.HasMedia = r.HasMedia || q.Media != nil
	if !q.Failed() {
		r.CountsPrompts = r.CountsPrompts || c.PromptSource != record.NoSource
		r.CountsCompletions = r.CountsCompletions || c.CompletionSource != record.NoSource
	}
	if rec.Due != nil {
		q.Due, q.DueKnown = *rec.Due, true
	}
	if rec.Good != nil {
		if q.Good = 0; *rec.Good {
			q.Good = 1
		}
	}
	q.setLatencies(rec, c)
	r.packer.details = newDetails(rec, c)
	q.slowWrite = r.packer.details.WriteDelay >= ShortestLateness
	q.HasReasoning = len(rec.Reasoning) > 0 || r.packer.details.ServerReasoning > 0
	q.HasToolCalls = len(rec.ToolCalls) > 0 || calledTool(rec.FinishReason)
	return q
}

// setLatencies sets the latencies.
func (q *Request) setLatencies(rec *record.Request, c record.Counts) {
	first, last, n := rec.TokenSpan()
	q.TokenSpan, q.TokenTimes = (last - first).Seconds(), narrow(n)
	q.TTFT, q.TPOT = secondsOf(rec.TTFT()), secondsOf(rec.TPOT(c))
}

func secondsOf(d time.Duration, known bool) float64 {
	if !known {
		return unknown
	}
	return d.Seconds()
}

// rows allocates requests from large pieces of memory.
type rows struct{ free []Request }

func (r *rows) next() *Request {
	if len(r.free) == 0 {
		r.free = make([]Request, 1<<12)
	}
	q := &r.free[0]
	r.free = r.free[1:]
	return q
}

// ToolCallReasons are the finish reasons of an answer that calls a tool, as servers and APIs name them.
var ToolCallReasons = []string{"tool_calls", "function_call", "tool_use"}

func calledTool(reason string) bool { return slices.Contains(ToolCallReasons, strings.ToLower(reason)) }

// traits returns the traits of a request, shared with the earlier requests that have the same.
func (r *Run) traits(rec *record.Request, instance string, c record.Counts) *Traits {
	t := Traits{
		Instance: instance, InputSource: c.PromptSource, OutputSource: c.CompletionSource, Scenario: rec.Scenario,
		API: rec.API, Model: rec.Model, Adapter: rec.Adapter,
		Label: rec.Label, Endpoint: rec.Endpoint, Leaves: rec.Leaves,
		FinishReason: rec.FinishReason, ErrorType: rec.ErrorType, Note: rec.Note, Client: rec.Client,
		Status: rec.Status, Streaming: rec.Streaming, Textless: !rec.Generates(),
		TakesInputs: rec.TakesInputs(),
		idPrefix:    r.packer.idPrefix(rec.ID), usage: r.packer.usagePattern(rec.Usage),
	}
	if rec.SLO != nil {
		t.SLO = *rec.SLO
	}
	if r.latest != nil && t == *r.latest {
		return r.latest
	}
	shared := r.common[t]
	if shared == nil {
		if r.common == nil {
			r.common = map[Traits]*Traits{}
		}
		shared = new(t)
		r.common[t] = shared
	}
	r.latest = shared
	return shared
}

// narrow clamps a count to 32 bits; only a malicious file exceeds them.
func narrow(n int) int32 { return int32(max(min(n, math.MaxInt32), math.MinInt32)) }
