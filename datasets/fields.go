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

// decoder takes records apart and leaves nothing to collect: of files of hundreds of megabytes that would be as much
// again as what is kept of them. What it returns is good until the next record.
type decoder struct {
	text   []byte // of strings that have escapes
	params []byte // of the record's request
	turns  []turn
	counts *Counts           // of what is left out
	names  map[string]string // that are counted, kept
}

// view is a text that shares its bytes with a buffer, and is good as long as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// string is the text of a JSON string given with its quotes, and false if it is another value.
func (d *decoder) string(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return view(raw), true
	}
	from := len(d.text)
	d.text = appendUnescaped(d.text, raw) // what was returned before keeps the old array, should it grow
	return view(d.text[from:]), true
}

// members are the names and values of a JSON object known to be valid; of another value there are none.
func (d *decoder) members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for rest := inside(object, '{'); len(rest) > 0; {
			n := valueLen(rest)
			name, _ := d.string(rest[:n])
			rest = after(rest[n:], ':')
			n = valueLen(rest)
			if !yield(name, rest[:n]) {
				return
			}
			rest = after(rest[n:], ',')
		}
	}
}

// elements are the values of a JSON array known to be valid; of another value there are none.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := inside(array, '['); len(rest) > 0; {
			n := valueLen(rest)
			if !yield(rest[:n]) {
				return
			}
			rest = after(rest[n:], ',')
		}
	}
}

// inside is what stands between the brackets of a value.
func inside(value []byte, bracket byte) []byte {
	if len(value) < 2 || value[0] != bracket {
		return nil
	}
	return bytes.TrimLeft(value[1:len(value)-1], space)
}

// after is what follows a comma or a colon.
func after(rest []byte, mark byte) []byte {
	rest = bytes.TrimLeft(rest, space)
	if len(rest) > 0 && rest[0] == mark {
		rest = bytes.TrimLeft(rest[1:], space)
	}
	return rest
}

const space = " \t\r\n"

// valueLen is the length of the value that valid JSON begins with.
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
				return i // after a number or a name
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

// stringLen is the length of the string that valid JSON begins with, with its quotes.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		if i += n; !escaped(b[1:i]) {
			return i + 1
		}
	}
	return len(b)
}

// appendUnescaped appends the text of a valid string's inside. Halves of surrogate pairs become U+FFFD.
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

// hex4 is the number of four hexadecimal digits.
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

// key is a field's name as kinds know it: tables write theirs with capitals and spaces.
func key(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '-' || 'A' <= r && r <= 'Z' }) {
		return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
	}
	return name
}

// clean is a record of which all values are JSON's, and the decoder's word on one that is no JSON.
func clean(record []byte) ([]byte, error) {
	if !utf8.Valid(record) {
		return nil, errNotUTF8
	}
	if gjson.ValidBytes(record) {
		return record, nil
	}
	if finite := textfile.Finite(record); gjson.ValidBytes(finite) {
		return finite, nil
	}
	return record, broken(record)
}

// notJSON is what is wrong with a record.
type notJSON struct {
	lines int // before the one that it shows on
	text  string
}

func (e *notJSON) Error() string { return e.text }

// broken tells what is wrong with a record that is no JSON, and what stands before that.
func broken(record []byte) error {
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
		return &notJSON{lines, err.Error()}
	}
	return &notJSON{lines, fmt.Sprintf("%v, after %s", err, before)}
}

var errNotUTF8 = errors.New("the text is not UTF-8: save the file as UTF-8 (Excel: CSV UTF-8)")
