// Package clip shortens what users gave for messages, which stay readable however long it is.
package clip

import (
	"regexp"
	"strconv"
	"unicode/utf8"
)

// most is how many characters of a text are shown.
const most = 100

// Text is a text of at most some 100 characters, with … where it was cut.
func Text(text string) string { return first(text, most) }

// Quote is a text of at most some 100 characters in quotes.
func Quote(text string) string { return strconv.Quote(Text(text)) }

// first is a text's first n characters.
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

// maxMessage is the length in bytes up to which a message is left as it is, and maxWord that in characters of what stands in it
// without quotes.
const maxMessage, maxWord = 500, 300

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	word   = regexp.MustCompile(`\S+`)
	unit   = regexp.MustCompile(`\\(?:x..|u.{4}|U.{8}|.)|[^\\]`) // a character in quotes
)

// Message shortens the values that stand in a message, those in quotes above all. Short messages are left as they are.
func Message(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	text = quoted.ReplaceAllStringFunc(text, func(value string) string {
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
	})
	return word.ReplaceAllStringFunc(text, func(value string) string { return first(value, maxWord) })
}

// Error is an error whose message is shortened by Message; nil of nil. What it wraps can be looked into as before.
func Error(err error) error {
	if err == nil || len(err.Error()) <= maxMessage {
		return err
	}
	return &clipped{err}
}

type clipped struct{ err error }

func (c *clipped) Error() string { return Message(c.err.Error()) }

func (c *clipped) Unwrap() error { return c.err }
