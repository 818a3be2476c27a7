package convert

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// maxMessages is how many different messages a label lists.
const maxMessages = 10

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
		key, err := json.Marshal(c.label)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(struct {
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

func countLabels(failed []Request) labelCounts {
	at := map[string]int{}
	counts := labelCounts{}
	for _, q := range failed {
		name := label(q.Request)
		i, known := at[name]
		if !known {
			i = len(counts)
			at[name] = i
			counts = append(counts, labelCount{label: name, messages: []string{}})
		}
		c := &counts[i]
		c.count++
		if len(c.messages) < maxMessages && !slices.Contains(c.messages, q.Error) {
			c.messages = append(c.messages, q.Error)
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

// label is the name inference-perf would put a failure under.
func label(r *record.Request) string {
	switch r.ErrorType {
	case record.ErrorHTTP:
		return fmt.Sprintf("%d - %s", r.Status, statusLabel(r))
	case record.ErrorTimeout, record.ErrorStall:
		return "Timeout"
	case record.ErrorConnect, record.ErrorDNS, record.ErrorTLS, record.ErrorReset:
		return "Connection Error"
	}
	return r.ErrorType
}

func statusLabel(r *record.Request) string {
	if name := statusLabels[r.Status]; name != "" {
		return name
	}
	for _, m := range messageLabels {
		if m.match.MatchString(r.Error) {
			return m.label
		}
	}
	return "other"
}
