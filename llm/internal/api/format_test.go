package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format Format
		want   string
	}{
		{Format{Type: "json_object"}, `{"type":"json_object"}`},
		{
			Format{Type: "json_schema", Name: "n<", Schema: json.RawMessage(" {\"b\": 1, \"a\": {}}")},
			`{"type":"json_schema","json_schema":{"name":"n<","schema":{"b":1,"a":{}}}}`,
		},
		{Format{Schema: json.RawMessage(`{}`)},
			`{"type":"json_schema","json_schema":{"name":"structured_output","schema":{}}}`},
	} {
		got, err := tt.format.Encode()
		if err != nil || string(got) != tt.want {
			t.Errorf("%+v: got %s, %v, want %s", tt.format, got, err, tt.want)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format Format
		want   string
	}{
		{Format{Type: "text"}, `unknown type "text", known are json_schema, json_object`},
		{Format{}, `type "json_schema" needs a jsonSchema`},
		{Format{Schema: json.RawMessage(`[]`)}, "jsonSchema is not a JSON object"},
		{Format{Schema: json.RawMessage(`{`)}, "jsonSchema is not a JSON object"},
		{Format{Type: "json_object", Schema: json.RawMessage(`{}`)}, `"json_object" takes neither name nor jsonSchema`},
		{Format{Type: "json_object", Name: "n"}, `"json_object" takes neither name nor jsonSchema`},
	} {
		if _, err := tt.format.Encode(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.format, err, tt.want)
		}
	}
}

// The format follows the fields that inference-perf sends before it, and an extra field of its name replaces it.
func TestBodyWithFormat(t *testing.T) {
	t.Parallel()
	format := json.RawMessage(`{"type":"json_object"}`)
	extra, err := ParseExtra(map[string]any{"response_format": nil, "a": 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dialect Dialect
		req     Request
		want    string
	}{
		{
			Completion, Request{Model: "m", MaxTokens: 1, Stream: true, AddSpecial: new(true), Format: format},
			`{"model":"m","prompt":"","max_tokens":1,"stream":true,"stream_options":{"include_usage":true},"add_special_tokens":true,"response_format":{"type":"json_object"}}`,
		},
		{
			Chat, Request{Model: "m", Messages: json.RawMessage(`[]`), MaxTokens: 1, Format: format},
			`{"model":"m","messages":[],"max_tokens":1,"stream":false,"response_format":{"type":"json_object"}}`,
		},
		{
			Chat, Request{Model: "m", Messages: json.RawMessage(`[]`), MaxTokens: 1, Format: format, Extra: extra},
			`{"model":"m","messages":[],"max_tokens":1,"stream":false,"a":1}`,
		},
	} {
		if got, err := tt.dialect.Body(&tt.req); err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
		}
	}
}
