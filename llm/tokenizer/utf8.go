package tokenizer

import "unicode/utf8"

const replacement = "\uFFFD"

// appendValid appends text with every ill-formed sequence replaced by U+FFFD in the manner of Python's
// errors="replace": one for each longest prefix of a character, so a character cut off at the end becomes one.
func appendValid(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, replacement...)
			text = text[illFormed(text):]
			continue
		}
		dst = append(dst, text[:size]...)
		text = text[size:]
	}
	return dst
}

// illFormed returns the length of the ill-formed sequence with which text begins.
func illFormed(text []byte) int {
	low, high, length := byte(0x80), byte(0xbf), 0
	switch b := text[0]; {
	case b == 0xe0:
		low, length = 0xa0, 3
	case b == 0xed:
		high, length = 0x9f, 3
	case b > 0xe0 && b < 0xf0:
		length = 3
	case b == 0xf0:
		low, length = 0x90, 4
	case b > 0xf0 && b < 0xf4:
		length = 4
	case b == 0xf4:
		high, length = 0x8f, 4
	}
	n := 1
	for n < length && n < len(text) && low <= text[n] && text[n] <= high {
		low, high = 0x80, 0xbf
		n++
	}
	return n
}
