package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// maxValue bounds one record of a file.
const maxValue = 256 << 20

// maxDepth bounds the nesting of a record.
const maxDepth = 1000

// values takes a stream of JSON apart into values: those of an array, or one after the other with or without line
// breaks between. It looks at no more than it must to find where each ends.
type values struct {
	src   io.Reader
	buf   []byte
	pos   int   // of the next byte in buf
	err   error // of src, once buf holds all that came before it
	line  int   // of buf[pos], from 1
	array bool
	begun bool
	// of the value that is read:
	open   []byte // brackets
	quoted bool   // a string
}

func newValues(src io.Reader) *values { return &values{src: src, line: 1} }

// next is the next value and the line it begins on; io.EOF after the last. The bytes are good until the next call.
func (v *values) next() (value []byte, line int, err error) {
	c, err := v.between()
	if err != nil {
		return nil, v.line, err
	}
	line = v.line
	if c != '{' && c != '[' && c != '"' {
		return nil, line, v.syntax()
	}
	end, err := v.end()
	if err != nil {
		return nil, v.line, err
	}
	value = v.buf[v.pos : v.pos+end]
	v.line += bytes.Count(value, newline)
	v.pos += end
	return value, line, nil
}

var newline = []byte{'\n'}

// between reads up to the first byte of a value and returns it.
func (v *values) between() (byte, error) {
	comma := !v.begun
	for {
		c, err := v.peek()
		switch {
		case err == io.EOF && !v.begun:
			return 0, errors.New("the file is empty")
		case err == io.EOF && v.array:
			return 0, errCut
		case err != nil:
			return 0, err
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\n':
			v.line++
		case c == textfile.Mark[0] && v.isMark(): // of a file that was put behind another
			v.pos += len(textfile.Mark) - 1
		case c == '[' && !v.begun:
			v.array = true
			v.begun = true
		case c == ',' && v.array && !comma:
			comma = true
		case c == ']' && v.array:
			v.pos++
			return 0, v.rest()
		case v.array && !comma && v.begun && c != '{' && c != '"':
			return 0, v.syntax()
		default:
			v.begun = true
			return c, nil
		}
		v.pos++
	}
}

// isMark reports whether a byte order mark stands at pos.
func (v *values) isMark() bool {
	for len(v.buf)-v.pos < len(textfile.Mark) && v.err == nil {
		v.fill()
	}
	return bytes.HasPrefix(v.buf[v.pos:], []byte(textfile.Mark))
}

// errCut is of a file that ends where more must follow, and whose fault is nothing else.
var errCut = errors.New("the file ends within a value")

// rest makes sure that nothing follows the array.
func (v *values) rest() error {
	for {
		c, err := v.peek()
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\t', '\r':
		case '\n':
			v.line++
		default:
			return v.syntax()
		}
		v.pos++
	}
}

// syntax is a word on what stands at pos, the decoder's where it has one.
func (v *values) syntax() error {
	var x any
	for len(v.buf)-v.pos < len("//") && v.err == nil {
		v.fill()
	}
	rest := v.buf[v.pos:]
	isComment := rest[0] == '#' || rest[0] == '/'
	if err := json.Unmarshal(rest[:min(len(rest), 100)], &x); err != nil && rest[0] != '{' && !isComment &&
		rest[0] != ',' {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && syntax.Offset == 1 {
			return err
		}
	}
	switch c := rest[0]; {
	case isComment:
		return fmt.Errorf("a comment begins with %q, and JSON has no comments: take the line out", c)
	case c == ',' && !v.array:
		return errors.New("a comma stands after the record: records that are not in a list have none between them, " +
			"take it out")
	default:
		return fmt.Errorf("invalid character %q where a record or the end of the list should be", c)
	}
}

func (v *values) peek() (byte, error) {
	for v.pos == len(v.buf) {
		if v.err != nil {
			return 0, v.err
		}
		v.buf, v.pos = v.buf[:0], 0
		v.fill()
	}
	return v.buf[v.pos], nil
}

// chunk is how much is read at once.
const chunk = 1 << 20

// fill reads more to the end of buf, which it moves or lets grow.
func (v *values) fill() {
	if v.pos > 0 {
		v.buf = v.buf[:copy(v.buf, v.buf[v.pos:])]
		v.pos = 0
	}
	if cap(v.buf)-len(v.buf) < chunk/2 {
		grown := make([]byte, len(v.buf), 2*cap(v.buf)+chunk)
		copy(grown, v.buf)
		v.buf = grown
	}
	n, err := v.src.Read(v.buf[len(v.buf):cap(v.buf)])
	v.buf, v.err = v.buf[:len(v.buf)+n], err
}

// end is the length of the value at pos: up to the bracket that closes it, or the quote. A value that is no JSON ends
// where that shows: at a bracket of the other kind, a line break within a string, or the file's end.
func (v *values) end() (int, error) {
	v.quoted, v.open = false, v.open[:0]
	for i := 0; ; {
		if end, err := v.scan(i); end > 0 || err != nil {
			return end, err
		}
		i = len(v.buf) - v.pos
		switch {
		case v.err == io.EOF && isCut(v.buf[v.pos:]):
			return 0, errCut
		case v.err == io.EOF:
			return i, nil
		case v.err != nil:
			return 0, v.err
		case i > maxValue:
			return 0, fmt.Errorf("a record over %d bytes", maxValue)
		}
		v.fill()
	}
}

// scan looks for the end of the value at pos in what was read of it, from its byte i on; 0 if more must be read.
func (v *values) scan(i int) (end int, err error) {
	value := v.buf[v.pos:]
	for ; i < len(value); i++ {
		if v.quoted {
			n := bytes.IndexByte(value[i:], '"')
			text := value[i:]
			if n >= 0 {
				text = text[:n]
			}
			if at := bytes.IndexByte(text, '\n'); at >= 0 {
				return i + at + 1, nil
			}
			if n < 0 {
				return 0, nil
			}
			if i += n; escaped(value[:i]) {
				continue
			}
			if v.quoted = false; len(v.open) == 0 {
				return i + 1, nil
			}
			continue
		}
		switch c := value[i]; c {
		case '"':
			v.quoted = true
		case '{', '[':
			if v.open = append(v.open, c); len(v.open) > maxDepth {
				return 0, fmt.Errorf("nested deeper than %d", maxDepth)
			}
		case '}', ']':
			last := len(v.open) - 1
			if last <= 0 || v.open[last] != c-2 { // in ASCII the bracket that opens is two before the one that closes
				return i + 1, nil
			}
			v.open = v.open[:last]
		}
	}
	return 0, nil
}

// isCut reports whether a text that is no whole value is the beginning of one.
func isCut(text []byte) bool {
	var x json.RawMessage
	err := json.NewDecoder(bytes.NewReader(textfile.Finite(text))).Decode(&x)
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// escaped reports whether what follows text is escaped by a backslash.
func escaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}
