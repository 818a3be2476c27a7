package trace

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// Messages in the forms of OpenTelemetry, of OpenAI and of Anthropic become those of a chat.
func TestMessagesOfSpans(t *testing.T) {
	for _, tt := range []struct{ name, message, want string }{
		{"a text", `{"role":"user","content":"Hi"}`, `user "Hi"`},
		{"a developer", `{"role":"developer","content":"Hi"}`, `system "Hi"`},
		{"texts in parts", `{"role":"user","parts":[{"type":"text","content":"Hi"},{"type":"text","content":"!"}]}`, `user "Hi!"`},
		{"texts in content", `{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"input_text","text":"!"}]}`,
			`user "Hi!"`},
		{"no content", `{"role":"user","content":null}`, `user ""`},
		{"a name", `{"role":"user","content":"Hi","name":"Ann"}`, `user "Hi" by Ann`},
		{"reasoning", `{"role":"assistant","parts":[{"type":"reasoning","content":"Hm"},{"type":"text","content":"Hi"}]}`,
			`assistant "Hi" thinks "Hm"`},
		{"thinking", `{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"Hi"}]}`,
			`assistant "Hi" thinks "Hm"`},
		{"a tool call", `{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"f","arguments":{"a":[1,2.50]}}]}`,
			`assistant "" calls 1 f({"a": [1, 2.5]})`},
		{"a tool call of OpenAI", `{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{ }"}}]}`,
			`assistant "" calls 1 f({ })`},
		{"a tool call of Anthropic", `{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]}`,
			`assistant "" calls 1 f({})`},
		{"results", `{"role":"tool","parts":[{"type":"tool_call_response","id":"1","response":"a"},` +
			`{"type":"tool_call_response","id":"2","result":{"b":1}}]}`, `tool "a" for 1; tool "{\"b\":1}" for 2`},
		{"a result of OpenAI", `{"role":"tool","tool_call_id":"1","content":"a"}`, `tool "a" for 1`},
		{"a result of Anthropic", `{"role":"user","content":[{"type":"tool_result","tool_use_id":"1",` +
			`"content":[{"type":"text","text":"a"}]},{"type":"text","text":"Go on"}]}`, `tool "a" for 1; user "Go on"`},
		{"an image", `{"role":"user","parts":[{"type":"text","content":"Look"},` +
			`{"type":"blob","modality":"image","mime_type":"image/png","content":"AA=="}]}`,
			`user [{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]`},
		{"an image by address", `{"role":"user","parts":[{"type":"uri","modality":"image","uri":"http://x/"}]}`,
			`user [{"type":"image_url","image_url":{"url":"http://x/"}}]`},
		{"an image of Anthropic", `{"role":"user","content":[{"type":"image","source":{"type":"base64",` +
			`"media_type":"image/png","data":"AA=="}}]}`,
			`user [{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]`},
		{"a part of an unknown kind", `{"role":"user","parts":[{"type":"x","content":"y"},{"type":"text","content":"Hi"}]}`,
			`user "Hi"`},
	} {
		m, err := readRemark(gjson.Parse(tt.message))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := describeSent(m); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func describeSent(m *remark) string {
	var list []string
	for _, s := range m.sent {
		text := fmt.Sprintf("%s %q", s.Role, s.Text)
		if s.Content != nil {
			text = fmt.Sprintf("%s %s", s.Role, s.Content)
		}
		if s.Reasoning != "" {
			text += fmt.Sprintf(" thinks %q", s.Reasoning)
		}
		for _, call := range s.ToolCalls {
			text += fmt.Sprintf(" calls %s %s(%s)", call.ID, call.Name, call.Arguments)
		}
		if s.ToolCallID != "" {
			text += " for " + s.ToolCallID
		}
		if s.Name != "" {
			text += " by " + s.Name
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

// What OTLP writes as text because JSON has no number for it stays a text.
func TestNumbersOfSpans(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{`{"intValue":"7"}`, "7"}, {`{"doubleValue":1.5}`, "1.5"}, {`{"doubleValue":"NaN"}`, `"NaN"`},
		{`{"arrayValue":{"values":[{"doubleValue":"-Infinity"},{"intValue":" 8 "}]}}`, `["-Infinity",8]`},
	} {
		if got := untyped(gjson.Parse(tt.value), 0).Raw; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.value, got, tt.want)
		}
	}
}

// Definitions of tools in the forms of OpenTelemetry and Anthropic become those of OpenAI's chat.
func TestToolsOfSpans(t *testing.T) {
	const function = `{"type":"function","function":{"name":"f","description":"d","parameters":{}}}`
	for _, tt := range []struct{ attribute, want string }{
		{`"[]"`, ""}, {`"no JSON"`, ""}, {`null`, ""},
		{`[` + function + `]`, `[` + function + `]`},
		{`[{"type":"function","name":"f","description":"d","parameters":{}}]`, `[` + function + `]`},
		{`{"name":"f","description":"d","input_schema":{}}`, `[` + function + `]`},
		{`"[{\"name\":\"f\"}]"`, `[{"type":"function","function":{"name":"f"}}]`},
	} {
		if got := string(tools(gjson.Parse(tt.attribute))); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.attribute, got, tt.want)
		}
	}
}

// TestPythonJSON compares with Python's json.dumps.
func TestPythonJSON(t *testing.T) {
	in := []string{
		`{"a":[1,-2.50,1e3,1E-7,1e16,123456789012345678901,0.0001,-0.0],"b":{},"c":[],"d":[true,false,null]}`,
		`"é\u0000\u001f\u007f\n\t\"\\\/\ud83d\ude00~ "`, `[[[{"x":[{}]}]]]`,
	}
	want := []string{
		`{"a": [1, -2.5, 1000.0, 1e-07, 1e+16, 123456789012345678901, 0.0001, -0.0], "b": {}, "c": [], "d": [true, false, null]}`,
		`"\u00e9\u0000\u001f\u007f\n\t\"\\/\ud83d\ude00~ "`, `[[[{"x": [{}]}]]]`,
	}
	for i, text := range in {
		if got := pythonJSON(text); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	python := testenv.Python(t, "json")
	cmd := exec.Command(python, "-c", "import json, sys\nfor l in sys.stdin: print(json.dumps(json.loads(l)))")
	cmd.Stdin = strings.NewReader(strings.Join(in, "\n"))
	out, err := cmd.Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != strings.Join(want, "\n") {
		t.Errorf("Python says %s, %v", got, err)
	}
}
