package tokenizer

import (
	"unicode"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// normalizer rewrites text before it is cut. It returns text, a part of it, or what it wrote to b, which is kept for
// the next call. first reports whether text begins with the first character of the user's text; stillFirst reports the
// same about the result.
type normalizer interface {
	normalize(b *buffer, text []byte, first bool) (out []byte, stillFirst bool)
}

// buffer is the working memory of one normalizer or pre-tokenizer.
type buffer struct {
	text  []byte
	spans []pattern.Span
	marks []mark
}

// dropper removes the characters of a class.
type dropper struct{ class *pattern.Class }

func (d dropper) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	out, kept := b.text[:0], 0
	for i := 0; i < len(text); {
		if size := d.class.First(text[i:]); size > 0 {
			out = append(out, text[kept:i]...)
			i += size
			kept = i
			continue
		}
		i += pattern.RuneLength(text[i:])
	}
	if kept == 0 {
		return text, first
	}
	b.text = append(out, text[kept:]...)
	return b.text, first && d.class.First(text) == 0
}

// spacer replaces every character of a class by a space.
type spacer struct{ class *pattern.Class }

func (s spacer) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	out := b.text[:0]
	for len(text) > 0 {
		if size := s.class.First(text); size > 0 {
			out, text = append(out, ' '), text[size:]
			continue
		}
		size := pattern.RuneLength(text)
		out, text = append(out, text[:size]...), text[size:]
	}
	b.text = out
	return out, first
}

// padder puts spaces around every character of a class.
type padder struct{ class *pattern.Class }

func (p padder) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	out, found := b.text[:0], false
	for i := 0; i < len(text); {
		size := pattern.RuneLength(text[i:])
		if size > 1 && p.class.First(text[i:]) > 0 {
			found = true
			out = append(out, ' ')
			out = append(out, text[i:i+size]...)
			out = append(out, ' ')
		} else {
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	b.text = out
	if !found {
		return text, first
	}
	return out, first
}

// lowercase lowers each letter without regard to its neighbours.
type lowercase struct{}

func (lowercase) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	out := b.text[:0]
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			out = append(out, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		if r == 'İ' { // the only letter whose lower case has two characters
			out = append(out, "i\u0307"...)
			continue
		}
		lower, ok := pattern.LaterLower[r]
		if !ok {
			lower = unicode.ToLower(r)
		}
		out = utf8.AppendRune(out, lower)
	}
	b.text = out
	return out, first
}

// strip removes white space at the ends.
type strip struct {
	space       *pattern.Class
	left, right bool
}

func (s strip) normalize(_ *buffer, text []byte, first bool) ([]byte, bool) {
	out := text
	if s.left {
		for n := s.space.First(out); n > 0; n = s.space.First(out) {
			out = out[n:]
		}
	}
	first = first && len(out) == len(text)
	if s.right {
		for n := s.space.Last(out); n > 0; n = s.space.Last(out) {
			out = out[:len(out)-n]
		}
	}
	return out, first
}

// prepend puts a string before a text.
type prepend string

func (p prepend) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	if len(text) == 0 {
		return text, first
	}
	b.text = append(append(b.text[:0], p...), text...)
	return b.text, first
}

// replace puts content in place of every match.
type replace struct {
	pattern pattern.Matcher
	content string
}

func (r replace) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	found := r.pattern.Matches(b.spans[:0], text)
	b.spans = found
	if len(found) == 0 {
		return text, first
	}
	out, kept := b.text[:0], 0
	for _, m := range found {
		out = append(out, text[kept:m[0]]...)
		out = append(out, r.content...)
		kept = m[1]
	}
	if m := found[0]; m[0] == 0 && m[1] > 0 {
		first = first && r.content != "" && m[1] == pattern.RuneLength(text)
	}
	b.text = append(out, text[kept:]...)
	return b.text, first
}

// byteChars maps each byte to the character that byte-level vocabularies have for it: printable Latin-1 characters
// stand for themselves, the other bytes become the characters from U+0100 on.
var byteChars, charBytes = func() (chars [256]string, bytes map[rune]byte) {
	bytes = make(map[rune]byte, 256)
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r = next
			next++
		}
		chars[b], bytes[r] = string(r), byte(b)
	}
	return chars, bytes
}()

// byteLevel writes text in the characters of byteChars.
type byteLevel struct{}

func (byteLevel) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	b.text = appendByteChars(b.text[:0], text)
	return b.text, first
}

func appendByteChars(dst, text []byte) []byte {
	for _, b := range text {
		dst = append(dst, byteChars[b]...)
	}
	return dst
}
