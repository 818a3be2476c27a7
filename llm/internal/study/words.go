package study

import (
	"fmt"
	"strings"
)

// split splits a command as a shell does: at blanks that are not in quotes. No shell runs it, so what only a shell
// does with a text outside of quotes is an error. A dollar is left for the variables.
func split(text string) (words []string, err error) {
	var word strings.Builder
	inWord := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
			continue
		case c == '\'' || c == '"':
			end, err := quoted(text, i, &word)
			if err != nil {
				return nil, err
			}
			i = end
		case c == '\\':
			if i++; i == len(text) {
				return nil, fmt.Errorf("the command ends with a backslash")
			}
			if text[i] == '\n' { // a line goes on
				continue
			}
			word.WriteByte(text[i])
		case strings.IndexByte("|&;<>`()", c) >= 0:
			return nil, fmt.Errorf("no shell runs the command, so %q has no meaning: quote it, or write "+
				"[sh, -c, '…'] for a shell", c)
		case c == '$' && i+1 < len(text) && text[i+1] == '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("${ without }")
			}
			word.WriteString(text[i : i+end+1])
			i += end
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted writes what is in the quotes that begin at an index, and returns the index of the closing quote.
func quoted(text string, begin int, word *strings.Builder) (int, error) {
	quote := text[begin]
	for i := begin + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return i, nil
		case c == '\\' && quote == '"' && i+1 < len(text) && strings.IndexByte("\"\\`\n", text[i+1]) >= 0:
			if i++; text[i] != '\n' {
				word.WriteByte(text[i])
			}
		default:
			word.WriteByte(c)
		}
	}
	return 0, fmt.Errorf("a quote (%c) has no end", quote)
}
