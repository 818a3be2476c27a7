package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// An address is understood in every form.
func TestAddresses(t *testing.T) {
	t.Parallel()
	deployment := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openai/deployments/gpt/chat/completions" || r.URL.Query().Get("api-version") != "1" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(deployment.Close)
	plain, deep := (&fake{}).start(t), (&fake{root: "/gw/team/v1"}).start(t)
	versioned := (&fake{root: "/v1beta/openai"}).start(t)
	host := strings.TrimPrefix(plain, "http://")
	for _, tt := range []struct{ url, endpoint, want string }{
		{plain, "", plain + "/v1/chat/completions"},
		{plain + "/", "", plain + "/v1/chat/completions"},
		{host, "", plain + "/v1/chat/completions"},
		{host + "/v1", "", plain + "/v1/chat/completions"},
		{"//" + host, "", plain + "/v1/chat/completions"},
		{plain + "/v1", "", plain + "/v1/chat/completions"},
		{plain + "/v1/models", "", plain + "/v1/chat/completions"},
		{plain + "/v1/chat/completions", "", plain + "/v1/chat/completions"},
		{host + "/v1/chat/completions/", "", plain + "/v1/chat/completions"},
		{deep + "/gw/team", "", deep + "/gw/team/v1/chat/completions"},
		{deep + "/gw/team/v1", "", deep + "/gw/team/v1/chat/completions"},
		{versioned + "/v1beta/openai", "", versioned + "/v1beta/openai/chat/completions"},
		{deployment.URL, "/openai/deployments/gpt/chat/completions?api-version=1",
			deployment.URL + "/openai/deployments/gpt/chat/completions"},
		{deployment.URL + "/openai/deployments/gpt/chat/completions?api-version=1", "",
			deployment.URL + "/openai/deployments/gpt/chat/completions"},
	} {
		r := run(t, Options{URL: tt.url, Endpoint: tt.endpoint})
		if err := r.Err(); err != nil || r.Endpoint != tt.want {
			t.Errorf("%s %s: requests to %q, want %q; problem: %v", tt.url, tt.endpoint, r.Endpoint, tt.want, err)
		}
		again := run(t, Options{URL: r.Settings.BaseURL, Endpoint: r.Settings.Endpoint})
		if again.Endpoint != tt.want {
			t.Errorf("%s: with the settings' base URL %q requests go to %q, want %q", tt.url, r.Settings.BaseURL,
				again.Endpoint, tt.want)
		}
	}
}

// A server without chat is asked for completions.
func TestCompletionsOnly(t *testing.T) {
	t.Parallel()
	for _, template := range []bool{true, false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/v1/models":
				_, _ = io.WriteString(w, `{"data":[{"id":"base"}]}`)
			case r.URL.Path == "/v1/completions":
				_, _ = io.WriteString(w, `{"choices":[{"text":"yes","finish_reason":"length"}],"usage":`+
					`{"prompt_tokens":70,"completion_tokens":16}}`)
			case template:
				http.Error(w, "default chat template is no longer allowed", http.StatusBadRequest)
			default:
				http.NotFound(w, r)
			}
		}))
		t.Cleanup(server.Close)
		r := run(t, Options{URL: server.URL})
		if err := r.Err(); err != nil || r.Settings.API != "completion" {
			t.Errorf("refusal for the template %v: api %q, problem %v, want completion", template, r.Settings.API, err)
		}
		r = run(t, Options{URL: server.URL, API: api.Chat})
		if r.Usable {
			t.Errorf("a chat that is not there can be used")
		}
	}
}

// What cannot be reached is told.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	secure := httptest.NewUnstartedServer(&fake{})
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := (&fake{}).start(t)
	for _, tt := range []struct{ url, want string }{
		{nobody, "cannot reach http://" + nobody + ": "},
		{nobody, "connection refused: check the URL and that the server runs"},
		{secure.URL, "K6_INSECURE_SKIP_TLS_VERIFY=true"},
		{strings.Replace(secure.URL, "https", "http", 1), "speaks TLS: write https:// in the URL"},
		{strings.Replace(plain, "http", "https", 1), "if the server has no TLS, write http:// in the URL"},
	} {
		r := run(t, Options{URL: tt.url})
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: problem %v, want %q in it", tt.url, err, tt.want)
		}
	}
	trusting := secure.Client().Transport
	if r := run(t, Options{URL: strings.TrimPrefix(secure.URL, "https://"), Transport: trusting}); !r.Usable {
		t.Errorf("an address without a scheme at a server with TLS: %v", r.Err())
	}
}

// Misuse is an error.
func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opts Options
		want string
	}{
		{Options{URL: ""}, `URL "" is not a URL such as`},
		{Options{URL: "ftp://host"}, "only http and https will do"},
		{Options{URL: "http://host:99999"}, "ports are from 1 to 65535"},
		{Options{URL: "http://host/v1/embeddings"}, `a probe measures tokens, and api "embeddings" has none`},
		{Options{URL: "http://host", Headers: map[string]string{"a b": "secret-value"}}, `"a b" is not a valid header`},
		{Options{URL: "http://host", Timeout: -1}, "timeout must be positive"},
		{Options{URL: "http://host", Endpoint: "chat"}, `endpoint "chat" is not a path such as`},
		{Options{URL: "http://host", Endpoint: "/generate-it"}, "name the model by --model"},
		{Options{URL: "sim:?ttft=x"}, "simulator option ttft"},
		{Options{URL: "sim:?tokenizer=x"}, "cannot be read here"},
	} {
		_, err := Run(t.Context(), tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: got %v, want %q", tt.opts, err, tt.want)
		}
	}
}

// A server that never answers holds a probe up until its timeout, or until the caller gives up.
func TestHangs(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/models", "/v1/chat/completions"} {
		quiet := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				<-quiet
			}
			(&fake{}).ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		t.Cleanup(func() { close(quiet) })
		r := run(t, Options{URL: server.URL, Timeout: 50 * time.Millisecond})
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), "raise --timeout") {
			t.Errorf("%s hangs: problem %v, want that of a timeout", path, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := Run(ctx, Options{URL: server.URL}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s hangs and the caller gives up: got %v, want context.Canceled", path, err)
		}
	}
}

// Pages without an end are not read to it.
func TestHugePages(t *testing.T) {
	t.Parallel()
	f := &fake{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" || r.URL.Path == "/tokenize" {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprintln(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
			return
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	r := run(t, Options{URL: server.URL})
	if !r.Usable || r.MetricsPage != "" || r.Tokenize != "" {
		t.Errorf("usable %v, metrics at %q, tokens by %q: want true and neither page", r.Usable, r.MetricsPage,
			r.Tokenize)
	}
}
