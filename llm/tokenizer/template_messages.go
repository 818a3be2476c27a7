package tokenizer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/internal/jinja"
)

// messages returns the messages of a request as vLLM passes them to a template: content is a list of parts if the
// template iterates over parts, and else a text; the arguments of tool calls are objects; fields unknown to the server
// are left out.
func messages(list gjson.Result, parts bool) (jinja.Value, error) {
	out := jinja.NewList()
	for i, m := range list.Array() {
		one, err := message(m, parts)
		if err != nil {
			return nil, fmt.Errorf("chat template: message %d: %w", i, err)
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

func message(m gjson.Result, parts bool) (jinja.Value, error) {
	out := new(jinja.Dict)
	role := m.Get("role").Str
	out.Set("role", role)
	texts, err := textParts(m.Get("content"))
	if err != nil {
		return nil, err
	}
	out.Set("content", content(texts, parts))
	switch role {
	case "assistant":
		if calls := m.Get("tool_calls"); calls.IsArray() {
			list, err := toolCalls(calls)
			if err != nil {
				return nil, err
			}
			if len(list.Items) > 0 {
				out.Set("tool_calls", list)
			}
		}
		for _, name := range []string{"reasoning", "reasoning_content"} {
			if v := m.Get(name); v.Type == gjson.String {
				out.Set("reasoning", v.Str)
				out.Set("reasoning_content", v.Str)
				break
			}
		}
	case "tool":
		if id := m.Get("tool_call_id"); id.Exists() {
			out.Set("tool_call_id", value(id))
		}
	case "developer":
		if tools := m.Get("tools"); tools.IsArray() {
			out.Set("tools", value(tools))
		}
	}
	if name := m.Get("name"); name.Type == gjson.String {
		out.Set("name", name.Str)
	}
	return out, nil
}

// content returns one message's texts as a template expects them.
func content(texts []string, parts bool) jinja.Value {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" && !parts })
	if !parts {
		return strings.Join(texts, "\n")
	}
	list := jinja.NewList()
	for _, text := range texts {
		part := new(jinja.Dict)
		part.Set("type", "text")
		part.Set("text", text)
		list.Items = append(list.Items, part)
	}
	return list
}

// textFields maps the types of parts that hold text to the field with the text.
var textFields = map[string]string{
	"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal", "thinking": "thinking",
}

// textParts returns the texts of a message's content: a text, parts of text, or nothing. Only the server knows how many
// tokens a part of another kind takes.
func textParts(content gjson.Result) ([]string, error) {
	switch {
	case content.Type == gjson.String:
		return []string{content.Str}, nil
	case content.Type == gjson.Null:
		return nil, nil
	case !content.IsArray():
		return nil, fmt.Errorf("the content is neither a text nor parts")
	}
	var texts []string
	for _, part := range content.Array() {
		field := textFields[part.Get("type").Str]
		switch text := part.Get(field); {
		case part.Type == gjson.String:
			texts = append(texts, part.Str)
		case field == "":
			return nil, fmt.Errorf("a part of type %q in the content is not text", part.Get("type").String())
		case text.Type == gjson.String:
			texts = append(texts, text.Str)
		}
	}
	return texts, nil
}

// toolCalls returns the calls of a message with their arguments as objects.
func toolCalls(calls gjson.Result) (*jinja.List, error) {
	list := jinja.NewList()
	for _, call := range calls.Array() {
		one := value(call)
		dict, ok := one.(*jinja.Dict)
		if !ok {
			return nil, fmt.Errorf("a tool call is not an object")
		}
		if function, ok := dict.Get("function"); ok {
			arguments, err := arguments(call.Get("function.arguments"))
			if err != nil {
				return nil, err
			}
			if f, ok := function.(*jinja.Dict); ok {
				f.Set("arguments", arguments)
			}
		}
		list.Items = append(list.Items, one)
	}
	return list, nil
}

// arguments of a tool call are JSON in a text, or already an object.
func arguments(v gjson.Result) (jinja.Value, error) {
	switch {
	case v.Type == gjson.String && v.Str != "":
		if !gjson.Valid(v.Str) {
			return nil, fmt.Errorf("the arguments of a tool call are not JSON: %q", v.Str)
		}
		v = gjson.Parse(v.Str)
	case !v.IsObject() && !v.IsArray():
		return new(jinja.Dict), nil
	}
	return value(v), nil
}

// wantsParts reports whether a template iterates over the parts of a message's content, by the rule of vLLM: there is a
// loop over the messages, and one over its variable's content.
func wantsParts(t *jinja.Template) bool {
	lists := map[string]bool{"messages": true}
	for names := []string{"messages"}; len(names) > 0; names = names[1:] {
		for _, set := range t.Assigned {
			if !reads(set.Value, names[0], "") {
				continue
			}
			target, ok := set.Target.(*jinja.Name)
			if !ok {
				return false
			}
			if !lists[target.Name] {
				lists[target.Name] = true
				names = append(names, target.Name)
			}
		}
	}
	message := map[string]bool{}
	for _, loop := range t.Loops {
		for name := range lists {
			if reads(loop.Over, name, "") {
				target, ok := loop.Target.(*jinja.Name)
				if !ok {
					return false
				}
				message[target.Name] = true
			}
		}
	}
	for _, loop := range t.Loops {
		for name := range message {
			if reads(loop.Over, name, "content") {
				_, ok := loop.Target.(*jinja.Name)
				return ok
			}
		}
	}
	return false
}

// reads reports whether an expression is a variable, or a field of the variable, with any filters, tests and slices.
func reads(e jinja.Expr, name, field string) bool {
	of := e
	switch e := e.(type) {
	case *jinja.Filter:
		return reads(e.Operand, name, field)
	case *jinja.Test:
		return reads(e.Operand, name, field)
	case *jinja.Slice:
		return reads(e.Operand, name, field)
	case *jinja.Attr:
		if field == "" || e.Name != field {
			return false
		}
		of = e.Operand
	case *jinja.Item:
		key, ok := e.Key.(*jinja.Const)
		if field == "" || !ok || key.Value != jinja.Value(field) {
			return false
		}
		of = e.Operand
	default:
		if field != "" {
			return false
		}
	}
	variable, ok := of.(*jinja.Name)
	return ok && variable.Name == name
}
