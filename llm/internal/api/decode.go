package api

import (
	"bytes"
)

// decode reads what the answers of chat and completion have in common, whole or streamed: choices with a text, a delta
// or a message; a usage map; an error; and the mark that ends a stream.
func decode(data []byte, d *Delta) error {
	d.reset()
	s := scanner{b: data}
	if d.Done = s.peek() != '{' && isDone(data); d.Done {
		return nil
	}
	inArray := s.open('[') // Google's endpoints send errors in an array
	if !s.open('{') {
		s.fail("an object")
		return s.err
	}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "choices":
			s.choices(d)
		case "usage":
			s.usage(d)
		case "x_groq": // Groq puts the usage of a stream, and errors, here
			groq := s.skip()
			if d.Usage == nil {
				s := scanner{b: find(groq, []byte("usage"))}
				s.usage(d)
			}
			if text := find(groq, []byte("error")); !isEmpty(text) && text != nil {
				d.Error = errorText(text)
			}
		case "error":
			s.errorMember(d)
		default:
			f.member(key, s.skip())
		}
	}
	for inArray && s.more(']', false) {
		if s.skip(); d.Error == "" {
			s.fail("one object in a list")
		}
	}
	if s.err == nil && s.peek() != 0 && !isDone(data[s.i:]) {
		s.fail("the end")
	}
	switch {
	case s.err != nil:
	case d.Error == "true" && f.words != nil: // a flag beside a message
		d.Error = errorText(f.words)
	case d.Choices == 0 && d.Error == "" && d.Usage == nil:
		d.Error, d.Words = f.message(data)
	}
	return s.err
}

// isDone reports whether data is the mark that ends a stream, with or without the name of its field before it.
func isDone(data []byte) bool {
	data = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(data), []byte("data:")))
	return bytes.EqualFold(bytes.Trim(data, `"`), []byte("[DONE]"))
}

// usage reads a usage map.
func (s *scanner) usage(d *Delta) {
	if s.peek() == 0 {
		return
	}
	if raw := s.skip(); len(raw) > 0 && raw[0] == '{' {
		d.Usage = raw
	}
}

func (s *scanner) choices(d *Delta) {
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
			s.furtherChoice(d)
		default:
			d.Choices++
			s.choice(d)
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

func (s *scanner) choice(d *Delta) {
	s.open('{')
	rank := 0 // rank of what d holds
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "index":
			d.Index = number(s.skip())
		case "delta":
			rank = s.output(d, rank, rankDelta)
		case "text":
			rank = s.output(d, rank, rankText)
		case "message":
			rank = s.output(d, rank, rankMessage)
		case "finish_reason":
			s.finishReason(d)
		case "usage": // Moonshot puts it here
			s.usage(d)
		case "error":
			s.errorMember(d)
		default:
			s.skip()
		}
	}
	d.Message = rank == rankMessage
}

// furtherChoice replaces the choice before it if its index is lower. Otherwise only its error counts.
func (s *scanner) furtherChoice(d *Delta) {
	raw := s.skip()
	other := scanner{b: raw}
	if index := number(find(raw, []byte("index"))); index < d.Index {
		*d = Delta{
			Choices: d.Choices, Index: index, Content: d.Content[:0], Aside: d.Aside[:0], Usage: d.Usage,
			Error: d.Error,
		}
		other.choice(d)
		return
	}
	other = scanner{b: find(raw, []byte("error"))}
	if other.peek() != 0 {
		other.errorMember(d)
	}
}

// output reads a choice's output of the given rank, in place of output of a lower rank that d holds, and returns the
// rank of what d then holds.
func (s *scanner) output(d *Delta, held, rank int) int {
	if held > rank {
		s.skip()
		return held
	}
	content, aside := len(d.Content), len(d.Aside)
	reasoning, toolCall := d.Reasoning, d.ToolCall
	d.Reasoning, d.ToolCall = false, false
	if rank == rankText {
		s.content(d)
	} else {
		s.message(d)
	}
	if len(d.Content) == content && len(d.Aside) == aside && !d.Reasoning && !d.ToolCall {
		d.Reasoning, d.ToolCall = reasoning, toolCall
		return held
	}
	d.Content = append(d.Content[:0], d.Content[content:]...)
	d.Aside = append(d.Aside[:0], d.Aside[aside:]...)
	return rank
}

func (s *scanner) message(d *Delta) {
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
			s.content(d)
		case "reasoning_content", "reasoning", "thinking", "reasoning_details":
			s.reasoning(d)
		case "tool_calls", "function_call":
			s.toolCalls(d)
		case "error":
			s.errorMember(d)
		default:
			s.skip()
		}
	}
}

// reasoning reads a string or a list of parts, unless the message gave its reasoning under another name before.
func (s *scanner) reasoning(d *Delta) {
	if d.Reasoning {
		s.skip()
		return
	}
	before := len(d.Aside)
	s.texts(&d.Aside)
	d.Reasoning = len(d.Aside) > before
}

// texts appends a string, or the texts of an object, or the texts of a list of objects.
func (s *scanner) texts(dst *[]byte) {
	switch s.peek() {
	case '"':
		*dst = s.appendString(*dst)
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			if s.peek() == '{' {
				s.partTexts(dst)
			} else {
				s.skip()
			}
		}
	case '{':
		s.partTexts(dst)
	default:
		s.skip()
	}
}

// partTexts appends the texts of one part of reasoning.
func (s *scanner) partTexts(dst *[]byte) {
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

// toolCalls reads a list of calls or a single one.
func (s *scanner) toolCalls(d *Delta) {
	switch s.peek() {
	case '{':
		d.ToolCall = s.call(d) || d.ToolCall
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			d.ToolCall = true
			if s.peek() != '{' {
				s.skip()
			} else {
				s.call(d)
			}
		}
	default:
		s.skip()
	}
}

// call appends the name and the arguments of a call, and reports whether the object has any member.
func (s *scanner) call(d *Delta) (any bool) {
	s.open('{')
	for first := true; s.more('}', first); first = false {
		any = true
		switch key := string(s.key()); {
		case key == "function" && s.peek() == '{':
			s.function(d)
		case key == "name" || key == "arguments":
			s.appendValue(d)
		default:
			s.skip()
		}
	}
	return any
}

func (s *scanner) function(d *Delta) {
	s.open('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "name", "arguments":
			s.appendValue(d)
		default:
			s.skip()
		}
	}
}

// appendValue appends the text of a string, or an object as it stands.
func (s *scanner) appendValue(d *Delta) {
	switch s.peek() {
	case '"':
		d.Aside = s.appendString(d.Aside)
	case '{':
		d.Aside = append(d.Aside, s.skip()...)
	default:
		s.skip()
	}
}

// content reads a string, null, a part, or an array of parts or strings.
func (s *scanner) content(d *Delta) {
	switch s.peek() {
	case '"':
		d.Content = s.appendString(d.Content)
	case '{':
		s.part(d)
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			if s.peek() == '"' {
				d.Content = s.appendString(d.Content)
			} else {
				s.part(d)
			}
		}
	default:
		s.skip()
	}
}

// part reads a part of a content: a text, or the reasoning of a part whose type says so.
func (s *scanner) part(d *Delta) {
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
			s.texts(&d.Aside)
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
