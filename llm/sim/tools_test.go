package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidwall/gjson"
)

const (
	nestedTools = `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":` +
		`{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}}},` +
		`{"type":"function","function":{"name":"g"}}]`
	flatTools = `"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":` +
		`{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}},{"type":"function","name":"g"}]`
	blockTools = `"tools":[{"name":"f","input_schema":{"type":"object","properties":` +
		`{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}},{"name":"g","input_schema":{}}]`
)

// askTools sends a request with tools, and returns its answer and the truth about it.
func askTools(t *testing.T, s *Server, path, fields string) (string, Truth) {
	t.Helper()
	w := httptest.NewRecorder()
	prompt := `"messages":[{"role":"user","content":"a"}]`
	if path == "/v1/responses" {
		prompt = `"input":"a"`
	}
	s.ServeHTTP(w, post(t, path, `{"model":"sim",`+prompt+`,`+fields+`}`))
	list := s.Truths()
	if len(list) == 0 {
		return w.Body.String(), Truth{Status: w.Code}
	}
	return w.Body.String(), list[len(list)-1]
}

// An answer calls the tool that was asked for, with the arguments that its schema requires, in the form of each API.
func TestAnswersCallTools(t *testing.T) {
	t.Parallel()
	const arguments = `{"city": "simulated", "days": 1}` // four words
	quoted := string(appendQuoted(nil, arguments))
	for _, tt := range []struct {
		path, fields string
		want         []string
	}{
		{"/v1/chat/completions", `"max_tokens":9,"tool_choice":"required",` + nestedTools,
			[]string{`"content":null`, `"name":"f","arguments":` + quoted, `"finish_reason":"tool_calls"`, `"completion_tokens":4`}},
		{"/v1/chat/completions", `"max_tokens":9,"tool_choice":{"type":"function","function":{"name":"g"}},` + nestedTools,
			[]string{`"name":"g","arguments":"{}"`, `"completion_tokens":1`}},
		{"/v1/chat/completions", `"max_tokens":9,"tool_choice":"required","ignore_eos":true,"stream":true,` + nestedTools,
			[]string{`"type":"function","function":{"name":"f","arguments":""}}]}`,
				`{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": "}}]}`, `"finish_reason":"tool_calls"`}},
		{"/v1/messages", `"max_tokens":9,"tool_choice":{"type":"any"},` + blockTools,
			[]string{`"input":{"city":"simulated","days":1}`, `"name":"f"`, `"type":"tool_use"`, `"stop_reason":"tool_use"`}},
		{"/v1/messages", `"max_tokens":9,"tool_choice":{"type":"tool","name":"f"},"stream":true,` + blockTools,
			[]string{`"name":"f","input":{}}`, `{"type":"input_json_delta","partial_json":"{\"city\": "}`,
				`"stop_reason":"tool_use"`, `"output_tokens":4`}},
		{"/v1/responses", `"tool_choice":{"type":"function","name":"f"},` + flatTools,
			[]string{`"type":"function_call"`, `"name":"f"`, `"arguments":` + quoted, `"status":"completed"`}},
		{"/v1/responses", `"tool_choice":"required","stream":true,` + flatTools,
			[]string{`response.function_call_arguments.delta`, `"item_id":"fc_sim","output_index":0,"delta":"{\"city\": "`,
				`"name":"f","arguments":` + quoted, `"arguments":""}`}},
		{"/v1/chat/completions", `"max_tokens":2,"tool_choice":"required",` + nestedTools,
			[]string{`"arguments":"{\"city\": \"simulated\", "`, `"finish_reason":"length"`}},
		{"/v1/messages", `"max_tokens":2,"tool_choice":{"type":"any"},` + blockTools,
			[]string{`"input":{}`, `"stop_reason":"max_tokens"`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, truth := askTools(t, mustNew(t, func(o *Options) { o.OutputTokens = 3 }), tt.path, tt.fields)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s %s: got %s, want %s", tt.path, tt.fields, got, want)
				}
			}
			if truth.Tool == "" || truth.Error != "" || truth.CompletionTokens == 0 {
				t.Errorf("%s %s: truth %+v", tt.path, tt.fields, truth)
			}
		})
	}
}

// Words answer a request that leaves the choice to the model, or wants no call, or meets a server that refuses.
func TestAnswersOfWordsInspiteOfTools(t *testing.T) {
	t.Parallel()
	for fields, options := range map[string]func(*Options){
		nestedTools:                               nil,
		`"tool_choice":"auto",` + nestedTools:     nil,
		`"tool_choice":"none",` + nestedTools:     func(o *Options) { o.ToolCalls = 1 },
		`"tool_choice":"required",` + nestedTools: func(o *Options) { o.ToolRefusals = 1 },
		`"tools":[]`:                              func(o *Options) { o.ToolCalls = 1 },
	} {
		synctest.Test(t, func(t *testing.T) {
			got, truth := askTools(t, mustNew(t, options), "/v1/chat/completions", fields)
			if !strings.Contains(got, `"content":"Simulated`) || truth.Tool != "" {
				t.Errorf("%s: got %s, %+v", fields, got, truth)
			}
		})
	}
}

func TestChoicesAreRefused(t *testing.T) {
	t.Parallel()
	s := mustNew(t, nil)
	for fields, want := range map[string]string{
		`"tool_choice":"required"`: `tool_choice is \"required\", and there are no tools`,
		`"tool_choice":{"type":"function","function":{"name":"h"}},` + nestedTools: `tool_choice names \"h\", which is not among`,
	} {
		got, truth := askTools(t, s, "/v1/chat/completions", fields)
		if truth.Status != http.StatusBadRequest || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %s", fields, truth.Status, got)
		}
	}
}

// Whether an answer calls a tool is drawn by the prompt, so that it does not depend on the order of requests.
func TestTheShareOfToolCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.ToolCalls, o.TTFT, o.ITL = 0.3, 0, 0 })
		ask := func(i int) bool {
			s.ServeHTTP(&sink{header: http.Header{}}, post(t, "/v1/chat/completions", fmt.Sprintf(
				`{"model":"sim","max_tokens":9,"messages":[{"role":"user","content":"%d"}],%s}`, i, nestedTools)))
			list := s.Truths()
			return list[len(list)-1].Tool != ""
		}
		calls := 0
		var first []bool
		for i := range 1000 {
			if first = append(first, ask(i)); first[i] {
				calls++
			}
		}
		if calls < 250 || calls > 350 {
			t.Errorf("%d of 1000 answers are calls, want about 300", calls)
		}
		for i := 999; i >= 0; i -= 100 {
			if ask(i) != first[i] {
				t.Errorf("prompt %d: another answer the second time", i)
			}
		}
	})
}

func TestExamplesOfSchemas(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{}`:                `{}`,
		`{"type":"object"}`: `{}`,
		`{"required":["a","b"],"properties":{"a":{"type":"boolean"},"b":{"type":["null","string"]}}}`: `{"a": true, "b": null}`,
		`{"required":["a"]}`: `{"a": "simulated"}`,
		`{"required":["a"],"properties":{"a":{"enum":["x y",2]}}}`:                                                `{"a": "x y"}`,
		`{"required":["a"],"properties":{"a":{"const":{"k":[1]}}}}`:                                               `{"a": {"k":[1]}}`,
		`{"required":["a"],"properties":{"a":{"type":"number","minimum":2.5}}}`:                                   `{"a": 2.5}`,
		`{"required":["a"],"properties":{"a":{"type":"array","minItems":2,"items":{"type":"integer"}}}}`:          `{"a": [1, 1]}`,
		`{"required":["a"],"properties":{"a":{"type":"array","items":{"type":"integer"}}}}`:                       `{"a": []}`,
		`{"required":["a"],"properties":{"a":{"anyOf":[{"type":"object","required":["b"]},{"type":"string"}]}}}`:  `{"a": {"b": "simulated"}}`,
		`{"required":["a"],"properties":{"a":{"type":"object","required":["b"],"properties":{"b":{"enum":[]}}}}}`: `{"a": {"b": "simulated"}}`,
		`{"type":"string"}`: `"simulated"`,
		`{"required":["q\"\n"],"properties":{"q\"\n":{"type":"integer"}}}`: `{"q\"\n": 1}`,
	} {
		if got := string(appendExample(nil, gjson.Parse(schema), "object", maxSchemaDepth)); got != want {
			t.Errorf("%s: got %s, want %s", schema, got, want)
		}
	}
}

// A schema of any form gives valid JSON, soon.
func FuzzExample(f *testing.F) {
	f.Add([]byte(`{"required":["a",1],"properties":{"a":{"type":"array","minItems":1e9,"items":{"anyOf":[{}]}}}}`))
	f.Add([]byte(`{"default":nul,"enum":[tru],"required":["a","a"],"type":[[]]}`))
	f.Add([]byte(`{"required":["\ud800\u0000é"],"properties":[],"minimum":1e308}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		if !json.Valid(schema) {
			return
		}
		if got := appendExample(nil, gjson.ParseBytes(schema), "object", 4); !json.Valid(got) {
			t.Errorf("%s: got %s", schema, got)
		}
	})
}

// With a tokenizer a call has as many chunks as its arguments have tokens.
func TestCallsHaveTheTokensOfATokenizer(t *testing.T) {
	t.Parallel()
	c := newCall(&ask{tool: tool{name: "f", schema: gjson.Parse(`{"required":["é"]}`)}}, oddTokenizer{})
	text := `{"é": "simulated"}`
	if n := len(text) - 1; c.arguments(len(c.tokens)) != text || len(c.tokens) != min(n, len([]rune(text))) {
		t.Errorf("got %q", c.tokens)
	}
}
