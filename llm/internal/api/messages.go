package api

import (
	"errors"
	"strconv"
	"strings"
)

// Messages is the dialect of Anthropic's Messages.
var Messages Dialect = messages{}

type messages struct{}

// Output returns that answers are texts.
func (messages) Output() Output { return OutputText }

func (messages) Name() string     { return "anthropic_messages" }
func (messages) Verb() string     { return "messages" }
func (messages) Path() string     { return "/messages" }
func (messages) Input() Input     { return InputMessages }
func (messages) IgnoresEOS() bool { return false }
func (messages) EndMark() string  { return "message_stop" }

// messagesVersion is the version of the API, which Anthropic's own servers want to be told.
const messagesVersion = "2023-06-01"

// Headers returns the version, which inference-perf sends only beside a key, and the key.
func (messages) Headers(key string) map[string]string {
	headers := map[string]string{"anthropic-version": messagesVersion}
	if key != "" {
		headers["x-api-key"] = strings.TrimPrefix(key, "Bearer ")
	}
	return headers
}

// Body converts a chat of OpenAI's form to one of Anthropic's, as inference-perf does. What has Anthropic's form
// already is sent as it is.
func (messages) Body(r *Request) ([]byte, error) {
	if r.Format != nil {
		return nil, errors.New("responseFormat has no field in api anthropic_messages: leave it out")
	}
	if r.Previous != "" {
		return nil, errPrevious
	}
	w := newBody(r)
	w.extra = anthropicFields(r.Extra)
	w.text("model", r.Model)
	list, system := anthropicChat(r.Messages, r.Checked)
	w.messages("messages", list, r)
	w.limit(r, MaxTokensField)
	w.plain("stream", strconv.FormatBool(r.Stream))
	if system != "" {
		w.text("system", system)
	}
	choice := r.ToolChoice
	if string(choice) == `"none"` { // inference-perf leaves it out, as servers did not always know it
		choice = nil
	}
	w.tools(anthropicTools(r.Tools), anthropicChoice(choice))
	return w.finish()
}

// Decode reads a message, whole or one of its events. The members say what they are, so their order does not matter,
// and the type matters only where it stands alone. Events besides ping and error belong to the one choice there is.
func (messages) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	index := noIndex
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "index":
			index = place(s.skip())
		case "type":
			kind := s.skip()
			d.readType(kind)
			f.member(key, kind)
		case "delta", "content_block":
			d.Choices = 1
			readBlock(&s, d, noIndex)
		case "message":
			readStart(&s, d, &f)
		case "content":
			readBlocks(&s, d)
		case "stop_reason":
			readFinishReason(&s, d)
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	for i := range d.Pieces {
		if index != noIndex { // of an event, which may have it last
			d.Pieces[i].Index = index
		}
	}
	return leave(&s, d, &f, inArray)
}

func (d *Delta) readType(kind []byte) {
	switch string(kind) {
	case `"message_stop"`:
		d.Done = true
	case `"message_start"`, `"content_block_stop"`, `"message_delta"`:
		d.Choices = 1
	}
}

// readStart reads the message of a message_start, which has the usage of the prompt and no content yet.
func readStart(s *scanner, d *Delta, f *fault) {
	raw := s.skip()
	if len(raw) == 0 || raw[0] != '{' {
		f.say(raw) // the words of an error
		return
	}
	usage := scanner{b: find(raw, []byte("usage"))}
	readUsage(&usage, d)
}

// readBlocks reads the content of a whole message: a list of blocks, or a text.
func readBlocks(s *scanner, d *Delta) {
	d.Choices, d.Message = 1, true
	if s.peek() == '"' {
		d.Content = s.appendString(d.Content)
		return
	}
	if !s.open('[') {
		s.skip()
		return
	}
	for n := 0; s.more(']', n == 0); n++ {
		if readBlock(s, d, n) {
			d.ToolCall = true
		}
	}
}

// readBlock reads a block of content, the beginning of one, or a delta, and reports whether it names a tool. A call of
// a tool counts as output from its first argument on, and its name does not.
func readBlock(s *scanner, d *Delta, index int) (tool bool) {
	if !s.open('{') {
		s.skip()
		return false
	}
	at, servers := noPiece, false
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "text":
			appendText(s, &d.Content)
		case "type":
			servers = isServerTool(s.skip())
		case "thinking":
			d.Reasoning = d.appendPiece(s, PieceReasoning) || d.Reasoning
		case "id":
			id := bare(s.skip())
			at = d.inCall(at, index)
			d.Pieces[at].id = id
		case "partial_json":
			at = d.inCall(at, index)
			d.ToolCall = d.appendPiece(s, PieceArguments) || d.ToolCall
		case "name":
			at = d.inCall(at, index)
			tool = d.appendPiece(s, PieceName) || tool
		case "input":
			if input := s.skip(); len(input) > 0 && input[0] == '{' && !isEmpty(input) {
				at = d.inCall(at, index)
				d.Aside, d.ToolCall = append(d.Aside, input...), true
				d.piece(PieceArguments, len(d.Aside)-len(input))
			}
		case "stop_reason":
			readFinishReason(s, d)
		default:
			s.skip()
		}
	}
	if at != noPiece {
		d.endCall(at, servers)
	}
	return tool
}

// isServerTool reports whether a block of the kind calls a tool that the server runs.
func isServerTool(kind []byte) bool {
	return string(kind) == `"server_tool_use"` || string(kind) == `"mcp_tool_use"`
}

// appendPiece appends a string to Aside, and reports whether it is one with a text.
func (d *Delta) appendPiece(s *scanner, kind PieceKind) bool {
	from := len(d.Aside)
	appendText(s, &d.Aside)
	d.piece(kind, from)
	return len(d.Aside) > from
}

// appendText appends a string, and reports whether it is one with a text.
func appendText(s *scanner, dst *[]byte) bool {
	if s.peek() != '"' {
		s.skip()
		return false
	}
	before := len(*dst)
	*dst = s.appendString(*dst)
	return len(*dst) > before
}
