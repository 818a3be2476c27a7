package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	t.Parallel()
	extra := func(fields map[string]any) Extra {
		e, err := ParseExtra(fields)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, tt := range []struct {
		name    string
		dialect Dialect
		req     Request
		want    string
	}{
		{
			"completion, streamed", Completion, Request{Model: "m", Prompt: "x", MaxTokens: 30, IgnoreEOS: true,
				Stream: true},
			`{"model":"m","prompt":"x","max_tokens":30,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`,
		},
		{
			"chat, whole", Chat, Request{Model: "m", Messages: json.RawMessage(`[{"role":"user","content":"<é>"}]`),
				MaxTokens: 5},
			`{"model":"m","messages":[{"role":"user","content":"<é>"}],"max_tokens":5,"stream":false}`,
		},
		{
			"special tokens", Completion, Request{Model: "m", Prompt: "x", MaxTokens: 1, AddSpecial: new(false)},
			`{"model":"m","prompt":"x","max_tokens":1,"stream":false,"add_special_tokens":false}`,
		},
		{
			"a field of another name", Chat, Request{Model: "m", Messages: json.RawMessage(`[]`), MaxTokens: 5,
				MaxTokensField: "max_completion_tokens", IgnoreEOS: true},
			`{"model":"m","messages":[],"max_completion_tokens":5,"ignore_eos":true,"stream":false}`,
		},
		{
			"no limit", Completion, Request{Model: "m", Prompt: "x", MaxTokensField: "n", IgnoreEOS: true},
			`{"model":"m","prompt":"x","stream":false}`,
		},
		{
			"extra fields follow in order", Completion,
			Request{Model: "m", MaxTokens: 1, Extra: extra(map[string]any{"temperature": 0.5, "best\"of": 2})},
			`{"model":"m","prompt":"","max_tokens":1,"stream":false,"best\"of":2,"temperature":0.5}`,
		},
		{
			"extra fields replace and remove", Chat,
			Request{Model: "m", Messages: json.RawMessage(`[]`), Stream: true,
				Extra: extra(map[string]any{"max_tokens": nil, "max_completion_tokens": 9,
					"stream_options": map[string]any{}})},
			`{"model":"m","messages":[],"stream":true,"max_completion_tokens":9,"stream_options":{}}`,
		},
	} {
		got, err := tt.dialect.Body(&tt.req)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: not JSON: %s", tt.name, got)
		}
	}
}

// A string is written as encoding/json writes it.
func FuzzAppendQuoted(f *testing.F) {
	f.Add("a short \"prompt\"\n\twith \\ and \x00\x1f\x7f\b\f\r")
	f.Add("<é> & \u2027\u2028\u2029\u202a \U0001f600 \ufffd \xff\xc3 \xed\xa0\x80")
	f.Fuzz(func(t *testing.T, text string) {
		want, err := encode(text)
		if got := AppendQuoted([]byte("x"), text); err != nil || string(got[1:]) != string(want) {
			t.Errorf("%q: got %s, want %s", text, got[1:], want)
		}
	})
}

// Messages that are not JSON are refused; others are sent as they stand.
func TestBodyRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for messages, want := range map[string]string{
		"[1":   "messages: json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input",
		"[] x": "messages: json: error calling MarshalJSON for type json.RawMessage: invalid character 'x'",
	} {
		_, err := Chat.Body(&Request{Model: "m", Messages: json.RawMessage(messages)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", messages, err, want)
		}
	}
	got, err := Chat.Body(&Request{Model: "m", Messages: nil})
	if want := `{"model":"m","messages":null,"stream":false}`; err != nil || string(got) != want {
		t.Errorf("no messages: got %s, %v; want %s", got, err, want)
	}
}

func BenchmarkBody(b *testing.B) {
	text := strings.Repeat("a word, \"another\"\nand one more; ", 500)
	quoted, _ := encode(text)
	for name, d := range map[string]Dialect{"chat": Chat, "completion": Completion} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := Request{Model: "m", MaxTokens: 30, IgnoreEOS: true, Stream: true}
			if d == Chat {
				r.Messages = slices.Concat([]byte(`[{"role":"user","content":`), quoted, []byte("}]"))
			} else {
				r.Prompt = text
			}
			for b.Loop() {
				if _, err := d.Body(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestParseExtraRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{"stream": true}, `field "stream" is set by the request itself`},
		{map[string]any{"x": func() {}}, `field "x": json: unsupported type`},
	} {
		if _, err := ParseExtra(tt.fields); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.fields, err, tt.want)
		}
	}
}

func TestCheckMaxTokensField(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "max_tokens": "", "max_completion_tokens": "", "maxOutputTokens": "", "n2": "",
		"2n": `"2n" is not the name of a field`, "a-b": "is not the name", "a.b": "is not the name",
		"a\"b": "is not the name", "ä": "is not the name", "`": "is not the name",
		"stream": `"stream" is another field of the request`, "prompt": "is another field",
	} {
		err := CheckMaxTokensField(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

func TestByName(t *testing.T) {
	t.Parallel()
	if d, err := ByName("completion"); err != nil || d != Completion {
		t.Errorf("got %v, %v", d, err)
	}
	if _, err := ByName("chta"); err == nil || err.Error() != `unknown api "chta", known are chat, completion, anthropic_messages, responses, embeddings, rerank, speech, transcription, image, video` {
		t.Errorf("got %v", err)
	}
}
