package sim

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// responsesEndpoint returns the endpoint of OpenAI's Responses.
func responsesEndpoint() *endpoint {
	return &endpoint{path: "/v1/responses", limit: 64, prompt: inputTokens, fault: openAIFault,
		events: func(g *generation) writer { return &responseEvents{g: g, buf: make([]byte, 0, 1024)} },
		whole: func(g *generation, answer string) any {
			return json.RawMessage(appendResponse(nil, g, ended(&g.truth), []byte(answer)))
		},
		broken: `event: response.failed` + "\n" + `data: {"type":"response.failed","sequence_number":99,"response":{` +
			`"id":"resp_failed","object":"response","created_at":0,"model":"sim","status":"failed","output":[],` +
			`"error":{"code":"server_error","message":"injected failure"},"usage":null}}` + "\n\n",
	}
}

// inputTokens counts a text, or a list of items, most of which are messages.
func inputTokens(w *wireRequest, tokens Tokenizer) (int, error) {
	var c chat
	if w.instructions != "" {
		c.addText("system", w.instructions)
	}
	if w.input.Type == gjson.String {
		c.addText("user", w.input.Str)
		return c.tokens(w.tools, tokens)
	}
	w.input.ForEach(func(_, item gjson.Result) bool {
		c.addItem(item)
		return true
	})
	return c.tokens(w.tools, tokens)
}

// ended returns the status of a response at its end.
func ended(r *Truth) string {
	if r.FinishReason == "length" {
		return "incomplete"
	}
	return "completed"
}

const messageItem = `{"id":"msg_sim","type":"message","role":"assistant","status":"`

// appendResponse appends a response of the given status; one in progress has no output yet.
func appendResponse(dst []byte, g *generation, status string, answer []byte) []byte {
	dst = appendQuoted(append(dst, `{"id":`...), g.truth.ID)
	dst = strconv.AppendInt(append(dst, `,"object":"response","created_at":`...), time.Now().Unix(), 10)
	dst = appendQuoted(append(dst, `,"model":`...), g.ask.model)
	dst = append(append(append(dst, `,"status":"`...), status...), `","error":null,"incomplete_details":`...)
	if status == "incomplete" {
		dst = append(dst, `{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"output":[`...)
	if status == "in_progress" {
		return append(dst, `],"usage":null}`...)
	}
	dst = append(append(append(dst, messageItem...), status...), `","content":[`...)
	dst = append(appendText(dst, answer), "]}]"...)
	r := &g.truth
	dst = strconv.AppendInt(append(dst, `,"usage":{"input_tokens":`...), int64(r.PromptTokens), 10)
	dst = append(dst, `,"input_tokens_details":{"cached_tokens":0},"output_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.CompletionTokens), 10)
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":`...)
	return append(strconv.AppendInt(dst, int64(r.PromptTokens+r.CompletionTokens), 10), "}}"...)
}

// appendText appends a part of the output.
func appendText(dst, text []byte) []byte {
	dst = appendQuoted(append(dst, `{"type":"output_text","annotations":[],"logprobs":[],"text":`...), text)
	return append(dst, '}')
}

// responseEvents writes the events of a response into one buffer. Its end repeats the text four times.
type responseEvents struct {
	g      *generation
	buf    []byte
	text   []byte // of the chunk
	answer []byte
	number int64 // of the next event
}

// event begins an event, whose members follow.
func (e *responseEvents) event(kind string) {
	e.buf = append(append(append(e.buf, "event: response."...), kind...), "\ndata: {\"type\":\"response."...)
	e.buf = append(append(e.buf, kind...), `","sequence_number":`...)
	e.buf = strconv.AppendInt(e.buf, e.number, 10)
	e.number++
}

// place is where the only part of the output stands.
const place = `,"item_id":"msg_sim","output_index":0,"content_index":0`

func (e *responseEvents) head() []byte {
	for _, kind := range [...]string{"created", "in_progress"} {
		e.event(kind)
		e.buf = append(appendResponse(append(e.buf, `,"response":`...), e.g, "in_progress", nil), "}\n\n"...)
	}
	e.event("output_item.added")
	e.buf = append(append(e.buf, `,"output_index":0,"item":`...), messageItem...)
	e.buf = append(e.buf, `in_progress","content":[]}}`+"\n\n"...)
	e.event("content_part.added")
	e.buf = append(appendText(append(e.buf, place+`,"part":`...), nil), "}\n\n"...)
	return e.buf
}

func (e *responseEvents) begin()            { e.text = e.text[:0] }
func (e *responseEvents) token(text string) { e.text = append(e.text, text...) }
func (e *responseEvents) ping() []byte      { return []byte(": ping\n\n") }

func (e *responseEvents) end(bool, bool) []byte {
	e.answer = append(e.answer, e.text...)
	e.buf = e.buf[:0]
	e.event("output_text.delta")
	e.buf = append(appendQuoted(append(e.buf, place+`,"logprobs":[],"delta":`...), e.text), "}\n\n"...)
	return e.buf
}

func (e *responseEvents) tail(r *Truth) []byte {
	e.buf = e.buf[:0]
	e.event("output_text.done")
	e.buf = append(appendQuoted(append(e.buf, place+`,"logprobs":[],"text":`...), e.answer), "}\n\n"...)
	e.event("content_part.done")
	e.buf = append(appendText(append(e.buf, place+`,"part":`...), e.answer), "}\n\n"...)
	e.event("output_item.done")
	e.buf = append(append(e.buf, `,"output_index":0,"item":`...), messageItem...)
	e.buf = appendText(append(append(e.buf, ended(r)...), `","content":[`...), e.answer)
	e.buf = append(e.buf, "]}}\n\n"...)
	e.event(ended(r))
	e.buf = append(appendResponse(append(e.buf, `,"response":`...), e.g, ended(r), e.answer), "}\n\n"...)
	return e.buf
}
