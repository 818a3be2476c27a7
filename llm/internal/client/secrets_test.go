package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// saying answers each request with a text of its own.
func saying(answer func(*http.Request) string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(answer(req)))}, nil
	}
}

// Tokens are counted in the text as it came, and a conversation goes on with that text; the text to show has no secret.
func TestTokensAreCountedBeforeMasking(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) {
		o.APIKey, o.Text = "sk-one-two-three", true
		o.Count = func(text string) int { return strings.Count(text, "-") }
		o.CountPrompt = func(api.Dialect, Request) (int, bool) { return 1, false }
	})
	answer := do(t, t.Context(), c, saying(func(*http.Request) string {
		return chunk("key sk-one") + chunk("-two-") + chunk("three-") + stop + done
	}))
	r := answer.Record
	if answer.Text != "key sk-one-two-three-" || answer.Shown != "key ***-" {
		t.Errorf("got %q, shown as %q", answer.Text, answer.Shown)
	}
	if *r.Completion != 4 || fmt.Sprint(r.ChunkTokens) != "[1 2 1]" {
		t.Errorf("got %d tokens, %v; want 4 of the text as it came", *r.Completion, r.ChunkTokens)
	}
	if want := chunk("key ***") + chunk("") + chunk("-") + stop + done; r.ResponseBody != want {
		t.Errorf("got the body\n%s\nwant\n%s", r.ResponseBody, want)
	}
}

// Only the request itself knows its own secrets; all requests know the client's.
func TestSecretsOfOneRequest(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) { o.APIKey = "sk-client" })
	rt := saying(func(*http.Request) string {
		return `{"error":{"message":"no sk-client, own-secret or session-secret"}}`
	})
	for _, tt := range []struct {
		extra api.Extra
		want  string
	}{
		{nil, "no ***, own-secret or session-secret"},
		{api.Extra{"api_key": json.RawMessage(`"own-secret"`)}, "no ***, *** or session-secret"},
		{api.Extra{"top_k": json.RawMessage(`5`)}, "no ***, own-secret or session-secret"},
	} {
		answer, err := c.Do(t.Context(), rt, &Request{Prompt: "p", Messages: json.RawMessage(`[]`), Extra: tt.extra})
		if err != nil || answer.Record.Error != tt.want {
			t.Errorf("%s: got %v, %q; want %q", tt.extra, err, answer.Record.Error, tt.want)
		}
	}
}

// A proxy that refuses a connection says why in its status line, which is the error of the request.
func TestProxyThatRepeatsItsPassword(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 407 not %s or proxy-password\r\nContent-Length: 0\r\n\r\n",
				r.Header.Get("Proxy-Authorization"))
			_ = conn.Close()
		}
	}))
	t.Cleanup(proxy.Close)
	address := strings.Replace(proxy.URL, "http://", "http://user:proxy-password@", 1)
	t.Setenv("HTTPS_PROXY", address)
	through, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(through)}
	t.Cleanup(transport.CloseIdleConnections)
	c := newClient(t, func(o *Options) { o.BaseURL = "https://host.invalid/v1" })
	if got := do(t, t.Context(), c, transport).Record.Error; got != "not Basic *** or ***" {
		t.Errorf("got %q", got)
	}
	_, remark, err := c.Discover(t.Context(), transport)
	if err == nil || !strings.Contains(err.Error(), "not Basic *** or ***") ||
		strings.Contains(err.Error()+remark, "proxy-password") {
		t.Errorf("got %v, %q", err, remark)
	}
}

// Network errors that this machine makes contain the address without its user.
func TestRefusedConnectionShowsNoPassword(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	c := newClient(t, func(o *Options) {
		o.BaseURL = "http://user:pass-word@" + closed.Addr().String() + "/v1?key=query-key"
	})
	transport := new(http.Transport)
	record := do(t, t.Context(), c, transport).Record
	_, remark, err := c.Discover(t.Context(), transport)
	if all := fmt.Sprint(record.Error, remark, err); !strings.Contains(all, "connection refused") ||
		strings.Contains(all, "pass-word") || strings.Contains(all, "query-key") {
		t.Errorf("got %s", all)
	}
}

// BenchmarkRequest sends a request of one token by a client that has secrets, and by one that has none.
func BenchmarkRequest(b *testing.B) {
	for name, key := range map[string]string{"key": "sk-proj-0123456789abcdefghijklmnopqrstuv", "none": ""} {
		b.Run(name, func(b *testing.B) {
			opts := DefaultOptions()
			opts.BaseURL, opts.Model, opts.APIKey = "http://h", "m", key
			c, err := New(opts)
			if err != nil {
				b.Fatal(err)
			}
			rt := saying(func(*http.Request) string { return chunk("token") + stop + usage + done })
			b.ReportAllocs()
			for b.Loop() {
				if a, err := c.Do(b.Context(), rt, &Request{ID: "1", Prompt: "p"}); err != nil || a.Record.Failed() {
					b.Fatal(err, a.Record.Error)
				}
			}
		})
	}
}
