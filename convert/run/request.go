package run

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// none is the token count of a request without a count.
const none = record.NotReported

// unknown is a figure that is not defined for a request.
var unknown = math.NaN()

// Traits holds the properties that many requests of a run share.
type Traits struct {
	Instance, Scenario, API, Model, Adapter string
	FinishReason, ErrorType, Note           string
	InputSource, OutputSource               record.Source // of the token counts
	Client, Status                          int
	Streaming                               bool
	SLO                                     record.Bounds // the zero value means no bounds
}

// Request is one request of a run. It takes some 300 bytes, and its chunks, which are packed. Instants are ticks of the
// run's clock.
type Request struct {
	*Traits
	ID, SessionID, Error string

	Start, End int64
	// Due is the instant at which the request was due, recorded or fitted. It is valid only if DueKnown.
	Due                           int64
	Connected, FirstByte, Attempt int64 // 0 if the event never happened
	Index                         int64
	BytesSent, BytesReceived      int64
	// WriteDelay is the time from when a connection was available until the request was written, 0 if unknown.
	WriteDelay int64

	Seq, Turn, MaxTokens, PromptAsked, Retries int32
	// Stage is the stage in which the request was due, or in which it was sent if the due instant is unknown.
	Stage int32

	PromptTokens, CompletionTokens int32 // from the first source that has a count, in the order of package record
	ClientPrompt, ClientCompletion int32 // counted by the client, or none
	// ServerPrompt, ServerCompletion and ServerCached are the counts in the usage map, or none.
	ServerPrompt, ServerCompletion, ServerCached int32
	ServerReasoning                              int32 // part of ServerCompletion, or none
	ChunkCount, TokenTimes                       int32
	DueKnown                                     bool
	PromptRaw                                    bool
	Tokenized                                    bool // chunks' tokens were counted
	HasReasoning, HasToolCalls                   bool // the answer has reasoning, tool calls
	EndUnknown                                   bool // an imported request's end is unknown, and End equals Start
	// ChunksUnlisted reports that only an imported request's first and last chunks are known.
	ChunksUnlisted bool
	LeftOut        bool // it is left out of the latencies because it was read late
	Good           int8 // 1 if it met its bounds, 0 if not, none without bounds

	// Figures in seconds, unknown where undefined, by the formulas of package record. FirstToken and TokenSpan concern
	// token times.
	FirstToken, TokenSpan                  float64
	TTFT, TTFO, TTFR, TPOT, NTPOT, MeanITL float64

	packed []byte // arrivals, tokens and usage; see pack
}

// Failed reports whether the request failed.
func (q *Request) Failed() bool { return q.ErrorType != "" }

// fill returns a request with all of a record except its lists, usage map and bodies, which keep adds.
func (r *Run) fill(rec *record.Request, instance string) *Request {
	return r.fillCounted(rec, rec.Counts(), instance)
}

// fillCounted does what fill does, with the given token counts.
func (r *Run) fillCounted(rec *record.Request, c record.Counts, instance string) *Request {
	q := r.rows.next()
	*q = Request{
		Traits: r.traits(rec, instance, c), ID: rec.ID, SessionID: rec.SessionID, Error: rec.Error,
		Start: rec.Start, End: rec.End, Connected: rec.Connected, FirstByte: rec.FirstByte, Attempt: rec.Attempt,
		WriteDelay: writeDelay(rec), Index: rec.Index, BytesSent: rec.BytesSent, BytesReceived: rec.BytesReceived,
		Seq: narrow(rec.Seq), Turn: narrow(rec.Turn), MaxTokens: narrow(rec.MaxTokens),
		PromptAsked: narrow(rec.PromptAsked), Retries: narrow(rec.Retries),
		Stage: narrow(rec.Stage), PromptRaw: rec.PromptRaw, Tokenized: len(rec.ChunkTokens) > 0,
		ChunkCount: narrow(len(rec.Chunks)), Good: none,
	}
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
	q.setCounts(rec, c)
	q.setLatencies(rec, c)
	return q
}

// writeDelay returns how long the write took, and 0 for a request too long for the system to accept at once: the
// writing of a long request waits for the network, too.
func writeDelay(rec *record.Request) int64 {
	const acceptedAtOnce = 64 << 10 // bytes, fewer than the buffer of a connection holds
	if rec.Written == 0 || rec.Connected == 0 || rec.BytesSent > acceptedAtOnce {
		return 0
	}
	return max(0, rec.Written-max(rec.Connected, rec.Start))
}

// setCounts sets the token counts.
func (q *Request) setCounts(rec *record.Request, c record.Counts) {
	q.PromptTokens, q.CompletionTokens = narrow(c.Prompt), narrow(c.Completion)
	q.ClientPrompt, q.ClientCompletion = narrowOrNone(rec.Prompt), narrowOrNone(rec.Completion)
	q.ServerPrompt, q.ServerCompletion = narrow(c.ServerPrompt), narrow(c.ServerCompletion)
	q.ServerCached = narrow(c.ServerCached)
	q.ServerReasoning = none
	if n := gjson.GetBytes(rec.Usage, "completion_tokens_details.reasoning_tokens"); n.Type == gjson.Number &&
		n.Num >= 0 && n.Num < math.MaxInt32 {
		q.ServerReasoning = int32(n.Num)
	}
	q.HasReasoning = len(rec.Reasoning) > 0 || q.ServerReasoning > 0
	q.HasToolCalls = len(rec.ToolCalls) > 0 || calledTool(rec.FinishReason)
}

// setLatencies sets the latencies.
func (q *Request) setLatencies(rec *record.Request, c record.Counts) {
	first, last, n := rec.TokenSpan()
	q.FirstToken, q.TokenSpan, q.TokenTimes = first.Seconds(), (last - first).Seconds(), narrow(n)
	q.TTFT, q.TTFO, q.TTFR = secondsOf(rec.TTFT()), secondsOf(rec.TTFO()), secondsOf(rec.TTFR())
	q.TPOT, q.NTPOT, q.MeanITL = secondsOf(rec.TPOT(c)), secondsOf(rec.NTPOT(c)), secondsOf(rec.MeanITL())
}

func secondsOf(d time.Duration, known bool) float64 {
	if !known {
		return unknown
	}
	return d.Seconds()
}

func narrowOrNone(n *int) int32 {
	if n == nil {
		return none
	}
	return narrow(*n)
}

// pack appends to dst the arrivals as the gaps between them, the tokens of chunks, and the usage map.
func pack(dst []byte, rec *record.Request) []byte {
	dst = packTimes(dst, rec.Chunks)
	for _, n := range rec.ChunkTokens {
		dst = binary.AppendUvarint(dst, uint64(n)) // the reader refuses negative ones
	}
	dst = packTimes(dst, rec.Reasoning)
	dst = packTimes(dst, rec.ToolCalls)
	return append(dst, rec.Usage...)
}

func packTimes(dst []byte, times []int64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(times)))
	var last int64
	for _, t := range times {
		dst = binary.AppendUvarint(dst, uint64(t-last)) // the reader refuses times that go backwards
		last = t
	}
	return dst
}

// Unpack fills the lists and the usage map of rec, and reuses the memory of the lists.
func (q *Request) Unpack(rec *record.Request) {
	data := q.packed
	rec.Chunks, data = unpackTimes(rec.Chunks[:0], data)
	rec.ChunkTokens = rec.ChunkTokens[:0]
	if q.Tokenized {
		for range rec.Chunks {
			n, size := binary.Uvarint(data)
			rec.ChunkTokens, data = append(rec.ChunkTokens, int(n)), data[size:] // pack wrote it from an int
		}
	}
	rec.Reasoning, data = unpackTimes(rec.Reasoning[:0], data)
	rec.ToolCalls, data = unpackTimes(rec.ToolCalls[:0], data)
	rec.Usage = data
}

func unpackTimes(times []int64, data []byte) ([]int64, []byte) {
	n, size := binary.Uvarint(data)
	data = data[size:]
	times = slices.Grow(times, int(n)) // pack wrote it from an int
	var at int64
	for range n {
		gap, size := binary.Uvarint(data)
		at += int64(gap) // pack wrote it from an int64
		times, data = append(times, at), data[size:]
	}
	return times, data
}

// arena stores many short byte strings in large pieces of memory.
type arena struct{ free []byte }

const arenaPiece = 1 << 22

// keep returns a copy of data in the arena.
func (a *arena) keep(data []byte) []byte {
	if len(data) > len(a.free) {
		a.free = make([]byte, max(arenaPiece, len(data)))
	}
	n := copy(a.free, data)
	kept := a.free[:n:n]
	a.free = a.free[n:]
	return kept
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
		FinishReason: rec.FinishReason, ErrorType: rec.ErrorType, Note: rec.Note, Client: rec.Client,
		Status: rec.Status, Streaming: rec.Streaming,
	}
	if rec.SLO != nil {
		t.SLO = *rec.SLO
	}
	shared := r.common[t]
	if shared == nil {
		if r.common == nil {
			r.common = map[Traits]*Traits{}
		}
		shared = &t
		r.common[t] = shared
	}
	return shared
}

// narrow clamps a count to 32 bits; only a malicious file exceeds them.
func narrow(n int) int32 { return int32(max(min(n, math.MaxInt32), math.MinInt32)) }
