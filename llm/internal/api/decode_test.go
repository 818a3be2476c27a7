package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       Delta
	}{
		{"chat chunk", `{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}`,
			Delta{Choices: 1, Content: []byte("hi")}},
		{"completion chunk", `{"choices":[{"text":" hi","finish_reason":"stop"}]}`,
			Delta{Choices: 1, Content: []byte(" hi"), FinishReason: "stop"}},
		{"role only", `{"choices":[{"delta":{"role":"assistant","content":""}}]}`, Delta{Choices: 1}},
		{"content null", `{"choices":[{"delta":{"content":null}}]}`, Delta{Choices: 1}},
		{"delta null", `{"choices":[{"delta":null,"finish_reason":"length"}]}`,
			Delta{Choices: 1, FinishReason: "length"}},
		{"end mark", ` [DONE] `, Delta{Done: true}},
		{"end mark as JSON", `"[DONE]"`, Delta{Done: true}},
		{"an answer and the end mark", "{\"choices\":[{\"text\":\"a\"}]}\n\ndata: [DONE]\n",
			Delta{Choices: 1, Content: []byte("a")}},

		{"several choices: the first",
			`{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"},"finish_reason":"stop"}]}`,
			Delta{Choices: 2, Content: []byte("a"), Message: true}},
		{"a further choice", `{"choices":[{"index":3,"delta":{"content":"b"}}]}`,
			Delta{Choices: 1, Index: 3, Content: []byte("b")}},
		{"delta and text", `{"choices":[{"text":"a","delta":{"content":"a"}}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"text and delta", `{"choices":[{"delta":{"content":"a"},"text":"b"}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"message before delta", `{"choices":[{"message":{"content":"abc"},"delta":{"content":"c"}}]}`,
			Delta{Choices: 1, Content: []byte("c")}},
		{"delta before message", `{"choices":[{"delta":{"content":"c"},"message":{"content":"abc"}}]}`,
			Delta{Choices: 1, Content: []byte("c")}},
		{"text beside a delta without content", `{"choices":[{"delta":{"role":"assistant"},"text":"a"}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"message beside an empty delta", `{"choices":[{"delta":{},"message":{"content":"abc"}}]}`,
			Delta{Choices: 1, Content: []byte("abc"), Message: true}},
		{"reasoning of a message, content of a delta",
			`{"choices":[{"message":{"reasoning":"hm"},"delta":{"content":"a"}}]}`,
			Delta{Choices: 1, Content: []byte("a")}},

		{"whole chat, content null", `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"1"}]}}]}`,
			Delta{Choices: 1, Message: true, ToolCall: true}},
		{"content parts",
			`{"choices":[{"delta":{"content":[{"type":"text","text":"x"},{"type":"image"},3,{"text":"y"}]}}]}`,
			Delta{Choices: 1, Content: []byte("xy")}},
		{"parts of thinking",
			`{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]},{"text":"m","type":"thinking"},{"type":"text","text":"y"}]}}]}`, Delta{Choices: 1, Content: []byte("y"), Reasoning: true, Aside: []byte("hm")}},
		{"reasoning_content", `{"choices":[{"delta":{"reasoning_content":"hm"}}]}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"reasoning", `{"choices":[{"delta":{"reasoning":"hm","content":""}}]}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"thinking", `{"choices":[{"delta":{"thinking":"hm"}}]}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"reasoning under two names",
			`{"choices":[{"delta":{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}}]}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"reasoning_details alone",
			`{"choices":[{"delta":{"reasoning":null,"reasoning_details":[{"type":"reasoning.summary","summary":"h"},{"type":"reasoning.text","text":"m"}]}}]}`, Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"empty reasoning", `{"choices":[{"delta":{"reasoning":"","reasoning_content":null,"tool_calls":[]}}]}`,
			Delta{Choices: 1}},
		{"tool call", `{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}`, Delta{Choices: 1, ToolCall: true}},
		{"tool call's text",
			`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g","arguments":{"b":2}}}]}}]}`, Delta{Choices: 1, ToolCall: true, Aside: []byte(`f{"a":1}g{"b":2}`)}},
		{"function call", `{"choices":[{"delta":{"function_call":{"name":"f","arguments":"x"}}}]}`,
			Delta{Choices: 1, ToolCall: true, Aside: []byte("fx")}},
		{"several choices: the lowest index",
			`{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"},{"index":0,"delta":{"content":"a"}}],"usage":{"x":1}}`, Delta{Choices: 2, Content: []byte("a"), Usage: []byte(`{"x":1}`)}},
		{"content is a part", `{"choices":[{"delta":{"content":{"type":"text","text":"a"}}}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"content is a list of texts", `{"choices":[{"delta":{"content":["a",{"text":"b"}]}}]}`,
			Delta{Choices: 1, Content: []byte("ab")}},
		{"delta is a text", `{"choices":[{"delta":"a"}]}`, Delta{Choices: 1, Content: []byte("a")}},
		{"a refusal", `{"choices":[{"delta":{"content":null,"refusal":"no"}}]}`,
			Delta{Choices: 1, Content: []byte("no")}},
		{"finish reason in words", `{"choices":[{"delta":{},"finish_reason":"None"}]}`, Delta{Choices: 1}},
		{"finish reason an object", `{"choices":[{"delta":{},"finish_reason":{"type":"stop","matched":1}}]}`,
			Delta{Choices: 1, FinishReason: "stop"}},
		{"finish reason an object of an abort",
			`{"choices":[{"delta":{},"finish_reason":{"type":"abort","message":"oom"}}]}`,
			Delta{Choices: 1, FinishReason: "abort", Error: "oom"}},
		{"finish reason of an overload", `{"choices":[{"delta":{},"finish_reason":"engine_overloaded"}]}`,
			Delta{Choices: 1, FinishReason: "engine_overloaded", Error: "finish reason engine_overloaded"}},
		{"usage", `{"choices":[],"usage":{"prompt_tokens": 3}}`, Delta{Usage: []byte(`{"prompt_tokens": 3}`)}},
		{"usage in a choice",
			`{"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3}}],"usage":null}`,
			Delta{Choices: 1, FinishReason: "stop", Usage: []byte(`{"prompt_tokens":3}`)}},
		{"usage beside the choices of Groq",
			`{"choices":[{"delta":{}}],"x_groq":{"id":"1","usage":{"prompt_tokens":3}}}`,
			Delta{Choices: 1, Usage: []byte(`{"prompt_tokens":3}`)}},
		{"no usage of Groq", `{"choices":[{"delta":{}}],"x_groq":{"id":"1"}}`, Delta{Choices: 1}},
		{"usage null", `{"choices":[],"usage":null}`, Delta{Words: []byte(`{"choices":[],"usage":null}`)}},

		{"error", `{"error":{"message":"no","code":500}}`, Delta{Error: "no"}},
		{"error text", `{"error":"no"}`, Delta{Error: "no"}},
		{"error null", `{"error":null,"choices":[{"text":"a"}]}`, Delta{Choices: 1, Content: []byte("a")}},
		{"error without message", `{"error":{"code":5}}`, Delta{Error: `{"code":5}`}},
		{"error object", `{"object":"error","message":"no","code":400}`, Delta{Error: "no"}},
		{"error of a type", `{"type":"error","error":{"type":"overloaded_error","message":"no"}}`, Delta{Error: "no"}},
		{"error object with detail", `{"error":{"detail":"no"}}`, Delta{Error: "no"}},
		{"error in an array", `[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}]`,
			Delta{Error: "no"}},
		{"errors", `{"errors":[{"message":"no"}]}`, Delta{Error: "no"}},
		{"code and msg", `{"code":1302,"msg":"no","success":false}`, Delta{Error: "no"}},
		{"code in a string", `{"code":"Throttling","message":"no"}`, Delta{Error: "no"}},
		{"code of success", `{"code":0,"msg":"ok"}`, Delta{Words: []byte(`"ok"`)}},
		{"a status of an answer to come", `{"type":"status","code":102,"message":"processing"}`,
			Delta{Words: []byte(`"processing"`)}},
		{"an error in status", `{"status":"error","message":"no"}`, Delta{Error: "no"}},
		{"an error that is a mark", `{"error":true,"message":"no"}`, Delta{Error: "no"}},
		{"an error of MiniMax", `{"choices":null,"base_resp":{"status_code":1002,"status_msg":"no"}}`,
			Delta{Error: "no"}},
		{"no error of MiniMax", `{"choices":[{"delta":{"content":"a"}}],"base_resp":{"status_code":0,"status_msg":""}}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"an error of Groq", `{"choices":[{"delta":{}}],"x_groq":{"error":"no"}}`, Delta{Choices: 1, Error: "no"}},
		{"error_code beside a text", `{"text":"no","error_code":50001}`, Delta{Error: "no"}},
		{"error_code and error_msg", `{"error_code":336003,"error_msg":"no"}`, Delta{Error: "no"}},
		{"code and msg beside a choice", `{"code":7,"msg":"x","choices":[{"text":"a"}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
		{"detail", `{"detail":"Not Found"}`, Delta{Words: []byte(`"Not Found"`)}},
		{"nothing known", `{"status":"pending"}`, Delta{Words: []byte(`{"status":"pending"}`)}},
		{"error of a choice",
			`{"choices":[{"index":0,"delta":{"content":""},"error":{"message":"no"},"finish_reason":"error"}]}`,
			Delta{Choices: 1, FinishReason: "error", Error: "no"}},
		{"error of a further choice", `{"choices":[{"text":"a"},{"error":"no"}]}`,
			Delta{Choices: 2, Content: []byte("a"), Error: "no"}},
		{"error of a delta", `{"choices":[{"delta":{"error":"no"}}]}`, Delta{Choices: 1, Error: "no"}},
		{"finish reason of an error", `{"choices":[{"delta":{},"finish_reason":"error"}]}`,
			Delta{Choices: 1, FinishReason: "error", Error: "finish reason error"}},
		{"finish reason of an abort", `{"choices":[{"delta":{},"finish_reason":"abort"}]}`,
			Delta{Choices: 1, FinishReason: "abort", Error: "finish reason abort"}},

		{"escapes", `{"choices":[{"text":"\"\\\/\b\f\n\r\t\u00e9\u6f22"}]}`,
			Delta{Choices: 1, Content: []byte("\"\\/\b\f\n\r\té漢")}},
		{"surrogates", `{"choices":[{"text":"\ud83d\ude00|\ud83d|\ude00x\ud83d\u0041"}]}`,
			Delta{Choices: 1, Content: []byte("😀|\ufffd|\ufffdx\ufffdA")}},
		{"escaped key", `{"choices":[{"te\u0078t":"a"}]}`, Delta{Choices: 1, Content: []byte("a")}},
		{"white space", " {\n\"choices\" : [ { \"text\" : \"a\" } ] }\r\n", Delta{Choices: 1, Content: []byte("a")}},
		{"choices of other shapes", `{"choices":{"a":1},"usage":[1]}`,
			Delta{Words: []byte(`{"choices":{"a":1},"usage":[1]}`)}},
		{"choice no object", `{"choices":[1,"x",null,[{}],{"delta":[1]}]}`, Delta{Choices: 1}},
		{"deep", `{"x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `,"choices":[{"text":"a"}]}`,
			Delta{Choices: 1, Content: []byte("a")}},
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
	return fmt.Sprintf("done %t, choices %d, index %d, content %q, message %t, again %t, reasoning %t, tool call %t, "+
		"aside %q, finish %q, usage %q, error %q, words %q",
		d.Done, d.Choices, d.Index, d.Content, d.Message, d.Again, d.Reasoning, d.ToolCall, d.Aside, d.FinishReason,
		d.Usage, d.Error, d.Words)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		``:                         "byte 0: expected an object",
		`[]`:                       "byte 1: expected an object",
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
		`[{"a":1}`:                 "expected a comma or ]",
		`[{"a":1},{"b":2}]`:        "expected one object in a list",
		`{"a":1}{"b":2}`:           "byte 7: expected the end",
	} {
		var d Delta
		if err := Completion.Decode([]byte(data), &d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", data, err, want)
		}
	}
}

func TestDecodeRecognisesCutData(t *testing.T) {
	t.Parallel()
	const answer = `{"choices":[{"text":"a\n","index":12}],"usage":{"a":[1,2]}}`
	for i := range answer {
		var d Delta
		if err := Chat.Decode([]byte(answer[:i]), &d); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v, want an error that wraps %v", answer[:i], err, io.ErrUnexpectedEOF)
		}
	}
	var d Delta
	if err := Chat.Decode([]byte(`{"a":1 "b":2}`), &d); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("data that is not cut: got %v", err)
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
	if want := (Delta{Words: []byte("{}")}); show(d) != show(want) {
		t.Errorf("got %s, want %s", show(d), show(want))
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	data := []byte(`{"id":"cmpl-1","choices":[{"index":0,"delta":{"content":" he ` +
		`said:\n\"\u00e9\""},"logprobs":null,"finish_reason":null}],"usage":{"completion_tokens":3}}`)
	d := Delta{Content: make([]byte, 0, 64), Aside: make([]byte, 0, 64)}
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
		`{"error":{"message":"","type":"t"}}`:         `{"message":"","type":"t"}`,
		`[{"error":{"code":503,"message":"busy"}}]`:   "busy",
		`{"detail":[{"loc":["body"],"msg":"no"}]}`:    "body: no",
		`{"detail":[{"type":"extra_forbidden","loc":["body","ignore_eos"],"msg":"no"},{"loc":["body","messages",0],"msg":"bad"}]}`: "body.ignore_eos: no; body.messages.0: bad",
		`{"detail":[{"loc":"x","msg":"no"},{},3,{"msg":"b"},{"msg":"c"},{"msg":"d"}]}`:                                             "no; b; c",
		`{"errors":[{"detail":"no"}]}`: "no",
		`{"code":"1","msg":"no"}`:      "no",
		`[]`:                           "[]",
		`plain text`:                   "plain text",
		``:                             "",
		`{"a":`:                        `{"a":`,
		"two\r\n lines":                "two lines",
		"{\"error\":{\"message\":\"two\\n lines\"}}": "two lines",
		"<html>\r\n<head><title>502 Bad Gateway</title></head>" +
			"\r\n<body>…": "502 Bad Gateway",
		"\ufeff\n<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">" +
			"<TITLE>\n a &amp; <b>b</b>\n</TITLE>": "a & b",
		"<!-- proxy\n-->\n<!doctype html><title></title><h1 class=x>Sign in</h1>": "Sign in",
		"<html><body>no title</body></html>":                                      "",
		"<?xml version=\"1.0\"?><Error>denied</Error>":                            `<?xml version="1.0"?><Error>denied</Error>`,
	} {
		if got := ErrorMessage([]byte(body)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

// member keeps what a map would lose: the order of an object's members, and duplicates.
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

// textOf reads the content a second way, from encoding/json's tokens. It only knows answers whose text stands in one
// place.
func textOf(value any) (text string, known bool) {
	outputs := outputsOf(value)
	if len(outputs) != 1 {
		return "", false
	}
	if outputs[0].key == "text" {
		return contentOf(outputs[0].value)
	}
	_, isText := outputs[0].value.(string)
	known = !isText
	for _, m := range asObject(outputs[0].value) {
		known = known && m.key != "refusal"
		if m.key == "content" {
			more, plain := contentOf(m.value)
			text += more
			known = known && plain
		}
	}
	return text, known
}

// outputsOf lists where texts may stand: in the first choice of each list of choices.
func outputsOf(value any) (outputs []member) {
	for _, m := range asObject(value) {
		list, _ := m.value.([]any)
		if m.key == "choices" && len(list) > 1 {
			return nil // which choice counts depends on their indexes
		}
		i := slices.IndexFunc(list, func(c any) bool { return asObject(c) != nil })
		if m.key != "choices" || i < 0 {
			continue
		}
		for _, m := range asObject(list[i]) {
			if m.key == "text" || m.key == "delta" || m.key == "message" {
				outputs = append(outputs, m)
			}
		}
	}
	return outputs
}

// contentOf returns the text of a content, unless one of its parts may be of another kind.
func contentOf(value any) (text string, plain bool) {
	text, _ = value.(string)
	if asObject(value) != nil {
		return "", false
	}
	parts, _ := value.([]any)
	for _, part := range parts {
		if _, isText := part.(string); isText {
			return "", false
		}
		for _, m := range asObject(part) {
			if m.key == "type" && m.value != "text" {
				return "", false
			}
			if s, ok := m.value.(string); ok && m.key == "text" {
				text += s
			}
		}
	}
	return text, true
}

func asObject(value any) []member {
	obj, _ := value.([]member)
	return obj
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"delta":{"content":"hi\n\u00e9\ud83d\ude00"}}]}`,
		`{"choices":[{"text":"a\\"},{"message":{"content":[{"text":"b"}]}}],"usage":{}}`,
		`{"error":{"message":"x"}}`, `{"object":"error","message":"x"}`, `[{}]`, `{"a":[{}, {"b":[]}]}`,
		"{\"choices\":[{\"text\":\"\xff\"}]}",
		`{"choices":[{"index":-1,"delta":{"content":"a"}},{"index":99999999999999999999},{"index":"0"},{"index":1e9},7]}`,
		`{"choices":[],"usage":{"prompt_tokens":1e308,"completion_tokens":-1,"total_tokens":9223372036854775808}}`,
		`{"usage":{"a":00,"b":NaN,"c":0x7}}`,
		"{\"choices\":[{\"delta\":{\"content\":\"a\x00b\\u0000\\ud800\\udfff\"}}]}",
		`{"choices":[{"delta":{"content":"a","x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}}]}`,
		`{"choices":[{"index":0,"delta":{"content":"\u202e\u001b[2J","reasoning_content":"\u0000"},"finish_reason":"\u009b=1"}],"usage":{"completion_tokens":-9223372036854775809}}`,
		strings.Repeat(`{"choices":[`, 100), `{"error":` + strings.Repeat(`{"error":`, 20) + "1" + strings.Repeat("}",
			21), `[{},{"choices":[{}]}] [DONE]`, `{"choices":{"0":{}}}`, `[{},[]]`, `[{"error":"x"},{}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Delta
		err := Chat.Decode(data, &d)
		_ = ErrorMessage(data)
		if !json.Valid(data) {
			return // Decode may accept it or not, but it must return
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber() // some numbers are beyond a float64
		value := tree(dec)
		if list, isList := value.([]any); isList && len(list) > 0 {
			if len(list) > 1 && err != nil {
				return // an answer is one object; of several errors the first counts
			}
			value = list[0]
		}
		if _, object := value.([]member); object != (err == nil) && !d.Done {
			t.Fatalf("%q: error %v", data, err)
		}
		if want, known := textOf(value); known && err == nil && string(d.Content) != want {
			t.Errorf("%q: got %q, want %q", data, d.Content, want)
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
