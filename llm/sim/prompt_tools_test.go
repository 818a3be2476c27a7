package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// listener is a tokenizer that keeps the chat that it is to count.
type listener struct {
	Tokenizer
	heard string
}

func (l *listener) CountChat(messages, tools json.RawMessage) (int, error) {
	l.heard = string(messages) + " " + string(tools)
	return 1, nil
}

// The template is given the chat of a request of any API, with tools and their calls in their places.
func TestChatsOfOtherAPIs(t *testing.T) {
	t.Parallel()
	const (
		tools  = `[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]`
		called = `"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
		result = `{"role":"tool","content":"r","tool_call_id":"1"}`
	)
	for _, tt := range []struct {
		name string
		at   *endpoint
		body string
		want string
	}{
		{"Anthropic's", messagesEndpoint(), `{"max_tokens":1,"system":[{"type":"text","text":"s"}],"tools":[{"name":"f",` +
			`"description":"d","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"u"},` +
			`{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":[` +
			`{"type":"tool_result","tool_use_id":"1","content":"r"},{"type":"text","text":"v"}]}]}`,
			`[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":[],` + called +
				`,` + result + `,{"role":"user","content":[{"type":"text","text":"v"}]}] ` + tools},
		{"a result alone", messagesEndpoint(), `{"max_tokens":1,"messages":[{"role":"user","content":[` +
			`{"type":"tool_result","tool_use_id":"1","content":"r"}]}]}`, `[` + result + `] `},
		{"Responses'", responsesEndpoint(), `{"instructions":"s","tools":[{"type":"function","name":"f","description":"d",` +
			`"parameters":{"type":"object"}}],"input":[{"role":"assistant","content":"a"},{"type":"function_call",` +
			`"call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"r"},` +
			`{"type":"function_call","call_id":"1","name":"f","arguments":"{}"}]}`,
			`[{"role":"system","content":"s"},{"role":"assistant","content":"a",` + called + `,` + result +
				`,{"role":"assistant","content":null,` + called + `] ` + tools},
		{"a text", responsesEndpoint(), `{"input":"<u>","tools":[{"type":"web_search"}]}`,
			`[{"role":"user","content":"\u003cu\u003e"}] [{"type":"web_search"}]`},
	} {
		l := new(listener)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
		if _, err := parse(r, tt.at, &Options{tokens: l}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if l.heard != tt.want {
			t.Errorf("%s: counted\n%s, want\n%s", tt.name, l.heard, tt.want)
		}
	}
}
