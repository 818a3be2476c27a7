package sim

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// responsesEndpoint returns the endpoint of OpenAI's Responses.
func responsesEndpoint() *endpoint {
	return &endpoint{path: "/v1/responses", limit: 64, prompt: inputTokens, fault: openAIFault, calls: true,
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
		return c.tokens(w, tokens)
	}
	w.input.ForEach(func(_, item gjson.Result) bool {
		c.addItem(item)
		return true
	})
	return c.tokens(w, tokens)
}

// ended returns the status of a response at its end.
func ended(r *Truth) string {
	if r.FinishReason == finishLength {
		return "incomplete"
	}
	return "completed"
}

// beginItem begins the only item of the output, up to what it holds. Its status is that of the response.
func (g *generation) beginItem(dst []byte, status string) []byte {
	if c := g.call; c != nil {
		dst = appendQuoted(append(dst, `{"id":"fc_sim","type":"function_call","call_id":`...), c.id)
		dst = appendQuoted(append(dst, `,"name":`...), c.name)
		return append(append(append(dst, `,"status":"`...), status...), `","arguments":`...)
	}
	dst = append(append(dst, `{"id":"msg_sim","type":"message","role":"assistant","status":"`...), status...)
	return append(dst, `","content":[`...)
}

// appendItem appends the whole item.
func (g *generation) appendItem(dst []byte, status string, answer []byte) []byte {
	dst = g.beginItem(dst, status)
	if g.call != nil {
		return append(appendQuoted(dst, answer), '}')
	}
	return append(appendText(dst, answer), "]}"...)
}

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
	dst = append(g.appendItem(dst, status, answer), `],"usage":{"input_tokens":`...)
	r := &g.truth
	dst = strconv.AppendInt(dst, int64(r.PromptTokens), 10)
	dst = strconv.AppendInt(append(dst, `,"input_tokens_details":{"cached_tokens":`...), int64(r.CachedTokens), 10)
	dst = strconv.AppendInt(append(dst, `},"output_tokens":`...), int64(r.CompletionTokens), 10)
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

// Where the only part of the output stands.
const (
	textPlace = `,"item_id":"msg_sim","output_index":0,"content_index":0`
	callPlace = `,"item_id":"fc_sim","output_index":0`
)

func (e *responseEvents) head() []byte {
	for _, kind := range [...]string{"created", "in_progress"} {
		e.event(kind)
		e.buf = append(appendResponse(append(e.buf, `,"response":`...), e.g, "in_progress", nil), "}\n\n"...)
	}
	e.event("output_item.added")
	e.buf = e.g.beginItem(append(e.buf, `,"output_index":0,"item":`...), "in_progress")
	if e.g.call != nil {
		return append(e.buf, `""}}`+"\n\n"...)
	}
	e.buf = append(e.buf, "]}}\n\n"...)
	e.event("content_part.added")
	return append(appendText(append(e.buf, textPlace+`,"part":`...), nil), "}\n\n"...)
}

func (e *responseEvents) begin()            { e.text = e.text[:0] }
func (e *responseEvents) token(text string) { e.text = append(e.text, text...) }
func (e *responseEvents) ping() []byte      { return []byte(": ping\n\n") }

func (e *responseEvents) end(bool, bool) []byte {
	e.answer = append(e.answer, e.text...)
	e.buf = e.buf[:0]
	if e.g.call != nil {
		e.event("function_call_arguments.delta")
		e.buf = append(e.buf, callPlace+`,"delta":`...)
	} else {
		e.event("output_text.delta")
		e.buf = append(e.buf, textPlace+`,"logprobs":[],"delta":`...)
	}
	e.buf = append(appendQuoted(e.buf, e.text), "}\n\n"...)
	return e.buf
}

func (e *responseEvents) tail() []byte {
	e.buf = e.buf[:0]
	if c := e.g.call; c != nil {
		e.event("function_call_arguments.done")
		e.buf = appendQuoted(append(e.buf, callPlace+`,"name":`...), c.name)
		e.buf = append(appendQuoted(append(e.buf, `,"arguments":`...), e.answer), "}\n\n"...)
	} else {
		e.event("output_text.done")
		e.buf = append(appendQuoted(append(e.buf, textPlace+`,"logprobs":[],"text":`...), e.answer), "}\n\n"...)
		e.event("content_part.done")
		e.buf = append(appendText(append(e.buf, textPlace+`,"part":`...), e.answer), "}\n\n"...)
	}
	status := ended(&e.g.truth)
	e.event("output_item.done")
	e.buf = append(e.g.appendItem(append(e.buf, `,"output_index":0,"item":`...), status, e.answer), "}\n\n"...)
	e.event(status)
	return append(appendResponse(append(e.buf, `,"response":`...), e.g, status, e.answer), "}\n\n"...)
}
