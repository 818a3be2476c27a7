package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// Decoder reads lines one by one. It reads request lines as Append writes them in one pass, and others, with keys of a
// later version, escapes or spaces, by encoding/json, to the same result. It must not be used concurrently; the zero
// value is ready.
type Decoder struct {
	// Reuse makes Parse return the same Request each time, overwritten by the next call; reading then allocates almost
	// nothing.
	Reuse bool

	kept  kept
	names map[string]string // texts seen before, of which a run has few
	slo   []byte            // text of the bounds in the last line that had some
	limit Bounds            // the bounds that this text holds
}

// kept holds a request that Parse reuses, together with what it points to.
type kept struct {
	request            Request
	due                int64
	prompt, completion int
	inputs, length     int64
	scores             int64
	good               bool
	bounds             Bounds
	chunks, reasoning  []int64
	toolCalls          []int64
	tokens             []int
	usage              []byte
	call               Call
	after              []int
	blocks             []byte
	media, output      []Media
	chunkBytes         []int64
	poll               Poll
}

// Parse reads one line. A line of an unknown type is an error that names the type.
func (d *Decoder) Parse(data []byte) (Line, error) {
	if line := d.plain(data); line != nil {
		if err := line.Validate(); err != nil {
			return nil, fmt.Errorf("request line: %w", err)
		}
		return line, nil
	}
	kind := gjson.GetBytes(data, "type").String() // Append writes the type first, so this reads few bytes
	line := newLine(kind)
	if line == nil {
		if !json.Valid(data) {
			return nil, errors.New("not a JSON object")
		}
		return nil, fmt.Errorf("unknown line type %q", kind)
	}
	if err := json.Unmarshal(data, line); err != nil {
		return nil, fmt.Errorf("%s line: %w", kind, inWords(data, err))
	}
	if err := validate(line); err != nil {
		return nil, fmt.Errorf("%s line: %w", kind, err)
	}
	return line, nil
}

var requestHead = []byte(`{"type":"request"`)

// plain reads a request line of the form that Append writes; it returns nil for any other line.
func (d *Decoder) plain(data []byte) *Request {
	if !bytes.HasPrefix(data, requestHead) {
		return nil
	}
	k := &d.kept
	if !d.Reuse {
		k = new(kept)
	}
	k.request = Request{}
	s := scan{data: data[len(requestHead):], d: d}
	for s.is(',') {
		if !s.field(k) {
			return nil
		}
	}
	if !s.is('}') || len(s.data) > 0 {
		return nil
	}
	return &k.request
}

// scan reads compact JSON from the front of data. Its methods report whether they found what they read.
type scan struct {
	data []byte
	d    *Decoder
}

// is consumes the next byte if it is c.
func (s *scan) is(c byte) bool {
	if len(s.data) == 0 || s.data[0] != c {
		return false
	}
	s.data = s.data[1:]
	return true
}

// field reads a key and its value.
func (s *scan) field(k *kept) bool {
	key, ok := s.quoted()
	if !ok || !s.is(':') {
		return false
	}
	r := &k.request
	switch string(key) {
	case "request_id":
		return s.fresh(&r.ID)
	case "client":
		return s.int(&r.Client)
	case "scenario":
		return s.name(&r.Scenario)
	case "stage":
		return s.int(&r.Stage)
	case "warmup":
		return s.bool(&r.Warmup)
	case "index":
		return s.int64(&r.Index)
	case "seq":
		return s.int(&r.Seq)
	case "session_id":
		return s.fresh(&r.SessionID)
	case "turn":
		return s.int(&r.Turn)
	case "api":
		return s.name(&r.API)
	case "model":
		return s.name(&r.Model)
	case "adapter":
		return s.name(&r.Adapter)
	case "label":
		return s.name(&r.Label)
	case "endpoint":
		return s.name(&r.Endpoint)
	case "streaming":
		return s.bool(&r.Streaming)
	}
	return s.time(key, k) || s.count(key, k) || s.outcome(key, k) || s.mediaOf(key, k)
}

// time reads a field that is an instant or a list of instants.
func (s *scan) time(key []byte, k *kept) bool {
	r := &k.request
	switch string(key) {
	case "due_ns":
		if rest, null := bytes.CutPrefix(s.data, []byte("null")); null {
			s.data, r.Due = rest, nil
			return true
		}
		r.Due = &k.due
		return s.int64(r.Due)
	case "start_ns":
		return s.int64(&r.Start)
	case "end_ns":
		return s.int64(&r.End)
	case "connected_ns":
		return s.int64(&r.Connected)
	case "written_ns":
		return s.int64(&r.Written)
	case "first_byte_ns":
		return s.int64(&r.FirstByte)
	case "attempt_ns":
		return s.int64(&r.Attempt)
	case "server_date_s":
		return s.int64(&r.ServerDate)
	case "chunks_us":
		return list(s, &k.chunks, &r.Chunks)
	case "reasoning_us":
		return list(s, &k.reasoning, &r.Reasoning)
	case "tool_calls_us":
		return list(s, &k.toolCalls, &r.ToolCalls)
	}
	return false
}

// count reads a field that is a number of something.
func (s *scan) count(key []byte, k *kept) bool {
	r := &k.request
	switch string(key) {
	case "chunk_tokens":
		return list(s, &k.tokens, &r.ChunkTokens)
	case "prompt_tokens":
		r.Prompt = &k.prompt
		return s.int(r.Prompt)
	case "prompt_tokens_asked":
		return s.int(&r.PromptAsked)
	case "prompt_tokens_raw":
		return s.bool(&r.PromptRaw)
	case "completion_tokens":
		r.Completion = &k.completion
		return s.int(r.Completion)
	case "completion_tokens_raw":
		return s.bool(&r.CompletionRaw)
	case "max_tokens":
		return s.int(&r.MaxTokens)
	case "usage":
		raw, ok := s.object()
		k.usage = append(k.usage[:0], raw...)
		r.Usage = k.usage
		return ok
	case "inputs":
		r.Inputs = &k.inputs
		return s.int64(r.Inputs)
	case "vector_length":
		r.VectorLength = &k.length
		return s.int64(r.VectorLength)
	case "scores":
		r.Scores = &k.scores
		return s.int64(r.Scores)
	case "bytes_sent":
		return s.int64(&r.BytesSent)
	case "bytes_received":
		return s.int64(&r.BytesReceived)
	case "retries":
		return s.int(&r.Retries)
	}
	return false
}

// outcome reads a field that tells how the request ended.
func (s *scan) outcome(key []byte, k *kept) bool {
	r := &k.request
	switch string(key) {
	case "finish_reason":
		return s.name(&r.FinishReason)
	case "status":
		return s.int(&r.Status)
	case "leaves":
		return s.name(&r.Leaves)
	case "error_type":
		return s.name(&r.ErrorType)
	case "error":
		return s.fresh(&r.Error)
	case "note":
		return s.name(&r.Note)
	case "slo":
		if r.SLO != nil || !s.bounds() {
			return false
		}
		k.bounds = s.d.limit
		r.SLO = &k.bounds
		return true
	case "prompt_hash":
		digits, ok := s.quoted()
		return ok && r.PromptHash.read(digits)
	case "good":
		r.Good = &k.good
		return s.bool(r.Good)
	case "call":
		return s.call(k)
	}
	return false
}
