package api

import (
	"encoding/json"
	"maps"

	"github.com/tidwall/gjson"
)

// templated is a dialect whose requests servers turn into chats, to write them with the model's chat template.
type templated interface {
	chat(messages json.RawMessage, fields Extra) []chatMessage
}

// TemplateChat returns the messages and the further fields of a request as a chat template reads them, which is the
// form of chats: what other APIs have in fields of the body is a message, and tools and their calls have their places.
func TemplateChat(d Dialect, messages json.RawMessage, fields Extra) (json.RawMessage, Extra) {
	t, ok := d.(templated)
	if !ok || !gjson.ValidBytes(messages) || !gjson.ParseBytes(messages).IsArray() {
		return messages, fields
	}
	list, err := json.Marshal(t.chat(messages, fields))
	if err != nil { // a field of the body that is no JSON
		return messages, fields
	}
	return list, chatTools(fields)
}

// chatMessage is a message of a chat.
type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // nil for none
	Calls   []chatCall      `json:"tool_calls,omitempty"`
	CallID  string          `json:"tool_call_id,omitempty"`
}

type chatCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func textMessage(role, text string) chatMessage {
	return chatMessage{Role: role, Content: AppendQuoted(nil, text)}
}

func toolMessage(id string, content gjson.Result) chatMessage {
	m := textMessage("tool", textOfContent(content))
	m.CallID = id
	return m
}

func functionCall(id gjson.Result, call gjson.Result, arguments string) chatCall {
	return chatCall{id.Str, "function", chatFunction{call.Get("name").Str, arguments}}
}

// rawContent returns a content as it is, nil for none.
func rawContent(content gjson.Result) json.RawMessage {
	if !content.Exists() {
		return nil
	}
	return json.RawMessage(content.Raw)
}

// chat turns what Body makes of a chat into one again, as vLLM does: the texts of system messages are one message, and
// results of tools come before what else the user says.
func (messages) chat(given json.RawMessage, fields Extra) (chat []chatMessage) {
	list, system := anthropicChat(given, true)
	if own := gjson.ParseBytes(fields["system"]); own.Exists() {
		system = textOfContent(own) // it replaces the body's
	}
	if system != "" {
		chat = append(chat, textMessage("system", system))
	}
	gjson.ParseBytes(list).ForEach(func(_, m gjson.Result) bool {
		chat = appendBlocks(chat, m.Get("role").Str, m.Get("content"))
		return true
	})
	return chat
}

// appendBlocks appends the message of a content, after one for each result of a tool in it.
func appendBlocks(chat []chatMessage, role string, content gjson.Result) []chatMessage {
	m := chatMessage{Role: role, Content: rawContent(content)}
	if !content.IsArray() {
		return append(chat, m)
	}
	rest := []json.RawMessage{}
	content.ForEach(func(_, block gjson.Result) bool {
		switch block.Get("type").Str {
		case "tool_use":
			m.Calls = append(m.Calls, functionCall(block.Get("id"), block, block.Get("input").Raw))
		case "tool_result":
			chat = append(chat, toolMessage(block.Get("tool_use_id").Str, block.Get("content")))
		default:
			rest = append(rest, json.RawMessage(block.Raw))
		}
		return true
	})
	if len(rest) == 0 && m.Calls == nil {
		return chat
	}
	m.Content, _ = json.Marshal(rest) // cannot fail: parts of valid JSON
	return append(chat, m)
}

// chat turns what Body makes of a chat into one again, as vLLM does. The calls of tools go with the assistant's message
// before them.
func (responses) chat(given json.RawMessage, fields Extra) (chat []chatMessage) {
	if instructions := gjson.ParseBytes(fields["instructions"]); instructions.Str != "" {
		chat = append(chat, textMessage("system", instructions.Str))
	}
	gjson.ParseBytes(responseItems(given, true)).ForEach(func(_, item gjson.Result) bool {
		switch item.Get("type").Str {
		case "function_call":
			if n := len(chat); n == 0 || chat[n-1].Role != "assistant" {
				chat = append(chat, chatMessage{Role: "assistant"})
			}
			last := &chat[len(chat)-1]
			last.Calls = append(last.Calls, functionCall(item.Get("call_id"), item, item.Get("arguments").Str))
		case "function_call_output":
			chat = append(chat, toolMessage(item.Get("call_id").Str, item.Get("output")))
		default:
			chat = append(chat, chatMessage{Role: item.Get("role").Str, Content: rawContent(item.Get("content"))})
		}
		return true
	})
	return chat
}

// chatTools returns fields with the tools of any API in the form of chats: functions in an object of their own.
func chatTools(fields Extra) Extra {
	tools := gjson.ParseBytes(fields["tools"])
	if !tools.IsArray() {
		return fields
	}
	list := []json.RawMessage{}
	tools.ForEach(func(_, tool gjson.Result) bool {
		list = append(list, chatTool(tool))
		return true
	})
	fields = maps.Clone(fields)
	fields["tools"], _ = json.Marshal(list) // cannot fail: parts of valid JSON
	return fields
}

func chatTool(tool gjson.Result) json.RawMessage {
	if tool.Get("function").IsObject() || !tool.Get("name").Exists() {
		return json.RawMessage(tool.Raw)
	}
	dst := []byte(`{"type":"function","function":{`)
	for _, name := range [...]string{"name", "description", "parameters", "input_schema"} {
		value := tool.Get(name)
		if !value.Exists() {
			continue
		}
		if name == "input_schema" {
			name = "parameters"
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(append(dst, '"'), name...), `":`...), value.Raw...)
	}
	return append(dst, "}}"...)
}
