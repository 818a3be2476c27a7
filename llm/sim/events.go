package sim

import (
	"strconv"
	"time"
)

// events writes the events of a chat or a completion into one buffer.
type events struct {
	form
	g      *generation
	prefix []byte // of each event, up to its choice
	finish string // reason
	usage  bool
	buf    []byte
	text   []byte // of the chunk
}

// form is what differs between the events of a chat and of a completion.
type form struct {
	object     string
	role       string // the choice of the event before the first chunk, "" for no event
	open, shut string // before and after a chunk's text
}

var (
	chatForm = form{object: "chat.completion.chunk", open: `{"index":0,"delta":{"content":`, shut: `}`,
		role: `{"index":0,"delta":{"role":"assistant","content":""}` + unfinished}
	textForm = form{object: "text_completion", open: `{"index":0,"text":`}
)

const unfinished = `,"logprobs":null,"finish_reason":null}]}` + "\n\n"

// chatFormOf returns the form of a chat's answer, which may be a call.
func chatFormOf(c *call) form {
	if c == nil {
		return chatForm
	}
	role := appendQuoted([]byte(`{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":`),
		c.id)
	role = appendQuoted(append(role, `,"type":"function","function":{"name":`...), c.name)
	return form{object: chatForm.object, role: string(role) + `,"arguments":""}}]}` + unfinished,
		open: `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":`, shut: `}}]}`}
}

func newEvents(g *generation, f form) *events {
	e := &events{g: g, form: f, finish: g.truth.FinishReason, usage: g.ask.usage}
	e.prefix = append(make([]byte, 0, 256), `data: {"id":`...)
	e.prefix = appendQuoted(e.prefix, g.truth.ID)
	e.prefix = append(append(append(e.prefix, `,"object":"`...), e.object...), `","created":`...)
	e.prefix = append(strconv.AppendInt(e.prefix, time.Now().Unix(), 10), `,"model":`...)
	e.prefix = append(appendQuoted(e.prefix, g.ask.model), `,"choices":[`...)
	e.buf = make([]byte, 0, 2*len(e.prefix)+256)
	return e
}

func (e *events) begin()            { e.text = e.text[:0] }
func (e *events) token(text string) { e.text = append(e.text, text...) }
func (e *events) head() []byte      { return nil }
func (e *events) ping() []byte      { return []byte(": ping\n\n") }

// end returns the chunk's event, preceded by the role's event if it is the first.
func (e *events) end(first, last bool) []byte {
	e.buf = e.buf[:0]
	if first && e.role != "" {
		e.buf = append(append(e.buf, e.prefix...), e.role...)
	}
	e.buf = append(append(e.buf, e.prefix...), e.open...)
	e.buf = append(appendQuoted(e.buf, e.text), e.shut...)
	if !last {
		e.buf = append(e.buf, unfinished...)
		return e.buf
	}
	e.buf = append(append(e.buf, `,"logprobs":null,"finish_reason":"`...), e.finish...)
	e.buf = append(e.buf, `"}]}`+"\n\n"...)
	return e.buf
}

// tail returns what follows the last chunk.
func (e *events) tail() []byte {
	e.buf = e.buf[:0]
	if e.usage {
		e.buf = append(append(e.buf, e.prefix...), `],"usage":`...)
		e.buf = append(e.g.appendUsage(e.buf), "}\n\n"...)
	}
	return append(e.buf, "data: [DONE]\n\n"...)
}

// appendUsage appends the usage of the whole answer, with the tokens from the prefix cache if there is one.
func (g *generation) appendUsage(dst []byte) []byte {
	r := &g.truth
	dst = strconv.AppendInt(append(dst, `{"prompt_tokens":`...), int64(r.PromptTokens), 10)
	dst = strconv.AppendInt(append(dst, `,"completion_tokens":`...), int64(r.CompletionTokens), 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), int64(r.PromptTokens+r.CompletionTokens), 10)
	if g.life.cache != nil {
		dst = strconv.AppendInt(append(dst, `,"prompt_tokens_details":{"cached_tokens":`...), int64(r.CachedTokens), 10)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendQuoted appends a JSON string without allocating.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		c := text[i]
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
