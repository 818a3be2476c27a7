package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// messagesEndpoint returns the endpoint of Anthropic's Messages.
func messagesEndpoint() *endpoint {
	return &endpoint{path: "/v1/messages", prompt: messagesTokens, fault: messagesFault,
		events: func(g *generation) writer { return newMessageEvents(g) },
		whole:  wholeMessage,
		broken: "event: error\ndata: " +
			`{"type":"error","error":{"type":"overloaded_error","message":"injected failure"}}` + "\n\n",
	}
}

// messagesTokens counts the prompt, of which the system prompt stands apart.
func messagesTokens(w *wireRequest, tokens Tokenizer) (int, error) {
	if !w.messages.IsArray() {
		return chatTokens(w.messages, w.tools, tokens)
	}
	var c chat
	if system := texts(w.system); system != "" {
		c.addText("system", system)
	}
	w.messages.ForEach(func(_, message gjson.Result) bool {
		c.addBlocks(message)
		return true
	})
	return c.tokens(w.tools, tokens)
}

// texts returns a text, or those of a list of blocks.
func texts(content gjson.Result) string {
	if !content.IsArray() {
		return content.Str
	}
	var list []string
	content.ForEach(func(_, block gjson.Result) bool {
		list = append(list, block.Get("text").Str)
		return true
	})
	return strings.Join(list, "\n\n")
}

// messagesFault returns an error by the name that the API has for its status.
func messagesFault(status int, message string) any {
	kind := "api_error"
	switch status {
	case http.StatusBadRequest:
		kind = "invalid_request_error"
	case http.StatusUnauthorized:
		kind = "authentication_error"
	case http.StatusNotFound:
		kind = "not_found_error"
	case http.StatusRequestEntityTooLarge:
		kind = "request_too_large"
	}
	return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}}
}

// stopReason returns why an answer ended, in the API's words.
func stopReason(r *Truth) string {
	if r.FinishReason == "length" {
		return "max_tokens"
	}
	return "end_turn"
}

func wholeMessage(g *generation, answer string) any {
	return map[string]any{
		"id": g.truth.ID, "type": "message", "role": "assistant", "model": g.ask.model,
		"content":     []any{map[string]any{"type": "text", "text": answer}},
		"stop_reason": stopReason(&g.truth), "stop_sequence": nil,
		"usage": json.RawMessage(appendInputUsage(nil, &g.truth, g.truth.CompletionTokens)),
	}
}

// appendInputUsage appends the usage with which a message begins: some of the answer's tokens, and of the prompt none
// from a cache.
func appendInputUsage(dst []byte, r *Truth, output int) []byte {
	dst = strconv.AppendInt(append(dst, `{"input_tokens":`...), int64(r.PromptTokens), 10)
	dst = append(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":`...)
	return append(strconv.AppendInt(dst, int64(output), 10), '}')
}

// messageEvents writes the events of a message into one buffer.
type messageEvents struct {
	g    *generation
	buf  []byte
	text []byte // of the chunk
}

func newMessageEvents(g *generation) *messageEvents {
	return &messageEvents{g: g, buf: make([]byte, 0, 512)}
}

const (
	pingEvent  = "event: ping\ndata: {\"type\":\"ping\"}\n\n"
	blockStart = "event: content_block_start\ndata: " +
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"
	blockDelta = "event: content_block_delta\ndata: " +
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`
	blockStop = "event: content_block_stop\ndata: " + `{"type":"content_block_stop","index":0}` + "\n\n"
	lastEvent = "event: message_stop\ndata: " + `{"type":"message_stop"}` + "\n\n"
)

// head returns the beginning of the message, which is no token, and a ping, which is in all of Anthropic's streams.
func (e *messageEvents) head() []byte {
	e.buf = append(e.buf[:0], "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"...)
	e.buf = appendQuoted(e.buf, e.g.truth.ID)
	e.buf = appendQuoted(append(e.buf, `,"type":"message","role":"assistant","model":`...), e.g.ask.model)
	e.buf = append(e.buf, `,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	e.buf = append(appendInputUsage(e.buf, &e.g.truth, 1), "}}\n\n"...)
	return append(append(e.buf, blockStart...), pingEvent...)
}

func (e *messageEvents) begin()            { e.text = e.text[:0] }
func (e *messageEvents) token(text string) { e.text = append(e.text, text...) }
func (e *messageEvents) ping() []byte      { return []byte(pingEvent) }

func (e *messageEvents) end(bool, bool) []byte {
	e.buf = appendQuoted(append(e.buf[:0], blockDelta...), e.text)
	e.buf = append(e.buf, "}}\n\n"...)
	return e.buf
}

// tail returns the end, in which usage is that of the whole answer.
func (e *messageEvents) tail(r *Truth) []byte {
	e.buf = append(append(e.buf[:0], blockStop...), "event: message_delta\ndata: "...)
	e.buf = appendQuoted(append(e.buf, `{"type":"message_delta","delta":{"stop_reason":`...), stopReason(r))
	e.buf = append(e.buf, `,"stop_sequence":null},"usage":{"output_tokens":`...)
	e.buf = append(strconv.AppendInt(e.buf, int64(r.CompletionTokens), 10), "}}\n\n"...)
	return append(e.buf, lastEvent...)
}
