package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// labelCount is one label's failures.
type labelCount struct {
	label    string
	count    int
	messages []string
}

// labelCounts are in order of count, the largest first.
type labelCounts []labelCount

// MarshalJSON writes an object in that order.
func (l labelCounts) MarshalJSON() ([]byte, error) {
	type message struct {
		Message string `json:"message"`
	}
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, c := range l {
		if i > 0 {
			buf.WriteByte(',')
		}
		messages := make([]message, len(c.messages))
		for k, m := range c.messages {
			messages[k].Message = m
		}
		key, err := plainJSON(c.label)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(struct {
			Count    int       `json:"count"`
			Messages []message `json:"messages"`
		}{c.count, messages})
		if err != nil {
			return nil, err
		}
		buf.Write(append(append(key, ':'), value...))
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

func countLabels(failed []*Request, maxMessages int) labelCounts {
	at := map[string]int{}
	counts := labelCounts{}
	for _, q := range failed {
		name := label(q)
		i, known := at[name]
		if !known {
			i = len(counts)
			at[name] = i
			counts = append(counts, labelCount{label: name, messages: []string{}})
		}
		c := &counts[i]
		c.count++
		if text := plainMessage(q.Error); len(c.messages) < maxMessages && !slices.Contains(c.messages, text) {
			c.messages = append(c.messages, text)
		}
	}
	slices.SortStableFunc(counts, func(a, b labelCount) int { return cmp.Compare(b.count, a.count) })
	return counts
}

var statusLabels = map[int]string{
	429: "Rate Limit", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}

var messageLabels = []struct {
	label string
	match *regexp.Regexp
}{
	{"Context Window", regexp.MustCompile(`(?i)context.window|context length|maximum context|max.?tokens|token.?limit`)},
	{"Invalid JSON", regexp.MustCompile(`(?i)invalid.?json|json.?parse|malformed.?json|unexpected.?token|expecting value|unterminated string|expecting ',' delimiter`)},
	{"Timeout", regexp.MustCompile(`(?i)timeout|timed.?out`)},
	{"Model Not Found", regexp.MustCompile(`(?i)model.?not.?found|no such model`)},
}

var (
	timedOut     = regexp.MustCompile(`(?i)timeout|timed.?out`)
	notConnected = regexp.MustCompile(`(?i)connection.?refused|connect`)
)

// label is the name inference-perf would put a failure under.
func label(q *Request) string {
	switch q.ErrorType {
	case record.ErrorHTTP:
		return fmt.Sprintf("%d - %s", q.Status, statusLabel(q))
	case record.ErrorTimeout, record.ErrorStall:
		return "Timeout"
	case record.ErrorConnect, record.ErrorDNS, record.ErrorTLS, record.ErrorReset:
		return "Connection Error"
	case record.ErrorTruncated, record.ErrorStream, record.ErrorMalformed, record.ErrorTooLarge, record.ErrorCanceled:
		return q.ErrorType
	}
	switch text := plainMessage(q.Error); { // a class of errors of another tool
	case timedOut.MatchString(text):
		return "Timeout"
	case notConnected.MatchString(text):
		return "Connection Error"
	}
	return strings.ToLower(q.ErrorType)
}

func statusLabel(q *Request) string {
	if name := statusLabels[q.Status]; name != "" {
		return name
	}
	text := plainMessage(q.Error)
	for _, m := range messageLabels {
		if m.match.MatchString(text) {
			return m.label
		}
	}
	return "other"
}

// plainMessage is the message that a JSON body of an error holds, else all of it.
func plainMessage(text string) string {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || !gjson.Valid(text) {
		return text
	}
	for _, path := range []string{"error.message", "message"} {
		if m := gjson.Get(text, path); m.Exists() && m.Type != gjson.Null {
			return m.String()
		}
	}
	return text
}
