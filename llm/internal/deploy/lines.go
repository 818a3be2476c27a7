package deploy

import (
	"regexp"
	"slices"
	"strings"
)

// complaint matches a line that says what went wrong.
var complaint = regexp.MustCompile(`(?i)\b\w*(error|exception)\b|\b(fatal|panic|failed|cannot|killed|out of memory)\b`)

// telling returns the line that says most of why a server ended: the last complaint, or else the last line with text.
func telling(lines []string) (line string) {
	for _, l := range slices.Backward(lines) {
		switch {
		case complaint.MatchString(l):
			return strings.TrimSpace(l)
		case line == "":
			line = strings.TrimSpace(l)
		}
	}
	return line
}
