package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fake is a server of a kind: what it does with a request, and what it has besides.
type fake struct {
	maker    string // owned_by of its model
	noModels bool
	key      string
	header   map[string]string // of its answers

	keyHeader string            // that carries the key as it is; "" means a bearer token
	root      string            // of its API; "" means /v1
	page      map[string]string // other pages by their path

	// refuse returns the status with which a request is refused; 0, or no function, refuses nothing
	refuse func(fields map[string]json.RawMessage) (status int, message string)

	perEvent  int  // tokens an event; 0 means 1
	stopAfter int  // tokens, unless ignore_eos is kept; 0 means never
	deafEOS   bool // ignores ignore_eos
	minTokens bool // keeps min_tokens
	deafLimit bool // ignores max_tokens: 40 tokens
	noUsage   bool
	cached    bool
	noStream  bool
	template  int // tokens around a prompt
	perWord   int // tokens a word; 0 means 1
	tokenize  func(fields map[string]json.RawMessage, tokens int) string
}

// start serves the fake until the end of the test, and returns its address.
func (f *fake) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// ServeHTTP answers a request.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	root := f.root
	if root == "" {
		root = "/v1"
	}
	switch body := f.page[r.URL.Path]; {
	case f.keyHeader != "" && r.Header.Get(f.keyHeader) != f.key:
		http.Error(w, `{"error":{"message":"you gave `+r.Header.Get(f.keyHeader)+`"}}`, http.StatusUnauthorized)
	case f.keyHeader == "" && f.key != "" && r.Header.Get("Authorization") != "Bearer "+f.key:
		http.Error(w, `{"error":{"message":"you gave `+r.Header.Get("Authorization")+`"}}`, http.StatusUnauthorized)
	case body != "":
		_, _ = io.WriteString(w, body)
	case r.URL.Path == root+"/models" && !f.noModels:
		_, _ = fmt.Fprintf(w, `{"object":"list","data":[{"id":"m","owned_by":%q},{"id":"n"}]}`, f.maker)
	case r.URL.Path == root+"/chat/completions" && r.Method == http.MethodPost:
		f.answer(w, r)
	case r.URL.Path == "/tokenize" && f.tokenize != nil:
		fields := f.fields(r)
		text := string(fields["prompt"]) + string(fields["content"]) + string(fields["inputs"])
		n := f.tokens(text) / max(1, len(fields)-3)
		_, _ = io.WriteString(w, f.tokenize(fields, n))
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) fields(r *http.Request) (fields map[string]json.RawMessage) {
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		return nil
	}
	return fields
}

func (f *fake) tokens(text string) int { return max(1, f.perWord) * len(strings.Fields(text)) }

// answer answers a chat.
func (f *fake) answer(w http.ResponseWriter, r *http.Request) {
	fields := f.fields(r)
	if f.refuse != nil {
		if status, message := f.refuse(fields); status != 0 {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"error":{"message":%q}}`, message)
			return
		}
	}
	var messages []struct{ Content string }
	_ = json.Unmarshal(fields["messages"], &messages)
	n, reason := f.length(fields)
	usage := ""
	if !f.noUsage {
		details := ""
		if f.cached {
			details = `,"prompt_tokens_details":{"cached_tokens":32}`
		}
		usage = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d%s}`,
			f.tokens(messages[0].Content)+f.template, n, details)
	}
	if string(fields["stream"]) != "true" || f.noStream {
		_, _ = fmt.Fprintf(w, `{"choices":[{"message":{"content":%q},"finish_reason":%q}]%s}`, strings.Repeat("a ", n),
			reason, usage)
		return
	}
	f.stream(w, n, reason, usage, fields["stream_options"] != nil)
}

// length returns the tokens of an answer and why it ends.
func (f *fake) length(fields map[string]json.RawMessage) (n int, reason string) {
	n, reason = 0, "length"
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		_, _ = fmt.Sscan(string(fields[name]), &n)
	}
	if f.deafLimit || n == 0 {
		return 40, "stop"
	}
	if f.stopAfter > 0 && (fields["ignore_eos"] == nil || f.deafEOS) && !(f.minTokens && fields["min_tokens"] != nil) {
		return min(n, f.stopAfter), "stop"
	}
	return n, reason
}

func (f *fake) stream(w http.ResponseWriter, n int, reason, usage string, asked bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	each := max(1, f.perEvent)
	for sent := 0; sent < n; sent += each {
		text := strings.Repeat("a ", min(each, n-sent))
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", text)
	}
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":%q}]}\n\n", reason)
	if asked && usage != "" {
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[]%s}\n\n", usage)
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// refusing refuses requests that have a field.
func refusing(field string, status int, message string) func(map[string]json.RawMessage) (int, string) {
	return func(fields map[string]json.RawMessage) (int, string) {
		if fields[field] == nil {
			return 0, ""
		}
		return status, message
	}
}
