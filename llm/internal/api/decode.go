package api

import "bytes"

// decode reads what the answers of chat and completion have in common, whole or streamed: choices with a text, a delta
// or a message; a usage map; an error; and the mark that ends a stream.
func decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "choices":
			readChoices(&s, d)
		case "usage":
			readUsage(&s, d)
		case "x_groq": // Groq puts the usage of a stream, and errors, here
			groq := s.skip()
			if d.Usage == nil {
				s := scanner{b: find(groq, []byte("usage"))}
				readUsage(&s, d)
			}
			if text := find(groq, []byte("error")); !isEmpty(text) && text != nil {
				d.Error = errorText(text)
			}
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	return leave(&s, d, &f, inArray)
}

// enter begins the decoding of an object, of the first object of an array, or of the mark that ends a stream. It
// reports whether the object's members follow.
func enter(s *scanner, d *Delta) (inArray, entered bool) {
	d.reset()
	if d.Done = s.peek() != '{' && isDone(s.b); d.Done {
		return false, false
	}
	inArray = s.open('[') // Google's endpoints send errors in an array
	if !s.open('{') {
		s.fail("an object")
		return inArray, false
	}
	return inArray, true
}

// leave ends the decoding of an object behind its last member, and looks at what the unknown members say.
func leave(s *scanner, d *Delta, f *fault, inArray bool) error {
	for inArray && s.more(']', false) {
		if s.skip(); d.Error == "" {
			s.fail("one object in a list")
		}
	}
	if s.err == nil && s.peek() != 0 && !isDone(s.b[s.i:]) {
		s.fail("the end")
	}
	switch {
	case s.err != nil:
	case d.Error == "true" && f.words != nil: // a flag beside a message
		d.Error = errorText(f.words)
	case d.Choices == 0 && d.Error == "" && d.Usage == nil && !d.Done:
		d.Error, d.Words = f.message(s.b)
	}
	return s.err
}

// isDone reports whether data is the mark that ends a stream, with or without the name of its field before it.
func isDone(data []byte) bool {
	data = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(data), []byte("data:")))
	return bytes.EqualFold(bytes.Trim(data, `"`), []byte("[DONE]"))
}

// readUsage reads a usage map.
func readUsage(s *scanner, d *Delta) {
	if s.peek() == 0 {
		return
	}
	if raw := s.skip(); len(raw) > 0 && raw[0] == '{' {
		d.Usage = raw
	}
}

func readChoices(s *scanner, d *Delta) {
	if !s.open('[') {
		s.skip()
		return
	}
	for first := true; s.more(']', first); first = false {
		switch {
		case s.peek() != '{':
			s.skip()
		case d.Choices > 0:
			d.Choices++
			readFurtherChoice(s, d)
		default:
			d.Choices++
			readChoice(s, d)
		}
	}
}

// A choice may carry the same text under several names. These are the ranks of the names: of those with a text, the one
// with the highest rank counts.
const (
	rankMessage = iota + 1
	rankText
	rankDelta
)

func readChoice(s *scanner, d *Delta) {
	s.open('{')
	rank := 0 // rank of what d holds
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "index":
			d.Index = number(s.skip())
		case "delta":
			rank = readOutput(s, d, rank, rankDelta)
		case "text":
			rank = readOutput(s, d, rank, rankText)
		case "message":
			rank = readOutput(s, d, rank, rankMessage)
		case "finish_reason":
			readFinishReason(s, d)
		case "usage": // Moonshot puts it here
			readUsage(s, d)
		case "error":
			readError(s, d)
		default:
			s.skip()
		}
	}
	d.Message = rank == rankMessage
}

// readFurtherChoice replaces the choice before it if its index is lower. Otherwise only its error counts.
func readFurtherChoice(s *scanner, d *Delta) {
	raw := s.skip()
	other := scanner{b: raw}
	if index := number(find(raw, []byte("index"))); index < d.Index {
		*d = Delta{
			Choices: d.Choices, Index: index, Content: d.Content[:0], Aside: d.Aside[:0], Pieces: d.Pieces[:0],
			Usage: d.Usage, Error: d.Error,
		}
		readChoice(&other, d)
		return
	}
	other = scanner{b: find(raw, []byte("error"))}
	if other.peek() != 0 {
		readError(&other, d)
	}
}

// readOutput reads a choice's output of the given rank, in place of output of a lower rank that d holds, and returns
// the rank of what d then holds.
func readOutput(s *scanner, d *Delta, held, rank int) int {
	if held > rank {
		s.skip()
		return held
	}
	content, aside, pieces := len(d.Content), len(d.Aside), len(d.Pieces)
	reasoning, toolCall := d.Reasoning, d.ToolCall
	d.Reasoning, d.ToolCall = false, false
	if rank == rankText {
		readContent(s, d)
	} else {
		readMessage(s, d)
	}
	if len(d.Content) == content && len(d.Aside) == aside && !d.Reasoning && !d.ToolCall {
		d.Reasoning, d.ToolCall = reasoning, toolCall
		return held
	}
	d.Content = append(d.Content[:0], d.Content[content:]...)
	d.Aside = append(d.Aside[:0], d.Aside[aside:]...)
	d.Pieces = append(d.Pieces[:0], d.Pieces[pieces:]...)
	return rank
}

func readMessage(s *scanner, d *Delta) {
	if s.peek() == '"' {
		d.Content = s.appendString(d.Content)
		return
	}
	if !s.open('{') {
		s.skip() // null, which some servers send last
		return
	}
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "content", "refusal":
			readContent(s, d)
		case "reasoning_content", "reasoning", "thinking", "reasoning_details":
			readReasoning(s, d)
		case "tool_calls", "function_call":
			readToolCalls(s, d)
		case "error":
			readError(s, d)
		default:
			s.skip()
		}
	}
}

// readReasoning reads a string or a list of parts, unless the message gave its reasoning under another name before.
func readReasoning(s *scanner, d *Delta) {
	if d.Reasoning {
		s.skip()
		return
	}
	before := len(d.Aside)
	appendTexts(s, &d.Aside)
	d.piece(PieceReasoning, before)
	d.Reasoning = len(d.Aside) > before
}

// appendTexts appends a string, or the texts of an object, or the texts of a list of objects.
func appendTexts(s *scanner, dst *[]byte) {
	switch s.peek() {
	case '"':
		*dst = s.appendString(*dst)
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			if s.peek() == '{' {
				appendPartTexts(s, dst)
			} else {
				s.skip()
			}
		}
	case '{':
		appendPartTexts(s, dst)
	default:
		s.skip()
	}
}

// appendPartTexts appends the texts of one part of reasoning.
func appendPartTexts(s *scanner, dst *[]byte) {
	s.open('{')
	for first := true; s.more('}', first); first = false {
		switch key := string(s.key()); {
		case s.peek() == '"' && (key == "text" || key == "summary" || key == "thinking" || key == "content"):
			*dst = s.appendString(*dst)
		default:
			s.skip()
		}
	}
}

// readToolCalls reads a list of calls or a single one.
func readToolCalls(s *scanner, d *Delta) {
	switch s.peek() {
	case '{':
		d.ToolCall = readCall(s, d) || d.ToolCall
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			d.ToolCall = true
			if s.peek() != '{' {
				s.skip()
			} else {
				readCall(s, d)
			}
		}
	default:
		s.skip()
	}
}

// readCall appends the name and the arguments of a call, and reports whether the object has any member.
func readCall(s *scanner, d *Delta) (any bool) {
	s.open('{')
	at := d.beginCall(noIndex)
	for first := true; s.more('}', first); first = false {
		any = true
		switch key := string(s.key()); {
		case key == "function" && s.peek() == '{':
			readFunction(s, d)
		case key == "name":
			appendValue(s, d, PieceName)
		case key == "arguments":
			appendValue(s, d, PieceArguments)
		case key == "index":
			d.Pieces[at].Index = place(s.skip())
		case key == "id":
			d.Pieces[at].id = bare(s.skip())
		default:
			s.skip()
		}
	}
	d.endCall(at, false)
	return any
}

func readFunction(s *scanner, d *Delta) {
	s.open('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "name":
			appendValue(s, d, PieceName)
		case "arguments":
			appendValue(s, d, PieceArguments)
		default:
			s.skip()
		}
	}
}

// appendValue appends the text of a string, or an object as it stands.
func appendValue(s *scanner, d *Delta, kind PieceKind) {
	from := len(d.Aside)
	switch s.peek() {
	case '"':
		d.Aside = s.appendString(d.Aside)
	case '{':
		d.Aside = append(d.Aside, s.skip()...)
	default:
		s.skip()
	}
	d.piece(kind, from)
}

// readContent reads a string, null, a part, or an array of parts or strings.
func readContent(s *scanner, d *Delta) {
	switch s.peek() {
	case '"':
		d.Content = s.appendString(d.Content)
	case '{':
		readPart(s, d)
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			if s.peek() == '"' {
				d.Content = s.appendString(d.Content)
			} else {
				readPart(s, d)
			}
		}
	default:
		s.skip()
	}
}

// readPart reads a part of a content: a text, or the reasoning of a part whose type says so.
func readPart(s *scanner, d *Delta) {
	if !s.open('{') {
		s.skip()
		return
	}
	content, aside := len(d.Content), len(d.Aside)
	thinks := false
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "text":
			if s.peek() == '"' {
				d.Content = s.appendString(d.Content)
			} else {
				s.skip()
			}
		case "thinking", "reasoning":
			appendTexts(s, &d.Aside)
		case "type":
			kind := s.skip()
			thinks = string(kind) == `"thinking"` || string(kind) == `"reasoning"`
		default:
			s.skip()
		}
	}
	if thinks {
		d.Aside = append(d.Aside, d.Content[content:]...)
		d.Content = d.Content[:content]
	}
	d.piece(PieceReasoning, aside)
	d.Reasoning = d.Reasoning || len(d.Aside) > aside
}

// number reads a small count; it returns 0 for anything else.
func number(raw []byte) (n int) {
	for _, c := range raw {
		if c < '0' || c > '9' || n > 1<<20 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}
