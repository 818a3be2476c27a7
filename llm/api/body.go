package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Extra are further fields of the request body, encoded. A field the body has already is replaced; null takes it out.
type Extra map[string]json.RawMessage

// ParseExtra encodes fields once, for many requests. Fields with an option of their own are refused.
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

// body writes the fields in the order inference-perf does.
func body(r Request, inputName string, input any) ([]byte, error) {
	w := bodyWriter{extra: r.Extra}
	w.field("model", r.Model)
	w.field(inputName, input)
	w.field("max_tokens", r.MaxTokens)
	if r.IgnoreEOS {
		w.field("ignore_eos", true) // left out when false: servers that do not know it may refuse it
	}
	w.field("stream", r.Stream)
	if r.Stream {
		w.field("stream_options", json.RawMessage(`{"include_usage":true}`))
	}
	if r.AddSpecial != nil {
		w.field("add_special_tokens", *r.AddSpecial)
	}
	if r.Format != nil {
		w.field("response_format", r.Format)
	}
	return w.finish()
}

type bodyWriter struct {
	buf   []byte
	extra Extra
	err   error
}

func (w *bodyWriter) field(name string, value any) {
	if _, replaced := w.extra[name]; replaced || w.err != nil {
		return
	}
	text, err := encode(value)
	if err != nil {
		w.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	w.raw(name, text)
}

func (w *bodyWriter) raw(name string, value []byte) {
	sep := byte(',')
	if len(w.buf) == 0 {
		sep = '{'
	}
	w.buf = append(w.buf, sep, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
	w.buf = append(w.buf, value...)
}

func (w *bodyWriter) finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	for _, name := range slices.Sorted(maps.Keys(w.extra)) {
		if value := w.extra[name]; string(value) != "null" {
			key, _ := encode(name)
			w.raw(string(key[1:len(key)-1]), value)
		}
	}
	return append(w.buf, '}'), nil
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
