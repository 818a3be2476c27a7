package validation

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"
)

// maxElement bounds the size of one request in bytes. It is large because bodies may contain media.
const maxElement = 256 << 20

// maxDepth bounds the nesting of a request.
const maxDepth = 1000

// elements splits a JSON array of objects and holds one object at a time. Errors are those of the source, or of type
// *syntaxError.
type elements struct {
	scan  *bufio.Scanner
	limit int // of an object, in bytes
	n     int // objects so far

	begun, ended, comma bool // whether the array has begun or ended, and whether a comma followed the last object
	at, depth           int  // bytes read and brackets open in the object at the start of the buffer
	quoted              bool // whether at is within a string
}

// syntaxError reports that a file is not an array of objects.
type syntaxError struct{ text string }

func (e *syntaxError) Error() string { return e.text }

func newElements(src io.Reader, limit int) *elements {
	e := &elements{scan: bufio.NewScanner(src), limit: limit}
	e.scan.Buffer(make([]byte, 0, min(1<<18, limit)), limit)
	e.scan.Split(e.split)
	return e
}

// next returns the next object, nil after the last one. The slice is valid until the next call.
func (e *elements) next() (object []byte, err error) {
	if e.scan.Scan() {
		e.n++
		if object = e.scan.Bytes(); !gjson.ValidBytes(object) {
			return nil, &syntaxError{fmt.Sprintf("record %d is not valid JSON", e.n-1)}
		}
		return object, nil
	}
	err = e.scan.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, &syntaxError{fmt.Sprintf("record %d is over %d bytes", e.n, e.limit)}
	case err == nil && !e.ended:
		return nil, &syntaxError{"the list has no end"}
	}
	return nil, err
}

// split is a bufio.SplitFunc. It reads each byte once.
func (e *elements) split(data []byte, atEOF bool) (advance int, token []byte, err error) {
	skip := 0
	if e.depth == 0 {
		if skip, err = e.between(data); err != nil || skip == len(data) {
			return skip, nil, err
		}
	}
	if err := e.advance(data[skip:]); err != nil {
		return 0, nil, err
	}
	if e.depth == 0 {
		end := skip + e.at
		e.at, e.comma = 0, false
		return end, data[skip:end], nil
	}
	if atEOF {
		return 0, nil, &syntaxError{fmt.Sprintf("the file ends within record %d", e.n)}
	}
	return skip, nil, nil
}

// between skips the bytes around objects, up to the first byte of an object or the end of data.
func (e *elements) between(data []byte) (int, error) {
	for i, c := range data {
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '[' && !e.begun:
			e.begun = true
		case c == ']' && e.begun && !e.ended && !e.comma:
			e.ended = true
		case c == ',' && !e.ended && !e.comma && e.n > 0:
			e.comma = true
		case c == '{' && e.begun && !e.ended && (e.comma || e.n == 0):
			return i, nil
		default:
			return 0, &syntaxError{fmt.Sprintf("%q in place of record %d or the end of the list", c, e.n)}
		}
	}
	return len(data), nil
}

// advance continues the object at the start of data, from where the last call stopped to the end of the object or of
// data.
func (e *elements) advance(data []byte) error {
	at, quoted := e.at, e.quoted // locals, for speed: these are the loops that gigabytes go through
	for at < len(data) {
		c := data[at]
		at++
		switch {
		case quoted && c == '\\':
			at++ // it may be beyond data; then it is passed over when data has more
		case quoted:
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if e.depth++; e.depth > maxDepth {
				return &syntaxError{fmt.Sprintf("record %d is nested deeper than %d", e.n, maxDepth)}
			}
		case c == '}' || c == ']':
			if e.depth--; e.depth == 0 {
				e.at, e.quoted = at, false
				return nil
			}
		}
	}
	e.at, e.quoted = at, quoted
	return nil
}
