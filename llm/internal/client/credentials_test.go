package client

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// servedPaths are what follows the root of an API, for each API.
var servedPaths = map[string]string{
	"chat": "/chat/completions", "completion": "/completions", "anthropic_messages": "/messages",
	"responses": "/responses", "embeddings": "/embeddings", "rerank": "/rerank",
	"speech": "/audio/speech", "transcription": "/audio/transcriptions", "image": "/images/generations",
	"video": "/videos",
}

// Every API is reached below whatever path a server or a gateway has, with the query of the base URL, and so is the
// list of models. The key is in the header that the API wants, or in the one that is named.
func TestEveryAPIUnderEveryPath(t *testing.T) {
	t.Parallel()
	if len(servedPaths) != len(api.All()) {
		t.Errorf("paths of %d APIs, want those of %v", len(servedPaths), api.Names())
	}
	for _, tt := range []struct{ base, endpoint, want, models string }{
		{"", "", "/v1PATH", "/v1/models"},
		{"/", "", "/v1PATH", "/v1/models"},
		{"?sig=query-secret", "", "/v1PATH?sig=query-secret", "/v1/models?sig=query-secret"},
		{"/v1", "", "/v1PATH", "/v1/models"},
		{"/gw/team%2Fa/v1/?sig=query-secret", "", "/gw/team%2Fa/v1PATH?sig=query-secret",
			"/gw/team%2Fa/v1/models?sig=query-secret"},
		{"/gw", "", "/gwPATH", "/gw/models"},
		{"/openai/deployments/x?api-version=2024-06-01", "", "/openai/deployments/xPATH?api-version=2024-06-01", ""},
		{"/openai/v1PATH?api-version=preview", "", "/openai/v1PATH?api-version=preview",
			"/openai/v1/models?api-version=preview"},
		{"", "/custom/path", "/custom/path", ""},
		{"/gw/?a=1", "/custom/path?sig=query-secret", "/gw/custom/path?a=1&sig=query-secret", ""},
		{"/gw?a=1", "/v3PATH", "/gw/v3PATH?a=1", "/gw/v3/models?a=1"},
	} {
		for name, path := range servedPaths {
			dialect, err := api.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, keyHeader := range []string{"", "api-key"} {
				in := func(text string) string { return strings.ReplaceAll(text, "PATH", path) }
				asked := askEverything(t, func(o *Options) {
					o.BaseURL += in(tt.base)
					o.Speak(dialect)
					o.Endpoint, o.Model = in(tt.endpoint), "m"
					o.APIKey, o.APIKeyHeader = "Bearer key-secret", keyHeader
				})
				where := cmp.Or(tt.models, in(tt.want)) // what has no list is asked for whatever it answers to a GET
				if want := "GET " + where + " POST " + in(tt.want); asked.urls != want {
					t.Errorf("%s and %q, %s: asked for %s, want %s", tt.base, tt.endpoint, name, asked.urls, want)
				}
				asked.checkKey(t, name, keyHeader)
			}
		}
	}
}

// seen is what a server was asked.
type seen struct {
	urls    string
	headers []http.Header
}

// askEverything asks a server for its models and for an answer. No message may hold a secret of the client.
func askEverything(t *testing.T, change func(*Options)) (asked seen) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.urls = strings.TrimSpace(asked.urls + " " + r.Method + " " + r.RequestURI)
		asked.headers = append(asked.headers, r.Header)
		http.Error(w, "nothing at "+r.RequestURI+" for "+r.Header.Get("Api-Key"), http.StatusMethodNotAllowed)
	}))
	defer server.Close()
	c := newClient(t, func(o *Options) {
		o.BaseURL = server.URL
		change(o)
	})
	_, remark, err := c.Discover(t.Context(), new(http.Transport))
	if err != nil {
		t.Error(err)
	}
	r := do(t, t.Context(), c, new(http.Transport)).Record
	if all := remark + r.Error + c.URL() + c.Added(); strings.Contains(all, "secret") {
		t.Errorf("a secret in %s", all)
	}
	if want := " (api " + c.opts.API.Name() + ": no " + c.URL(); strings.Count(r.Error, want) != 1 {
		t.Errorf("recorded %q, want %q in it", r.Error, want)
	}
	return asked
}

// checkKey checks that the key came in one header.
func (s *seen) checkKey(t *testing.T, name, keyHeader string) {
	t.Helper()
	want := map[string]string{"Authorization": "Bearer key-secret", "X-Api-Key": "", "Api-Key": ""}
	switch {
	case keyHeader != "":
		want["Authorization"], want["Api-Key"] = "", "key-secret"
	case name == "anthropic_messages":
		want["Authorization"], want["X-Api-Key"] = "", "key-secret"
	}
	for _, header := range s.headers {
		for name, value := range want {
			if got := header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", name, name, got, value)
			}
		}
		if has := header.Get("Anthropic-Version") != ""; has != (name == "anthropic_messages") {
			t.Errorf("%s: anthropic-version %v", name, has)
		}
	}
}

// A key in a header of its own leaves the header Authorization to the user of the base URL, or to what headers say.
func TestKeyHeaderBesideOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.APIKeyHeader = "api-key" }, " key-secret"},
		{func(o *Options) { o.APIKeyHeader = "Authorization" }, "key-secret "},
		{func(o *Options) { o.APIKeyHeader, o.BaseURL = "authorization", "http://u:p@h" }, "key-secret "},
		{func(o *Options) { o.APIKeyHeader, o.BaseURL = "api-key", "http://u:p@h" }, "Basic dTpw key-secret"},
		{func(o *Options) {
			o.APIKeyHeader, o.Headers = "api-key", map[string]string{"Authorization": "mine"}
		}, "mine key-secret"},
		{func(o *Options) { o.BaseURL = "http://u:p@h" }, "Bearer key-secret "},
	} {
		o := DefaultOptions()
		o.BaseURL, o.APIKey = "http://h", "key-secret"
		tt.change(&o)
		header, err := o.header()
		if err != nil {
			t.Fatal(err)
		}
		if got := header.Get("Authorization") + " " + header.Get("Api-Key"); got != tt.want {
			t.Errorf("%s, %s: sent %q, want %q", o.APIKeyHeader, o.BaseURL, got, tt.want)
		}
	}
}
