package status

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Failures counts the failed requests of the process by their kind. The zero value has none; it may be used
// concurrently.
type Failures struct {
	mu    sync.Mutex
	kinds map[string]*failureKind
}

// failureKind is how many failures there were of a kind, and what was said how often.
type failureKind struct {
	count int64
	words map[string]*saying
}

// saying is messages of a kind that differ in numbers, addresses and ids alone.
type saying struct {
	kind, first string
	differ      bool
	count       int64
}

// mostWords is how many messages of a kind are told apart.
const mostWords = 100

// Add counts a request if it failed.
func (f *Failures) Add(r *record.Request) {
	if !r.Failed() {
		return
	}
	name := r.ErrorType
	if name == record.ErrorHTTP {
		name = fmt.Sprintf("status %d", r.Status)
	}
	alike := plain.Kind(r.Error)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = map[string]*failureKind{}
	}
	kind := f.kinds[name]
	if kind == nil {
		kind = &failureKind{words: map[string]*saying{}}
		f.kinds[name] = kind
	}
	kind.count++
	words := kind.words[alike]
	if words == nil {
		if len(kind.words) >= mostWords {
			return
		}
		words = &saying{kind: name, first: r.Error}
		kind.words[alike] = words
	}
	words.count++
	words.differ = words.differ || words.first != r.Error
}

// names are the kinds, the most frequent first.
func (f *Failures) names() []string {
	return slices.SortedFunc(maps.Keys(f.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.kinds[b].count, f.kinds[a].count), cmp.Compare(a, b))
	})
}

// mostKinds is how many kinds are told apart in the summary, the rest of its line being wanted for their names.
const mostKinds = 4

// String lists the kinds, the most frequent first: "5 status 503, 3 canceled".
func (f *Failures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var parts []string
	others := int64(0)
	for i, name := range f.names() {
		if i >= mostKinds {
			others += f.kinds[name].count
			continue
		}
		parts = append(parts, Grouped(f.kinds[name].count)+" "+plain.Terminal(name))
	}
	if others > 0 {
		parts = append(parts, Grouped(others)+" of other kinds")
	}
	return strings.Join(parts, ", ")
}

// mostSayings is how many messages the summary lists.
const mostSayings = 3

// words are what failures said, the most frequent first, and how many others there were.
func (f *Failures) words() (list []saying, others int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, kind := range f.kinds {
		others += kind.count
		for _, words := range kind.words {
			list = append(list, *words)
		}
	}
	slices.SortFunc(list, func(a, b saying) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.kind, b.kind), cmp.Compare(a.first, b.first))
	})
	list = list[:min(len(list), mostSayings)]
	for _, words := range list {
		others -= words.count
	}
	return list, others
}

// String is a line of the summary: "80 × connect: dial tcp …: connection refused".
func (s saying) String() string {
	text := plain.OneLine(s.first, wordRunes)
	switch {
	case text == "":
		text = "no message"
	case s.differ:
		text += " (the first; their numbers differ)"
	}
	return fmt.Sprintf("%s × %s: %s", Grouped(s.count), plain.Terminal(s.kind), text)
}

// wordRunes keeps a message to a few lines of a terminal.
const wordRunes = 300

// remedies are settings to change where a server's words name a field of the request. The first that fits counts.
var remedies = []struct {
	words  *regexp.Regexp
	remedy string
}{
	{
		regexp.MustCompile(`ignore_eos`),
		"the server does not take ignore_eos: set ignoreEOS: false (IGNORE_EOS=false, server.ignore_eos: false)",
	},
	{
		regexp.MustCompile(`stream_options`),
		"the server does not take stream_options: set extraBody: {stream_options: null}",
	},
	{
		regexp.MustCompile(`add_special_tokens`),
		"the server does not take add_special_tokens: leave addSpecialTokens out of the requests",
	},
	{
		// A limit that is too large is named, too: only words that refuse the field itself are meant.
		regexp.MustCompile(`(?i)use .?max_completion_tokens` +
			`|(unsupported|unexpected|unrecognized|unknown|extra|invalid|not ` +
			`(supported|permitted|allowed))[^.]*\bmax_(completion_)?tokens` +
			`|\bmax_(completion_)?tokens\b[^.]*\b(unsupported|not (supported|permitted|allowed))`),
		"the limit is in a field that the server does not take: set maxTokensField " +
			"(MAX_TOKENS_FIELD=max_completion_tokens in our scripts)",
	},
}

// remedy says which setting of the script or of this machine to change, "" if the words of a kind of failure name none.
func remedy(kind, words string) string {
	if cause := record.OwnFault(kind, words); cause != "" {
		return record.OwnFaultFix(cause)
	}
	for _, r := range remedies {
		if r.words.MatchString(words) {
			return r.remedy
		}
	}
	return ""
}
