package tokenizer

import (
	"strings"

	"github.com/tidwall/gjson"
)

// walker reads JSON text of which it is not known that it is valid, each byte once. Its methods read what their names
// say from at on, after white space, and report false at the first fault; then at has no meaning any more.
type walker struct {
	text string
	at   int
	deep int // number of arrays and objects around at

	escaped bool // the last string has escape sequences
}

// maxDepth is how deep encoding/json reads.
const maxDepth = 10_000

// next skips white space and returns the byte behind it, 0 at the end.
func (w *walker) next() byte {
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take skips white space and then the byte c, and reports false if another is there.
func (w *walker) take(c byte) bool {
	if w.next() != c {
		return false
	}
	w.at++
	return true
}

// value reads any value and returns its text.
func (w *walker) value() (raw string, ok bool) {
	c := w.next()
	start := w.at
	switch c {
	case '{':
		ok = w.object(func(string) bool { _, ok := w.value(); return ok })
	case '[':
		ok = w.array(func() bool { _, ok := w.value(); return ok })
	case '"':
		ok = w.string()
	case 't':
		ok = w.literal("true")
	case 'f':
		ok = w.literal("false")
	case 'n':
		ok = w.literal("null")
	default:
		ok = w.number()
	}
	return w.text[start:w.at], ok
}

// object reads an object. It calls member with each key to read the value.
func (w *walker) object(member func(key string) bool) bool {
	return w.list('{', '}', func() bool {
		if w.next() != '"' {
			return false
		}
		start := w.at
		if !w.string() {
			return false
		}
		key := w.text[start+1 : w.at-1]
		if w.escaped {
			key = unquote(w.text[start:w.at])
		}
		return w.take(':') && member(key)
	})
}

// array reads an array. It calls element to read each element.
func (w *walker) array(element func() bool) bool { return w.list('[', ']', element) }

func (w *walker) list(open, end byte, each func() bool) bool {
	if w.deep++; w.deep > maxDepth || !w.take(open) {
		return false
	}
	for more := !w.take(end); more; {
		if !each() {
			return false
		}
		if more = w.take(','); !more && !w.take(end) {
			return false
		}
	}
	w.deep--
	return true
}

// string reads a string that begins at at.
func (w *walker) string() bool {
	w.escaped = false
	for i := w.at + 1; i < len(w.text); i++ {
		switch c := w.text[i]; {
		case c == '"':
			w.at = i + 1
			return true
		case c < ' ':
			return false
		case c == '\\':
			n := escapeLength(w.text[i:])
			if n == 0 {
				return false
			}
			i += n - 1
			w.escaped = true
		}
	}
	return false
}

// escapeLength returns the length of the escape sequence that text begins with, 0 if it is none.
func escapeLength(text string) int {
	switch {
	case len(text) < 2:
		return 0
	case strings.IndexByte(`"\/bfnrt`, text[1]) >= 0:
		return 2
	case text[1] != 'u' || len(text) < 6 || strings.Trim(text[2:6], "0123456789abcdefABCDEF") != "":
		return 0
	}
	return 6
}

func (w *walker) literal(word string) bool {
	if !strings.HasPrefix(w.text[w.at:], word) {
		return false
	}
	w.at += len(word)
	return true
}

func (w *walker) number() bool {
	if w.has("-") {
		w.at++
	}
	zero := w.has("0")
	if n := w.digits(); n == 0 || zero && n > 1 {
		return false
	}
	if w.has(".") {
		w.at++
		if w.digits() == 0 {
			return false
		}
	}
	if w.has("eE") {
		if w.at++; w.has("+-") {
			w.at++
		}
		return w.digits() > 0
	}
	return true
}

// has reports whether the byte at at is one of set.
func (w *walker) has(set string) bool {
	return w.at < len(w.text) && strings.IndexByte(set, w.text[w.at]) >= 0
}

// digits reads decimal digits and returns how many there are.
func (w *walker) digits() int {
	start := w.at
	for w.at < len(w.text) && '0' <= w.text[w.at] && w.text[w.at] <= '9' {
		w.at++
	}
	return w.at - start
}

// unquote returns the string that raw is in JSON.
func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return gjson.Parse(raw).Str
}
