package config

import (
	"reflect"
	"strings"
	"testing"
)

const load = "load: {stages: [{rate: 1, duration: 1}]}\n"

func TestMixIsReadAndWritten(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte(load + "x-llm: {data: {parts: [{share: 0.7, label: chat, type: mock, headers: " +
		"{Authorization: Bearer x}}, {share: 0.3, type: prompts, path: a.jsonl}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Own.Data.Parts); n != 2 || c.Own.Data.Parts[1].Text("type") != "prompts" ||
		c.Own.Data.Parts[1].Text("share") != "" || c.Own.Data.Parts[1].Text("label") != "" {
		t.Errorf("read %v", c.Own.Data)
	}
	text, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "Bearer x") {
		t.Errorf("a secret is written:\n%s", text)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.Own.Data.Parts[1], c.Own.Data.Parts[1]; !reflect.DeepEqual(got, want) {
		t.Errorf("written and read again: %s, want %s", got, want)
	}
	c, err = Parse([]byte(load), Override{Key: "x-llm.data",
		Value: `{"parts": [{"share": 1, "type": "mock"}]}`})
	if err != nil || len(c.Own.Data.Parts) != 1 {
		t.Errorf("an override: %v, %v", c, err)
	}
}

func TestMixFaults(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`exact`:                    `must be inference-perf, or {parts: `,
		`5`:                        `must be inference-perf, or {parts: `,
		`{}`:                       `x-llm.data.parts: is required`,
		`{part: []}`:               `x-llm.data.part: unknown key: did you mean "parts"?`,
		`{parts: []}`:              `x-llm.data.parts: expected a list of parts`,
		`{parts: {share: 1}}`:      `x-llm.data.parts: expected a list of parts`,
		`{parts: [{share: 1}, 7]}`: `x-llm.data.parts[1]: expected a mapping`,
	} {
		if _, err := Parse([]byte(load + "x-llm: {data: " + value + "}")); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("data: %s: got %v, want %s", value, err, want)
		}
	}
}
