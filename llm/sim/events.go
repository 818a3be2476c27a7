package sim

import (
	"encoding/json"
	"fmt"
	"time"
)

// events writes the events of one answer into one buffer. It makes the parts that are the same in all events once.
type events struct {
	head, middle []byte // before and after a chunk's text
	role         []byte // the event before a chat's first chunk
	finish       []byte // what follows the last chunk's text
	final        []byte // the event that carries usage, up to the usage itself
	usage        bool
	buf          []byte
	text         []byte
}

func newEvents(g *generation) *events {
	object, open, shut := "text_completion", `"text":`, ``
	if g.chat {
		object, open, shut = "chat.completion.chunk", `"delta":{"content":`, `}`
	}
	id, model := quote(g.truth.ID), quote(g.ask.model)
	common := fmt.Sprintf(`data: {"id":%s,"object":"%s","created":%d,"model":%s,"choices":[`, id, object,
		time.Now().Unix(), model)
	e := &events{
		head:   fmt.Appendf(nil, `%s{"index":0,%s`, common, open),
		middle: []byte(shut + `,"logprobs":null,"finish_reason":null}]}` + "\n\n"),
		finish: fmt.Appendf(nil, `%s,"logprobs":null,"finish_reason":"%s"}]}`+"\n\n", shut, g.truth.FinishReason),
		final:  []byte(common + `],"usage":`),
		usage:  g.ask.usage,
	}
	if g.chat {
		e.role = []byte(common +
			`{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}` + "\n\n")
	}
	return e
}

func quote(s string) []byte {
	text, _ := json.Marshal(s) // a string can always be encoded
	return text
}

// begin starts a chunk.
func (e *events) begin() { e.text = e.text[:0] }

// token adds a token's text to the chunk.
func (e *events) token(text string) { e.text = append(e.text, text...) }

// end returns the chunk's event, preceded by the role's event if it is the first.
func (e *events) end(first, last bool) []byte {
	e.buf = e.buf[:0]
	if first {
		e.buf = append(e.buf, e.role...)
	}
	e.buf = append(e.buf, e.head...)
	e.buf = appendQuoted(e.buf, e.text)
	if last {
		return append(e.buf, e.finish...)
	}
	e.buf = append(e.buf, e.middle...)
	return e.buf
}

// tail returns what follows the last chunk.
func (e *events) tail(r *Truth) []byte {
	e.buf = e.buf[:0]
	if e.usage {
		e.buf = append(e.buf, e.final...)
		e.buf = append(append(e.buf, usage(r)...), "}\n\n"...)
	}
	return append(e.buf, "data: [DONE]\n\n"...)
}

func usage(r *Truth) []byte {
	return fmt.Appendf(nil, `{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, r.PromptTokens,
		r.CompletionTokens, r.PromptTokens+r.CompletionTokens)
}

// appendQuoted appends a JSON string without allocating.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
