package llm

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/status"
)

// failures counts the failed requests of the process by their kind. The zero value has none; it may be used concurrently.
type failures struct {
	mu    sync.Mutex
	kinds map[string]*failureKind
}

// failureKind is how many failures there were of a kind, and what was said how often.
type failureKind struct {
	count int64
	words map[string]int64
}

// mostWords is how many messages of a kind are told apart: some have a number or an id of their own.
const mostWords = 100

// add counts a request if it failed.
func (f *failures) add(r *record.Request) {
	if !r.Failed() {
		return
	}
	name := r.ErrorType
	if name == record.ErrorHTTP {
		name = fmt.Sprintf("status %d", r.Status)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = map[string]*failureKind{}
	}
	kind := f.kinds[name]
	if kind == nil {
		kind = &failureKind{words: map[string]int64{}}
		f.kinds[name] = kind
	}
	kind.count++
	if _, known := kind.words[r.Error]; known || len(kind.words) < mostWords {
		kind.words[r.Error]++
	}
}

// byCount orders keys by their counts, the most frequent first.
func byCount[V any](m map[string]V, count func(V) int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(count(m[b]), count(m[a])), cmp.Compare(a, b))
	})
}

func (f *failures) names() []string {
	return byCount(f.kinds, func(k *failureKind) int64 { return k.count })
}

// mostKinds is how many kinds are told apart in the summary, the rest of its line being wanted for their names.
const mostKinds = 4

// String lists the kinds, the most frequent first: "5 status 503, 3 canceled".
func (f *failures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var parts []string
	others := int64(0)
	for i, name := range f.names() {
		if i >= mostKinds {
			others += f.kinds[name].count
			continue
		}
		parts = append(parts, status.Grouped(f.kinds[name].count)+" "+name)
	}
	if others > 0 {
		parts = append(parts, status.Grouped(others)+" of other kinds")
	}
	return strings.Join(parts, ", ")
}

// words is what was said most often of the most frequent kind, "" without failures.
func (f *failures) words() (kind, words string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := f.names()
	if len(names) == 0 {
		return "", ""
	}
	all := byCount(f.kinds[names[0]].words, func(n int64) int64 { return n })
	return names[0], all[0]
}

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
			`|(unsupported|unexpected|unrecognized|unknown|extra|invalid|not (supported|permitted|allowed))[^.]*\bmax_(completion_)?tokens` +
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
