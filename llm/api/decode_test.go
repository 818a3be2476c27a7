package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       Delta
	}{
		{"chat chunk", `{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}`, Delta{Content: []byte("hi")}},
		{"completion chunk", `{"choices":[{"text":" hi","finish_reason":"stop"}]}`, Delta{Content: []byte(" hi"), FinishReason: "stop"}},
		{"role only", `{"choices":[{"delta":{"role":"assistant","content":""}}]}`, Delta{}},
		{"content null", `{"choices":[{"delta":{"content":null}}]}`, Delta{}},
		{"delta null", `{"choices":[{"delta":null,"finish_reason":"length"}]}`, Delta{FinishReason: "length"}},
		{"whole chat", `{"choices":[{"message":{"role":"assistant","content":"a"}},{"message":{"content":"b"}}]}`, Delta{Content: []byte("ab")}},
		{"whole chat, content null", `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1"}]}}]}`, Delta{ToolCall: true}},
		{"content parts", `{"choices":[{"delta":{"content":[{"type":"text","text":"x"},{"type":"image"},3,{"text":"y"}]}}]}`, Delta{Content: []byte("xy")}},
		{"reasoning_content", `{"choices":[{"delta":{"reasoning_content":"hm"}}]}`, Delta{Reasoning: true}},
		{"reasoning", `{"choices":[{"delta":{"reasoning":"hm","content":""}}]}`, Delta{Reasoning: true}},
		{"empty reasoning", `{"choices":[{"delta":{"reasoning":"","reasoning_content":null,"tool_calls":[]}}]}`, Delta{}},
		{"tool call", `{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}`, Delta{ToolCall: true}},
		{"usage", `{"choices":[],"usage":{"prompt_tokens": 3}}`, Delta{Usage: []byte(`{"prompt_tokens": 3}`)}},
		{"usage null", `{"choices":[],"usage":null}`, Delta{}},
		{"error", `{"error":{"message":"no","code":500}}`, Delta{Error: "no"}},
		{"error text", `{"error":"no"}`, Delta{Error: "no"}},
		{"error null", `{"error":null,"choices":[{"text":"a"}]}`, Delta{Content: []byte("a")}},
		{"error without message", `{"error":{"code":5}}`, Delta{Error: `{"code":5}`}},
		{"error object", `{"object":"error","message":"no","code":400}`, Delta{Error: "no"}},
		{"error object with detail", `{"error":{"detail":"no"}}`, Delta{Error: "no"}},
		{"escapes", `{"choices":[{"text":"\"\\\/\b\f\n\r\t\u00e9\u6f22"}]}`, Delta{Content: []byte("\"\\/\b\f\n\r\té漢")}},
		{"surrogates", `{"choices":[{"text":"\ud83d\ude00|\ud83d|\ude00x\ud83d\u0041"}]}`, Delta{Content: []byte("😀|\ufffd|\ufffdx\ufffdA")}},
		{"escaped key", `{"choices":[{"te\u0078t":"a"}]}`, Delta{Content: []byte("a")}},
		{"white space", " {\n\"choices\" : [ { \"text\" : \"a\" } ] }\r\n", Delta{Content: []byte("a")}},
		{"choices of other shapes", `{"choices":{"a":1},"usage":[1]}`, Delta{}},
		{"choice no object", `{"choices":[1,"x",null,[{}],{"delta":[1]}]}`, Delta{}},
		{"deep", `{"x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `,"choices":[{"text":"a"}]}`, Delta{Content: []byte("a")}},
	} {
		var got Delta
		if err := Chat.Decode([]byte(tt.data), &got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if show(got) != show(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, show(got), show(tt.want))
		}
	}
}

func show(d Delta) string {
	return fmt.Sprintf("content %q, reasoning %t, tool call %t, finish %q, usage %q, error %q", d.Content, d.Reasoning, d.ToolCall, d.FinishReason, d.Usage, d.Error)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		``:                         "byte 0: expected an object",
		`[]`:                       "byte 0: expected an object",
		`"x"`:                      "byte 0: expected an object",
		`{"choices":[{"text":"a"`:  "expected a comma or }",
		`{"choices":[{"text":"a}`:  "expected the end of a string",
		`{"choices" [`:             "byte 11: expected a colon",
		`{"a":}`:                   "byte 5: expected a value",
		`{"a":1 "b":2}`:            "byte 7: expected a comma or }",
		`{"a":1}x`:                 "byte 7: expected the end",
		`{a:1}`:                    "byte 1: expected a string",
		`{"a":[1,2}`:               "byte 10: expected a comma or }",
		`{"choices":[{"text":"\`:   "expected the end of a string",
		`{"choices":[{"text":"a"}`: "expected a comma or ]",
	} {
		var d Delta
		if err := Completion.Decode([]byte(data), &d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", data, err, want)
		}
	}
}

func TestDecodeForgetsTheChunkBefore(t *testing.T) {
	t.Parallel()
	var d Delta
	for _, data := range []string{
		`{"choices":[{"delta":{"content":"x","reasoning":"y","tool_calls":[1]},"finish_reason":"stop"}],"usage":{"a":1},"error":"e"}`, `{}`,
	} {
		if err := Chat.Decode([]byte(data), &d); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.Content) > 0 || d.Reasoning || d.ToolCall || d.FinishReason != "" || d.Usage != nil || d.Error != "" {
		t.Errorf("got %s", show(d))
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	data := []byte(`{"id":"cmpl-1","choices":[{"index":0,"delta":{"content":" he said:\n\"\u00e9\""},"logprobs":null,"finish_reason":null}],"usage":{"completion_tokens":3}}`)
	d := Delta{Content: make([]byte, 0, 64)}
	if n := testing.AllocsPerRun(100, func() { _ = Chat.Decode(data, &d) }); n > 0 {
		t.Errorf("%v allocations per chunk", n)
	}
}

func TestErrorMessage(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"message":"too long","type":"x"}}`: "too long",
		`{"object":"error","message":"bad"}`:          "bad",
		`{"detail":"Not Found"}`:                      "Not Found",
		`{"message":"m"}`:                             "m",
		`plain text`:                                  "plain text",
		``:                                            "",
		`{"a":`:                                       `{"a":`,
	} {
		if got := ErrorMessage([]byte(body)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

// member keeps what a map would lose: the order of an object's members, and doubled ones.
type member struct {
	key   string
	value any
}

func tree(dec *json.Decoder) any {
	tok, err := dec.Token()
	if err != nil {
		panic(err)
	}
	switch tok {
	case json.Delim('{'):
		obj := []member{}
		for dec.More() {
			key, _ := dec.Token()
			obj = append(obj, member{key.(string), tree(dec)})
		}
		_, _ = dec.Token()
		return obj
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			list = append(list, tree(dec))
		}
		_, _ = dec.Token()
		return list
	}
	return tok
}

// textOf reads the content a second way, over encoding/json's tokens.
func textOf(value any) (text string) {
	for _, m := range asObject(value) {
		if m.key != "choices" {
			continue
		}
		choices, _ := m.value.([]any)
		for _, choice := range choices {
			for _, m := range asObject(choice) {
				switch m.key {
				case "text":
					text += contentOf(m.value)
				case "delta", "message":
					for _, m := range asObject(m.value) {
						if m.key == "content" {
							text += contentOf(m.value)
						}
					}
				}
			}
		}
	}
	return text
}

func contentOf(value any) (text string) {
	text, _ = value.(string)
	parts, _ := value.([]any)
	for _, part := range parts {
		for _, m := range asObject(part) {
			if s, ok := m.value.(string); ok && m.key == "text" {
				text += s
			}
		}
	}
	return text
}

func asObject(value any) []member {
	obj, _ := value.([]member)
	return obj
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"delta":{"content":"hi\n\u00e9\ud83d\ude00"}}]}`, `{"choices":[{"text":"a\\"},{"message":{"content":[{"text":"b"}]}}],"usage":{}}`,
		`{"error":{"message":"x"}}`, `{"object":"error","message":"x"}`, `[{}]`, `{"a":[{}, {"b":[]}]}`, "{\"choices\":[{\"text\":\"\xff\"}]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Delta
		err := Chat.Decode(data, &d)
		_ = ErrorMessage(data)
		if !json.Valid(data) {
			return // it may notice or not, but must come back
		}
		value := tree(json.NewDecoder(bytes.NewReader(data)))
		if _, object := value.([]member); object != (err == nil) {
			t.Fatalf("%q: error %v", data, err)
		}
		if err == nil && string(d.Content) != textOf(value) {
			t.Errorf("%q: got %q, want %q", data, d.Content, textOf(value))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := []byte(`{"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}]}`)
	var d Delta
	for b.Loop() {
		if err := Chat.Decode(data, &d); err != nil {
			b.Fatal(err)
		}
	}
}
