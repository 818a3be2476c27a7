package sim

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/tidwall/gjson"
)

// chat is the chat that the server makes of a request of another API, for the model's chat template.
type chat struct {
	list []byte // its messages, with a comma after each
	n    int
	open *turn // the assistant's last item, with whose message calls of functions go; nil if the last item was another
}

// turn is a message of a chat that the server writes itself.
type turn struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	Calls   []toolCall      `json:"tool_calls,omitempty"`
	CallID  string          `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func newToolCall(id, name gjson.Result, arguments string) (c toolCall) {
	c.ID, c.Type, c.Function.Name, c.Function.Arguments = id.Str, "function", name.Str, arguments
	return c
}

func (c *chat) add(t turn) {
	raw, _ := json.Marshal(t) // cannot fail: the parts are valid JSON
	c.addRaw(string(raw))
}

func (c *chat) addRaw(message string) {
	c.list, c.n = append(append(c.list, message...), ','), c.n+1
}

func (c *chat) addText(role, text string) { c.add(turn{Role: role, Content: appendQuoted(nil, text)}) }

func (c *chat) addResult(id gjson.Result, text string) {
	c.add(turn{Role: "tool", Content: appendQuoted(nil, text), CallID: id.Str})
}

// addBlocks adds a message of Anthropic's. The results of tools in it are messages before it.
func (c *chat) addBlocks(message gjson.Result) {
	t, rest := turn{Role: message.Get("role").Str}, []json.RawMessage{}
	before := c.n
	if content := message.Get("content"); content.IsArray() {
		content.ForEach(func(_, block gjson.Result) bool {
			switch block.Get("type").Str {
			case "tool_use":
				t.Calls = append(t.Calls, newToolCall(block.Get("id"), block.Get("name"), block.Get("input").Raw))
			case "tool_result":
				c.addResult(block.Get("tool_use_id"), texts(block.Get("content")))
			default:
				rest = append(rest, json.RawMessage(block.Raw))
			}
			return true
		})
	}
	switch called := t.Calls != nil; {
	case !called && c.n == before: // no tool
		c.addRaw(message.Raw)
	case called || len(rest) > 0:
		t.Content, _ = json.Marshal(rest) // cannot fail: the parts are valid JSON
		c.add(t)
	}
}

// addItem adds an item of OpenAI's Responses.
func (c *chat) addItem(item gjson.Result) {
	if item.Get("type").Str == "function_call" {
		if c.open == nil {
			c.open = &turn{Role: "assistant"}
		}
		c.open.Calls = append(c.open.Calls, newToolCall(item.Get("call_id"), item.Get("name"),
			item.Get("arguments").Str))
		return
	}
	c.end()
	output, content := item.Get("output"), item.Get("content")
	switch role := item.Get("role").Str; {
	case output.Exists(): // of a function
		c.addResult(item.Get("call_id"), texts(output))
	case role == "assistant" && content.Exists():
		c.open = &turn{Role: role, Content: json.RawMessage(content.Raw)}
	default:
		c.addRaw(item.Raw)
	}
}

// end ends the assistant's message.
func (c *chat) end() {
	if c.open != nil {
		c.add(*c.open)
		c.open = nil
	}
}

// tokens counts the tokens of the chat that was made of a request.
func (c *chat) tokens(w *wireRequest, tokens Tokenizer) (int, error) {
	c.end()
	list := append([]byte{'['}, bytes.TrimSuffix(c.list, []byte{','})...)
	return w.countChat(gjson.ParseBytes(append(list, ']')), nested(w.tools), tokens)
}

// nestedTool is a tool of a chat.
type nestedTool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description json.RawMessage `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters,omitempty"`
	} `json:"function"`
}

// nested returns tools with their functions in an object of their own, as those of chats have them.
func nested(tools gjson.Result) gjson.Result {
	list := []json.RawMessage{}
	tools.ForEach(func(_, tool gjson.Result) bool {
		raw := json.RawMessage(tool.Raw)
		if name := tool.Get("name"); name.Exists() {
			t := nestedTool{Type: "function"}
			t.Function.Name = name.Str
			t.Function.Description = json.RawMessage(tool.Get("description").Raw)
			t.Function.Parameters = json.RawMessage(cmp.Or(tool.Get("input_schema").Raw, tool.Get("parameters").Raw))
			raw, _ = json.Marshal(t) // cannot fail: the parts are valid JSON
		}
		list = append(list, raw)
		return true
	})
	if len(list) == 0 {
		return tools
	}
	all, _ := json.Marshal(list) // likewise
	return gjson.ParseBytes(all)
}
