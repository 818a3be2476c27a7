// Package plain makes text that strangers wrote (a server, a script, a file, the environment) fit for the place where
// it is shown: a terminal, a message, a cell of a table, a file's name. It is cut where it is long; control characters
// and marks that nobody sees become escapes there, such as \x1b and \u202e, so that a text can neither steer a
// terminal nor look like another; the printable letters of every script stay. What is stored as data (records, JSON,
// Parquet) does not pass through here.
//
// All functions may be called concurrently.
package plain

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Terminal is text as one line of a terminal, a log or a chart: line breaks and tabs are escaped, too.
func Terminal(text string) string { return escaped(text, "") }

// Lines is Terminal for text of several lines, whose line feeds and tabs stay.
func Lines(text string) string { return escaped(text, "\n\t") }

// Message is an error's text, with long values shortened. It may be of several lines as those of [errors.Join] are: the
// lines but the first are indented, so that none looks like a line of the program's own.
func Message(err error) string {
	text := ShortValues(strings.TrimSpace(err.Error()))
	return strings.ReplaceAll(Lines(text), "\n", "\n  ")
}

// Error is an error whose text is that of [Message], nil of nil. It wraps the one given.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return printable{err}
}

type printable struct{ error }

func (p printable) Error() string { return Message(p.error) }

func (p printable) Unwrap() error { return p.error }

// escaped writes an escape for each character that is not shown, unless keep has it.
func escaped(text, keep string) string {
	for i, r := range text { // most texts are fit as they are
		if !shown(text, i, r) && !strings.ContainsRune(keep, r) {
			return text[:i] + escapedRest(text, i, keep)
		}
	}
	return text
}

func escapedRest(text string, from int, keep string) string {
	var b strings.Builder
	for i := from; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if shown(text, i, r) || strings.ContainsRune(keep, r) && !broken(r, size) {
			b.WriteString(text[i : i+size])
		} else {
			b.WriteString(escape(text[i:i+size], r))
		}
		i += size
	}
	return b.String()
}

func broken(r rune, size int) bool { return r == utf8.RuneError && size == 1 }

// escape is a character as Go and Python write it in a string.
func escape(raw string, r rune) string {
	switch {
	case broken(r, len(raw)):
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// shown says whether a person sees the character at a place of a text for what it is.
func shown(text string, at int, r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return ' ' <= r && r <= '~'
	case r == utf8.RuneError:
		_, size := utf8.DecodeRuneInString(text[at:])
		return size > 1
	case r == zeroWidthNonJoiner || r == zeroWidthJoiner:
		return joins(text, at)
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), 0xe0000 <= r && r <= 0xe0fff: // fillers, tags
		return false
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // Arabic signs around numbers, which are seen
		return true
	case r == lineSeparator || r == paragraphSeparator:
		return false
	}
	return unicode.IsGraphic(r)
}

// kindRunes is how much of a message tells its kind.
const kindRunes = 300

// varying are words that differ from one message of a kind to the next: numbers, addresses, ports, ids of requests.
var varying = regexp.MustCompile(`[\pL\pN_]*\pN[\pL\pN_]*(?:[-.:]+[\pL\pN_]+)*`)

// Kind is a key that messages share which differ in their numbers, addresses and ids alone: # stands for a word with a
// digit in it. Messages of one kind are the same failure. It is for comparison, not for show.
func Kind(message string) string {
	return varying.ReplaceAllString(OneLine(message, kindRunes), "#")
}

// OneLine is the first so many characters of a text on one line of a terminal: white space becomes one space, other
// characters that are not shown become escapes. An ellipsis stands for what is left out.
func OneLine(text string, most int) string {
	const perRune = 16 // bytes looked at, so that a huge text takes no time
	return Terminal(first(strings.Join(strings.Fields(cut(text, perRune*most)), " "), most))
}

const (
	zeroWidthNonJoiner = 0x200c
	zeroWidthJoiner    = 0x200d
	lineSeparator      = 0x2028
	paragraphSeparator = 0x2029
)

// joins says whether a joiner stands where writing needs one: within Arabic and Indic words and between parts of an
// emoji. Elsewhere, or twice, it only hides.
func joins(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	if before < utf8.RuneSelf || before == utf8.RuneError || unicode.In(before, unjoined...) {
		return false
	}
	return unicode.In(before, unicode.L, unicode.M, unicode.S)
}

// unjoined are scripts whose letters no joiner changes.
var unjoined = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
}

// Args are arguments of a format that prints texts, errors and Stringers as [Terminal] has them; %q quotes them as
// usual.
func Args(args []any) []any {
	fit := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case error, fmt.Stringer:
			fit[i] = words(fmt.Sprint(v)) // which knows nil pointers
		default:
			fit[i] = arg
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				fit[i] = words(v.String())
			}
		}
	}
	return fit
}

// words are a text that formats itself.
type words string

// Format is fmt.Formatter's.
func (w words) Format(s fmt.State, verb rune) {
	text := string(w)
	if verb != 'q' {
		text = Terminal(text)
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), text) // into fmt's own buffer
}

// Writer passes on what is written to it as [Lines] has it: it is the last guard before a terminal, for texts that
// reach it unmade. A character that is cut by the end of a Write waits for the next one. It may be used concurrently.
type Writer struct {
	W   io.Writer
	mu  sync.Mutex
	cut []byte // of a character
}

// Write writes all of p, or a beginning of a character at its end later.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := string(w.cut) + string(p)
	whole := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if c := text[len(text)-back]; utf8.RuneStart(c) {
			if !utf8.FullRuneInString(text[len(text)-back:]) {
				whole = len(text) - back
			}
			break
		}
	}
	w.cut = []byte(text[whole:])
	if _, err := io.WriteString(w.W, Lines(text[:whole])); err != nil {
		return 0, err
	}
	return len(p), nil
}
