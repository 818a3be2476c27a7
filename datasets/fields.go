package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// decoder splits records into fields without producing garbage: for files of hundreds of megabytes, garbage would
// amount to as much as the data that is kept. Returned texts are valid until the next record.
type decoder struct {
	text    []byte // the text of strings that have escapes
	params  []byte // further fields of the record's request
	turns   []turn
	ranking bool              // a record may be a query with documents
	column  string            // the field that has the prompt, in the form of normalizedName; "" means the default
	counts  *Counts           // data that is left out
	names   map[string]string // lasting copies of the names that are counted
}

// view returns a text that shares its bytes with a buffer and is valid as long as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// stringText returns the text of a JSON string given with its quotes. It reports false for any other value.
func (d *decoder) stringText(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return view(raw), true
	}
	from := len(d.text)
	d.text = appendUnescaped(d.text, raw) // if the buffer grows, texts returned before keep the old array
	return view(d.text[from:]), true
}

// members returns the names and values of a JSON object known to be valid. Any other value has no members.
func (d *decoder) members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for rest := content(object, '{'); len(rest) > 0; {
			n := valueLen(rest)
			name, _ := d.stringText(rest[:n])
			rest = skipMark(rest[n:], ':')
			n = valueLen(rest)
			if !yield(name, rest[:n]) {
				return
			}
			rest = skipMark(rest[n:], ',')
		}
	}
}

// elements returns the values of a JSON array known to be valid. Any other value has no elements.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := content(array, '['); len(rest) > 0; {
			n := valueLen(rest)
			if !yield(rest[:n]) {
				return
			}
			rest = skipMark(rest[n:], ',')
		}
	}
}

// content returns the text between the brackets of a value.
func content(value []byte, bracket byte) []byte {
	if len(value) < 2 || value[0] != bracket {
		return nil
	}
	return bytes.TrimLeft(value[1:len(value)-1], space)
}

// skipMark returns the text that follows a comma or a colon.
func skipMark(rest []byte, mark byte) []byte {
	rest = bytes.TrimLeft(rest, space)
	if len(rest) > 0 && rest[0] == mark {
		rest = bytes.TrimLeft(rest[1:], space)
	}
	return rest
}

const space = " \t\r\n"

// valueLen returns the length of the value that valid JSON begins with.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringLen(b[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i // the end of a number, true, false or null
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// stringLen returns the length, including the quotes, of the string that valid JSON begins with.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		if i += n; !endsEscaped(b[1:i]) {
			return i + 1
		}
	}
	return len(b)
}

// appendUnescaped appends the text of a valid string, which is given without its quotes. Halves of surrogate pairs
// become U+FFFD.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 == len(raw) {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:i]...), raw[i+1:]
		if raw[0] != 'u' {
			dst, raw = append(dst, unescaped(raw[0])), raw[1:]
			continue
		}
		r := hex4(raw[1:])
		raw = raw[min(5, len(raw)):]
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				pair = utf16.DecodeRune(r, hex4(raw[2:]))
			}
			if r = pair; pair != utf8.RuneError {
				raw = raw[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
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

// hex4 returns the number that four hexadecimal digits make.
func hex4(digits []byte) (r rune) {
	for _, c := range digits[:min(4, len(digits))] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}

// normalizedName returns the name of a field in the form that kinds use: tables write names with capitals and spaces.
func normalizedName(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '-' || 'A' <= r && r <= 'Z' }) {
		return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
	}
	return name
}

// validRecord returns a record as valid JSON, with null for the numbers that JSON does not have. For a record that is
// not JSON the error is the decoder's.
func validRecord(record []byte) ([]byte, error) {
	if !utf8.Valid(record) {
		return nil, errNotUTF8
	}
	if gjson.ValidBytes(record) {
		return record, nil
	}
	if finite := textfile.Finite(record); gjson.ValidBytes(finite) {
		return finite, nil
	}
	return record, syntaxFault(record)
}

// notJSON is the fault of a record that is not JSON.
type notJSON struct {
	lines int // number of lines of the record before the fault
	text  string
}

func (e *notJSON) Error() string { return e.text }

// syntaxFault describes the fault of a record that is not JSON, and the text before it.
func syntaxFault(record []byte) error {
	var x json.RawMessage
	err := json.Unmarshal(record, &x)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	const most = 30
	before := record[:max(0, min(int(syntax.Offset)-1, len(record)))]
	lines := bytes.Count(before, newline)
	before = bytes.TrimSpace(before[bytes.LastIndexByte(before, '\n')+1:])
	if len(before) > most {
		before = bytes.TrimLeftFunc(before[len(before)-most:], func(r rune) bool { return r == utf8.RuneError })
	}
	if len(before) == 0 {
		return &notJSON{lines: lines, text: err.Error()}
	}
	return &notJSON{lines: lines, text: fmt.Sprintf("%v, after %s", err, before)}
}

var errNotUTF8 = errors.New("the text is not UTF-8: save the file as UTF-8 (Excel: CSV UTF-8)")
