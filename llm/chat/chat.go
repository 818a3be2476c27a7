// Package chat writes a chat as the model sees it: by the Jinja template of its tokenizer, as the server does before it
// counts the tokens of a prompt.
//
// Templates are rendered as the transformers library renders them (blocks trimmed, tojson in the order of the keys,
// raise_exception, strftime_now). What cannot be rendered is an error that says why, and the caller counts otherwise.
package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ardanlabs/jinja"
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Template is a model's chat template. It may be used concurrently.
type Template struct {
	jinja   *jinja.Template
	special map[string]string // such as bos_token
	indents bool              // writes JSON indented, which the engine does in the order of the alphabet
}

// ErrNone is of a tokenizer that has no chat template.
var ErrNone = errors.New("the tokenizer has no chat template")

// Parse reads the template of a tokenizer_config.json. file is the text of chat_template.jinja, which newer models have
// and which then takes precedence; nil if there is none.
func Parse(config, file []byte) (*Template, error) {
	if config = textfile.Finite(config); len(config) > 0 && !json.Valid(config) {
		var raw json.RawMessage
		return nil, fmt.Errorf("tokenizer_config.json: %w", json.Unmarshal(config, &raw)) // which says where
	}
	root := gjson.ParseBytes(config)
	source := string(file)
	if source == "" {
		source = written(root.Get("chat_template"))
	}
	if source == "" {
		return nil, ErrNone
	}
	t := &Template{special: map[string]string{}, indents: indented.MatchString(source)}
	root.ForEach(func(key, value gjson.Result) bool {
		if strings.HasSuffix(key.Str, "_token") {
			if value.IsObject() {
				value = value.Get("content")
			}
			if value.Type == gjson.String {
				t.special[key.Str] = value.Str
			}
		}
		return true
	})
	var err error
	if t.jinja, err = compile(source); err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return t, nil
}

// indented is a call that writes JSON over several lines.
var indented = regexp.MustCompile(`tojson\s*\(\s*(indent\s*=|\d)`)

// written is the template in a configuration: a string, or the one named default in a list.
func written(v gjson.Result) string {
	if !v.IsArray() {
		return v.String()
	}
	for _, named := range v.Array() {
		if named.Get("name").Str == "default" {
			return named.Get("template").Str
		}
	}
	return ""
}

// idle is a sign to trim the white space between two tags where there is none. The engine then trims what stands before
// the first tag.
var idle = regexp.MustCompile(`([}%#]\})(\{[{%#])-`)

// lineEnds makes line ends those of Unix, as Jinja2 does.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// compile does what the engine does not: whatever its line ends, one line break at the end is not of the template.
func compile(source string) (t *jinja.Template, err error) {
	defer recovered(&err)
	source = strings.TrimSuffix(lineEnds.Replace(source), "\n")
	return jinja.Compile(idle.ReplaceAllString(source, "$1$2"))
}

// recovered makes a panic of the engine an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the template engine failed: %v", p)
	}
}

// Render writes the prompt of a chat: messages is the JSON array of the request, tools that of its tools or nil. The
// model is to go on as the assistant.
func (t *Template) Render(messages, tools json.RawMessage) (text string, err error) {
	defer recovered(&err)
	list := gjson.ParseBytes(messages)
	for i, m := range list.Array() {
		if content := m.Get("content"); content.Type != gjson.String && content.Type != gjson.Null {
			return "", fmt.Errorf("chat template: the content of message %d is not text", i)
		}
	}
	data := map[string]jinja.Value{
		"messages": value(list), "add_generation_prompt": jinja.NewBool(true), "tools": jinja.None(), "documents": jinja.None(),
	}
	if len(tools) > 0 {
		if t.indents {
			return "", errors.New("chat template: tojson(indent=…) of tools is not supported")
		}
		data["tools"] = value(gjson.ParseBytes(tools))
	}
	for name, token := range t.special {
		data[name] = jinja.NewString(token)
	}
	if text, err = t.jinja.RenderValues(data); err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// value keeps the order of keys, in which templates write them.
func value(v gjson.Result) jinja.Value {
	switch {
	case v.IsArray():
		var items []jinja.Value
		v.ForEach(func(_, item gjson.Result) bool {
			items = append(items, value(item))
			return true
		})
		return jinja.NewList(items)
	case v.IsObject():
		dict := jinja.NewDict()
		v.ForEach(func(key, item gjson.Result) bool {
			dict.AsDict().Set(key.Str, value(item))
			return true
		})
		return dict
	}
	switch v.Type {
	case gjson.String:
		return jinja.NewString(v.Str)
	case gjson.True, gjson.False:
		return jinja.NewBool(v.Bool())
	case gjson.Number:
		if strings.ContainsAny(v.Raw, ".eE") {
			return jinja.NewFloat(v.Num)
		}
		return jinja.NewInt(v.Int())
	default:
		return jinja.None()
	}
}
