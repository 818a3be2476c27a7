package replay

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

func TestToolsOfACall(t *testing.T) {
	t.Parallel()
	const tools = `[{"type":"function","function":{"name":"f"}},{"name":"g"}]`
	list := func(names ...string) (calls []workload.ToolCall) {
		for _, name := range names {
			calls = append(calls, tool("", name, "{}"))
		}
		return calls
	}
	named := func(name string) string { return `{"type":"function","function":{"name":"` + name + `"}}` }
	for _, tt := range []struct {
		name     string
		rules    func(*Rules)
		tools    string
		recorded []workload.ToolCall
		tokens   int
		want     string // tool_choice, max_tokens, ignore_eos
	}{
		{"a text without tools", nil, "", nil, 30, " 30 <nil>"},
		{"an empty list of tools", nil, "[]", nil, 30, " 30 <nil>"},
		{"a text beside tools", nil, tools, nil, 30, `"none" 30 false`},
		{"a call", nil, tools, list("f"), 30, named("f") + ` 4096 false`},
		{"a long call of a tool in flat form", nil, tools, list("g"), 2000, named("g") + ` 8000 false`},
		{"two calls of one tool", nil, tools, list("f", "f"), 30, `"required" 4096 false`},
		{"a call of an unknown tool", nil, tools, list("x"), 30, `"required" 4096 false`},
		{"a call without tools", nil, "", list("f"), 30, " 30 false"},
		{"no more room", func(r *Rules) { r.RoomForTools = false }, tools, list("f"), 30, named("f") + ` 30 false`},
		{"no choice", func(r *Rules) { r.AsRecorded = true }, tools, list("f"), 30, " 4096 false"},
		{"no choice for a text", func(r *Rules) { r.AsRecorded = true }, tools, nil, 30, " 30 false"},
	} {
		c := call("a", 0)
		c.Answer = workload.Answer{Tokens: tt.tokens, ToolCalls: tt.recorded}
		if tt.tools != "" {
			c.Tools = json.RawMessage(tt.tools)
		}
		s := asks(0)
		if r := play(t, s, tt.rules, Turn{Session: session(c)}); r.ErrorType != "" {
			t.Fatal(r.Error)
		}
		a := s.find(t, "a")
		eos := "<nil>"
		if a.IgnoreEOS != nil {
			eos = fmt.Sprint(*a.IgnoreEOS)
		}
		if got := fmt.Sprint(string(a.ToolChoice), " ", a.MaxTokens, " ", eos); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The schemas are those that inference-perf sends for the same tools.
func TestToolsAreNormal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ tools, want string }{
		{`null`, ``},
		{`[{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":3}}}}]`,
			`[{"type":"function","function":{"name":"f","description":"d","parameters":` +
				`{"type":"object","properties":{"a":{"type":"integer"}}}}}]`},
		{`[{"type":"function","function":{"name":"f","strict":true,"description":null}}]`,
			`[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]`},
		{`[{"name":"f","input_schema":{"title":"x"}}]`,
			`[{"type":"function","function":{"name":"f","parameters":{"type":"string"}}}]`},
	} {
		set, err := normalTools(json.RawMessage(tt.tools))
		if err != nil || string(set.list) != tt.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", tt.tools, set.list, err, tt.want)
		}
	}
	for _, tt := range []struct{ schema, want string }{
		{`{"type":"object"}`, `{"type":"object","properties":{}}`},
		{`{"type":"object","properties":{},"required":[]}`, `{"type":"object","properties":{},"required":[]}`},
		{`{"anyOf":[{"type":"string"},{"type":"null"}],"default":null}`, `{"type":"string"}`},
		{`{"type":"array","items":{"$ref":"#/x","oneOf":[]},"minItems":1}`,
			`{"type":"array","items":{"$ref":"#/x","type":"string"}}`},
		{`{"type":"object","additionalProperties":{"type":"string"}}`,
			`{"type":"object","additionalProperties":false,"properties":{}}`},
		{`{"type":"object","additionalProperties":true,"properties":{"type":{"enum":["a",1]},"default":{"const":3}}}`,
			`{"type":"object","additionalProperties":true,"properties":{"type":{"enum":["a",1],"type":"string"},` +
				`"default":{"const":3,"type":"string"}}}`},
		{`{"allOf":[{"title":"x"},{"type":["string","null"]}],"description":"a \"b\""}`,
			`{"allOf":[{"type":"string"},{"type":["string","null"]}],"description":"a \"b\"","type":"string"}`},
		{`{"type":"object","properties":null}`, `{"type":"object","properties":null}`},
	} {
		set, err := normalTools(json.RawMessage(`[{"name":"f","parameters":` + tt.schema + `}]`))
		want := `[{"type":"function","function":{"name":"f","parameters":` + tt.want + `}}]`
		if err != nil || string(set.list) != want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", tt.schema, set.list, err, want)
		}
	}
}

// Whatever a trace has as tools becomes a list in JSON, or an error.
func FuzzTools(f *testing.F) {
	for _, seed := range []string{`[]`, `null`, `[{"name":"f","parameters":{"anyOf":[]}}]`, `[1,{},"x"]`, `[{"function":{}}]`,
		`[{"name":"f","parameters":{"properties":{"a":[{}]}}}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, tools []byte) {
		set, err := normalTools(tools)
		if err == nil && set.list != nil && !json.Valid(set.list) {
			t.Errorf("%q became %q", tools, set.list)
		}
	})
}
