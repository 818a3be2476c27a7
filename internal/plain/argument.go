package plain

import "strings"

// Argument returns a text as an argument of a command that people copy from a terminal: in quotes if a shell would take
// it for something else, and as Terminal does.
func Argument(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return Terminal(text)
}
