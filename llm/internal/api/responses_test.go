package api

import (
	"encoding/json"
	"errors"
	"io"
	"testing"
)

const responseDelta = `{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,` +
	`"delta":" he said:\n\"é\"","sequence_number":7}`

func TestDecodeResponses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       Delta
	}{
		{"the start", `{"type":"response.created","response":{"id":"r","status":"in_progress","error":null,"output":[],` +
			`"usage":null}}`, Delta{Choices: 1}},
		{"a text", `{"type":"response.output_text.delta","delta":"Hi"}`, Delta{Choices: 1, Content: []byte("Hi")}},
		{"a text, the members in another order", `{"delta":"Hi","type":"response.output_text.delta"}`,
			Delta{Choices: 1, Content: []byte("Hi")}},
		{"a refusal", `{"type":"response.refusal.delta","delta":"no"}`, Delta{Choices: 1, Content: []byte("no")}},
		{"reasoning", `{"type":"response.reasoning_text.delta","delta":"hm"}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"a summary of it", `{"type":"response.reasoning_summary_text.delta","delta":"hm"}`,
			Delta{Choices: 1, Reasoning: true, Aside: []byte("hm")}},
		{"an argument", `{"type":"response.function_call_arguments.delta","delta":"{"}`,
			Delta{Choices: 1, ToolCall: true, Aside: []byte("{")}},
		{"a function's name", `{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}`,
			Delta{Choices: 1, Aside: []byte("f")}},
		{"sound", `{"type":"response.audio.delta","delta":"AAAA"}`, Delta{Choices: 1}},
		{"a whole text", `{"type":"response.output_text.done","text":"Hi there"}`,
			Delta{Choices: 1, Message: true, Content: []byte("Hi there")}},
		{"whole arguments", `{"type":"response.function_call_arguments.done","name":"f","arguments":"{}"}`,
			Delta{Choices: 1, Message: true, ToolCall: true, Aside: []byte("{}")}},
		{"a whole part", `{"type":"response.content_part.done","part":{"type":"output_text","text":"Hi"}}`,
			Delta{Choices: 1, Message: true}},
		{"a whole item", `{"type":"response.output_item.done","item":{"type":"message","content":[{"text":"Hi"}]}}`,
			Delta{Choices: 1, Message: true}},
		{"the end", `{"type":"response.completed","response":{"status":"completed","output":[` +
			`{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},` +
			`{"type":"message","content":[{"type":"output_text","text":"Hi"},{"type":"refusal","refusal":"!"}]},` +
			`{"type":"function_call","name":"f","arguments":"{}"}],"usage":{"input_tokens":2}}}`,
			Delta{Choices: 1, Message: true, Again: true, Done: true, Content: []byte("Hi!"), Reasoning: true,
				ToolCall: true, Aside: []byte("hmf{}"), FinishReason: "completed", Usage: []byte(`{"input_tokens":2}`)}},
		{"an end before the end", `{"type":"response.incomplete","response":{"status":"incomplete",` +
			`"incomplete_details":{"reason":"max_output_tokens"}}}`,
			Delta{Choices: 1, Message: true, Again: true, Done: true, FinishReason: "max_output_tokens"}},
		{"such an end without a reason", `{"type":"response.incomplete","response":{"status":"incomplete"}}`,
			Delta{Choices: 1, Message: true, Again: true, Done: true, FinishReason: "incomplete"}},
		{"a failure", `{"type":"response.failed","response":{"status":"failed","error":{"code":"c","message":"no"}}}`,
			Delta{Choices: 1, Error: "no"}},
		{"a failure without a word", `{"type":"response.failed","response":{"status":"failed","error":null}}`,
			Delta{Choices: 1, Error: "status failed"}},
		{"an error", `{"type":"error","code":"server_error","message":"no","param":null}`, Delta{Error: "no"}},
		{"an error object", `{"error":{"message":"no"}}`, Delta{Error: "no"}},
		{"the end in other words", `[DONE]`, Delta{Done: true}},
		{"a sign of life", `{"type":"keepalive"}`, Delta{Words: []byte(`{"type":"keepalive"}`)}},
		{"a whole response", `{"id":"r","object":"response","status":"completed","error":null,"text":{"format":{}},` +
			`"output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"output_tokens":1}}`,
			Delta{Choices: 1, Message: true, Content: []byte("Hi"), FinishReason: "completed",
				Usage: []byte(`{"output_tokens":1}`)}},
		{"a response to come", `{"id":"r","object":"response","status":"queued"}`,
			Delta{Words: []byte(`{"id":"r","object":"response","status":"queued"}`)}},
		{"members of other shapes", `{"type":3,"delta":[1],"item":7,"response":"x","output":{},"text":null}`,
			Delta{Words: []byte(`{"type":3,"delta":[1],"item":7,"response":"x","output":{},"text":null}`)}},
	} {
		var got Delta
		if err := Responses.Decode([]byte(tt.data), &got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if show(got) != show(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, show(got), show(tt.want))
		}
	}
}

func TestDecodeResponsesRecognisesCutData(t *testing.T) {
	t.Parallel()
	for i := range responseDelta {
		var d Delta
		if err := Responses.Decode([]byte(responseDelta[:i]), &d); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v, want an error that wraps %v", responseDelta[:i], err, io.ErrUnexpectedEOF)
		}
	}
}

func TestDecodeResponsesAllocatesNothing(t *testing.T) {
	data := []byte(responseDelta)
	d := Delta{Content: make([]byte, 0, 64)}
	if n := testing.AllocsPerRun(100, func() { _ = Responses.Decode(data, &d) }); n > 0 {
		t.Errorf("%v allocations per chunk", n)
	}
}

func TestResponsesBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, messages, extra string
		field                 string // of the limit
		format                string
		want                  string // what follows the model
	}{
		{"a chat", `[{"role":"system","content":"S"},{"role":"user","content":"<é>"}]`, ``, MaxTokensField, ``,
			`"input":[{"role":"system","content":"S"},{"role":"user","content":"<é>"}],"max_output_tokens":30,` +
				`"ignore_eos":true,"stream":true}`},
		{"a limit of another name", `[]`, ``, "max_completion_tokens", ``,
			`"input":[],"max_completion_tokens":30,"ignore_eos":true,"stream":true}`},
		{"parts", `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}},` +
			`{"type":"input_file","file_id":"f"}]},{"role":"assistant","content":[{"type":"text","text":"b"}]}]`, ``, "",
			``, `"input":[{"role":"user","content":[{"type":"input_text","text":"a"},` +
				`{"type":"input_image","image_url":"u"},{"type":"input_file","file_id":"f"}]},` +
				`{"role":"assistant","content":[{"type":"output_text","text":"b"}]}],"max_output_tokens":30,` +
				`"ignore_eos":true,"stream":true}`},
		{"calls and outputs of functions", `[{"role":"assistant","content":"x","tool_calls":[{"id":"1","function":` +
			`{"name":"f","arguments":"{}"}},{"id":"2","function":{"name":"g","arguments":{"a":1}}}]},` +
			`{"role":"tool","tool_call_id":"1","content":"r"},{"type":"function_call_output","call_id":"2","output":"s"}]`,
			``, "", ``, `"input":[{"role":"assistant","content":"x"},` +
				`{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},` +
				`{"type":"function_call","call_id":"2","name":"g","arguments":"{\"a\":1}"},` +
				`{"type":"function_call_output","call_id":"1","output":"r"},` +
				`{"type":"function_call_output","call_id":"2","output":"s"}],"max_output_tokens":30,` +
				`"ignore_eos":true,"stream":true}`},
		{"functions", `[]`, `{"tools":[{"type":"function","function":{"name":"f","parameters":{}}},{"type":"web_search"}],` +
			`"tool_choice":{"type":"function","function":{"name":"f"}},"previous_response_id":"r"}`, "", ``,
			`"input":[],"max_output_tokens":30,"ignore_eos":true,"stream":true,"previous_response_id":"r",` +
				`"tool_choice":{"type":"function","name":"f"},` +
				`"tools":[{"type":"function","name":"f","parameters":{}},{"type":"web_search"}]}`},
		{"a schema", `[]`, ``, "", `{"type":"json_schema","json_schema":{"name":"n","schema":{}}}`,
			`"input":[],"max_output_tokens":30,"ignore_eos":true,"stream":true,` +
				`"text":{"format":{"type":"json_schema","name":"n","schema":{}}}}`},
		{"any object", `[]`, ``, "", `{"type":"json_object"}`, `"input":[],"max_output_tokens":30,"ignore_eos":true,` +
			`"stream":true,"text":{"format":{"type":"json_object"}}}`},
	} {
		var extra Extra
		if tt.extra != "" {
			if err := json.Unmarshal([]byte(tt.extra), &extra); err != nil {
				t.Fatal(err)
			}
		}
		request := &Request{Model: "m", Messages: json.RawMessage(tt.messages), MaxTokens: 30,
			MaxTokensField: tt.field, Stream: true, IgnoreEOS: true, Extra: extra}
		if tt.format != "" {
			request.Format = json.RawMessage(tt.format)
		}
		got, err := Responses.Body(request)
		if want := `{"model":"m",` + tt.want; err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v\nwant %s", tt.name, got, err, want)
		}
	}
}

func BenchmarkDecodeResponses(b *testing.B) {
	var d Delta
	for b.Loop() {
		if err := Responses.Decode([]byte(responseDelta), &d); err != nil {
			b.Fatal(err)
		}
	}
}
