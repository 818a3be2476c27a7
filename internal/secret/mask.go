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

// Mask puts [Mark] into the place of secrets, as they are and as JSON, HTML, a URL and base64 write them, once or
// several times over. It is made by [Set.Mask], never changes, and may be used concurrently. A nil one masks nothing.
type Mask struct {
	needles []string  // to look for, the longest first
	begins  [256]byte // a bit for each hash of a needle's first two bytes: few places of a text need a closer look
}

// Mask makes a mask of the values; nil if there are none.
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

// forms are how a value may be written, apart from what unfold undoes.
func forms(value string) []string {
	quoted := strconv.Quote(value)
	list := append(unfolded(value), unfolded(quoted[1:len(quoted)-1])...)
	list = append(list, strings.ReplaceAll(value, `\`, `\\`), strings.ReplaceAll(value, " ", "+"))
	list = append(list, strings.Join(strings.Fields(value), " ")) // as a message of one line has it
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

// unfolded are a value, and what unfold makes of it: it makes the same of a text that has the value.
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

// latin1 are the forms of a value, other than ASCII, in Python: with \xe9 for é, which unfold makes one byte, and with
// the bytes of UTF-8 read as a character each, as headers are there.
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

// minEncoded is the length of a part of a base64 text that tells which value is in it.
const minEncoded = 8

// inside is what a value becomes in the base64 of a longer text, if it begins there so many bytes (modulo 3) after a
// group of three: the characters that do not depend on what stands around it.
func inside(encoding *base64.Encoding, value string, before int) string {
	encoded := encoding.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, before), value...))
	if (before+len(value))%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return encoded[[...]int{0, 2, 3}[before]:]
}

// span is a part of a text that is a secret, or one of the parts of a secret, from begin up to end.
type span struct {
	begin, end int
	rest       bool // of a secret whose beginning is another span
}

// Text replaces the secrets in a text. Where the text ends, is shortened ("…") or ends a JSON text (") inside a secret,
// what is there of the secret is replaced too, from minLength bytes on.
func (m *Mask) Text(text string) string {
	if m == nil {
		return text
	}
	return cover(text, m.spans(text))
}

// deepest is how many encodings around one another are undone.
const deepest = 3

// spans finds the secrets in a text, as it stands and with its escapes undone.
func (m *Mask) spans(text string) []span {
	found := m.find(nil, text)
	var from []int32 // where in the text each byte of plain stands; nil while they are one
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

// ellipsis stands where a text was shortened.
const ellipsis = "…"

// begin is the length of the secret that a text begins with, 0 if there is none.
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

// cover replaces parts of a text. Those that touch are one.
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

// JSON replaces the secrets in a JSON value, which stays one. Numbers stay as they are up to nine characters: those
// are counts.
func (m *Mask) JSON(raw json.RawMessage) json.RawMessage {
	if m == nil || len(raw) == 0 {
		return raw
	}
	if text := string(raw); m.Text(text) == text {
		return raw
	}
	again, _ := json.Marshal(m.value(decode(raw))) // was decoded
	return again
}

// longestCount is how many characters a number has that can be a count.
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

// Error gives an error with a message without secrets. It wraps the one given.
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
