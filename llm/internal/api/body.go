package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Extra holds further fields of the request body, encoded. A field replaces one that the body has already; null removes
// it.
type Extra map[string]json.RawMessage

// ParseExtra encodes fields once, for many requests. It refuses fields that have an option of their own.
func ParseExtra(fields map[string]any) (Extra, error) {
	extra := make(Extra, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch name {
		case "model", "messages", "prompt", "input", "stream":
			return nil, fmt.Errorf("field %q is set by the request itself, use its own option", name)
		}
		value, err := encode(fields[name])
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		extra[name] = value
	}
	return extra, nil
}

// MaxTokensField is the field that carries a request's limit unless the request names another, or the dialect has one
// of its own.
const MaxTokensField = "max_tokens"

// CheckMaxTokensField returns an error if the field of the limit cannot have the given name. The name "" is allowed.
func CheckMaxTokensField(name string) error { return checkFieldName(name, "max_completion_tokens") }

// CheckPriorityField returns an error if the field of the priority cannot have the given name. The name "" is allowed.
func CheckPriorityField(name string) error {
	if name == MaxTokensField {
		return fmt.Errorf("%q is another field of the request", name)
	}
	return checkFieldName(name, "priority")
}

func checkFieldName(name, such string) error {
	switch name {
	case "model", "messages", "prompt", "input", "stream", "stream_options", "ignore_eos", "add_special_tokens",
		"response_format":
		return fmt.Errorf("%q is another field of the request", name)
	}
	if name != "" && !isFieldName(name) {
		return fmt.Errorf("%q is not the name of a field such as %s", name, such)
	}
	return nil
}

// isFieldName reports whether a field of a body can have the name.
func isFieldName(name string) bool {
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// fieldsRoom is room, in bytes, for the fields of a body besides its input.
const fieldsRoom = 192

// newBody returns a writer with room for the body of a request.
func newBody(r *Request) *bodyWriter {
	room := fieldsRoom + len(r.Model) + len(r.Prompt) + len(r.Prompt)/8 + len(r.Messages) + len(r.Query)
	for _, text := range r.Inputs {
		room += len(text) + len(text)/8 + len(`"",`)
	}
	return &bodyWriter{dst: make([]byte, 0, room), extra: r.Extra}
}

// errPrevious refuses a request that continues an answer of the server.
var errPrevious = errors.New("chainResponses needs api 'responses'")

// checkTextless refuses what dialects whose answers are no text have no field for.
func checkTextless(d Dialect, r *Request) error {
	switch {
	case r.Previous != "":
		return errPrevious
	case r.Format != nil:
		return errFormat(d)
	}
	return checkTools(r, d.Name())
}

// checkTools returns an error if a request has tools, for a dialect that has no field for them.
func checkTools(r *Request, name string) error {
	switch {
	case r.Tools != nil:
		return fmt.Errorf("tools have no field in api %s: leave them out", name)
	case r.ToolChoice != nil:
		return fmt.Errorf("tool_choice has no field in api %s: leave it out", name)
	}
	return nil
}

// tools writes tools, and the choice among them, unless nil.
func (w *bodyWriter) tools(tools, choice json.RawMessage) {
	if tools != nil {
		w.json("tools", tools)
	}
	if choice != nil {
		w.json("tool_choice", choice)
	}
}

// limit writes the limit of the output under the dialect's name, unless the request gives it one other than the usual.
func (w *bodyWriter) limit(r *Request, name string) {
	if r.MaxTokensField != "" && r.MaxTokensField != MaxTokensField {
		name = r.MaxTokensField
	}
	if r.MaxTokens > 0 {
		w.plain(name, strconv.Itoa(r.MaxTokens))
	}
}

// bodyWriter writes an object. The names of its fields need no escapes, those of the extra fields excepted.
type bodyWriter struct {
	dst   []byte
	extra Extra
	err   error
}

// begin writes a field's name, and reports whether its value follows: no extra field replaces it.
func (w *bodyWriter) begin(name string) bool {
	if _, replaced := w.extra[name]; replaced {
		return false
	}
	w.separate()
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, `":`...)
	return true
}

func (w *bodyWriter) separate() {
	sep := byte(',')
	if len(w.dst) == 0 {
		sep = '{'
	}
	w.dst = append(w.dst, sep)
}

// plain writes a value that is JSON as it stands.
func (w *bodyWriter) plain(name, value string) {
	if w.begin(name) {
		w.dst = append(w.dst, value...)
	}
}

func (w *bodyWriter) text(name, value string) {
	if w.begin(name) {
		w.dst = AppendQuoted(w.dst, value)
	}
}

// some writes a text other than "".
func (w *bodyWriter) some(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// texts writes a list.
func (w *bodyWriter) texts(name string, list []string) {
	if !w.begin(name) {
		return
	}
	w.dst = append(w.dst, '[')
	for i, text := range list {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = AppendQuoted(w.dst, text)
	}
	w.dst = append(w.dst, ']')
}

// json writes a value of the caller's, as it stands unless it is not JSON.
func (w *bodyWriter) json(name string, value json.RawMessage) {
	if !w.begin(name) {
		return
	}
	w.value(name, value, gjson.ValidBytes(value))
}

// messages writes messages of the request, or what was made of them.
func (w *bodyWriter) messages(name string, list json.RawMessage, r *Request) {
	if w.begin(name) {
		w.value(name, list, r.Checked || gjson.ValidBytes(list))
	}
}

// value writes the value of a field that has begun.
func (w *bodyWriter) value(name string, value json.RawMessage, valid bool) {
	if !valid {
		text, err := encode(value)
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("%s: %w", name, err)
		}
		value = text
	}
	w.dst = append(w.dst, value...)
}

func (w *bodyWriter) finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	names := make([]string, 0, len(w.extra))
	for name := range w.extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if value := w.extra[name]; string(value) != "null" {
			w.separate()
			w.dst = append(AppendQuoted(w.dst, name), ':')
			w.dst = append(w.dst, value...)
		}
	}
	return append(w.dst, '}'), nil
}

// AppendQuoted appends a string as encoding/json writes it without the escapes meant for HTML.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if i += Plain(s[i:]); i == len(s) {
			break
		}
		if c := s[i]; c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if escape := escapeOf(r, size); escape != "" {
			dst = append(append(dst, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(append(dst, s[from:]...), '"')
}

// Plain returns the length of a part at the beginning of a text that stands in a JSON string as it is: printable ASCII,
// no quotes and backslashes. It may end a few bytes early, and takes a small share of the time of a loop over bytes.
func Plain(s string) (n int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; n+8 <= len(s); n += 8 {
		b := s[n : n+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 |
			uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, backslash := x^ones*'"', x^ones*'\\'
		if (x|(x-ones*' ')|(quote-ones)|(backslash-ones))&highs != 0 {
			break
		}
	}
	return n
}

// escapeOf returns what stands in a JSON string for a quote, a backslash, or a rune that is not printable ASCII: "" if
// that is the rune itself. size is the rune's size in bytes.
func escapeOf(r rune, size int) string {
	switch {
	case r == '"':
		return `\"`
	case r == '\n':
		return `\n`
	case r >= utf8.RuneSelf && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1):
		return ""
	}
	if r == utf8.RuneError {
		return `\ufffd`
	}
	quoted, _ := encode(string(r)) // a string never fails
	return string(quoted[1 : len(quoted)-1])
}

// encode is json.Marshal without the escapes meant for HTML, which would make a prompt longer than it is.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
