package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Extra holds further fields of the request body, encoded. A field replaces one that the body has already; null removes
// it.
type Extra map[string]json.RawMessage

// ParseExtra encodes fields once, for many requests. It refuses fields that have an option of their own.
func ParseExtra(fields map[string]any) (Extra, error) {
	extra := make(Extra, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch name {
		case "model", "messages", "prompt", "stream":
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

// MaxTokensField is the field that carries a request's limit unless the request names another.
const MaxTokensField = "max_tokens"

// CheckMaxTokensField returns an error if the field of the limit cannot have the given name. The name "" is allowed.
func CheckMaxTokensField(name string) error {
	switch name {
	case "model", "messages", "prompt", "stream", "stream_options", "ignore_eos", "add_special_tokens",
		"response_format":
		return fmt.Errorf("%q is another field of the request", name)
	}
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return fmt.Errorf("%q is not the name of a field such as max_completion_tokens", name)
		}
	}
	return nil
}

// body writes the fields in the order of inference-perf.
func body(r Request, inputName string, input any) ([]byte, error) {
	w := newBodyWriter(r.Extra)
	w.field("model", r.Model)
	w.field(inputName, input)
	if r.MaxTokens > 0 {
		w.field(cmp.Or(r.MaxTokensField, MaxTokensField), r.MaxTokens)
	}
	if r.IgnoreEOS && r.MaxTokens > 0 { // without a limit an answer would go on to the end of the context
		w.field("ignore_eos", true) // left out when false: servers that do not know the field may refuse it
	}
	w.field("stream", r.Stream)
	if r.Stream {
		w.field("stream_options", streamOptions{IncludeUsage: true})
	}
	if r.AddSpecial != nil {
		w.field("add_special_tokens", *r.AddSpecial)
	}
	if r.Format != nil {
		w.field("response_format", r.Format)
	}
	return w.finish()
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type bodyWriter struct {
	buf   bytes.Buffer
	json  *json.Encoder // to buf
	extra Extra
	err   error
}

func newBodyWriter(extra Extra) *bodyWriter {
	w := &bodyWriter{extra: extra}
	w.json = newEncoder(&w.buf)
	return w
}

func (w *bodyWriter) field(name string, value any) {
	if _, replaced := w.extra[name]; replaced || w.err != nil {
		return
	}
	w.name(name)
	if err := w.json.Encode(value); err != nil {
		w.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	w.buf.Truncate(w.buf.Len() - 1) // the encoder's line break
}

func (w *bodyWriter) name(encoded string) {
	sep := byte(',')
	if w.buf.Len() == 0 {
		sep = '{'
	}
	w.buf.WriteByte(sep)
	w.buf.WriteByte('"')
	w.buf.WriteString(encoded)
	w.buf.WriteString(`":`)
}

func (w *bodyWriter) finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	for _, name := range slices.Sorted(maps.Keys(w.extra)) {
		if value := w.extra[name]; string(value) != "null" {
			key, _ := encode(name)
			w.name(string(key[1 : len(key)-1]))
			w.buf.Write(value)
		}
	}
	w.buf.WriteByte('}')
	return w.buf.Bytes(), nil
}

// encode is json.Marshal with the settings of newEncoder.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	if err := newEncoder(&buf).Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// newEncoder omits the escapes meant for HTML, which would make a prompt longer than it is.
func newEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}
