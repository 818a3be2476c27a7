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
	return &endpoint{path: "/v1/messages", prompt: messagesTokens, fault: messagesFault, calls: true,
		events: func(g *generation) writer { return newMessageEvents(g) },
		whole:  wholeMessage,
		broken: "event: error\ndata: " +
			`{"type":"error","error":{"type":"overloaded_error","message":"injected failure"}}` + "\n\n",
	}
}

// messagesTokens counts the prompt, of which the system prompt stands apart.
func messagesTokens(w *wireRequest, tokens Tokenizer) (int, error) {
	if !w.messages.IsArray() {
		return w.countChat(w.messages, w.tools, tokens)
	}
	var c chat
	if system := texts(w.system); system != "" {
		c.addText("system", system)
	}
	w.messages.ForEach(func(_, message gjson.Result) bool {
		c.addBlocks(message)
		return true
	})
	return c.tokens(w, tokens)
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
	switch r.FinishReason {
	case finishLength:
		return "max_tokens"
	case finishTools:
		return "tool_use"
	}
	return "end_turn"
}

func wholeMessage(g *generation, answer string) any {
	block := map[string]any{"type": "text", "text": answer}
	if c := g.call; c != nil {
		block = map[string]any{"type": "tool_use", "id": c.id, "name": c.name, "input": json.RawMessage(answer)}
		if !json.Valid([]byte(answer)) { // cut by the limit
			block["input"] = struct{}{}
		}
	}
	return map[string]any{
		"id": g.truth.ID, "type": "message", "role": "assistant", "model": g.ask.model,
		"content":     []any{block},
		"stop_reason": stopReason(&g.truth), "stop_sequence": nil,
		"usage": json.RawMessage(appendInputUsage(nil, &g.truth, g.truth.CompletionTokens)),
	}
}

// appendInputUsage appends the usage with which a message begins: some of the answer's tokens, and the prompt's, of
// which those from the cache stand apart.
func appendInputUsage(dst []byte, r *Truth, output int) []byte {
	dst = strconv.AppendInt(append(dst, `{"input_tokens":`...), int64(r.PromptTokens-r.CachedTokens), 10)
	dst = append(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":`...)
	dst = append(strconv.AppendInt(dst, int64(r.CachedTokens), 10), `,"output_tokens":`...)
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
	callStart = "event: content_block_start\ndata: " +
		`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":`
	callDelta = "event: content_block_delta\ndata: " +
		`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":`
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
	if c := e.g.call; c != nil {
		e.buf = appendQuoted(append(e.buf, callStart...), c.id)
		e.buf = append(appendQuoted(append(e.buf, `,"name":`...), c.name), `,"input":{}}}`+"\n\n"...)
	} else {
		e.buf = append(e.buf, blockStart...)
	}
	return append(e.buf, pingEvent...)
}

func (e *messageEvents) begin()            { e.text = e.text[:0] }
func (e *messageEvents) token(text string) { e.text = append(e.text, text...) }
func (e *messageEvents) ping() []byte      { return []byte(pingEvent) }

func (e *messageEvents) end(bool, bool) []byte {
	delta := blockDelta
	if e.g.call != nil {
		delta = callDelta
	}
	e.buf = appendQuoted(append(e.buf[:0], delta...), e.text)
	e.buf = append(e.buf, "}}\n\n"...)
	return e.buf
}

// tail returns the end, in which usage is that of the whole answer.
func (e *messageEvents) tail() []byte {
	r := &e.g.truth
	e.buf = append(append(e.buf[:0], blockStop...), "event: message_delta\ndata: "...)
	e.buf = appendQuoted(append(e.buf, `{"type":"message_delta","delta":{"stop_reason":`...), stopReason(r))
	e.buf = append(e.buf, `,"stop_sequence":null},"usage":{"output_tokens":`...)
	e.buf = append(strconv.AppendInt(e.buf, int64(r.CompletionTokens), 10), "}}\n\n"...)
	return append(e.buf, lastEvent...)
}
