package deploy

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
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

// Bounds of what is shown of an output.
const (
	mostLines = 20
	lineWidth = 300      // runes
	tailSize  = 64 << 10 // bytes that are read from the end
)

// access matches a line of a log of requests, as uvicorn, Python's http.server and nginx write them: a request with its
// status. A complaint that names a request has none.
var access = regexp.MustCompile(`"(GET|HEAD|POST) \S+ HTTP/[0-9.]+" [0-9]{3}\b`)

// lastLines returns the last lines of an output as they may be shown: without secrets and control characters, and
// without requests, most of which are those that ask whether the server is ready.
func lastLines(text []byte, mask *secret.Mask) (list []string) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:] // a progress bar that was drawn again
		}
		if line := strings.TrimRight(string(line), " \t"); line != "" && !access.MatchString(line) {
			list = append(list, line)
		}
	}
	list = list[max(0, len(list)-mostLines):]
	for i, line := range list {
		list[i] = plain.Terminal(plain.Clip(mask.Text(colours.ReplaceAllString(line, "")), lineWidth))
	}
	return list
}

// colours matches the sequences with which servers colour their logs.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// tail returns the end of a file from an offset on.
func tail(path string, from int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	begin := max(from, info.Size()-tailSize)
	if _, err := f.Seek(begin, io.SeekStart); err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(f, tailSize))
	if err != nil {
		return nil
	}
	if begin > from { // the first line is cut, perhaps within a secret
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}
