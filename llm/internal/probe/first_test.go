package probe

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// first asks a server for its first tokens.
func first(t *testing.T, opts Options, tokens int) *Result {
	t.Helper()
	r, err := First(t.Context(), opts, tokens)
	if err != nil {
		t.Fatalf("first tokens of %s: %v", opts.URL, err)
	}
	return r
}

func TestFirst(t *testing.T) {
	t.Parallel()
	var asked []string
	f := &fake{refuse: func(fields map[string]json.RawMessage) (int, string) {
		asked = append(asked, string(fields["max_tokens"]))
		return 0, ""
	}}
	url := f.start(t)
	for _, tt := range []struct {
		tokens, requests int
		asked            string
		events           int
	}{{1, 2, "1", 1}, {0, 1, "", 0}, {3, 2, "3", 3}} {
		asked = nil
		r := first(t, Options{URL: url}, tt.tokens)
		if !r.Usable || r.Requests != tt.requests || strings.Join(asked, " ") != tt.asked || r.Events != tt.events ||
			r.Settings.Model != "m" || len(r.Models) != 2 {
			t.Errorf("%d tokens: %d requests, asked for %q, %d events, %+v", tt.tokens, r.Requests, asked, r.Events, r)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	f := &fake{key: "secret-of-the-test", page: map[string]string{"/health": "ok"}}
	url := f.start(t)
	opts := Options{URL: url + "/v1", APIKey: f.key}
	for path, want := range map[string]int{"/health": http.StatusOK, "/other": http.StatusNotFound} {
		if status, _, err := Page(t.Context(), opts, path); status != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", path, status, err, want)
		}
	}
	opts.APIKey = "another-secret"
	status, words, err := Page(t.Context(), opts, "/health")
	if status != http.StatusUnauthorized || err != nil || !strings.Contains(words, "you gave") ||
		strings.Contains(words, opts.APIKey) {
		t.Errorf("another key: got %d, %q, %v", status, words, err)
	}
	if status, _, err := Page(t.Context(), Options{URL: "127.0.0.1:1"}, "/health"); err == nil || status != 0 {
		t.Errorf("no server: got %d, %v", status, err)
	}
}

func TestFirstOfServersThatAreNotReady(t *testing.T) {
	t.Parallel()
	loading := &fake{refuse: func(map[string]json.RawMessage) (int, string) {
		return http.StatusServiceUnavailable, "Loading model"
	}}
	for url, want := range map[string]string{
		loading.start(t):     "answered with status 503 (Loading model)",
		"http://127.0.0.1:1": "cannot reach http://127.0.0.1:1",
	} {
		r := first(t, Options{URL: url}, 1)
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", url, err, want)
		}
	}
	if r := first(t, Options{URL: "sim:"}, 1); !r.Usable || r.Events != 1 {
		t.Errorf("the simulator: %+v", r)
	}
}
