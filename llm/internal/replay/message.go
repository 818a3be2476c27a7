package replay

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// message is a message of a prompt behind those before it. Prompts that begin alike share their messages, each of which
// is encoded once. Nil is the prompt without messages.
type message struct {
	before *message
	json   json.RawMessage
	number int // of messages up to here
	size   int // of them in bytes, with a comma behind each

	role   string
	result string // of a tool: the id of the call that it answers
	asked  *asked // of an answer that calls tools

	chain *prefix.Chain // up to here; nil before it is needed
}

// asked is what an answer asked of tools.
type asked struct{ recorded, live []workload.ToolCall }

// add returns the prompt with a further message, which has a mark before its text.
func (last *message) add(m *workload.Message, mark string) *message {
	return last.link(&message{json: encode(m, mark), role: m.Role, result: m.ToolCallID})
}

// copy returns the prompt with the messages of another.
func (last *message) copy(messages []*message) *message {
	for _, m := range messages {
		last = last.link(&message{json: m.json, role: m.role, result: m.result, asked: m.asked})
	}
	return last
}

// messages returns the messages of a prompt, from the first.
func (last *message) messages() []*message {
	list := make([]*message, last.length())
	for i := len(list) - 1; i >= 0; i-- {
		list[i], last = last, last.before
	}
	return list
}

// link returns the prompt with a further message.
func (last *message) link(m *message) *message {
	m.before, m.number, m.size = last, 1, len(m.json)+1
	if last != nil {
		m.number, m.size = m.number+last.number, m.size+last.size
	}
	return m
}

// addLive adds an answer. Tool calls without an id get one.
func (last *message) addLive(recorded []workload.ToolCall, live *workload.Answer) *message {
	calls := slices.Clone(live.ToolCalls)
	for i := range calls {
		if calls[i].ID == "" {
			calls[i].ID = fmt.Sprint("call_", last.length(), "_", i)
		}
	}
	m := last.add(&workload.Message{Role: "assistant", Text: live.Text, Reasoning: live.Reasoning,
		ToolCalls: calls}, "")
	if len(calls) > 0 {
		m.asked = &asked{recorded: recorded, live: calls}
	}
	return m
}

// addRecorded adds what was recorded in place of an answer.
func (last *message) addRecorded(p *workload.Part, a *workload.Answer) *message {
	if len(p.Messages) == 0 {
		return last.add(&workload.Message{Role: "assistant", Text: a.Text, Reasoning: a.Reasoning,
			ToolCalls: a.ToolCalls}, "")
	}
	for i := range p.Messages {
		last = last.add(&p.Messages[i], "")
	}
	return last
}

// callID returns the id of the live tool call that a recorded result is for: of the answer before, the first call of
// the same function that has no result yet. Without one it is the recorded id.
func (last *message) callID(result *workload.Message) string {
	var taken []string
	for last != nil && last.result != "" {
		taken = append(taken, last.result)
		last = last.before
	}
	if last == nil || last.asked == nil {
		return result.ToolCallID
	}
	name := last.asked.function(result, len(taken))
	for _, call := range last.asked.live {
		if !slices.Contains(taken, call.ID) && (name == "" || call.Name == name) {
			return call.ID
		}
	}
	return result.ToolCallID
}

// function returns the name of the function that a recorded result is of, by its id or else by its place among the
// results; "" if nothing tells.
func (a *asked) function(result *workload.Message, place int) string {
	for _, call := range a.recorded {
		if call.ID == result.ToolCallID {
			return call.Name
		}
	}
	if place < len(a.recorded) {
		return a.recorded[place].Name
	}
	return result.Name
}

func (last *message) length() int {
	if last == nil {
		return 0
	}
	return last.number
}

// list returns the messages as a JSON array.
func (last *message) list() json.RawMessage {
	if last == nil {
		return json.RawMessage("[]")
	}
	list := make(json.RawMessage, 1+last.size)
	list[0] = '['
	at := len(list)
	for m := last; m != nil; m = m.before {
		at--
		list[at] = ','
		at -= len(m.json)
		copy(list[at:], m.json)
	}
	list[len(list)-1] = ']'
	return list
}

// encode encodes a message as OpenAI's chat has it, with a mark before its text.
func encode(m *workload.Message, mark string) json.RawMessage {
	dst := make(json.RawMessage, 0, 64+len(mark)+len(m.Text)+len(m.Text)/16+len(m.Content)+2*len(m.Reasoning))
	dst = api.AppendQuoted(append(dst, `{"role":`...), m.Role)
	if m.ToolCallID != "" {
		dst = api.AppendQuoted(append(dst, `,"tool_call_id":`...), m.ToolCallID)
	}
	for i, call := range m.ToolCalls {
		open := `,{"id":`
		if i == 0 {
			open = `,"tool_calls":[{"id":`
		}
		dst = api.AppendQuoted(append(dst, open...), call.ID)
		dst = api.AppendQuoted(append(dst, `,"type":"function","function":{"name":`...), call.Name)
		dst = api.AppendQuoted(append(dst, `,"arguments":`...), call.Arguments)
		dst = append(dst, "}}"...)
	}
	if len(m.ToolCalls) > 0 {
		dst = append(dst, ']')
	}
	switch {
	case m.Content != nil:
		dst = appendParts(append(dst, `,"content":`...), m.Content, mark)
	case m.Text != "" || len(m.ToolCalls) == 0:
		dst = api.AppendQuoted(append(dst, `,"content":`...), mark+m.Text)
	}
	if m.Reasoning != "" {
		dst = api.AppendQuoted(append(dst, `,"reasoning_content":`...), m.Reasoning)
		dst = api.AppendQuoted(append(dst, `,"reasoning":`...), m.Reasoning)
	}
	return append(dst, '}')
}

// appendParts appends a content in parts, with a mark as a part before them.
func appendParts(dst, content json.RawMessage, mark string) json.RawMessage {
	if mark == "" || len(content) < 2 || content[0] != '[' {
		return append(dst, content...)
	}
	dst = api.AppendQuoted(append(dst, `[{"type":"text","text":`...), mark)
	dst = append(dst, '}')
	if rest := content[1:]; string(rest) != "]" {
		dst = append(append(dst, ','), rest...)
		return dst
	}
	return append(dst, ']')
}
