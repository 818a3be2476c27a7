package api

import (
	"encoding/json"
	"testing"
)

// A chat template reads the same chat, whichever API carries it.
func TestTemplateChat(t *testing.T) {
	t.Parallel()
	const (
		nested = `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]}`
		called = `[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]`
		words  = `[{"type":"text","text":"t"}]`
	)
	chat := func(content string) string {
		return `[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"assistant","content":` + content +
			`,"tool_calls":` + called + `},{"role":"tool","content":"r","tool_call_id":"1"}]`
	}
	for _, tt := range []struct {
		name                               string
		dialect                            Dialect
		messages, fields, want, wantFields string
	}{
		{"a chat", Chat, chat(words), nested, chat(words), nested},
		{"a chat for Anthropic", Messages, chat(words), nested, chat(words), nested},
		{"Anthropic's form", Messages, `[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"text",` +
			`"text":"t"},{"type":"tool_use","id":"1","name":"f","input":{"a":1}}]},{"role":"user","content":[` +
			`{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"}]}]}]`,
			`{"tools":[{"name":"f","input_schema":{"type":"object"},"description":"d"}],"system":[{"type":"text",` +
				`"text":"s"}]}`, chat(words), nested},
		{"a chat for Responses", Responses, chat(`"t"`), nested, chat(`"t"`), nested},
		{"items of Responses", Responses, `[{"role":"user","content":"u"},{"type":"message","role":"assistant",` +
			`"content":"t"},{"type":"function_call","call_id":"1","name":"f","arguments":"{\"a\":1}"},` +
			`{"type":"function_call_output","call_id":"1","output":"r"}]`,
			`{"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"}}],` +
				`"instructions":"s"}`, chat(`"t"`), nested},
		{"words beside a result", Messages, `[{"role":"user","content":[{"type":"text","text":"t"},` +
			`{"type":"tool_result","tool_use_id":"1","content":"r"}]}]`, `{}`,
			`[{"role":"tool","content":"r","tool_call_id":"1"},{"role":"user","content":` + words + `}]`, `{}`},
		{"a call without words", Responses, `[{"type":"function_call","call_id":"1","name":"f",` +
			`"arguments":"{\"a\":1}"}]`, `{}`, `[{"role":"assistant","content":null,"tool_calls":` + called + `}]`, `{}`},
		{"system messages in a row", Messages, `[{"role":"system","content":"a"},{"role":"system","content":"b"}]`,
			`{"tools":null}`, `[{"role":"system","content":"a\n\nb"}]`, `{"tools":null}`},
		{"an image", Messages, `[{"role":"user","content":[{"type":"image","source":{}}]}]`, `{}`,
			`[{"role":"user","content":[{"type":"image","source":{}}]}]`, `{}`},
		{"a tool of the server", Responses, `[]`, `{"tools":[{"type":"web_search"}]}`, `null`,
			`{"tools":[{"type":"web_search"}]}`},
		{"no list", Messages, `"x"`, `{}`, `"x"`, `{}`},
	} {
		var fields Extra
		if err := json.Unmarshal([]byte(tt.fields), &fields); err != nil {
			t.Fatal(err)
		}
		messages, given := TemplateChat(tt.dialect, json.RawMessage(tt.messages), fields)
		rest := Extra{}
		if tools := given["tools"]; tools != nil {
			rest["tools"] = tools
		}
		written, err := json.Marshal(rest)
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, messages, []byte(tt.want)) || !sameJSON(t, written, []byte(tt.wantFields)) {
			t.Errorf("%s: got\n%s\n%s, want\n%s\n%s", tt.name, messages, written, tt.want, tt.wantFields)
		}
	}
}
