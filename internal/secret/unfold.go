package secret

import (
	"html"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unfold undoes all escapes in a text: of JSON (\u002d, \/, \"), Go, C and Python (\x2d, \'), URLs (%2d) and HTML
// (&#45;, &amp;). A backslash before anything else is removed, because the number of backslashes depends on how often a
// text was quoted in another. at holds for each byte of plain, and for its end, the index in text that it comes from;
// nil means that the text has no escapes.
func unfold(text string) (plain string, at []int32) {
	first := 0
	for ; first < len(text); first++ {
		if c := text[first]; c != '\\' && c != '%' && c != '&' {
			continue
		}
		if _, n := escape(nil, text[first:]); n > 0 {
			break
		}
	}
	if first == len(text) {
		return text, nil
	}
	bytes := append(make([]byte, 0, len(text)), text[:first]...)
	at = make([]int32, first, len(text)+1)
	for i := range at {
		at[i] = int32(i) // fits, because answers are limited to far less
	}
	for i := first; i < len(text); {
		had, n := len(bytes), 0
		if bytes, n = escape(bytes, text[i:]); n == 0 {
			bytes, n = append(bytes, text[i]), 1
		}
		for range len(bytes) - had {
			at = append(at, int32(i))
		}
		i += n
	}
	return string(bytes), append(at, int32(len(text)))
}

// escape appends the character that the escape at the beginning of a text stands for and returns the length of the
// escape, or 0 if there is none. Escapes of control characters are kept, because no secret holds one.
func escape(to []byte, text string) ([]byte, int) {
	switch text[0] {
	case '\\':
		return backslash(to, text)
	case '%':
		if c, ok := hex(text, 1, 2); ok {
			return append(to, byte(c)), 3
		}
	case '&':
		end := strings.IndexByte(text[:min(len(text), len("&#0000000;"))], ';')
		if end < 0 {
			break
		}
		if plain := html.UnescapeString(text[:end+1]); len(plain) <= end && plain[0] >= ' ' {
			return append(to, plain...), end + 1
		}
	}
	return to, 0
}

// mostSlashes is the greatest number of backslashes before an escape that are read as one: each quoting of JSON within
// JSON doubles them.
const mostSlashes = 16

func backslash(to []byte, text string) ([]byte, int) {
	n := 1
	for n < min(len(text), mostSlashes) && text[n] == '\\' {
		n++
	}
	if n == len(text) {
		return to, n
	}
	switch text[n] {
	case 'x':
		if c, ok := hex(text, n+1, 2); ok {
			return append(to, byte(c)), n + 3
		}
	case 'u':
		c, ok := hex(text, n+1, 4)
		if !ok {
			return to, n
		}
		end := n + 5
		if low, ok := hex(text, end+n+1, 4); ok && utf16.IsSurrogate(c) && text[end+n] == 'u' {
			return utf8.AppendRune(to, utf16.DecodeRune(c, low)), end + n + 5
		}
		return utf8.AppendRune(to, c), end
	}
	return to, n
}

// hex reads a number of hexadecimal digits at from. ok is false for other characters than digits and for a control
// character.
func hex(text string, from, digits int) (c rune, ok bool) {
	if from+digits > len(text) {
		return 0, false
	}
	for _, digit := range []byte(text[from : from+digits]) {
		switch {
		case digit >= '0' && digit <= '9':
			c = c<<4 | rune(digit-'0')
		case digit|' ' >= 'a' && digit|' ' <= 'f':
			c = c<<4 | rune(digit|' '-'a'+10)
		default:
			return 0, false
		}
	}
	return c, c >= ' ' && c != 0x7f
}
