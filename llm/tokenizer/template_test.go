package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const hello = `[{"role":"user","content":"Hello"}]`

func TestRender(t *testing.T) {
	source, err := os.ReadFile("testdata/templates/headers.jinja")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := ParseTemplate(Files{Config: []byte(config + `, "chat_template": "not this one"}`), Template: source})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Render(chatOf("one"))
	if want := time.Now().Format("02 Jan 2006"); !strings.HasPrefix(got, "<s><|start_header_id|>") ||
		!strings.Contains(got, want) {
		t.Errorf("got %q (%v), want chat_template.jinja with %s", got, err, want)
	}
}

// The chosen template of a model is the one that transformers and vLLM choose.
func TestFiles(t *testing.T) {
	const object, list = `{"chat_template": {"default": "plain", "tool_use": "tools"}}`,
		`{"chat_template": [{"name":"tool_use","template":"tools"},{"name":"default","template":"plain"}]}`
	tests := map[string]struct {
		files       Files
		plain, with string // what chats without and with tools render to, or the error
	}{
		"text":   {Files{Config: []byte(`{"chat_template": "plain"}`)}, "plain", "plain"},
		"list":   {Files{Config: []byte(list)}, "plain", "tools"},
		"object": {Files{Config: []byte(object)}, "plain", "tools"},
		"object of another": {Files{Config: []byte(`{"chat_template": {"rag": "x", "tool_use": "tools"}}`)},
			"chat template: there are several, and none is named default", "tools"},
		"file": {Files{Config: []byte(object), Template: []byte("file")}, "file", "file"},
		"files": {Files{Config: []byte(object), Template: []byte("file"),
			ToolUse: []byte("file for tools")}, "file", "file for tools"},
		"processor": {Files{Config: []byte(`{"chat_template": "plain"}`),
			Processor: []byte(`{"chat_template": "processor"}`)}, "processor", "plain"},
		"processor alone": {Files{Config: []byte(`{}`), Processor: []byte(`{"chat_template": "processor"}`)},
			"processor", "processor"},
		"bad template, unused": {
			Files{Config: []byte(`{"chat_template": {"default": "plain", "tool_use": "{% x %}"}}`)}, "plain",
			`chat template: line 1: unknown tag "x"`},
	}
	for name, tt := range tests {
		tmpl, err := ParseTemplate(tt.files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for tools, want := range map[string]string{"": tt.plain, tools: tt.with, "null": tt.plain} {
			got, err := tmpl.Render(Chat{Messages: json.RawMessage(hello), Tools: json.RawMessage(tools)})
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s, tools %.10q: got %q, want %q", name, tools, got, want)
			}
		}
	}
}

// Each file is requested only if it matters.
func TestReadFiles(t *testing.T) {
	for _, tt := range []struct{ has, want string }{
		{"", "tokenizer_config.json chat_template.jinja chat_template.json"},
		{TemplateFile, "tokenizer_config.json chat_template.jinja additional_chat_templates/tool_use.jinja"},
		{ProcessorFile, "tokenizer_config.json chat_template.jinja chat_template.json special_tokens_map.json"},
	} {
		var asked []string
		_, err := readFiles(func(name string) ([]byte, error) {
			asked = append(asked, name)
			if name != tt.has {
				return nil, fs.ErrNotExist
			}
			if name == ProcessorFile {
				return []byte(`{"chat_template": "{{ bos_token }}"}`), nil
			}
			return []byte("x"), nil
		})
		if got := strings.Join(asked, " "); got != tt.want || err != nil {
			t.Errorf("with %q: asked for %s (%v), want %s", tt.has, got, err, tt.want)
		}
	}
	broken := errors.New("no")
	if _, err := readFiles(func(string) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// Tokens that a template names are found where transformers finds them, and nowhere else.
func TestSpecialTokens(t *testing.T) {
	const template, none = `"chat_template": "[{{ bos_token }}{{ eos_token }}]"`, ""
	for _, tt := range []struct{ config, special, want string }{
		{`{` + template + `}`, none, "[]"},
		{`{` + template + `}`, `{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}}`, "[<s></s>]"},
		{`{"bos_token": "<a>", ` + template + `}`, `{"eos_token": "</s>"}`, "[<a></s>]"},
		{`{"bos_token": "<a>", ` + template + `}`, `{"bos_token": "<s>"}`, "[<s>]"},
		{`{"bos_token": null, ` + template + `}`, `{"bos_token": "<s>"}`, "[<s>]"},
		{`{"added_tokens_decoder": {}, "bos_token": "<a>", ` + template + `}`,
			`{"bos_token": "<s>", "eos_token": "</s>"}`, "[<a>]"},
		{`{` + template + `}`, "\ufeff" + `{"bos_token": "<s>"}`, "[<s>]"},
		{`{` + template + `}`, `{"bos_token": `, "special_tokens_map.json: unexpected end of JSON input"},
	} {
		files, err := readFiles(modelFiles(map[string]string{ConfigFile: tt.config, SpecialFile: tt.special}))
		if err != nil {
			t.Fatal(err)
		}
		tmpl, err := ParseTemplate(files)
		got := ""
		if err == nil {
			got, err = tmpl.Render(Chat{Messages: json.RawMessage(hello)})
		}
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s with %s: got %q, want %q", tt.config, tt.special, got, tt.want)
		}
	}
}

// Of duplicate keys the last counts, as in Python.
func TestKeysGivenTwice(t *testing.T) {
	for config, want := range map[string]string{
		`{"chat_template": "one", "chat_template": "two"}`:                                                          "two",
		`{"chat_template": [{"name": "default", "template": "one", "template": "two"}]}`:                            "two",
		`{"chat_template": {"default": "one", "default": "two"}}`:                                                   "two",
		`{"bos_token": "<a>", "bos_token": {"content": "<b>", "content": "<c>"}, "chat_template": "{{bos_token}}"}`: "<c>",
		`{"bos_token": "<a>", "bos_token": null, "chat_template": "[{{bos_token}}]"}`:                               "[]",
		`{"chat_template": "one", "chat_templat\u0065": "two"}`:                                                     "two",
	} {
		tmpl, err := ParseTemplate(Files{Config: []byte(config)})
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		if got, err := tmpl.Render(Chat{Messages: json.RawMessage(hello)}); got != want || err != nil {
			t.Errorf("%s: got %q (%v), want %q", config, got, err, want)
		}
	}
}

// Content is passed as vLLM passes it: in parts to templates that iterate over parts.
func TestContent(t *testing.T) {
	const parts = `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":""},{"type":"input_text","text":"b"},"c"]}]`
	tests := map[string]struct{ template, messages, want string }{
		"text":    {"{{ messages[0].content }}", hello, "Hello"},
		"joined":  {"{{ messages[0].content }}", parts, "a\nb\nc"},
		"null":    {"[{{ messages[0].content }}]", `[{"role":"user","content":null}]`, "[]"},
		"missing": {"[{{ messages[0].content }}]", `[{"role":"user"}]`, "[]"},
		"loop": {"{% for m in messages %}{% for c in m.content %}<{{ c.type }}:{{ c.text }}>{% endfor " +
			"%}{% endfor %}", hello, "<text:Hello>"},
		"loop of parts": {"{% for m in messages %}{% for c in m['content'] %}<{{ c.text }}>{% endfor %}{% endfor %}",
			parts, "<a><><b><c>"},
		"filtered": {"{% for m in messages[0:] %}{% for c in m.content | selectattr('type', 'equalto', " +
			"'text') %}<{{ c.text }}>{% endfor %}{% endfor %}", hello, "<Hello>"},
		"other variable": {"{% set list = messages %}{% set all = list[0:] %}{% for m in all %}{% for c in " +
			"m.content %}<{{ c.text }}>{% endfor %}{% endfor %}", hello, "<Hello>"},
		"both": {"{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for c " +
			"in m.content %}<{{ c.text }}>{% endfor %}{% endif %}{% endfor %}", hello, "<Hello>"},
		"not of a message": {"{% for m in messages %}{% for c in tools.content %}{% endfor %}{{ m.content }}{% " +
			"endfor %}", hello, "Hello"},
		"arguments": {"{{ messages[0].tool_calls[0].function.arguments.a }}",
			`[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"a\": 7}"}}]}]`, "7"},
		"no arguments": {"{{ messages[0].tool_calls[0].function.arguments }}",
			`[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":""}}]}]`, "{}"},
		"big number": {"{{ messages[0].tool_calls | tojson }}",
			`[{"role":"assistant","tool_calls":[{"n":123456789012345678901234567890,"f":1e2}]}]`,
			`[{"n": 123456789012345678901234567890, "f": 100.0}]`},
		"fields": {"{{ messages }}", `[{"content":"a","role":"user","name":"n","x":1}]`,
			"[{'role': 'user', 'content': 'a', 'name': 'n'}]"},
		"reasoning": {"{{ messages[0].reasoning_content }}",
			`[{"role":"assistant","content":"a","reasoning":"r"}]`, "r"},
	}
	for name, tt := range tests {
		tmpl, err := ParseTemplate(Files{Template: []byte(tt.template)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := tmpl.Render(Chat{Messages: json.RawMessage(tt.messages)})
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, tt.want)
		}
	}
}

func TestVariables(t *testing.T) {
	tmpl, err := ParseTemplate(Files{Template: []byte("{{ enable_thinking }} {{ add_generation_prompt }} {{ " +
		"documents }}")})
	if err != nil {
		t.Fatal(err)
	}
	for variables, want := range map[string]string{
		"":                          " True None",
		`{"enable_thinking":false}`: "False True None",
		`{"add_generation_prompt":false,"documents":[{"a":1}]}`: " False [{'a': 1}]",
		`{"continue_final_message":true}`: "chat template: a prompt with " +
			"continue_final_message is not supported",
		`{"chat_template":"x"}`: "chat template: one that comes with the request is " +
			"not supported",
	} {
		got, err := tmpl.Render(Chat{Messages: json.RawMessage(hello), Variables: json.RawMessage(variables)})
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", variables, got, want)
		}
	}
}

// The error names what cannot be rendered.
func TestErrors(t *testing.T) {
	parse := map[string]struct{ config, want string }{
		"none":     {config + "}", ErrNone.Error()},
		"not JSON": {`{"chat_template": "a`, "tokenizer_config.json: unexpected end"},
		"unclosed": {`{"chat_template": "{% for m in messages %}"}`,
			"chat template: line 1: unexpected end of template, expected endfor or else"},
		"unknown": {`{"chat_template": "a\n{% include 'x' %}"}`,
			`chat template: line 2: the tag "include" is not supported`},
		"no filter": {`{"chat_template": "{{ messages | frobnicate }}"}`,
			`chat template: line 1: the filter "frobnicate" is not supported`},
		"endless": {`{"chat_template": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% ` +
			`endfor %}"}`, "chat template: line 1: the template takes more than 4000000 steps"},
		"raised": {`{"chat_template": "{{ raise_exception('Roles must alternate') }}"}`,
			"chat template: line 1: the template raised: Roles must alternate"},
	}
	for name, tt := range parse {
		tmpl, err := ParseTemplate(Files{Config: []byte(tt.config)})
		if err == nil { // some constructs are found only when they are reached
			_, err = tmpl.Render(Chat{Messages: json.RawMessage(hello)})
		}
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	if _, err := ParseTemplate(Files{}); !errors.Is(err, ErrNone) {
		t.Errorf("no files: got %v", err)
	}
	for messages, want := range map[string]string{
		`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]`:                        `chat template: message 0: a part of type "image_url" in the content is not text`,
		`[{"role":"user","content":"a"},{"role":"user","content":5}]`:                                       "chat template: message 1: the content is neither a text nor parts",
		`[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":"{\"a\""}}]}]`: `chat template: message 0: the arguments of a tool call are not JSON: "{\"a\""`,
	} {
		tmpl, err := ParseTemplate(Files{Template: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmpl.Render(Chat{Messages: json.RawMessage(messages)}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", messages, err, want)
		}
	}
}

// The project's own templates are rendered as Jinja2 renders them.
func TestTemplatesDifferential(t *testing.T) {
	files, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	if same, _, raw := compareTemplates(t, files); raw > 0 || same == 0 {
		t.Errorf("got %d same and %d not rendered, want all", same, raw)
	}
}

// Any chat renders or is refused with an error.
func FuzzTemplate(f *testing.F) {
	files, _ := filepath.Glob("testdata/templates/*.jinja")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source), string(chatOf("turns").Messages))
	}
	f.Add("{{ messages[0].content }}{%- if x -%}", string(chatOf("call, null").Messages))
	f.Fuzz(func(_ *testing.T, source, messages string) {
		tmpl, err := ParseTemplate(Files{Template: []byte(source)})
		if err == nil {
			_, _ = tmpl.Render(Chat{Messages: json.RawMessage(messages)})
		}
	})
}
