package client

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.BaseURL = "server" }, `baseURL "server" is not a URL such as`},
		{func(o *Options) { o.BaseURL = "" }, `baseURL "" is not a URL`},
		{func(o *Options) { o.BaseURL = "ftp://u:secret@h" }, `baseURL "ftp://u:xxxxx@h"`},
		{func(o *Options) { o.Endpoint, o.Model = "/x?k=secret", "" },
			`endpoint "/x" does not show where the list of models is: name the model`},
		{func(o *Options) { o.Timeout = -1 }, "timeout must not be negative"},
		{func(o *Options) { o.IdleTimeout = -1 }, "idleTimeout must not be negative"},
		{func(o *Options) { o.Headers = map[string]string{"a b": "x"} }, `headers: "a b" is not a valid header`},
		{func(o *Options) { o.Headers = map[string]string{"a": "secret\n"} }, `headers: "a" is not a valid header`},
		{func(o *Options) { o.APIKey = "secret\n" }, "apiKey holds a line break"},
		{func(o *Options) { o.APIKeyHeader = "api-key" }, "apiKeyHeader: there is no key to send: set apiKey"},
		{func(o *Options) { o.APIKey, o.APIKeyHeader = "k", "Bearer secret" },
			"apiKeyHeader is not the name of a header"},
		{func(o *Options) {
			o.APIKey, o.APIKeyHeader, o.Headers = "k", "api-key", map[string]string{"API-Key": "secret"}
		}, `headers: "API-Key" is the header of apiKeyHeader: leave one of them out`},
		{func(o *Options) { o.APIKey, o.APIKeyHeader, o.SessionHeader = "k", "x", "X" },
			`sessionHeader: "X" is the header of apiKeyHeader`},
		{func(o *Options) { o.Headers = map[string]string{"a": "secret\x7f"} }, `headers: "a" is not a valid header`},
		{func(o *Options) { o.Headers = map[string]string{"x-a": "secret", "X-A": ""} },
			`headers: "X-A" and "x-a" are the same header`},
		{func(o *Options) { o.Retries = -1 }, "retries must not be negative, got -1"},
		{func(o *Options) { o.RetryBackoff = -1 }, "retryBackoff must not be negative, got -1ns"},
		{func(o *Options) { o.SessionHeader = "a b" }, `sessionHeader: "a b" is not the name of a header`},
		{func(o *Options) { o.SessionTokenHeader = "é" }, `sessionTokenHeader: "é" is not the name of a header`},
		{func(o *Options) { o.RequestIDHeader = "a:" }, `requestIDHeader: "a:" is not the name of a header`},
		{func(o *Options) { o.MaxTokensField = "stream" }, `maxTokensField: "stream" is another field of the request`},
		{func(o *Options) { o.MaxTokensField = "a-b" }, `maxTokensField: "a-b" is not the name of a field`},
	} {
		opts := DefaultOptions()
		opts.BaseURL = "http://h"
		tt.change(&opts)
		_, err := New(opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// rawServer answers each connection with the given bytes, whatever the request, and then closes or resets it.
func rawServer(t *testing.T, answer string, reset bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
			}
			_, _ = io.WriteString(conn, answer)
			if tcp, ok := conn.(*net.TCPConn); ok && reset {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestErrorTypesOfTheNetwork(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	event := fmt.Sprintf("%x\r\n%s\r\n", len(chunk("a")), chunk("a"))
	for _, tt := range []struct {
		name, base, want string
		chunks           int
	}{
		{"refused", "http://" + closed.Addr().String(), record.ErrorConnect, 0},
		{"unknown host", "http://host.invalid", record.ErrorDNS, 0},
		{"certificate of nobody", secure.URL, record.ErrorTLS, 0},
		{"no TLS there", "https://" + strings.TrimPrefix(plain.URL, "http://"), record.ErrorTLS, 0},
		{"not HTTP", rawServer(t, "SSH-2.0-OpenSSH\r\n", false), record.ErrorMalformed, 0},
		{"closed without an answer", rawServer(t, "", false), record.ErrorReset, 0},
		{"reset without an answer", rawServer(t, "", true), record.ErrorReset, 0},
		{"closed within the body", rawServer(t, head+event, false), record.ErrorTruncated, 1},
		{"a negative length", rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"+event, false),
			record.ErrorMalformed, 0},
		{"two lengths", rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"+event, false),
			record.ErrorMalformed, 0},
		{"another transfer encoding", rawServer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"+event, false),
			record.ErrorMalformed, 0},
		{"a long extension of a chunk", rawServer(t, head+"5;"+strings.Repeat("x", 1<<16)+"\r\n", false),
			record.ErrorMalformed, 0},
		{"HTTP/0.9", rawServer(t, chunk("a")+stop+done, false), record.ErrorMalformed, 0},
		{"chunks that are none", rawServer(t, head+event+"zz\r\n", false), record.ErrorMalformed, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, func(o *Options) { o.BaseURL, o.Timeout = tt.base, time.Minute })
			r := do(t, t.Context(), c, new(http.Transport)).Record
			if r.ErrorType != tt.want || len(r.Chunks) != tt.chunks || r.Error == "" {
				t.Errorf("got %q (%s) with %d chunks, want %q with %d", r.ErrorType, r.Error, len(r.Chunks), tt.want,
					tt.chunks)
			}
		})
	}
}

func TestOneConnectionServesManyRequests(t *testing.T) {
	t.Parallel()
	remotes := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remotes[r.RemoteAddr] = true
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk("a")+stop)
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, done)
	}))
	defer server.Close()
	c := newClient(t, func(o *Options) { o.BaseURL = server.URL })
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	for range 20 {
		if r := do(t, t.Context(), c, transport).Record; r.Failed() || r.Connected < r.Start ||
			r.FirstByte < r.Connected || r.FirstByte > r.End {
			t.Fatalf("got %+v", r)
		}
	}
	if len(remotes) != 1 {
		t.Errorf("%d connections for 20 requests", len(remotes))
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		http.Redirect(w, r, "http://elsewhere.test/v1", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c := newClient(t, func(o *Options) {
		o.BaseURL, o.APIKey, o.Headers = server.URL, "k",
			map[string]string{"x-tenant": "a", "content-type": "application/x"}
	})
	r := do(t, t.Context(), c, new(http.Transport)).Record
	for name, want := range map[string]string{"Authorization": "Bearer k", "X-Tenant": "a",
		"Content-Type": "application/x", "X-Request-Id": "r1"} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
		}
	}
	if r.ErrorType != record.ErrorHTTP || r.Status != 307 ||
		!strings.Contains(r.Error, `redirected to "http://elsewhere.test/v1"`) {
		t.Errorf("got %q %d %q", r.ErrorType, r.Status, r.Error)
	}
}
