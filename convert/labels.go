package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// labelCount is one label's failures.
type labelCount struct {
	label    string
	count    int
	messages []message // different ones, the most frequent first
	kinds    []kind    // of all messages, the most frequent first
}

// message is what failures came with.
type message struct {
	Text  string `json:"message"`
	count int
	kind  int // its place in kinds
}

// kind is messages that differ in numbers, addresses and ids alone.
type kind struct {
	label, first string
	count        int
	differ       bool
}

// labelCounts are in order of count, the largest first.
type labelCounts []labelCount

// MarshalJSON writes an object in that order.
func (l labelCounts) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, c := range l {
		if i > 0 {
			buf.WriteByte(',')
		}
		key, err := plainJSON(c.label)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(struct {
			Count    int       `json:"count"`
			Messages []message `json:"messages"`
		}{c.count, c.messages})
		if err != nil {
			return nil, err
		}
		buf.Write(append(append(key, ':'), value...))
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// ownAddress is the client's end of a connection, whose port is another for each: without it messages are alike.
var ownAddress = regexp.MustCompile(`\b((?:read|write) tcp[46]? )\S+?->`)

// countLabels sorts failures by label. Of each label it keeps so many different messages, and as many kinds.
func countLabels(failed []*run.Request, maxMessages int) labelCounts {
	at, messageAt, kindAt := map[string]int{}, map[[2]string]int{}, map[[2]string]int{}
	counts := labelCounts{}
	for _, q := range failed {
		name, text := label(q), ownAddress.ReplaceAllString(plainMessage(q.Error), "$1")
		c := &counts[indexOrAppend(&counts, at, name, labelCount{label: name})]
		c.count++
		m := &c.messages[indexOrAppend(&c.messages, messageAt, [2]string{name, text}, message{Text: text, kind: -1})]
		m.count++
		if m.kind < 0 {
			m.kind = indexOrAppend(&c.kinds, kindAt, [2]string{name, plain.Kind(text)}, kind{label: name, first: text})
			c.kinds[m.kind].differ = c.kinds[m.kind].first != text
		}
		c.kinds[m.kind].count++
	}
	slices.SortStableFunc(counts, func(a, b labelCount) int { return cmp.Compare(b.count, a.count) })
	counts = counts.bounded()
	for i := range counts {
		list := counts[i].messages
		slices.SortStableFunc(list, func(a, b message) int { return cmp.Compare(b.count, a.count) })
		counts[i].messages = slices.Clone(list[:min(len(list), maxMessages)]) // the others' memory is free
	}
	return counts
}

// mostLabels is how many labels a report tells apart. Those of this program are fewer; other tools may have one for
// each failure.
const mostLabels = 1000

// bounded puts the labels that are too many together, at the end.
func (l labelCounts) bounded() labelCounts {
	if len(l) <= mostLabels {
		return l
	}
	rest := labelCount{label: fmt.Sprintf("%d other labels", len(l)-mostLabels)}
	for _, c := range l[mostLabels:] {
		rest.count += c.count
		rest.messages, rest.kinds = append(rest.messages, c.messages...), append(rest.kinds, c.kinds...)
	}
	return append(slices.Clone(l[:mostLabels]), rest)
}

// indexOrAppend is where in a list the element is that a key stands for: at its end, a new one, if none did yet.
func indexOrAppend[L ~[]V, K comparable, V any](list *L, at map[K]int, key K, fresh V) int {
	i, known := at[key]
	if !known {
		i = len(*list)
		at[key] = i
		*list = append(*list, fresh)
	}
	return i
}

// kinds are those of all labels, the most frequent first.
func (l labelCounts) kinds() (all []kind) {
	for _, c := range l {
		all = append(all, c.kinds...)
	}
	slices.SortStableFunc(all, func(a, b kind) int { return cmp.Compare(b.count, a.count) })
	return all
}

// shownRunes is how much of a message stands in a line of a table.
const shownRunes = 200

// shown is the first message of the kind as a part of a line.
func (k kind) shown() string {
	text := plain.OneLine(k.first, shownRunes)
	switch {
	case text == "":
		return "no message"
	case k.differ:
		return text + " (the first; their numbers differ)"
	}
	return text
}

var statusLabels = map[int]string{
	429: "Rate Limit", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Gateway Timeout",
}

// otherContextWindow is how servers say that a prompt is too long in words that inference-perf does not know:
// llama.cpp, vLLM (maximum model length), SGLang (maximum allowed length), TGI (max_new_tokens, less than … tokens),
// TensorRT-LLM, and APIs of companies.
const otherContextWindow = `context.?(size|limit)|context_length|model.?len|max.?(new|input|total|num).?tokens|too ` +
	`many tokens|maximum number of tokens|` +
	`\b(prompts?|inputs?)\b.{0,60}(too (long|large)|longer than|less than \d+ ` +
	`tokens|exceed.{0,30}(length|limit|tokens|maximum))`

var messageLabels = []struct {
	label string
	match *regexp.Regexp
}{
	{"Context Window",
		regexp.MustCompile(`(?i)context.window|context length|maximum context|max.?tokens|token.?limit|` +
			otherContextWindow)},
	{"Invalid JSON",
		regexp.MustCompile(`(?i)invalid.?json|json.?parse|malformed.?json|unexpected.?token|expecting ` +
			`value|unterminated string|expecting ',' delimiter`)},
	{"Timeout", regexp.MustCompile(`(?i)timeout|timed.?out`)},
	{"Model Not Found", regexp.MustCompile(`(?i)model.?not.?found|no such model`)},
}

var (
	timedOut     = regexp.MustCompile(`(?i)timeout|timed.?out`)
	notConnected = regexp.MustCompile(`(?i)connection.?refused|connect`)
)

// label is the name inference-perf would put a failure under.
func label(q *run.Request) string {
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
	return plain.OneLine(strings.ToLower(q.ErrorType), 80)
}

func statusLabel(q *run.Request) string {
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
