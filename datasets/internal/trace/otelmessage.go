package trace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// content is what a message of a span has in it.
type content struct {
	texts     []string
	reasoning []string
	media     []string // JSON, as OpenAI's chat has them
	calls     []workload.ToolCall
	results   []result
	pieces    []piece
}

// result is what a tool returned.
type result struct{ id, text string }

// remarks are the messages of a session by how they are written. One that many prompts repeat is read once.
type remarks map[string]*remark

// read reads the messages of a prompt.
func (r remarks) read(list gjson.Result) (messages []*remark, err error) {
	if !list.IsArray() {
		return nil, errors.New("it is no list of messages")
	}
	for item := range items(list.Raw) {
		m := r[item]
		if m == nil {
			if m, err = readRemark(gjson.Parse(item)); err != nil {
				return nil, fmt.Errorf("message %d: %w", len(messages)+1, err)
			}
			r[item] = m
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// readRemark reads a message of a prompt, in the form of OpenTelemetry, of OpenAI's chat, or of Anthropic's Messages.
func readRemark(message gjson.Result) (*remark, error) {
	role := message.Get("role").Str
	switch role {
	case "":
		return nil, errors.New("it has no role")
	case "developer":
		role = "system"
	}
	c := contentOf(message)
	for _, call := range c.calls {
		if call.ID == "" {
			return nil, fmt.Errorf("a call of the tool %q has no id, so that its result cannot be told", call.Name)
		}
	}
	t := &remark{role: role, text: c.text(), sent: c.messages(role, message)}
	for _, call := range c.calls {
		t.ids = append(t.ids, call.ID)
	}
	return t, nil
}

// contentOf reads the content of a message, which is in parts or in content.
func contentOf(message gjson.Result) (c content) {
	switch value := message.Get("content"); {
	case message.Get("parts").IsArray():
		c.readParts(message.Get("parts"))
	case value.IsArray():
		c.readParts(value)
		c.pieces = nil
	case value.Type == gjson.String:
		c.texts = append(c.texts, value.Str)
	case value.IsObject():
		c.texts = append(c.texts, value.Raw)
	}
	message.Get("tool_calls").ForEach(func(_, call gjson.Result) bool {
		function := call.Get("function")
		if !function.Exists() {
			function = call
		}
		c.addCall(call.Get("id").String(), function.Get("name").Str, function.Get("arguments"))
		return true
	})
	for _, key := range []string{"reasoning_content", "reasoning"} {
		if v := message.Get(key); v.Type == gjson.String && len(c.reasoning) == 0 {
			c.reasoning = append(c.reasoning, v.Str)
		}
	}
	return c
}

// readParts reads the parts of a content. Those of other kinds are left out.
func (c *content) readParts(parts gjson.Result) {
	parts.ForEach(func(_, part gjson.Result) bool {
		switch kind := part.Get("type").Str; kind {
		case "text", "input_text", "output_text":
			text := either(part, "content", "text").String()
			c.texts = append(c.texts, text)
			c.pieces = append(c.pieces, piece{text: text})
		case "reasoning", "thinking":
			text := either(part, "content", "thinking", "text").String()
			c.reasoning = append(c.reasoning, text)
			c.pieces = append(c.pieces, piece{text: text})
		case "tool_call":
			c.addCall(part.Get("id").String(), part.Get("name").Str, part.Get("arguments"))
			c.pieces = append(c.pieces, piece{rendered(c.calls[len(c.calls)-1]), true})
		case "tool_use":
			c.addCall(part.Get("id").String(), part.Get("name").Str, part.Get("input"))
		case "tool_call_response":
			text := resultText(either(part, "result", "response"))
			c.results = append(c.results, result{part.Get("id").String(), text})
		case "tool_result":
			c.results = append(c.results, result{part.Get("tool_use_id").String(), resultText(part.Get("content"))})
		case "image_url", "input_audio", "video_url":
			c.media = append(c.media, part.Raw)
		case "blob", "uri", "image":
			c.addImage(part)
		}
		return true
	})
}

// either returns the first of the fields that has a value.
func either(value gjson.Result, names ...string) (v gjson.Result) {
	for _, name := range names {
		if v = value.Get(name); v.Exists() && v.Type != gjson.Null {
			return v
		}
	}
	return v
}

// addCall adds a call of a tool. Arguments that are not written as text are written as Python would write them, because
// that is how they come back in the prompts of other spans.
func (c *content) addCall(id, name string, arguments gjson.Result) {
	call := workload.ToolCall{ID: id, Name: name}
	switch {
	case arguments.Type == gjson.String:
		call.Arguments = arguments.Str
	case arguments.Exists() && arguments.Type != gjson.Null:
		call.Arguments = pythonJSON(arguments.Raw)
	}
	c.calls = append(c.calls, call)
}

// addImage adds an image of OpenTelemetry or of Anthropic as an image of OpenAI.
func (c *content) addImage(part gjson.Result) {
	source := part
	if part.Get("source").IsObject() {
		source = part.Get("source")
	}
	kind := either(source, "mime_type", "media_type").String()
	if part.Get("type").Str != "image" && part.Get("modality").Str != "image" && !strings.HasPrefix(kind, "image/") {
		return
	}
	url := either(source, "uri", "url").String()
	if data := either(source, "content", "data").String(); data != "" && url == "" {
		url = "data:" + kind + ";base64," + data
	}
	quoted := gjson.AppendJSONString(nil, url)
	c.media = append(c.media, `{"type":"image_url","image_url":{"url":`+string(quoted)+`}}`)
}

// resultText returns the result of a tool as text.
func resultText(v gjson.Result) string {
	if !v.IsArray() || !v.Get("0.type").Exists() {
		return v.String()
	}
	var c content
	c.readParts(v)
	return strings.Join(c.texts, "")
}

// rendered returns a call of a tool as text, which differs from all text that is none.
func rendered(call workload.ToolCall) string {
	return "\x01" + call.Name + "\x01" + call.Arguments + "\x01"
}

// text returns the text by which messages are compared. Reasoning is not part of it, because clients may drop it.
func (c *content) text() string {
	texts := append([]string(nil), c.texts...)
	for _, call := range c.calls {
		texts = append(texts, rendered(call))
	}
	for _, r := range c.results {
		texts = append(texts, "\x02"+r.id+"\x02"+r.text)
	}
	for _, m := range c.media {
		texts = append(texts, "\x03"+m)
	}
	return strings.Join(texts, "\n")
}

// messages returns what is sent for a message: a message for each result of a tool, and one for the rest.
func (c *content) messages(role string, source gjson.Result) (list []workload.Message) {
	text := strings.Join(c.texts, "")
	if role == "assistant" {
		return []workload.Message{{
			Role: role, Text: text, Reasoning: strings.Join(c.reasoning, ""), ToolCalls: c.calls,
		}}
	}
	for _, r := range c.results {
		list = append(list, workload.Message{Role: "tool", Text: r.text, ToolCallID: r.id})
	}
	if len(list) > 0 && text == "" && len(c.media) == 0 {
		return list
	}
	m := workload.Message{Role: role, Text: text, Name: source.Get("name").Str}
	if role == "tool" {
		m.ToolCallID = source.Get("tool_call_id").String()
	}
	if role == "tool" && len(list) > 0 {
		m.Role = "user"
	}
	if len(c.media) > 0 {
		m.Content = c.withMedia(text)
	}
	return append(list, m)
}

// withMedia returns the content in parts: the text, then all else.
func (c *content) withMedia(text string) []byte {
	out := []byte{'['}
	if text != "" {
		out = append(out, `{"type":"text","text":`...)
		out = append(gjson.AppendJSONString(out, text), "},"...)
	}
	return append(append(out, strings.Join(c.media, ",")...), ']')
}
