package plain

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// CSVCell is a text as a cell of a table in CSV that a spreadsheet shows and does not compute: before a character that
// begins a formula stands an apostrophe, as OWASP recommends. The quotes of CSV are left to its writer. Numbers do not
// belong here: -1 is text to it.
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

// Markdown is text without a meaning in Markdown, on one line and fit for a cell of a table; nobody is mentioned by it
// either.
func Markdown(text string) string { return markdownEscapes.Replace(Terminal(text)) }

// JSON is a document in JSON that a terminal may show: the same data, with characters that are not shown as the
// escapes of JSON.
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
