package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	window   = 1 << 18
	maxValue = 1 << 29 // bytes of one value in memory: a request with its bodies
	maxDepth = 256
)

// stream reads a JSON text of any length. It holds one value at a time; the objects and arrays around that value are
// entered and left step by step.
type stream struct {
	src  io.Reader
	buf  []byte
	r, w int   // buf[r:w] is unread
	base int64 // the offset of buf[0] in the text
	err  error // the last error of the source

	open []level

	begun, listed bool // begun: next has been called; listed: the values are items of an array
}

// level is an object or array that was entered.
type level struct {
	close byte
	begun bool
}

func newStream(src io.Reader) *stream { return &stream{src: src, buf: make([]byte, window)} }

// fill reads more bytes into the buffer, and moves or enlarges it if it is full. It returns io.EOF at the end.
func (s *stream) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.w == len(s.buf) && s.r > 0 {
		copy(s.buf, s.buf[s.r:s.w])
		s.base += int64(s.r)
		s.r, s.w = 0, s.w-s.r
	}
	if s.w == len(s.buf) {
		if len(s.buf) >= maxValue {
			return fmt.Errorf("a value at byte %d is longer than %d MiB", s.base, maxValue>>20)
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.w:])
		s.w += n
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// peek returns the next byte that is not white space without reading it. It returns io.EOF at the end.
func (s *stream) peek() (byte, error) {
	for {
		for ; s.r < s.w; s.r++ {
			if class[s.buf[s.r]] != space {
				return s.buf[s.r], nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// need returns the same as peek, but io.ErrUnexpectedEOF at the end, for use where the text cannot end.
func (s *stream) need() (byte, error) {
	c, err := s.peek()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c, err
}

func (s *stream) take(want byte) error {
	c, err := s.need()
	if err != nil {
		return err
	}
	if c != want {
		return fmt.Errorf("byte %d: want %q, got %q", s.base+int64(s.r), want, c)
	}
	s.r++
	return nil
}

// enter reads the opening bracket of an object or array.
func (s *stream) enter(bracket byte) error {
	if err := s.take(bracket); err != nil {
		return err
	}
	// for both kinds the closing bracket is two code points after the opening one
	s.open = append(s.open, level{close: bracket + 2})
	return nil
}

// more reports whether the current object or array has another member or item. If it has none, more leaves it.
func (s *stream) more() (bool, error) {
	l := &s.open[len(s.open)-1]
	c, err := s.need()
	if err != nil {
		return false, err
	}
	if c == l.close {
		s.r++
		s.open = s.open[:len(s.open)-1]
		return false, nil
	}
	if l.begun {
		return true, s.take(',')
	}
	l.begun = true
	return true, nil
}

// member calls more in an object and reads the key.
func (s *stream) member() (key string, more bool, err error) {
	more, err = s.more()
	if err != nil || !more {
		return "", false, err
	}
	c, err := s.need()
	if err != nil {
		return "", false, err
	}
	if c != '"' {
		return "", false, fmt.Errorf("byte %d: want a key, got %q", s.base+int64(s.r), c)
	}
	raw, err := s.value()
	if err != nil {
		return "", false, err
	}
	key = string(raw[1 : len(raw)-1]) // a copy, because take may move the bytes
	return key, true, s.take(':')
}

// value reads the next value and returns its text, which is valid until the next call.
func (s *stream) value() ([]byte, error) {
	if _, err := s.need(); err != nil {
		return nil, err
	}
	var f frame
	for at := 0; ; {
		n, done := f.scan(s.buf[s.r+at : s.w])
		at += n
		if f.deep {
			return nil, fmt.Errorf("byte %d: more than %d levels of nesting", s.base+int64(s.r), maxDepth)
		}
		if done {
			if at == 0 {
				return nil, fmt.Errorf("byte %d: want a value, got %q", s.base+int64(s.r), s.buf[s.r])
			}
			s.r += at
			return s.buf[s.r-at : s.r], nil
		}
		if err := s.fill(); err != nil {
			return nil, unexpected(err)
		}
	}
}

// skip skips the next value without holding it.
func (s *stream) skip() error {
	if _, err := s.need(); err != nil {
		return err
	}
	start := s.base + int64(s.r)
	for f := (frame{}); ; {
		n, done := f.scan(s.buf[s.r:s.w])
		s.r += n
		switch {
		case f.deep:
			return fmt.Errorf("byte %d: more than %d levels of nesting", start, maxDepth)
		case done && s.base+int64(s.r) == start:
			return fmt.Errorf("byte %d: want a value", start)
		case done:
			return nil
		}
		if err := s.fill(); err != nil {
			return unexpected(err)
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Classes of bytes outside strings.
const (
	plain = iota
	space
	comma // a comma or a colon
	quote
	opening
	closing
)

var class = [256]byte{' ': space, '\n': space, '\r': space, '\t': space, '"': quote, '{': opening, '[': opening,
	'}': closing, ']': closing, ',': comma, ':': comma}

// frame finds the end of a value that arrives in pieces. It does not distinguish brackets from braces, because the code
// that reads the value does.
type frame struct {
	depth       int
	str, scalar bool
	deep        bool // nested beyond maxDepth
	escaped     bool // the last piece ended with a backslash
}

// scan returns how many bytes of b belong to the value, and whether the value is whole.
func (f *frame) scan(b []byte) (n int, done bool) {
	for n < len(b) {
		if f.str {
			k, closed := f.inString(b[n:])
			n += k
			if !closed {
				return n, false
			}
			f.str = false
			if f.depth == 0 {
				return n, true
			}
		}
		if f.depth > 0 {
			for n < len(b) && class[b[n]] < quote {
				n++
			}
		} else {
			for n < len(b) && class[b[n]] == plain {
				f.scalar = true
				n++
			}
		}
		if n == len(b) {
			return n, false
		}
		if f.scalar { // white space, a comma or a bracket ends the value
			return n, true
		}
		if f.mark(b[n]) {
			n++
		}
		if f.depth == 0 && !f.str || f.deep {
			return n, true
		}
	}
	return n, false
}

// mark handles a byte that is not plain, and reports whether it belongs to the value.
func (f *frame) mark(c byte) bool {
	switch class[c] {
	case quote:
		f.str = true
	case opening:
		f.depth++
		f.deep = f.depth > maxDepth
	case closing:
		if f.depth == 0 {
			return false
		}
		f.depth--
	default: // white space or a comma at depth 0
		return false
	}
	return true
}

// inString returns the number of bytes up to and including the closing quote, and whether there is one.
func (f *frame) inString(b []byte) (n int, closed bool) {
	from := 0
	if f.escaped && len(b) > 0 {
		f.escaped, from = false, 1
	}
	for at := from; ; {
		q := bytes.IndexByte(b[at:], '"')
		if q < 0 {
			f.escaped = backslashes(b[from:])%2 == 1
			return len(b), false
		}
		at += q + 1
		if backslashes(b[from:at-1])%2 == 0 {
			return at, true
		}
	}
}

// backslashes returns the number of backslashes at the end of b.
func backslashes(b []byte) (n int) {
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}
