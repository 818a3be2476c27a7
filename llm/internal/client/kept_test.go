package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// calls returns a chunk with deltas of calls.
func calls(list string) string {
	return event(`{"choices":[{"index":0,"delta":{"tool_calls":[%s]}}]}`, list)
}

// stopped is the end of a stream.
const stopped = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"

// keep returns the answer to a request that asks for its calls.
func keep(t *testing.T, dialect api.Dialect, streaming bool, body string) Answer {
	t.Helper()
	c := newClient(t, func(o *Options) { o.API, o.Streaming = dialect, streaming })
	rt := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
	a, err := c.Do(t.Context(), rt, &Request{Messages: json.RawMessage("[]"), KeepCalls: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCallsOfChats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stream string
		want         []api.ToolCall
	}{
		{"arguments in pieces", calls(`{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":""}}`) +
			calls(`{"index":0,"function":{"arguments":"{\"a\":"}}`) + calls(`{"index":0,"function":{"arguments":"\"é\\n\"}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":"é\n"}`}}},
		{"parallel calls, their pieces mixed", calls(`{"index":0,"id":"1","function":{"name":"f"}},{"index":1,"id":"2","function":{"name":"g"}}`) +
			calls(`{"index":1,"function":{"arguments":"{\"b\""}}`) + calls(`{"index":0,"function":{"arguments":"{}"}}`) +
			calls(`{"index":1,"function":{"arguments":":2}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {ID: "2", Name: "g", Arguments: `{"b":2}`}}},
		{"a gap in the indexes", calls(`{"index":1,"id":"1","function":{"name":"f","arguments":"{"}}`) +
			calls(`{"index":4,"id":"2","function":{"name":"g","arguments":"{}"}}`) + calls(`{"index":1,"function":{"arguments":"}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {ID: "2", Name: "g", Arguments: "{}"}}},
		{"no ids", calls(`{"index":0,"function":{"name":"f","arguments":"{}"}}`) + calls(`{"index":1,"function":{"name":"f","arguments":"[]"}}`),
			[]api.ToolCall{{Name: "f", Arguments: "{}"}, {Name: "f", Arguments: "[]"}}},
		{"whole calls, all with index 0", calls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}`) +
			calls(`{"index":0,"id":"2","function":{"name":"f","arguments":"{}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {ID: "2", Name: "f", Arguments: "{}"}}},
		{"the same without ids", calls(`{"index":0,"function":{"name":"f","arguments":"{}"}}`) +
			calls(`{"index":0,"function":{"name":"g","arguments":"{"}}`) + calls(`{"index":0,"function":{"arguments":"}"}}`),
			[]api.ToolCall{{Name: "f", Arguments: "{}"}, {Name: "g", Arguments: "{}"}}},
		{"no indexes", calls(`{"id":"1","function":{"name":"f","arguments":"{"}}`) + calls(`{"function":{"arguments":"}"}}`) +
			calls(`{"id":"2","function":{"name":"g","arguments":"[]"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {ID: "2", Name: "g", Arguments: "[]"}}},
		{"neither, in one list", calls(`{"function":{"name":"f","arguments":"{}"}},{"function":{"arguments":"[]","name":"f"}}`),
			[]api.ToolCall{{Name: "f", Arguments: "{}"}, {Name: "f", Arguments: "[]"}}},
		{"id and name with each piece", calls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{"}}`) +
			calls(`{"index":0,"id":"1","function":{"name":"f","arguments":"}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}}},
		{"the same without indexes", calls(`{"id":"1","function":{"name":"f","arguments":"{"}}`) +
			calls(`{"id":"1","function":{"name":"f","arguments":"}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}}},
		{"an empty id with each piece", calls(`{"index":0,"id":"1","function":{"name":"f"}}`) +
			calls(`{"index":0,"id":"","function":{"name":null,"arguments":"{}"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}}},
		{"one id for two calls", calls(`{"index":0,"id":"1","function":{"name":"f"}},{"index":1,"id":"1","function":{"name":"g"}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}, {ID: "1", Name: "g", Arguments: "{}"}}},
		{"a name in pieces", calls(`{"index":0,"id":"1","function":{"name":"get_"}}`) + calls(`{"index":0,"function":{"name":"f","arguments":"{}"}}`),
			[]api.ToolCall{{ID: "1", Name: "get_f", Arguments: "{}"}}},
		{"the id last", calls(`{"function":{"arguments":"{}","name":"f"},"index":0,"id":"1"}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}}},
		{"an id with an escape", calls(`{"index":0,"id":"a\"\u00e9","function":{"name":"f","arguments":"{}"}}`),
			[]api.ToolCall{{ID: `a"é`, Name: "f", Arguments: "{}"}}},
		{"an object as arguments", calls(`{"index":0,"id":"1","function":{"name":"f","arguments":{"a": 1}}}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: `{"a": 1}`}}},
		{"a message after the deltas", calls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{}"}}`) +
			event(`{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}},{"function":{"name":"g"}}]}}]}`),
			[]api.ToolCall{{ID: "1", Name: "f", Arguments: "{}"}}},
		{"the older form", event(`{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{"}}}]}`) +
			event(`{"choices":[{"delta":{"function_call":{"arguments":"}"}}}]}`),
			[]api.ToolCall{{Name: "f", Arguments: "{}"}}},
		{"a call without a name", calls(`{"index":0,"id":"1","function":{"arguments":"{}"}}`), nil},
		{"nothing of a call", calls(`{}`) + calls(`7`) + calls(`{"index":0}`), nil},
	} {
		if a := keep(t, api.Chat, true, tt.stream+stopped); !slices.Equal(a.ToolCalls, tt.want) {
			t.Errorf("%s: got %+v, want %+v (%s)", tt.name, a.ToolCalls, tt.want, a.Record.Error)
		}
	}
}

func TestCallsOfOtherAPIs(t *testing.T) {
	t.Parallel()
	block := func(n int, member, value string) string {
		kind := map[string]string{"delta": "delta", "content_block": "start"}[member]
		return event(`{"type":"content_block_%s","index":%d,"%s":%s}`, kind, n, member, value)
	}
	ended := event(`{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`) + event(`{"type":"message_stop"}`)
	item := func(kind string, n int, rest string) string {
		return event(`{"type":"response.%s","output_index":%d,%s}`, kind, n, rest)
	}
	f, g := api.ToolCall{ID: "1", Name: "f", Arguments: `{"a":1}`}, api.ToolCall{ID: "2", Name: "g", Arguments: "{}"}
	const output = `[{"type":"reasoning"},{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\":1}"},` +
		`{"type":"function_call","call_id":"2","name":"g","arguments":"{}"},` +
		`{"type":"mcp_call","id":"m","name":"s","arguments":"{}"}]`
	completed := event(`{"type":"response.completed","response":{"status":"completed","output":%s}}`, output)
	for _, tt := range []struct {
		name    string
		dialect api.Dialect
		body    string
		want    []api.ToolCall
	}{
		{"messages", api.Messages, block(0, "content_block", `{"type":"text","text":""}`) +
			block(1, "content_block", `{"type":"tool_use","id":"1","name":"f","input":{}}`) +
			block(2, "content_block", `{"type":"tool_use","id":"2","name":"g","input":{}}`) +
			block(1, "delta", `{"type":"input_json_delta","partial_json":""}`) +
			block(1, "delta", `{"type":"input_json_delta","partial_json":"{\"a\""}`) +
			block(3, "content_block", `{"type":"server_tool_use","id":"3","name":"s","input":{}}`) +
			block(3, "delta", `{"type":"input_json_delta","partial_json":"{}"}`) +
			block(1, "delta", `{"type":"input_json_delta","partial_json":":1}"}`) + ended, []api.ToolCall{f, g}},
		{"the index of an event last", api.Messages,
			event(`{"content_block":{"input":{"a":1},"name":"f","id":"1","type":"tool_use"},"index":5}`) +
				event(`{"content_block":{"name":"g","id":"2","type":"tool_use"},"index":6}`) +
				event(`{"delta":{"partial_json":"{}"},"index":6}`) + ended, []api.ToolCall{f, g}},
		{"a whole message", api.Messages, `{"type":"message","content":[{"type":"text","text":"x"},` +
			`{"type":"tool_use","id":"1","name":"f","input":{"a":1}},{"type":"server_tool_use","name":"s","input":{"b":2}},` +
			`{"type":"tool_use","id":"2","name":"g","input":{}}],"stop_reason":"tool_use"}`, []api.ToolCall{f, g}},
		{"responses", api.Responses,
			item("output_item.added", 1, `"item":{"type":"function_call","id":"fc_1","call_id":"1","name":"f","arguments":""}`) +
				item("function_call_arguments.delta", 1, `"item_id":"fc_1","delta":"{\"a\""`) +
				item("output_item.added", 2, `"item":{"type":"function_call","id":"fc_2","call_id":"2","name":"g"}`) +
				item("function_call_arguments.delta", 1, `"item_id":"fc_1","delta":":1}"`) +
				item("function_call_arguments.done", 1, `"arguments":"{\"a\":1}"`) +
				item("function_call_arguments.done", 2, `"arguments":"{}"`) +
				item("output_item.added", 3, `"item":{"type":"mcp_call","id":"m","name":"s"}`) +
				item("mcp_call_arguments.delta", 3, `"delta":"{}"`) + completed, []api.ToolCall{f, g}},
		{"the end of responses alone", api.Responses, completed, []api.ToolCall{f, g}},
		{"responses without numbers", api.Responses,
			event(`{"type":"response.output_item.added","item":{"type":"function_call","call_id":"1","name":"f"}}`) +
				event(`{"type":"response.function_call_arguments.delta","delta":"{\"a\":1}"}`) +
				event(`{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call",`+
					`"name":"f","arguments":"{\"a\":1}"}]}}`), []api.ToolCall{f}},
		{"a whole response", api.Responses, `{"status":"completed","output":` + output + `}`, []api.ToolCall{f, g}},
		{"a whole chat", api.Chat, `{"choices":[{"message":{"content":null,"tool_calls":[` +
			`{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},` +
			`{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
			[]api.ToolCall{f, g}},
	} {
		a := keep(t, tt.dialect, !strings.HasPrefix(tt.body, "{"), tt.body)
		if !slices.Equal(a.ToolCalls, tt.want) || a.Record.Failed() {
			t.Errorf("%s: got %+v, want %+v (%s)", tt.name, a.ToolCalls, tt.want, a.Record.Error)
		}
	}
}

func TestReasoningIsKept(t *testing.T) {
	t.Parallel()
	thought := func(text string) string { return event(`{"choices":[{"delta":{"reasoning":"%s"}}]}`, text) }
	const item = `{"type":"reasoning","summary":[{"type":"summary_text","text":"hm, so"}]}`
	for _, tt := range []struct {
		name    string
		dialect api.Dialect
		body    string
	}{
		{"chat", api.Chat, thought("hm,") + calls(`{"index":0,"id":"1","function":{"name":"f"}}`) + thought(" so") +
			chunk("x") + stop + done},
		{"parts of a content", api.Chat, event(`{"choices":[{"delta":{"content":[{"type":"thinking","text":"hm, so"}]}}]}`) +
			chunk("x") + stop + done},
		{"two names", api.Chat, event(`{"choices":[{"delta":{"reasoning":"hm, so","reasoning_content":"hm, so"}}]}`) +
			chunk("x") + stop + done},
		{"a whole chat", api.Chat, `{"choices":[{"message":{"reasoning_content":"hm, so","content":"x"}}]}`},
		{"messages", api.Messages, event(`{"delta":{"type":"thinking_delta","thinking":"hm,"},"index":0}`) +
			event(`{"delta":{"type":"thinking_delta","thinking":" so"},"index":0}`) +
			event(`{"delta":{"type":"text_delta","text":"x"},"index":1}`) + event(`{"type":"message_stop"}`)},
		{"a whole message", api.Messages, `{"content":[{"type":"thinking","thinking":"hm, so"},{"type":"text","text":"x"}]}`},
		{"responses", api.Responses, event(`{"type":"response.reasoning_summary_text.delta","delta":"hm,"}`) +
			event(`{"type":"response.reasoning_summary_text.delta","delta":" so"}`) +
			event(`{"type":"response.reasoning_summary_text.done","text":"hm, so"}`) +
			event(`{"type":"response.output_text.delta","delta":"x"}`) +
			event(`{"type":"response.completed","response":{"status":"completed","output":[`+item+`]}}`)},
		{"responses without deltas", api.Responses, event(`{"type":"response.reasoning_summary_text.done","text":"hm, so"}`) +
			event(`{"type":"response.output_text.done","text":"x"}`) +
			event(`{"type":"response.completed","response":{"status":"completed","output":[`+item+`]}}`)},
	} {
		a := keep(t, tt.dialect, !strings.HasPrefix(tt.body, "{"), tt.body)
		if a.Reasoning != "hm, so" || a.Text != "x" || a.Record.Failed() {
			t.Errorf("%s: got %q and the text %q (%s)", tt.name, a.Reasoning, a.Text, a.Record.Error)
		}
	}
}

// Of several choices one is followed, and what came of the others before that was clear does not count.
func TestCallsOfOneChoice(t *testing.T) {
	t.Parallel()
	piece := func(index int, arguments string) string {
		return event(`{"choices":[{"index":%d,"delta":{"tool_calls":[{"index":0,"id":"%d","function":{"name":"f","arguments":"%s"}}]}}]}`,
			index, index, arguments)
	}
	a := keep(t, api.Chat, true, piece(0, "{")+piece(1, "[")+piece(0, "}")+piece(1, "]")+stopped)
	if want := []api.ToolCall{{ID: "0", Name: "f", Arguments: "{}"}}; !slices.Equal(a.ToolCalls, want) {
		t.Errorf("got %+v, want %+v", a.ToolCalls, want)
	}
}

// Pieces of any number cost a bounded memory, and without a wish for them none.
func TestKeptPiecesAreBounded(t *testing.T) {
	t.Parallel()
	var stream strings.Builder
	for i := range 300 {
		stream.WriteString(calls(fmt.Sprintf(`{"index":%d,"id":"%d","function":{"name":"f"}}`, i, i)))
	}
	c := newClient(t, func(o *Options) { o.EventLimit = 8 << 10 })
	for keeps, want := range map[bool]string{true: record.ErrorTooLarge, false: ""} {
		rt := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK,
				Body: io.NopCloser(strings.NewReader(stream.String() + stopped))}, nil
		})
		a, err := c.Do(t.Context(), rt, &Request{KeepCalls: keeps})
		if err != nil || a.Record.ErrorType != want || !keeps && (a.ToolCalls != nil || a.Reasoning != "") {
			t.Errorf("kept %v: got %q with %d calls, %v", keeps, a.Record.ErrorType, len(a.ToolCalls), err)
		}
	}
}
