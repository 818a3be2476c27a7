package tokenizer

// This file chooses and parses a model's chat template, and renders a chat with it, as the server does before it counts
// the tokens of a prompt. The choice and the rendering follow the transformers library; the messages are passed as vLLM
// passes them. For a chat that cannot be rendered, the error states the reason, and the caller counts in another way.

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/jinja"
)

// Template is a model's chat template. It may be used concurrently.
type Template struct {
	plain, tools *source // for chats without tools and with them
	special      map[string]jinja.Value
}

// source is one parsed template.
type source struct {
	*jinja.Template
	parts bool // the template iterates over the parts of a message's content
	err   error
}

// ErrNone reports that a tokenizer has no chat template.
var ErrNone = errors.New("the tokenizer has no chat template")

// Files holds the contents of a model's files that can hold its chat template, nil for a file that is missing.
type Files struct {
	Config    []byte // tokenizer_config.json
	Template  []byte // chat_template.jinja, which takes precedence over the configuration
	ToolUse   []byte // additional_chat_templates/tool_use.jinja, for chats with tools
	Processor []byte // chat_template.json, for chats without tools where there is no chat_template.jinja
	Special   []byte // special_tokens_map.json, ignored if the configuration has added_tokens_decoder
}

// ParseTemplate reads a model's chat template.
func ParseTemplate(files Files) (*Template, error) {
	config, err := jsonObject(ConfigFile, files.Config)
	if err != nil {
		return nil, err
	}
	processor, err := jsonObject(ProcessorFile, files.Processor)
	if err != nil {
		return nil, err
	}
	special, err := specials(config, files.Special)
	if err != nil {
		return nil, err
	}
	named := written(member(config, "chat_template"))
	if files.Template != nil || files.ToolUse != nil {
		named = map[string]string{}
		for name, file := range map[string][]byte{"default": files.Template, "tool_use": files.ToolUse} {
			if len(file) > 0 {
				named[name] = string(file)
			}
		}
	}
	t := &Template{special: special}
	if legacy := written(member(processor, "chat_template")); legacy["default"] != "" && len(files.Template) == 0 {
		t.plain = parse(legacy["default"])
		if len(named) == 0 {
			named = legacy
		}
	}
	if len(named) == 0 {
		return nil, ErrNone
	}
	if t.plain == nil {
		t.plain = choose(named, "default")
	}
	if t.tools = t.plain; named["tool_use"] != "" || files.Processor != nil {
		t.tools = choose(named, "tool_use", "default")
	}
	if t.plain.err != nil && t.tools.err != nil {
		return nil, t.plain.err
	}
	return t, nil
}

// jsonObject reads a file of JSON, which may be missing.
func jsonObject(name string, data []byte) (gjson.Result, error) {
	if data = textfile.Finite(data); len(data) > 0 && !json.Valid(data) {
		var raw json.RawMessage
		return gjson.Result{}, fmt.Errorf("%s: %w", name, json.Unmarshal(data, &raw)) // Unmarshal reports where
	}
	return gjson.ParseBytes(data), nil
}

// member returns the value of a key, and the zero Result if there is none. Of duplicate keys the last counts, as in
// Python.
func member(object gjson.Result, name string) (found gjson.Result) {
	object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return true
	})
	return found
}

// written returns the templates in a configuration by their names: a text is the template named default, a list has
// objects with name and template, an object has the templates under their names.
func written(v gjson.Result) map[string]string {
	named := map[string]string{}
	switch {
	case v.IsArray():
		for _, one := range v.Array() {
			named[member(one, "name").Str] = member(one, "template").Str
		}
	case v.IsObject():
		v.ForEach(func(name, one gjson.Result) bool {
			named[name.Str] = one.Str
			return true
		})
	case v.Str != "":
		named["default"] = v.Str
	}
	return named
}

// choose parses the first of the names that exists.
func choose(named map[string]string, names ...string) *source {
	for _, name := range names {
		if text := named[name]; text != "" {
			return parse(text)
		}
	}
	return &source{err: errors.New("chat template: there are several, and none is named default")}
}

func parse(text string) *source {
	t, err := jinja.Parse(text)
	if err != nil {
		return &source{err: fmt.Errorf("chat template: %w", err)}
	}
	return &source{Template: t, parts: wantsParts(t)}
}

// specials returns the tokens that templates know by name, such as bos_token: the configuration's tokens, overridden by
// those in special_tokens_map.json, which transformers reads only for configurations without added_tokens_decoder.
func specials(config gjson.Result, file []byte) (map[string]jinja.Value, error) {
	tokens := map[string]jinja.Value{}
	addSpecials(tokens, config)
	if !readsSpecials(config) {
		return tokens, nil
	}
	others, err := jsonObject(SpecialFile, file)
	addSpecials(tokens, others)
	return tokens, err
}

// readsSpecials reports whether special_tokens_map.json is read besides a configuration.
func readsSpecials(config gjson.Result) bool { return !member(config, "added_tokens_decoder").Exists() }

// addSpecials adds the tokens of a file, each a text or an object with its content.
func addSpecials(tokens map[string]jinja.Value, file gjson.Result) {
	file.ForEach(func(key, value gjson.Result) bool {
		if strings.HasSuffix(key.Str, "_token") {
			if value.IsObject() {
				value = member(value, "content")
			}
			if delete(tokens, key.Str); value.Type == gjson.String {
				tokens[key.Str] = value.Str
			}
		}
		return true
	})
}

// Chat holds the parts of a request from which a prompt is written, as they are in the request.
type Chat struct {
	Messages  json.RawMessage // an array
	Tools     json.RawMessage // an array, nil without tools
	Variables json.RawMessage // an object of further variables for the template, nil without them
}

// Render writes the prompt of a chat. The prompt ends where the assistant continues, unless a variable says otherwise.
func (t *Template) Render(c Chat) (string, error) {
	template := t.plain
	tools := value(gjson.ParseBytes(c.Tools))
	if tools != nil {
		template = t.tools
	}
	if template.err != nil {
		return "", template.err
	}
	list, err := messages(gjson.ParseBytes(c.Messages), template.parts)
	if err != nil {
		return "", err
	}
	vars := maps.Clone(t.special)
	vars["messages"], vars["tools"], vars["documents"], vars["add_generation_prompt"] = list, tools, nil, true
	if err := variables(vars, gjson.ParseBytes(c.Variables)); err != nil {
		return "", err
	}
	text, err := template.Template.Render(vars)
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// variables adds the variables of a request. Two of them ask the server for more than a variable.
func variables(vars map[string]jinja.Value, given gjson.Result) error {
	if given.Get("continue_final_message").Bool() {
		return errors.New("chat template: a prompt with continue_final_message is not supported")
	}
	if given.Get("chat_template").Exists() {
		return errors.New("chat template: one that comes with the request is not supported")
	}
	given.ForEach(func(name, v gjson.Result) bool {
		vars[name.Str] = value(v)
		return true
	})
	return nil
}

// value keeps the order of keys, in which templates write them.
func value(v gjson.Result) jinja.Value {
	switch {
	case v.IsArray():
		list := jinja.NewList()
		v.ForEach(func(_, item gjson.Result) bool {
			list.Items = append(list.Items, value(item))
			return true
		})
		return list
	case v.IsObject():
		dict := new(jinja.Dict)
		v.ForEach(func(key, item gjson.Result) bool {
			dict.Set(key.Str, value(item))
			return true
		})
		return dict
	}
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.True, gjson.False:
		return v.Bool()
	case gjson.Number:
		return number(v)
	default:
		return nil
	}
}

func number(v gjson.Result) jinja.Value {
	if strings.ContainsAny(v.Raw, ".eE") {
		return v.Num
	}
	var n int64
	if err := json.Unmarshal([]byte(v.Raw), &n); err != nil {
		return jinja.BigInt(v.Raw)
	}
	return n
}
