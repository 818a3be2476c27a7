package convert

import (
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

// labelCount counts the failures with one label.
type labelCount struct {
	label    string
	count    int
	messages []message // distinct messages, the most frequent first
	kinds    []kind    // the kinds of all messages, the most frequent first
}

// message is an error message and how many failures have it.
type message struct {
	Text  string `json:"message"`
	count int
	kind  int // its index in kinds
}

// kind is a group of messages that differ in numbers, addresses and ids alone.
type kind struct {
	label, first string
	count        int
	differ       bool
}

// labelCounts is sorted by count, the largest first.
type labelCounts []labelCount

// MarshalJSON writes an object whose members have the order of the list.
func (l labelCounts) MarshalJSON() ([]byte, error) {
	var o orderedObject
	for _, c := range l {
		o.add(c.label, struct {
			Count    int       `json:"count"`
			Messages []message `json:"messages"`
		}{c.count, c.messages})
	}
	return o.end()
}

// ownAddress matches the client's end of a connection. Its port differs from connection to connection: without it the
// messages are alike.
var ownAddress = regexp.MustCompile(`\b((?:read|write) tcp[46]? )\S+?->`)

// countLabels groups failures by label. For each label it keeps at most maxMessages distinct messages, and all kinds.
func countLabels(failed []*run.Request, maxMessages int) labelCounts {
	at, messageAt, kindAt := map[string]int{}, map[[2]string]int{}, map[[2]string]int{}
	counts := labelCounts{}
	for _, q := range failed {
		name, text := label(q), ownAddress.ReplaceAllString(plainMessage(errorOf(q)), "$1")
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
		// a clone, so that the others can be freed
		counts[i].messages = slices.Clone(list[:min(len(list), maxMessages)])
	}
	return counts
}

// mostLabels is how many labels a report distinguishes. This program has fewer; other tools may have one for each
// failure.
const mostLabels = 1000

// bounded merges the labels beyond the first mostLabels into one at the end.
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

// indexOrAppend returns the index in list of the element with the given key, and appends fresh if there is none.
func indexOrAppend[L ~[]V, K comparable, V any](list *L, at map[K]int, key K, fresh V) int {
	i, known := at[key]
	if !known {
		i = len(*list)
		at[key] = i
		*list = append(*list, fresh)
	}
	return i
}

// kinds returns the kinds of all labels, the most frequent first.
func (l labelCounts) kinds() (all []kind) {
	for _, c := range l {
		all = append(all, c.kinds...)
	}
	slices.SortStableFunc(all, func(a, b kind) int { return cmp.Compare(b.count, a.count) })
	return all
}

// shownRunes is how many runes of a message a line of a table shows.
const shownRunes = 200

// shown returns the first message of the kind, shortened to be a part of a line.
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

// otherContextWindow matches messages about a prompt that is too long, in words that inference-perf does not know:
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

// label returns the label that inference-perf would give a failure.
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
	switch text := plainMessage(errorOf(q)); { // the error type is a class of another tool
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
	text := plainMessage(errorOf(q))
	for _, m := range messageLabels {
		if m.match.MatchString(text) {
			return m.label
		}
	}
	return "other"
}

// plainMessage returns the message in a JSON error body, or the whole text if it holds none.
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
