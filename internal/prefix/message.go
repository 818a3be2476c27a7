package prefix

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Message is what counts of a message of a prompt. Without a role it is a text that goes on from what is before it: a
// prompt that is one text is such messages alone.
type Message struct {
	Role  string
	Texts []string // content, reasoning, and for each call of a tool its name and arguments
}

// ReadChat returns what counts of the messages of a chat of OpenAI's form, which must be valid JSON. Parts of a content
// that are no text do not count.
func ReadChat(messages json.RawMessage) (list []Message) {
	gjson.ParseBytes(messages).ForEach(func(_, message gjson.Result) bool {
		list = append(list, readMessage(message))
		return true
	})
	return list
}

// ReadMessage returns what counts of one message.
func ReadMessage(message json.RawMessage) Message { return readMessage(gjson.ParseBytes(message)) }

func readMessage(message gjson.Result) (m Message) {
	var reasoning string
	message.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "role":
			m.Role = value.Str
		case "content":
			m.addContent(value)
		case "reasoning_content", "reasoning": // the same text
			reasoning = value.Str
		}
		return true
	})
	m.add(reasoning)
	message.Get("tool_calls").ForEach(func(_, call gjson.Result) bool {
		m.add(call.Get("function.name").Str)
		m.add(call.Get("function.arguments").String())
		return true
	})
	return m
}

// addContent adds a text, or those of a list of parts.
func (m *Message) addContent(content gjson.Result) {
	if !content.IsArray() {
		m.add(content.Str)
		return
	}
	content.ForEach(func(_, part gjson.Result) bool {
		m.add(part.Get("text").Str)
		return true
	})
}

func (m *Message) add(text string) {
	if text != "" {
		m.Texts = append(m.Texts, text)
	}
}

// mediaMark is a byte of no text, at the beginning of what stands for media.
const mediaMark = "\xfe"

// Media returns a text that stands for a number of tokens of media: a picture, a video or a sound whose content has
// the hash. No other text equals it.
func Media(hash uint64, tokens int) string { return fmt.Sprintf("%s%016x%d", mediaMark, hash, tokens) }

// MediaTokens returns the number of tokens of a text that Media returned, and reports whether it is one.
func MediaTokens(text string) (tokens int, is bool) {
	rest, is := strings.CutPrefix(text, mediaMark)
	if !is || len(rest) < 16 {
		return 0, false
	}
	tokens, err := strconv.Atoi(rest[16:])
	return tokens, err == nil
}
