package plain

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many characters of a user's value a message shows.
const maxShown = 100

// Short returns the first 100 characters of a text, with … where it was cut.
func Short(text string) string { return first(text, maxShown) }

// Quote returns Short of a text in quotes.
func Quote(text string) string { return strconv.Quote(Short(text)) }

// first returns the first n characters of a text, with … where it was cut.
func first(text string, n int) string {
	at := 0
	for range n {
		if at >= len(text) {
			return text
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	if at >= len(text) {
		return text
	}
	return text[:at] + "…"
}

// Clip returns the first bytes of a text, as many as limit allows, with … where it was cut. The cut leaves no part of a
// character.
func Clip(text string, limit int) string {
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

// Excerpt returns the first 200 bytes of what a server wrote, on one line, with … where they were cut. It escapes
// nothing.
func Excerpt(text string) string { return Clip(strings.Join(strings.Fields(text), " "), 200) }

// maxMessage is the length in bytes up to which a message is left unchanged. maxWord and maxAll are the greatest
// lengths, in characters, of a word without quotes and of a whole message.
const maxMessage, maxWord, maxAll = 500, 300, 5000

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	word   = regexp.MustCompile(`\S+`)
	unit   = regexp.MustCompile(`\\(?:x..|u.{4}|U.{8}|.)|[^\\]`) // a character in quotes
)

// ShortValues shortens the values in a message, those in quotes most. It returns short messages unchanged.
func ShortValues(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	message = quoted.ReplaceAllStringFunc(message, shortQuoted)
	message = word.ReplaceAllStringFunc(message, func(value string) string { return first(value, maxWord) })
	return first(message, maxAll)
}

// shortQuoted shortens a value in quotes without cutting an escape in two.
func shortQuoted(value string) string {
	if utf8.RuneCountInString(value) <= maxShown+2 {
		return value
	}
	inner, end := value[1:len(value)-1], 0
	for range maxShown {
		at := unit.FindStringIndex(inner[end:])
		if at == nil {
			break
		}
		end += at[1]
	}
	if end >= len(inner) {
		return value
	}
	return `"` + inner[:end] + `…"`
}
