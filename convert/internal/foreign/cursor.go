package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cursor reads a value that is held in memory as a whole. It records the path to its position, so that an error can
// name it.
type cursor struct {
	b    []byte
	i    int
	path []string
}

// valueError reports a value that does not have the expected form, with its path.
type valueError struct {
	path string
	err  error
}

func (e *valueError) Error() string { return e.path + ": " + e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

func (c *cursor) fail(format string, args ...any) error {
	return &valueError{strings.Join(c.path, ""), fmt.Errorf(format, args...)}
}

// peek returns the next byte that is not white space without reading it, or 0 at the end.
func (c *cursor) peek() byte {
	for ; c.i < len(c.b); c.i++ {
		if class[c.b[c.i]] != space {
			return c.b[c.i]
		}
	}
	return 0
}

func (c *cursor) take(want byte) bool {
	if c.peek() != want {
		return false
	}
	c.i++
	return true
}

// null reads a null, if there is one, or the words that Python writes for a missing or unlimited value. It reports
// whether there was one.
func (c *cursor) null() bool {
	for _, word := range [...]string{"null", "NaN", "Infinity"} {
		if c.peek() == word[0] && bytes.HasPrefix(c.b[c.i:], []byte(word)) {
			c.i += len(word)
			return true
		}
	}
	return false
}

// object reads an object. It calls f for each member; f must read the value.
func (c *cursor) object(f func(key string) error) error {
	if !c.take('{') {
		return c.unlike("an object")
	}
	if c.take('}') {
		return nil
	}
	for {
		if c.peek() != '"' {
			return c.fail("want a key")
		}
		raw, err := c.rawString()
		if err != nil {
			return err
		}
		if !c.take(':') {
			return c.fail("want a colon after key %q", raw)
		}
		key := string(raw)
		c.path = append(c.path, ".", key)
		if err := f(key); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-2]
		if c.take('}') {
			return nil
		}
		if !c.take(',') {
			return c.fail("want a comma or the object's end")
		}
	}
}

// unlike returns an error that names the expected and the actual kind of value.
func (c *cursor) unlike(want string) error {
	c.peek()
	got := "a number"
	switch rest := c.b[c.i:]; {
	case c.peek() == 0:
		got = "nothing"
	case c.peek() == '"':
		got = "a string"
	case c.peek() == '{':
		got = "an object"
	case c.peek() == '[':
		got = "an array"
	case !numeric[c.peek()] || bytes.HasPrefix(rest, []byte("-I")): // null, true, NaN, -Infinity, or no JSON
		n, _ := new(frame).scan(rest)
		got = fmt.Sprintf("%.40s", rest[:n])
	}
	return c.fail("want %s, got %s", want, got)
}

func (c *cursor) skip() error {
	c.peek()
	var f frame
	n, done := f.scan(c.b[c.i:])
	if n == 0 || f.deep || !done && !f.scalar {
		return c.fail("want a value")
	}
	c.i += n
	return nil
}

// raw reads any value and returns its text.
func (c *cursor) raw() ([]byte, error) {
	c.peek()
	from := c.i
	err := c.skip()
	return c.b[from:c.i], err
}

// number reads the characters of a number.
func (c *cursor) number() ([]byte, error) {
	c.peek()
	from := c.i
	for c.i < len(c.b) && numeric[c.b[c.i]] {
		c.i++
	}
	if c.i == from || c.b[from] != '-' && !('0' <= c.b[from] && c.b[from] <= '9') || c.i-from == 1 && c.b[from] == '-' {
		c.i = from
		return nil, c.unlike("a number")
	}
	return c.b[from:c.i], nil
}

var numeric = [256]bool{
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'-': true, '+': true, '.': true, 'e': true, 'E': true,
}

// float reads a finite number.
func (c *cursor) float() (float64, error) {
	text, err := c.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, c.fail("%.40q is no number a float64 can hold", text)
	}
	return v, nil
}

// span reads a duration in seconds or in another unit: a finite number that is not negative.
func (c *cursor) span() (float64, error) {
	v, err := c.float()
	if err == nil && v < 0 {
		err = c.fail("%v is negative", v)
	}
	return v, err
}

// optional reads like span and returns nil for null.
func (c *cursor) optional() (*float64, error) {
	if c.null() {
		return nil, nil
	}
	v, err := c.span()
	return &v, err
}

// count reads a whole number that is not negative. It returns nil for null.
func (c *cursor) count() (*int, error) {
	if c.null() {
		return nil, nil
	}
	v, err := c.span()
	if err == nil && (v != math.Trunc(v) || v > 1<<53) {
		err = c.fail("%v is no count", v)
	}
	return new(int(v)), err
}

// nanoseconds reads a whole number that a float64 would round.
func (c *cursor) nanoseconds() (int64, error) {
	text, err := c.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || v < 0 {
		return 0, c.fail("%.40q is no number of nanoseconds", text)
	}
	return v, nil
}

func (c *cursor) bool() (bool, error) {
	c.peek()
	switch rest := c.b[c.i:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		c.i += len("true")
		return true, nil
	case bytes.HasPrefix(rest, []byte("false")):
		c.i += len("false")
		return false, nil
	}
	return false, c.unlike("true or false")
}

// rawString reads a string and returns the text between its quotes, with escapes.
func (c *cursor) rawString() ([]byte, error) {
	if !c.take('"') {
		return nil, c.unlike("a string")
	}
	n, closed := new(frame).inString(c.b[c.i:])
	if !closed {
		return nil, c.fail("the string has no end")
	}
	c.i += n
	return c.b[c.i-n : c.i-1], nil
}

// text reads a string. It returns "" for null.
func (c *cursor) text() (string, error) {
	if c.null() {
		return "", nil
	}
	raw, err := c.rawString()
	if err != nil {
		return "", err
	}
	if !utf8.Valid(raw) {
		return "", c.fail("the string is not UTF-8")
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	var text string
	if err := json.Unmarshal(c.b[c.i-len(raw)-2:c.i], &text); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return "", c.fail("the string has an escape or a control character that JSON does not know")
		}
		return "", c.fail("%w", err)
	}
	return text, nil
}

// floats reads an array of numbers that are not negative. It returns nil for null.
func (c *cursor) floats() (list []float64, err error) {
	if c.null() {
		return nil, nil
	}
	if !c.take('[') {
		return nil, c.unlike("an array")
	}
	list = []float64{}
	if c.take(']') {
		return list, nil
	}
	for {
		v, err := c.span()
		if err != nil {
			return nil, atItem(len(list), err)
		}
		list = append(list, v)
		if c.take(']') {
			return list, nil
		}
		if !c.take(',') {
			return nil, atItem(len(list), c.fail("want a comma or the array's end"))
		}
	}
}

// atItem adds the index of an array's item to the path of an error.
func atItem(i int, err error) error {
	var v *valueError
	if errors.As(err, &v) {
		v.path += "[" + strconv.Itoa(i) + "]"
	}
	return err
}

// size returns the number of bytes of a string in UTF-8. raw is the string in JSON, without quotes.
func size(raw []byte) (n int) {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 || at+1 >= len(raw) {
			return n + len(raw)
		}
		n += at
		raw = raw[at:]
		k := 2
		if raw[1] != 'u' {
			n++
		} else {
			var unit int
			unit, k = escape(raw)
			n += unit
		}
		raw = raw[min(k, len(raw)):]
	}
}

// escape measures the escape \uXXXX, or a surrogate pair of them: the bytes of the character in UTF-8, and the length
// of the escape.
func escape(raw []byte) (bytes, length int) {
	first, ok := hex(raw)
	if !ok || first < 0x80 {
		return 1, 6
	}
	if first < 0x800 {
		return 2, 6
	}
	if 0xd800 <= first && first < 0xdc00 && len(raw) > 6 {
		if second, ok := hex(raw[6:]); ok && 0xdc00 <= second && second < 0xe000 {
			return 4, 12
		}
	}
	return 3, 6
}

func hex(raw []byte) (uint64, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(raw[2:6]), 16, 32)
	return v, err == nil
}
