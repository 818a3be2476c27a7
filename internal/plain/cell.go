package plain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// CSVCell returns a text as a cell of a CSV table that a spreadsheet shows and does not compute: an apostrophe precedes
// a character that begins a formula, as OWASP recommends. The quotes of CSV are left to its writer. Do not pass
// numbers: CSVCell takes -1 for text.
func CSVCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", firstRune(text)) {
		return "'" + text
	}
	return text
}

func firstRune(text string) rune {
	for _, r := range text {
		return r
	}
	return 0
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">",
	"&gt;",
	"&", "&amp;", "[", `\[`, "]", `\]`, "#", `\#`, "@", "@\u200b", "~", `\~`, "$", `\$`)

// Markdown escapes a text so that nothing in it has a meaning in Markdown. The result is one line that fits a cell of a
// table, and mentions no user.
func Markdown(text string) string { return markdownEscapes.Replace(Terminal(text)) }

// WriteJSON writes a value as indented JSON that is safe on a terminal, and that people can read: <, > and & stay.
func WriteJSON(w io.Writer, value any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return err
	}
	_, err := io.WriteString(w, JSON(text.Bytes()))
	return err
}

// JSON returns a JSON document that is safe on a terminal: the same data, with JSON's escapes for invisible characters.
func JSON(document []byte) string {
	var b strings.Builder
	text := string(document)
	for i, r := range text {
		switch {
		case r == '\n' || shown(text, i, r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}
