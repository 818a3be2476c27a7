package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// maxLine bounds a line, in bytes; a line is long only when bodies are kept.
const maxLine = 1 << 28

// SyntaxError reports a line that could not be read. Reading may go on after it.
type SyntaxError struct {
	File string
	Line int
	// Cut is set for a last line without its line break, as a killed process leaves it.
	Cut bool
	Err error
}

// Error returns file:line and the reason.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the reason.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Reader reads a record file line by line. It must not be used concurrently.
type Reader struct {
	Decoder

	file  string
	line  int
	begun bool
	src   *bufio.Reader
	buf   []byte
}

// NewReader returns a Reader of the lines in src, which may begin with a byte-order mark; file is the name of src in
// errors.
func NewReader(src io.Reader, file string) *Reader {
	return &Reader{file: file, src: bufio.NewReaderSize(src, 1<<18)}
}

// Next returns the next line, io.EOF after the last, a *SyntaxError for a line it cannot read, or the error of the
// source.
func (r *Reader) Next() (Line, error) {
	for {
		data, err := r.next()
		if err != nil && (!errors.Is(err, io.EOF) || len(data) == 0) {
			return nil, err
		}
		r.line++
		if text := bytes.TrimSpace(data); len(text) > 0 {
			line, perr := r.Parse(text)
			if perr != nil {
				return nil, &SyntaxError{File: r.file, Line: r.line, Cut: err != nil, Err: perr}
			}
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// next returns the bytes up to and with the next line break; they live until the following call.
func (r *Reader) next() ([]byte, error) {
	if !r.begun {
		r.begun = true
		if err := textfile.Skip(r.src); err != nil {
			return nil, err
		}
	}
	r.buf = r.buf[:0]
	for {
		part, err := r.src.ReadSlice('\n')
		if len(r.buf) == 0 && !errors.Is(err, bufio.ErrBufferFull) {
			return part, err
		}
		if len(r.buf)+len(part) > maxLine {
			return nil,
				&SyntaxError{File: r.file, Line: r.line + 1, Err: fmt.Errorf("line longer than %d MiB", maxLine>>20)}
		}
		r.buf = append(r.buf, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.buf, err
		}
	}
}
