package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mask replaces secrets by [Mark], both as they are and as JSON, HTML, a URL and base64 write them, once or several
// times over. [Set.Mask] makes it. A Mask never changes and may be used concurrently. A nil Mask masks nothing.
type Mask struct {
	needles []string // the texts to look for, the longest first
	// a bit for each hash of a needle's first two bytes, so that few positions of a text need a closer look
	begins [256]byte
}

// Mask returns a mask of the values, or nil if there are none.
func (s *Set) Mask() *Mask {
	if len(s.values) == 0 {
		return nil
	}
	m := new(Mask)
	for _, value := range s.values {
		m.needles = append(m.needles, forms(value)...)
	}
	m.needles = slices.DeleteFunc(m.needles, func(s string) bool { return len(s) < minLength })
	slices.SortFunc(m.needles, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	m.needles = slices.Compact(m.needles)
	for _, needle := range m.needles {
		slot, bit := hash(needle[0], needle[1])
		m.begins[slot] |= bit
	}
	return m
}

func hash(first, second byte) (slot, bit byte) {
	h := uint16(first)*181 + uint16(second)*7
	return byte(h >> 3), 1 << (h & 7)
}

// forms returns the ways in which a value may be written, except the escapes that unfold undoes.
func forms(value string) []string {
	quoted := strconv.Quote(value)
	list := append(unfolded(value), unfolded(quoted[1:len(quoted)-1])...)
	list = append(list, strings.ReplaceAll(value, `\`, `\\`), strings.ReplaceAll(value, " ", "+"))
	list = append(list, strings.Join(strings.Fields(value), " ")) // as in a message of one line
	list = append(list, latin1(value)...)
	for _, encoding := range [...]*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		whole := encoding.EncodeToString([]byte(value))
		list = append(list, whole, strings.TrimRight(whole, "="))
		for before := range 3 {
			if part := inside(encoding, value, before); len(part) >= minEncoded {
				list = append(list, part)
			}
		}
	}
	return list
}

// unfolded returns a value and what unfold makes of it, step by step: unfold turns a text that contains the value into
// a text that contains the same results.
func unfolded(value string) (list []string) {
	for range deepest + 1 {
		list = append(list, value)
		next, at := unfold(value)
		if at == nil {
			break
		}
		value = next
	}
	return list
}

// latin1 returns the forms of a value with characters beyond ASCII that Python writes: with \xe9 for é, which unfold
// turns into one byte, and with each byte of UTF-8 read as a character, as Python does in headers.
func latin1(value string) []string {
	var short, long []byte
	for _, c := range value {
		if c < 0x100 {
			short = append(short, byte(c))
		} else {
			short = utf8.AppendRune(short, c)
		}
	}
	for _, b := range []byte(value) {
		long = utf8.AppendRune(long, rune(b))
	}
	return append(unfolded(string(short)), string(long))
}

// minEncoded is the length from which a part of a base64 text is enough to recognize a value.
const minEncoded = 8

// inside returns the characters of a value in the base64 of a longer text that do not depend on its neighbours. before
// is the number of bytes, modulo 3, that precede the value in the longer text.
func inside(encoding *base64.Encoding, value string, before int) string {
	encoded := encoding.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, before), value...))
	if (before+len(value))%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return encoded[[...]int{0, 2, 3}[before]:]
}

// span is the part of a text from begin up to end that is a secret or a piece of one.
type span struct {
	begin, end int
	rest       bool // true if the beginning of the secret is in another span
}

// Text returns a text with its secrets replaced. If a secret is cut, because the text ends, is shortened ("…") or is a
// JSON string that ends ("), the beginning of the secret is replaced too, if it has at least minLength bytes.
func (m *Mask) Text(text string) string {
	if m == nil {
		return text
	}
	return cover(text, m.spans(text))
}

// deepest is the number of nested encodings that are undone.
const deepest = 3

// spans returns the secrets in a text, as it is written and with its escapes undone.
func (m *Mask) spans(text string) []span {
	found := m.find(nil, text)
	var from []int32 // the index in text of each byte of plain; nil while the two are the same
	plain := text
	for range deepest {
		next, at := unfold(plain)
		if at == nil {
			break
		}
		for i, place := range at {
			if from != nil {
				at[i] = from[place]
			}
		}
		plain, from = next, at
		for _, s := range m.find(nil, plain) {
			found = append(found, span{begin: int(from[s.begin]), end: int(from[s.end])})
		}
	}
	return found
}

func (m *Mask) find(found []span, text string) []span {
	for i := 0; i+1 < len(text); i++ {
		slot, bit := hash(text[i], text[i+1])
		if m.begins[slot]&bit == 0 {
			continue
		}
		if n := m.begin(text[i:]); n > 0 {
			found = append(found, span{begin: i, end: i + n})
			i += n - 1
		}
	}
	return found
}

// ellipsis marks where a text was shortened.
const ellipsis = "…"

// begin returns the length of the secret that a text begins with, or 0 if there is none.
func (m *Mask) begin(text string) (length int) {
	for _, needle := range m.needles {
		if !strings.HasPrefix(text, needle[:minLength]) {
			continue
		}
		n := minLength
		for n < len(needle) && n < len(text) && needle[n] == text[n] {
			n++
		}
		if rest := text[n:]; n == len(needle) || rest == "" || rest[0] == '"' || strings.HasPrefix(rest, ellipsis) {
			length = max(length, n)
		}
	}
	return length
}

// cover replaces parts of a text by Mark. Parts that touch are replaced as one.
func cover(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.begin-b.begin, b.end-a.end) })
	var b strings.Builder
	at := 0
	for i, s := range spans {
		if s.end <= at && i > 0 {
			continue
		}
		b.WriteString(text[at:max(at, s.begin)])
		if !s.rest && (s.begin > at || i == 0) {
			b.WriteString(Mark)
		}
		at = s.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// JSON returns a JSON value with its secrets replaced, which is still valid JSON. Numbers of up to nine characters are
// kept, because they are counts.
func (m *Mask) JSON(raw json.RawMessage) json.RawMessage {
	if m == nil || len(raw) == 0 {
		return raw
	}
	if text := string(raw); m.Text(text) == text {
		return raw
	}
	masked, _ := json.Marshal(m.value(decode(raw))) // a decoded value can be encoded
	return masked
}

// longestCount is the length of the longest number that can be a count.
const longestCount = 9

func (m *Mask) value(value any) any {
	switch v := value.(type) {
	case map[string]any:
		masked := make(map[string]any, len(v))
		for name, member := range v {
			masked[m.Text(name)] = m.value(member)
		}
		return masked
	case []any:
		for i, item := range v {
			v[i] = m.value(item)
		}
	case string:
		return m.Text(v)
	case json.Number:
		if text := m.Text(v.String()); len(v) > longestCount && text != v.String() {
			return text
		}
	}
	return value
}

// Error returns an error whose message holds no secrets. It wraps err, or is err if there is nothing to replace. For
// nil it returns nil.
func (m *Mask) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if masked := m.Text(text); masked != text {
		return &maskedError{masked, err}
	}
	return err
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.err }
