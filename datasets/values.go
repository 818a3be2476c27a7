package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// maxValue limits one record of a file, in bytes.
const maxValue = 256 << 20

// maxDepth limits the nesting of a record.
const maxDepth = 1000

// values divides a stream of JSON into values: the values of an array, or one value after the other with or without
// line breaks between. It examines no more than it must to find the end of each.
type values struct {
	src   io.Reader
	buf   []byte
	base  int64 // offset of buf in what was read of src
	pos   int   // index of the next byte in buf
	err   error // error of src, set once buf holds everything before it
	line  int   // line of buf[pos], from 1
	array bool
	begun bool
	// the value that was returned last, or was refused:
	start     int  // its place in buf
	startLine int  // its first line
	lines     bool // values end before a line that begins with a brace, because some lines are cut
	// state of the value that is being read:
	open   []byte // open brackets
	quoted bool   // inside a string
}

func newValues(src io.Reader) *values { return &values{src: src, line: 1} }

// next returns the next value and the line on which it begins; io.EOF after the last. The bytes are valid until the
// next call.
func (v *values) next() (value []byte, line int, err error) {
	c, err := v.seekValue()
	v.start, v.startLine = v.pos, v.line
	if err != nil {
		return nil, v.line, err
	}
	line = v.line
	if c != '{' && c != '[' && c != '"' {
		err := v.syntaxFault() // which may read more, as valueEnd may
		v.start = v.pos
		return nil, line, err
	}
	end, err := v.valueEnd()
	v.start = v.pos
	if err != nil {
		return nil, v.line, err
	}
	value = v.buf[v.pos : v.pos+end]
	v.line += bytes.Count(value, newline)
	v.pos += end
	return value, line, nil
}

// nextLine returns the next value if it is the text of a line, which is how most files are written and what is found
// fastest. Otherwise it reads no more than blank lines, and returns nil.
func (v *values) nextLine() (value []byte, line int) {
	if v.array {
		return nil, 0
	}
	for end := 0; ; {
		if at := bytes.IndexByte(v.buf[v.pos+end:], '\n'); at >= 0 {
			end += at
			text := bytes.TrimRight(v.buf[v.pos:v.pos+end], " \t\r")
			if len(text) > 0 && (text[0] != '{' || !gjson.ValidBytes(text)) {
				return nil, 0
			}
			v.start, v.startLine = v.pos, v.line
			v.pos += end + 1
			v.line++
			if end = 0; len(text) == 0 {
				continue
			}
			v.begun = true
			return text, v.startLine
		}
		if end = len(v.buf) - v.pos; v.err != nil || end > maxValue || end > 0 && v.buf[v.pos] != '{' {
			return nil, 0
		}
		v.fill()
	}
}

// offset returns where the value that was returned last is in the source.
func (v *values) offset(value []byte) int64 {
	return v.base + int64(cap(v.buf)-cap(value)) // both end with the same array
}

// lineFault returns a fault of the next line that is not blank: its values have to end with it. It reads none of them.
func (v *values) lineFault() error {
	_, err := v.seekValue()
	var text []byte
	last := false
	if err == nil {
		text, last = v.wholeLine()
	}
	v.start, v.startLine = v.pos, v.line
	for list := newValues(bytes.NewReader(text)); err == nil; {
		var value []byte
		switch value, _, err = list.next(); {
		case err == io.EOF:
			return nil
		case err == errCut && !last:
			err = errors.New("the line ends within a value")
		case err == nil:
			_, err = validRecord(value)
		}
	}
	return err
}

// wholeLine returns the rest of the line, and true if no other follows it.
func (v *values) wholeLine() (text []byte, last bool) {
	for end := 0; ; {
		if at := bytes.IndexByte(v.buf[v.pos+end:], '\n'); at >= 0 {
			return bytes.TrimRight(v.buf[v.pos:v.pos+end+at], "\r"), false
		}
		if end = len(v.buf) - v.pos; v.err != nil || end > maxValue {
			return v.buf[v.pos:], true
		}
		v.fill()
	}
}

// skipLine goes on after a fault with the line that follows the beginning of the value. It reports false at the end.
func (v *values) skipLine() bool {
	v.pos, v.line, v.lines = v.start, v.startLine, true
	for {
		if _, err := v.peek(); err != nil {
			return false
		}
		if at := bytes.IndexByte(v.buf[v.pos:], '\n'); at >= 0 {
			v.pos += at + 1
			v.line++
			return true
		}
		v.pos = len(v.buf)
	}
}

var newline = []byte{'\n'}

// seekValue reads up to the first byte of a value and returns that byte.
func (v *values) seekValue() (byte, error) {
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
		case c == textfile.Mark[0] && v.isMark(): // a file was appended to another
			v.pos += len(textfile.Mark) - 1
		case c == '[' && !v.begun:
			v.array = true
			v.begun = true
		case c == ',' && v.array && !comma:
			comma = true
		case c == ']' && v.array:
			v.pos++
			return 0, v.expectEnd()
		case v.array && !comma && v.begun && c != '{' && c != '"':
			return 0, v.syntaxFault()
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

// errCut reports a file that is correct up to its end, where more must follow.
var errCut = errors.New("the file ends within a value")

// expectEnd checks that nothing follows the array.
func (v *values) expectEnd() error {
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
			return v.syntaxFault()
		}
		v.pos++
	}
}

// syntaxFault describes the fault at pos, in the words of encoding/json where it reports one.
func (v *values) syntaxFault() error {
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
		v.base += int64(len(v.buf))
		v.buf, v.pos = v.buf[:0], 0
		v.fill()
	}
	return v.buf[v.pos], nil
}

// chunk is the number of bytes that are read at once.
const chunk = 1 << 20

// fill reads more bytes to the end of buf. It moves buf's content or makes buf larger.
func (v *values) fill() {
	if v.pos > 0 {
		v.base += int64(v.pos)
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

// valueEnd returns the length of the value at pos: up to the bracket that closes it, or the quote. A value that is not
// JSON ends where this becomes apparent: at a bracket of the other kind, a line break within a string, or the end of
// the file.
func (v *values) valueEnd() (int, error) {
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

// scan looks for the end of the value at pos in the bytes read, from byte i of the value on. It returns 0 if more must
// be read.
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
			if i += n; endsEscaped(value[:i]) {
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
			if v.lines && c == '{' && i > 0 && value[i-1] == '\n' {
				return i, nil
			}
			if v.open = append(v.open, c); len(v.open) > maxDepth {
				return 0, fmt.Errorf("nested deeper than %d", maxDepth)
			}
		case '}', ']':
			last := len(v.open) - 1
			if last <= 0 || v.open[last] != c-2 { // in ASCII an opening bracket is two before its closing bracket
				return i + 1, nil
			}
			v.open = v.open[:last]
		}
	}
	return 0, nil
}

// isCut reports whether a text that is not a whole value is the beginning of one.
func isCut(text []byte) bool {
	var x json.RawMessage
	err := json.NewDecoder(bytes.NewReader(textfile.Finite(text))).Decode(&x)
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// endsEscaped reports whether a backslash at the end of text escapes what follows.
func endsEscaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}
