package api

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks one JSON text from front to back and allocates nothing: a chunk's text, often holding an escape, goes
// straight into the caller's buffer. (gjson allocates each string that has an escape, encoding/json each string.)
// It reads any valid JSON as encoding/json does; of invalid JSON it notices what keeps it from finding its way.
// The first error stays, and every later step is a no-op.
type scanner struct {
	b   []byte
	i   int
	cut bool // a string did not end
	err error
}

func (s *scanner) fail(want string) {
	if s.err != nil {
		return
	}
	s.err = fmt.Errorf("invalid JSON at byte %d: expected %s", s.i, want)
	if s.i >= len(s.b) || s.cut {
		s.err = fmt.Errorf("invalid JSON at byte %d: expected %s (%w)", s.i, want, io.ErrUnexpectedEOF)
	}
	s.i = len(s.b)
}

// peek returns the first byte of the next token, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return s.b[s.i]
		}
	}
	return 0
}

// open enters an object or an array, and reports whether it could.
func (s *scanner) open(bracket byte) bool {
	if s.err != nil || s.peek() != bracket {
		return false
	}
	s.i++
	return true
}

// more reports whether another member follows, and steps over the comma before it or the bracket after the last.
func (s *scanner) more(closing byte, first bool) bool {
	switch c := s.peek(); {
	case s.err != nil:
	case c == closing:
		s.i++
	case first && c != 0:
		return true
	case c == ',':
		s.i++
		return true
	default:
		s.fail("a comma or " + string(closing))
	}
	return false
}

// key reads a member's name and the colon after it.
func (s *scanner) key() []byte {
	raw := s.rawString()
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = appendUnescaped(nil, raw)
	}
	if s.peek() != ':' {
		s.fail("a colon")
		return nil
	}
	s.i++
	return raw
}

// rawString reads a string token and returns the bytes between its quotes.
func (s *scanner) rawString() []byte {
	if s.err != nil || s.peek() != '"' {
		s.fail("a string")
		return nil
	}
	from := s.i + 1
	for i := from; i < len(s.b); i++ {
		switch s.b[i] {
		case '"':
			s.i = i + 1
			return s.b[from:i]
		case '\\':
			i++
		}
	}
	s.cut = true
	s.fail("the end of a string")
	return nil
}

// appendString reads a string token and appends its text.
func (s *scanner) appendString(dst []byte) []byte {
	return appendUnescaped(dst, s.rawString())
}

// skip passes over one value and returns its text.
func (s *scanner) skip() []byte {
	first := s.peek()
	from := s.i
	switch first {
	case '"':
		s.rawString()
	case '{', '[':
		s.skipNested()
	case 0, ',', ':', '}', ']':
		s.fail("a value")
	default:
		for s.i < len(s.b) && !isDelimiter(s.b[s.i]) {
			s.i++
		}
	}
	if s.err != nil {
		return nil
	}
	return s.b[from:s.i]
}

// skipNested passes over an object or array by counting brackets, so that no nesting a server sends costs stack.
func (s *scanner) skipNested() {
	for depth := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			s.rawString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
	s.fail("a closing bracket")
}

func isDelimiter(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ':', '}', ']', '{', '[', '"':
		return true
	}
	return false
}

// appendUnescaped appends the text inside a string token. Bytes that are not UTF-8 and halves of surrogate pairs become
// U+FFFD, as in encoding/json.
func appendUnescaped(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return appendValid(dst, raw)
		}
		dst = appendValid(dst, raw[:i])
		raw = raw[i+1:]
		if len(raw) == 0 {
			return dst
		}
		if raw[0] == 'u' {
			var r rune
			r, raw = unescapeRune(raw[1:])
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, unescaped(raw[0]))
		raw = raw[1:]
	}
	return dst
}

func appendValid(dst, raw []byte) []byte {
	if utf8.Valid(raw) {
		return append(dst, raw...)
	}
	for _, r := range string(raw) {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// unescapeRune reads the digits after \u, and the digits after a second \u if the two form a surrogate pair.
func unescapeRune(raw []byte) (rune, []byte) {
	r, ok := hex4(raw)
	if !ok {
		return utf8.RuneError, raw
	}
	raw = raw[4:]
	if !utf16.IsSurrogate(r) {
		return r, raw
	}
	if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
		if low, ok := hex4(raw[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, raw[6:]
			}
		}
	}
	return utf8.RuneError, raw
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range raw[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
