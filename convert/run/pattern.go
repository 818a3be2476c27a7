package run

import (
	"encoding/binary"
	"strconv"
)

// patterns holds texts that many requests share a part of. Requests keep the rest alone.
type patterns map[string]string

// mostPatterns bounds how many texts are shared: where each request has its own, nothing is gained.
const mostPatterns = 64

// known returns a text that is or can be shared, and false if there are too many.
func known[T string | []byte](p *patterns, text T) (shared string, ok bool) {
	if shared, ok = (*p)[string(text)]; ok {
		return shared, true
	}
	if len(*p) >= mostPatterns {
		return "", false
	}
	if *p == nil {
		*p = patterns{}
	}
	shared = string(text)
	(*p)[shared] = shared
	return shared, true
}

// number stands for a number in a pattern. No JSON contains it.
const number = 0

// splitNumbers appends the numbers in a text to numbers, and the text without them to pattern. Texts in which a number
// would not come out as it went in keep its digits in the pattern.
func splitNumbers(pattern, numbers, text []byte) (newPattern, newNumbers []byte) {
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && '0' <= text[end] && text[end] <= '9' {
			end++
		}
		switch digits := text[i:end]; {
		case end == i:
			pattern = append(pattern, text[i])
			end++
		case len(digits) > 18 || digits[0] == '0' && len(digits) > 1:
			pattern = append(pattern, digits...)
		default:
			var n uint64
			for _, c := range digits {
				n = 10*n + uint64(c-'0')
			}
			pattern, numbers = append(pattern, number), binary.AppendUvarint(numbers, n)
		}
		i = end
	}
	return pattern, numbers
}

// fillPattern appends a text that splitNumbers split. Without a pattern the text itself is packed.
func fillPattern(dst []byte, pattern string, u unpacker) []byte {
	if pattern == "" {
		return append(dst, u.data...)
	}
	for i := range len(pattern) {
		if c := pattern[i]; c != number {
			dst = append(dst, c)
			continue
		}
		dst = strconv.AppendUint(dst, u.uint64(), 10)
	}
	return dst
}
