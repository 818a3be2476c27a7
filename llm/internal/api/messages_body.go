package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"

	"github.com/tidwall/gjson"
)

// anthropicChat returns the messages of a chat in Anthropic's form, and the texts of its system messages apart, with a
// blank line between them. It returns a text that is no list as it is. checked says that the chat is JSON.
func anthropicChat(chat json.RawMessage, checked bool) (list json.RawMessage, system string) {
	parsed := gjson.ParseBytes(chat)
	if !checked && !gjson.ValidBytes(chat) || !parsed.IsArray() {
		return chat, ""
	}
	var systems []string
	list = append(make(json.RawMessage, 0, len(chat)+len(chat)/16), '[')
	parsed.ForEach(func(_, message gjson.Result) bool {
		if role := message.Get("role").Str; role == "system" || role == "developer" {
			if text := textOfContent(message.Get("content")); text != "" {
				systems = append(systems, text)
			}
			return true
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = appendMessage(list, message)
		return true
	})
	return append(list, ']'), strings.Join(systems, "\n\n")
}

// appendMessage appends a message. Of the roles only the assistant's remains; all others speak as the user, with whose
// messages the results of tools go.
func appendMessage(dst []byte, message gjson.Result) []byte {
	role, content, calls := message.Get("role").Str, message.Get("content"), message.Get("tool_calls")
	switch {
	case role == "tool":
		dst = append(dst, `{"role":"user","content":[{"type":"tool_result","tool_use_id":`...)
		dst = AppendQuoted(dst, message.Get("tool_call_id").Str)
		dst = AppendQuoted(append(dst, `,"content":`...), textOfContent(content))
		return append(dst, "}]}"...)
	case role != "assistant":
		dst = append(dst, `{"role":"user","content":`...)
	default:
		dst = append(dst, `{"role":"assistant","content":`...)
	}
	if calls.IsArray() && len(calls.Array()) > 0 {
		dst = appendCalls(dst, textOfContent(content), calls)
	} else {
		dst = appendContent(dst, content)
	}
	return append(dst, '}')
}

// appendContent appends a text, or a list of blocks. Texts and pictures of OpenAI's forms get that of Anthropic's; the
// others are blocks of Anthropic's already.
func appendContent(dst []byte, content gjson.Result) []byte {
	switch {
	case content.Type == gjson.String:
		return append(dst, content.Raw...)
	case !content.IsArray():
		return append(dst, `""`...)
	}
	dst = append(dst, '[')
	first := true
	content.ForEach(func(_, block gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendBlock(dst, block)
		return true
	})
	return append(dst, ']')
}

func appendBlock(dst []byte, block gjson.Result) []byte {
	switch block.Get("type").Str {
	case "input_text":
		return appendTextBlock(dst, block.Get("text").Str)
	case "image_url":
		if url := block.Get("image_url.url"); url.Type == gjson.String {
			return appendImageBlock(dst, url)
		}
	case "input_image":
		if url := block.Get("image_url"); url.Type == gjson.String {
			return appendImageBlock(dst, url)
		}
	}
	return append(dst, block.Raw...)
}

func appendTextBlock(dst []byte, text string) []byte {
	return append(AppendQuoted(append(dst, `{"type":"text","text":`...), text), '}')
}

// appendCalls appends the content of an answer that calls tools: its text, if it has one, and a block for each call.
func appendCalls(dst []byte, text string, calls gjson.Result) []byte {
	dst = append(dst, '[')
	if text != "" {
		dst = append(appendTextBlock(dst, text), ',')
	}
	calls.ForEach(func(_, call gjson.Result) bool {
		dst = AppendQuoted(append(dst, `{"type":"tool_use","id":`...), call.Get("id").Str)
		dst = AppendQuoted(append(dst, `,"name":`...), call.Get("function.name").Str)
		dst = appendArguments(append(dst, `,"input":`...), call.Get("function.arguments"))
		dst = append(dst, "},"...)
		return true
	})
	dst[len(dst)-1] = ']' // there is a call
	return dst
}

// appendArguments appends the arguments of a call, which must be an object.
func appendArguments(dst []byte, arguments gjson.Result) []byte {
	raw := arguments.Raw
	if arguments.Type == gjson.String {
		raw = cmp.Or(strings.TrimSpace(arguments.Str), "{}")
	}
	switch parsed := gjson.Parse(raw); {
	case raw == "":
		return append(dst, "{}"...)
	case !gjson.Valid(raw):
		return append(AppendQuoted(append(dst, `{"arguments":`...), arguments.Str), '}')
	case !parsed.IsObject():
		return append(append(append(dst, `{"value":`...), raw...), '}')
	}
	return append(dst, raw...)
}

// textOfContent returns a text, or the texts of a list of parts in a row.
func textOfContent(content gjson.Result) string {
	if !content.IsArray() {
		return content.Str
	}
	var text strings.Builder
	content.ForEach(func(_, part gjson.Result) bool {
		text.WriteString(part.Get("text").Str)
		return true
	})
	return text.String()
}

// anthropicFields returns further fields of a body with tools, and the choice among them, in Anthropic's form.
func anthropicFields(fields Extra) Extra {
	tools, choice := fields["tools"], fields["tool_choice"]
	if tools == nil && choice == nil {
		return fields
	}
	fields = maps.Clone(fields)
	if tools != nil {
		fields["tools"] = anthropicTools(tools)
	}
	if choice != nil {
		fields["tool_choice"] = anthropicChoice(choice)
	}
	return fields
}

// anthropicTools returns tools in Anthropic's form. It returns what is no list as it is.
func anthropicTools(tools json.RawMessage) json.RawMessage {
	list := gjson.ParseBytes(tools)
	if !gjson.ValidBytes(tools) || !list.IsArray() {
		return tools
	}
	dst := []byte{'['}
	list.ForEach(func(_, tool gjson.Result) bool {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		function := tool.Get("function")
		if !function.IsObject() {
			dst = append(dst, tool.Raw...)
			return true
		}
		dst = AppendQuoted(append(dst, `{"name":`...), function.Get("name").Str)
		schema := cmp.Or(function.Get("parameters").Raw, `{"type":"object","properties":{}}`)
		dst = append(append(dst, `,"input_schema":`...), schema...)
		if description := function.Get("description"); description.Type == gjson.String {
			dst = append(append(dst, `,"description":`...), description.Raw...)
		}
		dst = append(dst, '}')
		return true
	})
	return append(dst, ']')
}

// anthropicChoice returns a tool_choice of OpenAI's form in Anthropic's, and any other value as it is.
func anthropicChoice(choice json.RawMessage) json.RawMessage {
	parsed := gjson.ParseBytes(choice)
	switch parsed.Str {
	case "auto", "none":
		return json.RawMessage(`{"type":"` + parsed.Str + `"}`)
	case "required":
		return json.RawMessage(`{"type":"any"}`)
	}
	if name := parsed.Get("function.name"); gjson.ValidBytes(choice) && name.Type == gjson.String {
		return json.RawMessage(`{"type":"tool","name":` + name.Raw + `}`)
	}
	return choice
}
