package status

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Failures counts the failed requests of the process by their kind. The zero value is empty. It may be used
// concurrently.
type Failures struct {
	mu    sync.Mutex
	kinds map[string]*failureKind
	cuts  record.Cuts
}

// failureKind holds the number of failures of a kind, and their messages.
type failureKind struct {
	count    int64
	messages map[string]*failureMessage
}

// failureMessage counts the messages of a kind that differ only in numbers, addresses and ids.
type failureMessage struct {
	kind, first string
	differ      bool
	count       int64
}

// statusKind begins the kind of a failure by a status.
const statusKind = "status "

// keptMessages bounds the number of distinct messages that are kept of a kind.
const keptMessages = 100

// Add counts a request if it failed. An unfinished one did not.
func (f *Failures) Add(r *record.Request) {
	if !r.Failed() || r.Unfinished() {
		return
	}
	name := r.ErrorType
	if name == record.ErrorHTTP {
		name = statusKind + strconv.Itoa(r.Status)
	}
	alike := plain.Kind(r.Error)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = map[string]*failureKind{}
	}
	kind := f.kinds[name]
	if kind == nil {
		kind = &failureKind{messages: map[string]*failureMessage{}}
		f.kinds[name] = kind
	}
	kind.count++
	if record.IsCut(r.ErrorType) {
		var last time.Duration
		if n := len(r.Chunks); n > 0 {
			last = time.Duration(r.Chunks[n-1]) * time.Microsecond
		}
		f.cuts.Add(last, time.Duration(r.End-r.Start))
	}
	message := kind.messages[alike]
	if message == nil {
		if len(kind.messages) >= keptMessages {
			return
		}
		message = &failureMessage{kind: name, first: r.Error}
		kind.messages[alike] = message
	}
	message.count++
	message.differ = message.differ || message.first != r.Error
}

// names returns the kinds, the most frequent first.
func (f *Failures) names() []string {
	return slices.SortedFunc(maps.Keys(f.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.kinds[b].count, f.kinds[a].count), cmp.Compare(a, b))
	})
}

// namedKinds bounds the number of kinds that the summary names: more do not fit on its line.
const namedKinds = 4

// String lists the kinds, the most frequent first: "5 status 503, 3 timeout".
func (f *Failures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var parts []string
	others := int64(0)
	for i, name := range f.names() {
		if i >= namedKinds {
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

// listedMessages bounds the number of messages that the summary lists.
const listedMessages = 3

// messages returns the messages that occurred most often, the most frequent first, and the number of failures with
// other messages.
func (f *Failures) messages() (list []failureMessage, others int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, kind := range f.kinds {
		others += kind.count
		for _, message := range kind.messages {
			list = append(list, *message)
		}
	}
	slices.SortFunc(list, func(a, b failureMessage) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.kind, b.kind), cmp.Compare(a.first, b.first))
	})
	list = list[:min(len(list), listedMessages)]
	for _, message := range list {
		others -= message.count
	}
	return list, others
}

// String returns a line of the summary: "80 × connect: dial tcp …: connection refused".
func (s failureMessage) String() string {
	text := plain.OneLine(s.first, messageRunes)
	switch {
	case text == "":
		text = "no message"
	case s.differ:
		text += " (the first; their numbers differ)"
	}
	return fmt.Sprintf("%s × %s: %s", Grouped(s.count), plain.Terminal(s.kind), text)
}

// messageRunes bounds the length of a message, in runes, to a few lines of a terminal.
const messageRunes = 300

// remedies are the settings to change when the message of a server names a field of the request. The first match
// counts.
var remedies = []struct {
	pattern *regexp.Regexp
	remedy  string
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
		// A message on a limit that is too large names the field, too. Only messages that refuse the field itself
		// match.
		regexp.MustCompile(`(?i)use .?max_completion_tokens` +
			`|(unsupported|unexpected|unrecognized|unknown|extra|invalid|not ` +
			`(supported|permitted|allowed))[^.]*\bmax_(completion_)?tokens` +
			`|\bmax_(completion_)?tokens\b[^.]*\b(unsupported|not (supported|permitted|allowed))`),
		"the limit is in a field that the server does not take: set maxTokensField " +
			"(MAX_TOKENS_FIELD=max_completion_tokens in our scripts)",
	},
	{
		// as vLLM, SGLang, llama.cpp, OpenAI and gateways say it
		regexp.MustCompile(`(?i)not a (multi-?modal|vision) model|at most 0 (images?|videos?|audios?)` +
			`|(image|vision|video|audio|multi-?modal) inputs? (is|are) not supported` +
			`|(does|do)(n't| not) support (image|vision|video|audio|multi-?modal)|image_url is only supported by`),
		"the model does not take such media: ask for one that does (model), or leave them out of the Dataset " +
			"(media, data.multimodal in a configuration)",
	},
	{
		regexp.MustCompile(`(?i)at most \d+ (images?|videos?|audios?)`),
		"the server takes fewer media in a prompt: raise its limit (--limit-mm-per-prompt of vLLM), or lower count " +
			"in the Dataset's media",
	},
	{
		regexp.MustCompile(`(?i)(image|video|audio) format .{1,40} not supported|cannot identify (image|video|audio)` +
			`|unsupported (image|video|audio) (format|type)|media_type`),
		"the server does not take the format: set another in the Dataset's media (representation)",
	},
	{
		regexp.MustCompile(`(?i)(request|payload|body|entity|content)\W+(is )?too large|so large a ` +
			`body|request_too_large|exceed\w* (the )?max\w* (body|request|payload)`),
		api.TooLarge,
	},
}

// cutRemedy says that answers were cut off by a limit of time, "" if they were not.
func (f *Failures) cutRemedy(kind string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	after, alike := f.cuts.Alike()
	if !alike || !record.IsCut(kind) {
		return ""
	}
	return fmt.Sprintf("all were cut off %s after they were sent: raise that time limit of a proxy or of the server "+
		"(timeout of Envoy's route)", after)
}

// remedy returns which setting of the script or of this machine to change, or "" if the message of a kind of failure
// suggests none.
func remedy(kind, message string) string {
	if cause := record.OwnFault(kind, message); cause != "" {
		return record.OwnFaultFix(cause)
	}
	for _, r := range remedies {
		if r.pattern.MatchString(message) {
			return r.remedy
		}
	}
	if code, isStatus := strings.CutPrefix(kind, statusKind); isStatus {
		if status, err := strconv.Atoi(code); err == nil {
			return api.Unserved(status, message)
		}
	}
	return ""
}
