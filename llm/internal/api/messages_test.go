package api

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDecodeMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       Delta
	}{
		{"the start", `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],` +
			`"model":"c","stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}`,
			Delta{Choices: 1, Usage: []byte(`{"input_tokens":25,"output_tokens":1}`)}},
		{"a block's start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			Delta{Choices: 1}},
		{"a text", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}`,
			Delta{Choices: 1, Content: []byte("Hi")}},
		{"a text, the members in another order",
			`{"delta":{"text":"Hi","type":"text_delta"},"index":3,"type":"content_block_delta"}`,
			Delta{Choices: 1, Content: []byte("Hi")}},
		{"a text in a block's start",
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi"}}`,
			Delta{Choices: 1, Content: []byte("Hi")}},
		{"thinking", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"a signature", `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}`,
			Delta{Choices: 1}},
		{"a tool's name", `{"type":"content_block_start","index":1,` +
			`"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`,
			Delta{Choices: 1, Aside: []byte("f")}},
		{"no argument yet",
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}`,
			Delta{Choices: 1}},
		{"an argument",
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a"}}`,
			Delta{Choices: 1, ToolCall: true, Aside: []byte(`{"a`)}},
		{"all arguments in a block's start", `{"type":"content_block_start","index":1,` +
			`"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}`,
			Delta{Choices: 1, ToolCall: true, Aside: []byte(`f{"a":1}`)}},
		{"a result of a server's tool", `{"type":"content_block_start","index":1,"content_block":` +
			`{"type":"web_search_tool_result","tool_use_id":"t","content":[{"title":"x","text":"y"}]}}`,
			Delta{Choices: 1}},
		{"a block's end", `{"type":"content_block_stop","index":0}`, Delta{Choices: 1}},
		{"the stop reason",
			`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}`,
			Delta{Choices: 1, FinishReason: "end_turn", Usage: []byte(`{"output_tokens":9}`)}},
		{"no stop reason yet", `{"type":"message_delta","delta":{"stop_reason":null}}`, Delta{Choices: 1}},
		{"the end", `{"type":"message_stop"}`, Delta{Done: true}},
		{"the end in the words of OpenAI", `[DONE]`, Delta{Done: true}},
		{"a ping", `{"type":"ping"}`, Delta{Words: []byte(`{"type":"ping"}`)}},
		{"an error", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
			Delta{Error: "Overloaded"}},
		{"an error in a word", `{"type":"error","message":"Overloaded"}`, Delta{Error: "Overloaded"}},
		{"a whole message", `{"id":"m","type":"message","role":"assistant","content":[` +
			`{"type":"thinking","thinking":"hm","signature":"x"},{"type":"text","text":"Hi"},` +
			`{"type":"tool_use","id":"t","name":"f","input":{}}],"model":"c","stop_reason":"tool_use",` +
			`"stop_sequence":null,"usage":{"input_tokens":2,"output_tokens":3}}`,
			Delta{Choices: 1, Message: true, Content: []byte("Hi"), Reasoning: true, ToolCall: true,
				Aside: []byte("hmf"), FinishReason: "tool_use", Usage: []byte(`{"input_tokens":2,"output_tokens":3}`)}},
		{"a whole message of a text", `{"content":"Hi","stop_reason":"max_tokens"}`,
			Delta{Choices: 1, Message: true, Content: []byte("Hi"), FinishReason: "max_tokens"}},
		{"no message", `{"detail":"Not Found"}`, Delta{Words: []byte(`"Not Found"`)}},
		{"members of other shapes", `{"type":3,"delta":[1],"content_block":null,"message":"m","content":{},"usage":7}`,
			Delta{Choices: 1, Message: true}},
	} {
		var got Delta
		if err := Messages.Decode([]byte(tt.data), &got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if show(got) != show(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, show(got), show(tt.want))
		}
	}
}

func TestDecodeMessagesRecognisesCutData(t *testing.T) {
	t.Parallel()
	const event = `{"type":"content_block_delta","delta":{"text":"a\n"},"message":{"usage":{"a":[1,2]}},"content":[{}]}`
	for i := range event {
		var d Delta
		if err := Messages.Decode([]byte(event[:i]), &d); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v, want an error that wraps %v", event[:i], err, io.ErrUnexpectedEOF)
		}
	}
}

func TestDecodeMessagesAllocatesNothing(t *testing.T) {
	data := []byte(textDelta)
	d := Delta{Content: make([]byte, 0, 64)}
	if n := testing.AllocsPerRun(100, func() { _ = Messages.Decode(data, &d) }); n > 0 {
		t.Errorf("%v allocations per chunk", n)
	}
}

const textDelta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" he said:\n\"é\""}}`

// The bodies are those of inference-perf for the same messages and tools.
func TestMessagesBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, messages, extra string
		want                  string // what follows the model
	}{
		{"a system prompt apart", `[{"role":"system","content":"S"},{"role":"user","content":"<é>"}]`, ``,
			`"messages":[{"role":"user","content":"<é>"}],"max_tokens":30,"stream":true,"system":"S"}`},
		{"several of them", `[{"role":"system","content":"A"},{"role":"user","content":"u"},` +
			`{"role":"system","content":[{"type":"text","text":"B"}]}]`, ``,
			`"messages":[{"role":"user","content":"u"}],"max_tokens":30,"stream":true,"system":"A\n\nB"}`},
		{"other roles", `[{"role":"critic","content":"a"},{"role":"assistant","content":"b","reasoning":"r"}]`, ``,
			`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"max_tokens":30,"stream":true}`},
		{"no content", `[{"role":"user","content":null},{"role":"user"}]`, ``,
			`"messages":[{"role":"user","content":""},{"role":"user","content":""}],"max_tokens":30,"stream":true}`},
		{"blocks", `[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"text","text":"b",` +
			`"cache_control":{"type":"ephemeral"}},{"type":"tool_result","tool_use_id":"t","content":"c"}]}]`, ``,
			`"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b",` +
				`"cache_control":{"type":"ephemeral"}},{"type":"tool_result","tool_use_id":"t","content":"c"}]}],` +
				`"max_tokens":30,"stream":true}`},
		{"calls and results of tools", `[{"role":"assistant","content":"x","tool_calls":[` +
			`{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},` +
			`{"id":"2","function":{"name":"g","arguments":"[1]"}},{"id":"3","function":{"name":"h","arguments":"{x"}},` +
			`{"id":"4","function":{"name":"i","arguments":""}},{"id":"5","function":{"name":"j","arguments":{"b":2}}}]},` +
			`{"role":"tool","tool_call_id":"1","content":"r"}]`, ``,
			`"messages":[{"role":"assistant","content":[{"type":"text","text":"x"},` +
				`{"type":"tool_use","id":"1","name":"f","input":{"a": 1}},` +
				`{"type":"tool_use","id":"2","name":"g","input":{"value":[1]}},` +
				`{"type":"tool_use","id":"3","name":"h","input":{"arguments":"{x"}},` +
				`{"type":"tool_use","id":"4","name":"i","input":{}},` +
				`{"type":"tool_use","id":"5","name":"j","input":{"b":2}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"}]}],` +
				`"max_tokens":30,"stream":true}`},
		{"calls alone", `[{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f"}}]}]`, ``,
			`"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]}],` +
				`"max_tokens":30,"stream":true}`},
		{"tools", `[]`, `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":` +
			`{"type":"object"}}},{"type":"function","function":{"name":"g"}},{"name":"h","input_schema":{}}],` +
			`"tool_choice":"required"}`,
			`"messages":[],"max_tokens":30,"stream":true,"tool_choice":{"type":"any"},"tools":[` +
				`{"name":"f","input_schema":{"type":"object"},"description":"d"},` +
				`{"name":"g","input_schema":{"type":"object","properties":{}}},{"name":"h","input_schema":{}}]}`},
		{"a tool by its name", `[]`, `{"tool_choice":{"type":"function","function":{"name":"f"}}}`,
			`"messages":[],"max_tokens":30,"stream":true,"tool_choice":{"type":"tool","name":"f"}}`},
		{"Anthropic's own forms", `[]`, `{"tool_choice":{"type":"auto"},"system":[{"type":"text","text":"S"}]}`,
			`"messages":[],"max_tokens":30,"stream":true,"system":[{"type":"text","text":"S"}],` +
				`"tool_choice":{"type":"auto"}}`},
	} {
		var extra Extra
		if tt.extra != "" {
			if err := json.Unmarshal([]byte(tt.extra), &extra); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Messages.Body(&Request{Model: "m", Messages: json.RawMessage(tt.messages), MaxTokens: 30,
			Stream: true, IgnoreEOS: true, Extra: extra})
		if want := `{"model":"m",` + tt.want; err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v\nwant %s", tt.name, got, err, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: not JSON: %s", tt.name, got)
		}
	}
}

func TestMessagesRefuseFormats(t *testing.T) {
	t.Parallel()
	_, err := Messages.Body(&Request{Format: json.RawMessage(`{}`)})
	if err == nil || !strings.Contains(err.Error(), "responseFormat has no field in api anthropic_messages") {
		t.Errorf("got %v", err)
	}
}

func TestMessagesHeaders(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"": "", "k": "k", "Bearer k": "k"} {
		got := Messages.Headers(key)
		if got["x-api-key"] != want || got["anthropic-version"] != "2023-06-01" || got["Authorization"] != "" {
			t.Errorf("key %q: got %v", key, got)
		}
	}
}

func BenchmarkDecodeMessages(b *testing.B) {
	var d Delta
	for b.Loop() {
		if err := Messages.Decode([]byte(textDelta), &d); err != nil {
			b.Fatal(err)
		}
	}
}
