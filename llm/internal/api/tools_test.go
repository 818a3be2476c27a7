package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// Tools and the choice among them are given once, as a chat has them, and each API sends its own form.
func TestToolsOfEachAPI(t *testing.T) {
	t.Parallel()
	const tools = `[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]`
	const one, any, none = `{"type":"function","function":{"name":"f"}}`, `"required"`, `"none"`
	flat := `"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"}}]`
	block := `"tools":[{"name":"f","input_schema":{"type":"object"},"description":"d"}]`
	for _, tt := range []struct {
		dialect      Dialect
		choice, want string // what follows the field stream
	}{
		{Chat, one, `,"tools":` + tools + `,"tool_choice":` + one + `}`},
		{Chat, none, `,"tools":` + tools + `,"tool_choice":"none"}`},
		{Chat, "", `,"tools":` + tools + `}`},
		{Messages, one, `,` + block + `,"tool_choice":{"type":"tool","name":"f"}}`},
		{Messages, any, `,` + block + `,"tool_choice":{"type":"any"}}`},
		{Messages, `"auto"`, `,` + block + `,"tool_choice":{"type":"auto"}}`},
		{Messages, none, `,` + block + `}`}, // as inference-perf
		{Responses, one, `,` + flat + `,"tool_choice":{"type":"function","name":"f"}}`},
		{Responses, any, `,` + flat + `,"tool_choice":"required"}`},
		{Responses, none, `,` + flat + `,"tool_choice":"none"}`},
	} {
		r := Request{Model: "m", Messages: json.RawMessage("[]"), Tools: json.RawMessage(tools)}
		if tt.choice != "" {
			r.ToolChoice = json.RawMessage(tt.choice)
		}
		body, err := tt.dialect.Body(&r)
		if _, got, _ := strings.Cut(string(body), `"stream":false`); err != nil || got != tt.want {
			t.Errorf("%s, %s: got %s, %v\nwant %s", tt.dialect.Name(), tt.choice, got, err, tt.want)
		}
	}
}

// The further fields of the body take precedence.
func TestToolsAmongTheExtraFields(t *testing.T) {
	t.Parallel()
	const own = `[{"type":"function","function":{"name":"g"}}]`
	for _, d := range []Dialect{Chat, Messages, Responses} {
		body, err := d.Body(&Request{Tools: json.RawMessage(`[{"type":"function","function":{"name":"f"}}]`),
			Extra: Extra{"tools": json.RawMessage(own)}})
		if text := string(body); err != nil || strings.Contains(text, `"f"`) || strings.Count(text, `"g"`) != 1 {
			t.Errorf("%s: got %s, %v", d.Name(), body, err)
		}
	}
}

func TestToolsAreRefused(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{Completion, Embeddings, Rerank} {
		for want, r := range map[string]Request{
			"tools have no field in api " + d.Name():      {Tools: json.RawMessage("[]")},
			"tool_choice has no field in api " + d.Name(): {ToolChoice: json.RawMessage(`"auto"`)},
		} {
			if _, err := d.Body(&r); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", d.Name(), err, want)
			}
		}
	}
	for _, d := range []Dialect{Chat, Messages, Responses} {
		for _, r := range []Request{{Tools: json.RawMessage("[")}, {ToolChoice: json.RawMessage("{")}} {
			if body, err := d.Body(&r); err == nil {
				t.Errorf("%s: got %s of what is no JSON", d.Name(), body)
			}
		}
	}
}
