package api

import (
	"bytes"
	"encoding/json"
)

// decode reads what chat and completion answers share, whole or streamed: choices with a text, a delta or a message,
// a usage map, an error. All choices count, in their order.
func decode(data []byte, d *Delta) error {
	d.reset()
	s := scanner{b: data}
	if !s.open('{') {
		s.fail("an object")
		return s.err
	}
	var kind, message []byte
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "choices":
			s.choices(d)
		case "usage":
			if s.peek() == '{' {
				d.Usage = s.skip()
			} else {
				s.skip()
			}
		case "error":
			s.errorObject(d)
		case "object":
			kind = s.skip()
		case "message":
			message = s.skip()
		default:
			s.skip()
		}
	}
	if s.err == nil && s.peek() != 0 {
		s.fail("the end")
	}
	if string(kind) == `"error"` && d.Error == "" { // the form older vLLM and SGLang send
		d.Error = errorText(message)
	}
	return s.err
}

func (s *scanner) choices(d *Delta) {
	if !s.open('[') {
		s.skip()
		return
	}
	for first := true; s.more(']', first); first = false {
		if !s.open('{') {
			s.skip()
			continue
		}
		for first := true; s.more('}', first); first = false {
			switch string(s.key()) {
			case "delta", "message":
				s.message(d)
			case "text":
				s.content(d)
			case "finish_reason":
				if s.peek() == '"' {
					d.FinishReason = string(s.appendString(nil))
				} else {
					s.skip()
				}
			default:
				s.skip()
			}
		}
	}
}

func (s *scanner) message(d *Delta) {
	if !s.open('{') {
		s.skip() // null, as some servers send last
		return
	}
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "content":
			s.content(d)
		case "reasoning_content", "reasoning":
			if raw := s.skip(); len(raw) > 0 && raw[0] == '"' && len(raw) > 2 {
				d.Reasoning = true
			}
		case "tool_calls", "function_call":
			if raw := s.skip(); len(raw) > 2 && (raw[0] == '[' || raw[0] == '{') {
				d.ToolCall = true
			}
		default:
			s.skip()
		}
	}
}

// content is a string, null, or an array of parts of which some have a text.
func (s *scanner) content(d *Delta) {
	switch s.peek() {
	case '"':
		d.Content = s.appendString(d.Content)
	case '[':
		s.open('[')
		for first := true; s.more(']', first); first = false {
			s.part(d)
		}
	default:
		s.skip()
	}
}

func (s *scanner) part(d *Delta) {
	if !s.open('{') {
		s.skip()
		return
	}
	for first := true; s.more('}', first); first = false {
		if string(s.key()) == "text" && s.peek() == '"' {
			d.Content = s.appendString(d.Content)
		} else {
			s.skip()
		}
	}
}

// errorObject reads {"message": …}, or whatever else stands in its place; null, false and empty values are no error.
func (s *scanner) errorObject(d *Delta) {
	if s.peek() != '{' {
		switch raw := s.skip(); string(raw) {
		case "null", "false", `""`, "[]":
		default:
			d.Error = errorText(raw)
		}
		return
	}
	whole := s.skip()
	if d.Error = errorText(whole); string(whole) == "{}" {
		d.Error = ""
	}
}

// ErrorMessage finds what went wrong in the body of a refused request: error.message, message, detail, or the body itself.
func ErrorMessage(body []byte) string {
	var d Delta
	if err := decode(body, &d); err == nil && d.Error != "" {
		return d.Error
	}
	return errorText(body)
}

// errorText gives the message of an error value: a string's text, an object's message or detail, else the JSON itself.
func errorText(raw []byte) string {
	s := scanner{b: raw}
	switch s.peek() {
	case '"':
		if text := s.appendString(nil); s.err == nil {
			return string(text)
		}
	case '{':
		s.open('{')
		for first := true; s.more('}', first); first = false {
			key := string(s.key())
			if value := s.skip(); (key == "message" || key == "detail") && len(value) > 2 && value[0] == '"' {
				return errorText(value)
			}
		}
	}
	return string(raw)
}

// MergeUsage appends to dst[:0] the members of old and next, those of next winning, as inference-perf merges the usage
// maps of several chunks. Neither may overlap dst, unless old is dst. It allocates nothing when next has all names of old,
// as the maps of a server have that reports usage with every chunk.
func MergeUsage(dst, old, next []byte) []byte {
	lost := false
	s := scanner{b: old}
	if len(old) > 0 && s.open('{') {
		for first := true; s.more('}', first) && !lost; first = false {
			lost = !hasKey(next, s.key())
			s.skip()
		}
	}
	if !lost {
		return append(dst[:0], next...)
	}
	merged := map[string]json.RawMessage{}
	for _, part := range [...][]byte{old, next} {
		if err := json.Unmarshal(part, &merged); err != nil {
			return append(dst[:0], next...) // not reached with what decode found
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return append(dst[:0], next...)
	}
	return append(dst[:0], text...)
}

func hasKey(object, key []byte) bool {
	s := scanner{b: object}
	if !s.open('{') {
		return false
	}
	for first := true; s.more('}', first); first = false {
		if bytes.Equal(s.key(), key) {
			return true
		}
		s.skip()
	}
	return false
}
