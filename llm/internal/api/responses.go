package api

import (
	"bytes"
	"strconv"
)

// Responses is the dialect of OpenAI's Responses.
var Responses Dialect = responses{}

type responses struct{ openAI }

func (responses) Name() string    { return "responses" }
func (responses) Verb() string    { return "respond" }
func (responses) Path() string    { return "/responses" }
func (responses) Input() Input    { return InputMessages }
func (responses) EndMark() string { return "response.completed" }

// Body sends a chat as items. What is an item already is sent as it is.
func (responses) Body(r *Request) ([]byte, error) {
	w := newBody(r)
	w.extra = responseFields(r.Extra)
	w.text("model", r.Model)
	w.messages("input", responseItems(r.Messages, r.Checked), r)
	w.limit(r, "max_output_tokens")
	if r.IgnoreEOS && r.MaxTokens > 0 {
		w.plain("ignore_eos", "true")
	}
	w.plain("stream", strconv.FormatBool(r.Stream))
	w.tools(responseTools(r.Tools), responseChoice(r.ToolChoice))
	if r.Format != nil {
		w.json("text", responseFormat(r.Format))
	}
	if r.Previous != "" {
		w.text("previous_response_id", r.Previous)
	}
	return w.finish()
}

// responseEvent holds what the members of an event say until its type is known. A whole answer is the response itself.
type responseEvent struct {
	kind, delta, whole, item []byte
	index                    int // of the item in the output

	id, status, output, incomplete []byte // of the response
}

// Decode reads a response, whole or an event with a part of it. Events repeat at their ends what came in deltas: in a
// done of each part, and in the response that is completed.
func (responses) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	e := responseEvent{index: noIndex}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "type":
			e.kind = s.skip()
			f.member(key, e.kind)
		case "delta":
			e.delta = s.skip()
		case "text", "refusal", "arguments":
			e.whole = s.skip()
		case "item":
			e.item = s.skip()
		case "output_index":
			e.index = place(s.skip())
		case "response":
			response := scanner{b: s.skip()}
			e.readResponse(&response, d)
		default:
			if !e.member(key, &s, d) {
				f.member(key, s.skip())
			}
		}
	}
	if s.err == nil {
		e.conclude(d)
	}
	return leave(&s, d, &f, inArray)
}

func (e *responseEvent) readResponse(s *scanner, d *Delta) {
	if !s.open('{') {
		return
	}
	for first := true; s.more('}', first); first = false {
		if !e.member(s.key(), s, d) {
			s.skip()
		}
	}
}

// member reads a member of a response, and reports whether it is one that counts.
func (e *responseEvent) member(key []byte, s *scanner, d *Delta) bool {
	switch string(key) {
	case "id":
		e.id = s.skip()
	case "status":
		e.status = s.skip()
	case "output":
		e.output = s.skip()
	case "incomplete_details":
		e.incomplete = s.skip()
	case "error":
		readError(s, d)
	case "usage":
		readUsage(s, d)
	default:
		return false
	}
	return true
}

// conclude writes what the event brought.
func (e *responseEvent) conclude(d *Delta) {
	part, isDelta := bytes.CutSuffix(e.kind, []byte(`.delta"`))
	whole, isDone := bytes.CutSuffix(e.kind, []byte(`.done"`))
	switch {
	case isDelta:
		d.Choices = 1
		e.readOutputPart(part, e.delta, d)
	case isDone:
		d.Choices, d.Message = 1, true
		e.readOutputPart(whole, e.whole, d)
	case string(e.kind) == `"response.output_item.added"`:
		d.Choices = 1
		readOutputCall(e.item, e.index, d, "name") // a call is output from its first argument on
	case e.kind == nil || bytes.HasPrefix(e.kind, []byte(`"response.`)):
		e.end(d)
	}
}

// readOutputPart reads a text of the output, new or whole, by the type of its event. Other types have none.
func (e *responseEvent) readOutputPart(kind, text []byte, d *Delta) {
	s := scanner{b: text}
	switch string(kind) {
	case `"response.output_text`, `"response.refusal`:
		appendText(&s, &d.Content)
	case `"response.reasoning_text`, `"response.reasoning_summary_text`:
		d.Reasoning = d.appendPiece(&s, PieceReasoning)
	case `"response.function_call_arguments`, `"response.custom_tool_call_input`:
		at := d.beginCall(e.index)
		d.ToolCall = d.appendPiece(&s, PieceArguments)
		d.endCall(at, false)
	case `"response.mcp_call_arguments`, `"response.code_interpreter_call_code`:
		d.Pieces = append(d.Pieces, Piece{Kind: PieceServer})
		d.ToolCall = d.appendPiece(&s, PieceArguments)
	}
}

// end reads the status of a response: where it is final, it is the finish reason, and the output is that of the whole.
func (e *responseEvent) end(d *Delta) {
	inStream := e.kind != nil
	if inStream {
		d.Choices = 1
	}
	switch string(e.status) {
	case `"completed"`:
		d.FinishReason, d.ID = "completed", bytes.Trim(e.id, `"`)
	case `"incomplete"`:
		reason := scanner{b: find(e.incomplete, []byte("reason"))}
		if d.FinishReason = string(reason.appendString(nil)); d.FinishReason == "" {
			d.FinishReason = "incomplete"
		}
	case `"failed"`, `"cancelled"`:
		if d.Error == "" {
			d.Error = "status " + string(bytes.Trim(e.status, `"`))
		}
		return
	default:
		if inStream || e.output == nil {
			return
		}
	}
	d.Choices, d.Message, d.Again, d.Done = 1, true, inStream, inStream
	readOutputItems(e.output, d)
}

// readOutputItems reads the items of a whole response.
func readOutputItems(output []byte, d *Delta) {
	s := scanner{b: output}
	if !s.open('[') {
		return
	}
	for n := 0; s.more(']', n == 0); n++ {
		item := s.skip()
		switch kind := find(item, []byte("type")); string(kind) {
		case `"reasoning"`:
			before := len(d.Aside)
			appendParts(find(item, []byte("summary")), &d.Aside)
			appendParts(find(item, []byte("content")), &d.Aside)
			d.piece(PieceReasoning, before)
			d.Reasoning = d.Reasoning || len(d.Aside) > before
		case `"function_call"`, `"custom_tool_call"`, `"mcp_call"`:
			d.ToolCall = true
			readOutputCall(item, n, d, "name", "arguments", "input")
		default:
			appendParts(find(item, []byte("content")), &d.Content)
		}
	}
}

// readOutputCall reads members of an item that calls a tool.
func readOutputCall(item []byte, index int, d *Delta, members ...string) {
	at := d.beginCall(index)
	d.Pieces[at].id = bare(find(item, []byte("call_id")))
	for _, name := range members {
		value, kind := scanner{b: find(item, []byte(name))}, PieceArguments
		if name == "name" {
			kind = PieceName
		}
		d.appendPiece(&value, kind)
	}
	d.endCall(at, string(find(item, []byte("type"))) == `"mcp_call"`)
}

// appendParts appends the texts and refusals of a list of parts.
func appendParts(list []byte, dst *[]byte) {
	s := scanner{b: list}
	if !s.open('[') {
		return
	}
	for first := true; s.more(']', first); first = false {
		part := s.skip()
		for _, name := range [...]string{"text", "refusal"} {
			value := scanner{b: find(part, []byte(name))}
			appendText(&value, dst)
		}
	}
}
