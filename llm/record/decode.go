package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/tidwall/gjson"
)

// Decoder reads lines one by one. Request lines as Append writes them are read in one pass; others, with keys of a later
// version, escapes or spaces, by encoding/json, to the same result. It is for one goroutine; the zero value is ready.
type Decoder struct {
	// Reuse makes Parse give the same Request each time, overwritten by the next: reading then allocates next to nothing.
	Reuse bool

	kept  kept
	names map[string]string // texts seen before, of which a run has few
	slo   []byte            // as it stood in the last line that had one
	limit Bounds            // read of it
}

// kept is a request that is used again, and what it points to.
type kept struct {
	request            Request
	due                int64
	prompt, completion int
	good               bool
	bounds             Bounds
	chunks, reasoning  []int64
	toolCalls          []int64
	tokens             []int
	usage              []byte
}

// Parse reads one line. A line of a type it does not know is an error that names the type.
func (d *Decoder) Parse(data []byte) (Line, error) {
	if line := d.plain(data); line != nil {
		if err := line.Validate(); err != nil {
			return nil, fmt.Errorf("request line: %w", err)
		}
		return line, nil
	}
	kind := gjson.GetBytes(data, "type").String() // Append writes it first, so this reads a few bytes
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

// plain reads a request line of the form that Append writes, nil for all else.
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

// is takes a byte away if it stands next.
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
	case "streaming":
		return s.bool(&r.Streaming)
	}
	return s.time(key, k) || s.count(key, k) || s.outcome(key, k)
}

// time reads a field that is an instant or a list of them.
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
	case "good":
		r.Good = &k.good
		return s.bool(r.Good)
	}
	return false
}

// quoted reads a string of plain ASCII without escapes.
func (s *scan) quoted() ([]byte, bool) {
	if !s.is('"') {
		return nil, false
	}
	end := bytes.IndexByte(s.data, '"')
	if end < 0 {
		return nil, false
	}
	text := s.data[:end]
	for _, c := range text {
		if c < ' ' || c >= 0x80 || c == '\\' {
			return nil, false
		}
	}
	s.data = s.data[end+1:]
	return text, true
}

// fresh reads a string that no other line is likely to have.
func (s *scan) fresh(dst *string) bool {
	text, ok := s.quoted()
	*dst = string(text)
	return ok
}

// maxNames bounds the texts that are kept.
const maxNames = 1 << 12

// name reads a string that other lines are likely to have, too.
func (s *scan) name(dst *string) bool {
	text, ok := s.quoted()
	if !ok {
		return false
	}
	known, ok := s.d.names[string(text)]
	if !ok {
		known = string(text)
		if s.d.names == nil {
			s.d.names = map[string]string{}
		}
		if len(s.d.names) < maxNames {
			s.d.names[known] = known
		}
	}
	*dst = known
	return true
}

func (s *scan) bool(dst *bool) bool {
	rest, yes := bytes.CutPrefix(s.data, []byte("true"))
	if !yes {
		var no bool
		if rest, no = bytes.CutPrefix(s.data, []byte("false")); !no {
			return false
		}
	}
	s.data, *dst = rest, yes
	return true
}

func (s *scan) int(dst *int) bool {
	var n int64
	ok := s.int64(&n)
	*dst = int(n)
	return ok && int64(*dst) == n
}

// int64 reads a whole number.
func (s *scan) int64(dst *int64) bool {
	n, used := integer(s.data)
	*dst = n
	s.data = s.data[used:]
	return used > 0
}

// integer reads a whole number from the front of data, and tells how many bytes it has; 0 if there is none, or one that is
// too large or written in another way.
func integer(data []byte) (n int64, used int) {
	i := 0
	negative := len(data) > 0 && data[0] == '-'
	if negative {
		i++
	}
	first := i
	var sum uint64
	for ; i < len(data); i++ {
		c := data[i] - '0'
		if c > 9 {
			break
		}
		sum = sum*10 + uint64(c)
	}
	digits := i - first
	switch {
	case digits == 0, digits > 19, sum > math.MaxInt64, digits > 1 && data[first] == '0', negative && sum == 0: // 19 digits fit into a uint64
		return 0, 0
	case i < len(data) && (data[i] == '.' || data[i] == 'e' || data[i] == 'E'):
		return 0, 0
	}
	if n = int64(sum); negative {
		n = -n
	}
	return n, i
}

// list reads whole numbers, none negative, into buf, which is used again, and gives them to dst. It is where reading a run
// spends most of its time.
func list[T int | int64](s *scan, buf, dst *[]T) bool {
	if !s.is('[') {
		return false
	}
	out := (*buf)[:0]
	if out == nil {
		out = []T{}
	}
	if s.is(']') {
		*buf, *dst = out, out
		return true
	}
	data := s.data
	for i := 0; i < len(data); i++ {
		first, n := i, T(0)
		for i < len(data) && data[i]-'0' <= 9 {
			n = n*10 + T(data[i]-'0')
			i++
		}
		digits := i - first
		if digits == 0 || digits > maxDigits || i == len(data) || digits > 1 && data[first] == '0' {
			return false
		}
		out = append(out, n)
		if data[i] == ']' {
			s.data, *buf, *dst = data[i+1:], out, out
			return true
		}
		if data[i] != ',' {
			return false
		}
	}
	return false
}

// maxDigits of a number cannot overflow an int of the machine.
const maxDigits = 9 * (bits.UintSize / 32)

// object reads an object whole.
func (s *scan) object() ([]byte, bool) {
	if len(s.data) == 0 || s.data[0] != '{' {
		return nil, false
	}
	depth, quoted := 0, false
	for i := 0; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '\\':
			return nil, false // rare in what is read here
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				raw := s.data[:i+1]
				s.data = s.data[i+1:]
				return raw, gjson.ValidBytes(raw)
			}
		}
	}
	return nil, false
}

// bounds reads bounds, which are mostly those of the line before.
func (s *scan) bounds() bool {
	raw, ok := s.object()
	if !ok || bytes.Equal(raw, s.d.slo) {
		return ok
	}
	var b Bounds
	if json.Unmarshal(raw, &b) != nil {
		return false
	}
	s.d.slo, s.d.limit = append(s.d.slo[:0], raw...), b
	return true
}
