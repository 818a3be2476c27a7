package convert

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
)

// chatOutput is the assistant's message in the answer of a chat.
type chatOutput struct {
	Role      string          `json:"role"`
	Content   string          `json:"content,omitempty"`
	Reasoning string          `json:"reasoning_content,omitempty"`
	ToolCalls []*chatToolCall `json:"tool_calls,omitempty"`
}

type chatToolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// callOutput returns what inference-perf tells of the answer of a replayed call: its text, with the reasoning first,
// and its message. Both are null if the body was not kept, or is not that of a chat; a tool call has no text.
func callOutput(body string) (text, message json.RawMessage) {
	o, none := chatOutput{Role: "assistant"}, json.RawMessage("null")
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		o.add(gjson.Get(body, "choices.0.message"))
	}
	for line := range strings.Lines(body) {
		if data, is := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data:"); is {
			o.add(gjson.Get(data, "choices.0.delta"))
		}
	}
	if all := o.Reasoning + o.Content; all != "" {
		text, _ = plainJSON(all) // a string always marshals
	} else if len(o.ToolCalls) == 0 {
		return none, none
	} else {
		text = none
	}
	message, _ = plainJSON(o)
	return text, message
}

// add adds a message, or a piece of one.
func (o *chatOutput) add(m gjson.Result) {
	o.Content += m.Get("content").String()
	reasoning := m.Get("reasoning_content")
	if !reasoning.Exists() {
		reasoning = m.Get("reasoning")
	}
	o.Reasoning += reasoning.String()
	m.Get("tool_calls").ForEach(func(i, piece gjson.Result) bool {
		o.addToolCall(int(i.Int()), piece)
		return true
	})
}

// mostToolCalls bounds how many tool calls of an answer are told.
const mostToolCalls = 1 << 10

// addToolCall adds a piece of a tool call, which has an index of its own in a stream.
func (o *chatOutput) addToolCall(at int, piece gjson.Result) {
	if index := piece.Get("index"); index.Exists() {
		at = int(index.Int())
	}
	if at < 0 || at >= mostToolCalls {
		return
	}
	for len(o.ToolCalls) <= at {
		o.ToolCalls = append(o.ToolCalls, &chatToolCall{Type: "function"})
	}
	c := o.ToolCalls[at]
	c.ID += piece.Get("id").String()
	c.Function.Name += piece.Get("function.name").String()
	c.Function.Arguments += piece.Get("function.arguments").String()
}
