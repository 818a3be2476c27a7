package api

import (
	"encoding/json"
	"maps"

	"github.com/tidwall/gjson"
)

// responseItems returns the messages of a chat as items. It returns a text that is no list as it is. checked says that
// the chat is JSON.
func responseItems(chat json.RawMessage, checked bool) json.RawMessage {
	parsed := gjson.ParseBytes(chat)
	if !checked && !gjson.ValidBytes(chat) || !parsed.IsArray() {
		return chat
	}
	list := append(make(json.RawMessage, 0, len(chat)+len(chat)/16), '[')
	parsed.ForEach(func(_, message gjson.Result) bool {
		list = appendItems(list, message)
		return true
	})
	if len(list) > 1 {
		list = list[:len(list)-1] // the last comma
	}
	return append(list, ']')
}

// appendItems appends the items of a message, with a comma after each: one of the message itself, unless it has nothing
// but calls of tools, and one of each call.
func appendItems(dst []byte, message gjson.Result) []byte {
	role, content, calls := message.Get("role").Str, message.Get("content"), message.Get("tool_calls")
	called := calls.IsArray() && len(calls.Array()) > 0
	switch {
	case role == "": // an item already, such as the output of a function
		return append(append(dst, message.Raw...), ',')
	case role == "tool":
		dst = append(dst, `{"type":"function_call_output","call_id":`...)
		dst = AppendQuoted(dst, message.Get("tool_call_id").Str)
		dst = AppendQuoted(append(dst, `,"output":`...), textOfContent(content))
		return append(dst, "},"...)
	}
	if !called || textOfContent(content) != "" {
		dst = AppendQuoted(append(dst, `{"role":`...), role)
		dst = append(appendInput(append(dst, `,"content":`...), role, content), "},"...)
	}
	if called {
		calls.ForEach(func(_, call gjson.Result) bool {
			dst = AppendQuoted(append(dst, `{"type":"function_call","call_id":`...), call.Get("id").Str)
			dst = AppendQuoted(append(dst, `,"name":`...), call.Get("function.name").Str)
			arguments := call.Get("function.arguments")
			text := arguments.Str
			if arguments.IsObject() {
				text = arguments.Raw
			}
			dst = append(AppendQuoted(append(dst, `,"arguments":`...), text), "},"...)
			return true
		})
	}
	return dst
}

// appendInput appends a text, or a list of parts, whose texts and images get the names that they have here.
func appendInput(dst []byte, role string, content gjson.Result) []byte {
	switch {
	case content.Type == gjson.String:
		return append(dst, content.Raw...)
	case !content.IsArray():
		return append(dst, `""`...)
	}
	kind := "input_text"
	if role == "assistant" {
		kind = "output_text"
	}
	dst = append(dst, '[')
	first := true
	content.ForEach(func(_, part gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		switch {
		case part.Get("type").Str == "text":
			dst = append(append(append(dst, `{"type":"`...), kind...), `","text":`...)
			dst = append(AppendQuoted(dst, part.Get("text").Str), '}')
		case part.Get("type").Str == "image_url" && part.Get("image_url.url").Type == gjson.String:
			dst = appendInputImage(dst, part.Get("image_url"))
		default:
			dst = append(dst, part.Raw...)
		}
		return true
	})
	return append(dst, ']')
}

// responseFormat returns a response_format as it stands in the field text.
func responseFormat(format json.RawMessage) json.RawMessage {
	schema := gjson.GetBytes(format, "json_schema")
	if !schema.IsObject() {
		return json.RawMessage(`{"format":` + string(format) + `}`)
	}
	dst := []byte(`{"format":{"type":"json_schema"`)
	schema.ForEach(func(name, value gjson.Result) bool {
		dst = append(append(append(append(dst, ','), name.Raw...), ':'), value.Raw...)
		return true
	})
	return append(dst, "}}"...)
}

// responseFields returns further fields of a body with functions, and the choice of one, without the object function
// around them.
func responseFields(fields Extra) Extra {
	tools, choice := fields["tools"], fields["tool_choice"]
	if tools == nil && choice == nil {
		return fields
	}
	fields = maps.Clone(fields)
	if tools != nil {
		fields["tools"] = responseTools(tools)
	}
	if choice != nil {
		fields["tool_choice"] = responseChoice(choice)
	}
	return fields
}

// responseTools returns tools in the form of this API. It returns what is no list as it is.
func responseTools(tools json.RawMessage) json.RawMessage {
	parsed := gjson.ParseBytes(tools)
	if !gjson.ValidBytes(tools) || !parsed.IsArray() {
		return tools
	}
	list := []byte{'['}
	parsed.ForEach(func(_, tool gjson.Result) bool {
		list = append(appendFlat(list, tool), ',')
		return true
	})
	if len(list) > 1 {
		list = list[:len(list)-1]
	}
	return append(list, ']')
}

// responseChoice returns the choice of a function in the form of this API, and any other value as it is.
func responseChoice(choice json.RawMessage) json.RawMessage {
	if parsed := gjson.ParseBytes(choice); gjson.ValidBytes(choice) && parsed.Get("function").IsObject() {
		return appendFlat(nil, parsed)
	}
	return choice
}

// appendFlat appends a function whose members stand in an object of their own.
func appendFlat(dst []byte, tool gjson.Result) []byte {
	function := tool.Get("function")
	if !function.IsObject() {
		return append(dst, tool.Raw...)
	}
	dst = append(dst, `{"type":"function"`...)
	function.ForEach(func(name, value gjson.Result) bool {
		dst = append(append(append(append(dst, ','), name.Raw...), ':'), value.Raw...)
		return true
	})
	return append(dst, '}')
}
