package record

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tidwall/gjson"
)

// encoder appends the members of a JSON object as encoding/json writes them, byte for byte, in a third of its time and
// without garbage. At 20,000 requests per second that saves a twentieth of a processor.
type encoder struct {
	dst []byte
	err error // of the first value that JSON cannot hold
}

// appendRequest appends the line of a request. Names stand here in the order of the fields of Request.
func appendRequest(dst []byte, r *Request) ([]byte, error) {
	e := encoder{dst: append(dst, `{"type":"request"`...)}
	e.identity(r)
	e.instants(r)
	e.tokens(r)
	e.outcome(r)
	if e.err != nil {
		return dst, fmt.Errorf("encoding a request line: %w", e.err)
	}
	return append(e.dst, '}'), nil
}

func (e *encoder) identity(r *Request) {
	e.text("request_id", r.ID)
	e.number("client", int64(r.Client))
	e.text("scenario", r.Scenario)
	e.number("stage", int64(r.Stage))
	e.set("warmup", r.Warmup)
	e.number("index", r.Index)
	e.number("seq", int64(r.Seq))
	e.someText("session_id", r.SessionID)
	e.number("turn", int64(r.Turn))
	e.text("api", r.API)
	e.text("model", r.Model)
	e.someText("adapter", r.Adapter)
	e.someText("label", r.Label)
	e.someText("endpoint", r.Endpoint)
	e.flag("streaming", r.Streaming)
}

func (e *encoder) instants(r *Request) {
	e.name("due_ns")
	if r.Due == nil {
		e.dst = append(e.dst, "null"...)
	} else {
		e.dst = strconv.AppendInt(e.dst, *r.Due, 10)
	}
	e.number("start_ns", r.Start)
	e.number("end_ns", r.End)
	e.some("connected_ns", r.Connected)
	e.some("written_ns", r.Written)
	e.some("first_byte_ns", r.FirstByte)
	e.some("retries", int64(r.Retries))
	e.some("attempt_ns", r.Attempt)
	e.some("server_date_s", r.ServerDate)
}

func (e *encoder) tokens(r *Request) {
	if r.Chunks == nil {
		e.name("chunks_us")
		e.dst = append(e.dst, "null"...)
	} else {
		appendList(e, "chunks_us", r.Chunks)
	}
	appendSome(e, "chunk_tokens", r.ChunkTokens)
	appendSome(e, "reasoning_us", r.Reasoning)
	appendSome(e, "tool_calls_us", r.ToolCalls)
	e.count("prompt_tokens", r.Prompt)
	e.some("prompt_tokens_asked", int64(r.PromptAsked))
	e.set("prompt_tokens_raw", r.PromptRaw)
	e.count("completion_tokens", r.Completion)
	e.set("completion_tokens_raw", r.CompletionRaw)
	e.some("max_tokens", int64(r.MaxTokens))
	e.usage(r.Usage)
	e.someText("finish_reason", r.FinishReason)
	e.known("inputs", r.Inputs)
	e.known("vector_length", r.VectorLength)
	e.known("scores", r.Scores)
	if hasMedia(r) {
		e.media(r)
	}
}

func (e *encoder) outcome(r *Request) {
	e.some("status", int64(r.Status))
	e.number("bytes_sent", r.BytesSent)
	e.number("bytes_received", r.BytesReceived)
	e.hash("prompt_hash", r.PromptHash)
	e.someText("leaves", r.Leaves)
	e.someText("error_type", r.ErrorType)
	e.someText("error", r.Error)
	e.someText("note", r.Note)
	if r.SLO != nil {
		e.value("slo", r.SLO)
	}
	if r.Good != nil {
		e.flag("good", *r.Good)
	}
	if r.Call != nil {
		e.call(r.Call)
	}
	e.someText("request", r.RequestBody)
	e.someText("response", r.ResponseBody)
}

// name begins a member. There is always one before it.
func (e *encoder) name(name string) {
	e.dst = append(e.dst, `,"`...)
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, `":`...)
}

func (e *encoder) number(name string, v int64) {
	e.name(name)
	e.dst = strconv.AppendInt(e.dst, v, 10)
}

// some appends a number other than 0.
func (e *encoder) some(name string, v int64) {
	if v != 0 {
		e.number(name, v)
	}
}

func (e *encoder) hash(name string, v Hash) {
	if v == 0 {
		return
	}
	e.name(name)
	e.dst = append(e.dst, '"')
	e.dst, _ = v.AppendText(e.dst) // never fails
	e.dst = append(e.dst, '"')
}

func (e *encoder) count(name string, v *int) {
	if v != nil {
		e.number(name, int64(*v))
	}
}

func (e *encoder) known(name string, v *int64) {
	if v != nil {
		e.number(name, *v)
	}
}

func (e *encoder) flag(name string, v bool) {
	e.name(name)
	e.dst = strconv.AppendBool(e.dst, v)
}

func (e *encoder) set(name string, v bool) {
	if v {
		e.flag(name, v)
	}
}

func (e *encoder) text(name, v string) {
	if !plain(v) {
		e.value(name, v)
		return
	}
	e.name(name)
	e.dst = append(e.dst, '"')
	e.dst = append(e.dst, v...)
	e.dst = append(e.dst, '"')
}

func (e *encoder) someText(name, v string) {
	if v != "" {
		e.text(name, v)
	}
}

// value appends what is rare by encoding/json.
func (e *encoder) value(name string, v any) {
	text, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.name(name)
	e.dst = append(e.dst, text...)
}

// usage appends a map as it is if encoding/json would not change it.
func (e *encoder) usage(raw json.RawMessage) {
	switch {
	case len(raw) == 0:
	case compact(raw) && gjson.ValidBytes(raw):
		e.name("usage")
		e.dst = append(e.dst, raw...)
	default:
		e.value("usage", raw)
	}
}

func appendSome[T int | int64](e *encoder, name string, list []T) {
	if len(list) > 0 {
		appendList(e, name, list)
	}
}

func appendList[T int | int64](e *encoder, name string, list []T) {
	e.name(name)
	e.dst = append(e.dst, '[')
	for i, v := range list {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	}
	e.dst = append(e.dst, ']')
}

// plain reports whether a string in JSON is the string itself in quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// compact reports whether JSON has no bytes that encoding/json leaves out or escapes, and is too short to be nested too
// deeply for encoding/json.
func compact(raw []byte) bool {
	for _, c := range raw {
		if c <= ' ' || c > '~' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return len(raw) < 4096
}
