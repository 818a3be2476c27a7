package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// labelCount is one label's failures.
type labelCount struct {
	label    string
	count    int
	messages []message // different ones, the most frequent first
}

// message is what failures came with.
type message struct {
	Text  string `json:"message"`
	count int
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

// countLabels sorts failures by label. Of each label it keeps so many different messages.
func countLabels(failed []*Request, maxMessages int) labelCounts {
	at, messageAt := map[string]int{}, map[[2]string]int{}
	counts := labelCounts{}
	for _, q := range failed {
		name, text := label(q), ownAddress.ReplaceAllString(plainMessage(q.Error), "$1")
		i, known := at[name]
		if !known {
			i = len(counts)
			at[name] = i
			counts = append(counts, labelCount{label: name})
		}
		c := &counts[i]
		c.count++
		k, known := messageAt[[2]string{name, text}]
		if !known {
			k = len(c.messages)
			messageAt[[2]string{name, text}] = k
			c.messages = append(c.messages, message{Text: text})
		}
		c.messages[k].count++
	}
	slices.SortStableFunc(counts, func(a, b labelCount) int { return cmp.Compare(b.count, a.count) })
	for i := range counts {
		list := counts[i].messages
		slices.SortStableFunc(list, func(a, b message) int { return cmp.Compare(b.count, a.count) })
		counts[i].messages = list[:min(len(list), maxMessages)]
	}
	return counts
}

// shownRunes is how much of a message stands in a line of a table.
const shownRunes = 200

// shown is the label's most frequent message as a part of a line, with its number if there are others.
func (c *labelCount) shown() string {
	first := c.messages[0]
	text := OneLine(first.Text, shownRunes)
	if text == "" {
		text = "no message"
	}
	if first.count < c.count {
		text += fmt.Sprintf(" (%d of them)", first.count)
	}
	return text
}

// OneLine makes of a text that another program wrote one line of at most so many letters: white space and characters that
// are not shown become a space.
func OneLine(text string, most int) string {
	const perRune = 16 // bytes looked at, so that a huge text takes no time
	text = text[:min(len(text), perRune*most)]
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
	letters := []rune(strings.Join(words, " "))
	if len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return string(letters)
}

var statusLabels = map[int]string{
	429: "Rate Limit", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}

// otherContextWindow is how servers say that a prompt is too long in words that inference-perf does not know: llama.cpp, vLLM
// (maximum model length), SGLang (maximum allowed length), TGI (max_new_tokens, less than … tokens), TensorRT-LLM, and APIs of
// companies.
const otherContextWindow = `context.?(size|limit)|context_length|model.?len|max.?(new|input|total|num).?tokens|too many tokens|maximum number of tokens|` +
	`\b(prompts?|inputs?)\b.{0,60}(too (long|large)|longer than|less than \d+ tokens|exceed.{0,30}(length|limit|tokens|maximum))`

var messageLabels = []struct {
	label string
	match *regexp.Regexp
}{
	{"Context Window", regexp.MustCompile(`(?i)context.window|context length|maximum context|max.?tokens|token.?limit|` + otherContextWindow)},
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
	return OneLine(strings.ToLower(q.ErrorType), 80)
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
