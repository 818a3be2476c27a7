package plain

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// most is how many characters of a user's value a message shows.
const most = 100

// Short is a text of at most some 100 characters, with … where it was cut.
func Short(text string) string { return first(text, most) }

// Quote is Short in quotes.
func Quote(text string) string { return strconv.Quote(Short(text)) }

// first is a text's first n characters, with … where it was cut.
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

// maxMessage is the length in bytes up to which a message is left as it is. maxWord and maxAll are those in characters
// of a word without quotes, and of the whole.
const maxMessage, maxWord, maxAll = 500, 300, 5000

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	word   = regexp.MustCompile(`\S+`)
	unit   = regexp.MustCompile(`\\(?:x..|u.{4}|U.{8}|.)|[^\\]`) // a character in quotes
)

// ShortValues shortens the values in a message, above all those in quotes. It leaves short messages as they are.
func ShortValues(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	message = quoted.ReplaceAllStringFunc(message, shortQuoted)
	message = word.ReplaceAllStringFunc(message, func(value string) string { return first(value, maxWord) })
	return first(message, maxAll)
}

// shortQuoted shortens a value in quotes, and cuts no escape in two.
func shortQuoted(value string) string {
	if utf8.RuneCountInString(value) <= most+2 {
		return value
	}
	inner, end := value[1:len(value)-1], 0
	for range most {
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
