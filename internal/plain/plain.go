// Package plain makes untrusted text (of a server, a script, a file, the environment) safe for the place where it is
// shown: a terminal, a message, a cell of a table, a file's name. Long texts are cut; control characters and invisible
// marks become escapes, such as \x1b and \u202e, so that a text can neither control a terminal nor look like another;
// the printable letters of every script stay. Text that is stored as data (records, JSON, Parquet) does not pass
// through here.
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

// Terminal returns a text as one line of a terminal, a log or a chart: line breaks and tabs are escaped, too.
func Terminal(text string) string { return escaped(text, "") }

// Lines does the same for a text of several lines: line feeds and tabs stay.
func Lines(text string) string { return escaped(text, "\n\t") }

// Message returns the text of an error with long values shortened. A text may have several lines, as with
// [errors.Join]: all but the first are indented, so that none looks like a line that the program itself wrote.
func Message(err error) string {
	text := ShortValues(strings.TrimSpace(err.Error()))
	return strings.ReplaceAll(Lines(text), "\n", "\n  ")
}

// Error wraps an error so that its text is that of [Message]. It returns nil for nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return printable{err}
}

type printable struct{ error }

func (p printable) Error() string { return Message(p.error) }

func (p printable) Unwrap() error { return p.error }

// escaped replaces each invisible character that is not in keep by an escape.
func escaped(text, keep string) string {
	for i, r := range text { // most texts need no escape
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

// escape returns a character as Go and Python write it in a string.
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

// shown reports whether a reader sees the character at an offset of a text for what it is.
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
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // visible Arabic signs around numbers
		return true
	case r == lineSeparator || r == paragraphSeparator:
		return false
	}
	return unicode.IsGraphic(r)
}

// kindRunes is how many characters of a message determine its kind.
const kindRunes = 300

// varying matches words that differ between messages of one kind: numbers, addresses, ports, ids of requests.
var varying = regexp.MustCompile(`[\pL\pN_]*\pN[\pL\pN_]*(?:[-.:]+[\pL\pN_]+)*`)

// Kind returns a key that is equal for messages that differ only in numbers, addresses and ids: # replaces each word
// with a digit. Messages of one kind report the same failure. The key is for comparison, not for display.
func Kind(message string) string {
	return varying.ReplaceAllString(OneLine(message, kindRunes), "#")
}

// OneLine returns the first characters of a text, as many as most says, on one line of a terminal: white space becomes
// one space, other invisible characters become escapes, and an ellipsis marks a cut.
func OneLine(text string, most int) string {
	const perRune = 16 // bytes examined per character, so that a huge text costs no time
	return Terminal(first(strings.Join(strings.Fields(cut(text, perRune*most)), " "), most))
}

const (
	zeroWidthNonJoiner = 0x200c
	zeroWidthJoiner    = 0x200d
	lineSeparator      = 0x2028
	paragraphSeparator = 0x2029
)

// joins reports whether a joiner stands where writing needs one: within Arabic and Indic words and between parts of an
// emoji. Elsewhere, or twice in a row, it serves only to deceive.
func joins(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	if before < utf8.RuneSelf || before == utf8.RuneError || unicode.In(before, unjoined...) {
		return false
	}
	return unicode.In(before, unicode.L, unicode.M, unicode.S)
}

// unjoined lists scripts whose letters no joiner changes.
var unjoined = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
}

// Args returns arguments of a format with which texts, errors and Stringers print as [Terminal] writes them. %q quotes
// them as usual.
func Args(args []any) []any {
	fit := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case error, fmt.Stringer:
			fit[i] = words(fmt.Sprint(v)) // fmt handles nil pointers
		default:
			fit[i] = arg
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				fit[i] = words(v.String())
			}
		}
	}
	return fit
}

// words is a text that formats itself.
type words string

// Format implements fmt.Formatter.
func (w words) Format(s fmt.State, verb rune) {
	text := string(w)
	if verb != 'q' {
		text = Terminal(text)
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), text) // into fmt's own buffer
}

// Writer writes what it is given to W as [Lines] returns it: it is the last guard before a terminal, for texts that no
// other function of this package has escaped. A character that the end of a Write cuts waits for the next Write. A
// Writer may be used concurrently.
type Writer struct {
	W   io.Writer
	mu  sync.Mutex
	cut []byte // the beginning of a character
}

// Write writes all of p, except the beginning of a character at its end, which the next Write completes.
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
