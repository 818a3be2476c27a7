package engine

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// streaming sends a request whose first token has come, and returns what cuts it.
func streaming(t *testing.T, server string) (cut func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/v1/completions",
		strings.NewReader(`{"model":"sim","prompt":"a","stream":true,"max_tokens":5}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %q, %v", resp.StatusCode, line, err)
	}
	return cancel
}

// The page of the server is asked, though serverMetrics is not set, once a request went there.
func TestServerIdle(t *testing.T) {
	t.Parallel()
	options := sim.DefaultOptions()
	options.TTFT, options.ITL = 0, time.Hour
	simulator, err := sim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simulator.Close() })
	var pages atomic.Int64
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			pages.Add(1)
		}
		simulator.ServeHTTP(w, r)
	}))
	t.Cleanup(at.Close)
	process := new(Process)
	v := newTestVU(t, process)
	c := v.client(t, at.URL+"/v1")
	v.start(t)
	process.BeforeLoad(t.Context())
	if _, known := process.ServerIdle(t.Context()); known || pages.Load() > 0 {
		t.Errorf("before the first request: known %t, read %d times", known, pages.Load())
	}
	if err := c.target.ready(t.Context(), v.state, v.state.Transport, c.vu); err != nil {
		t.Fatal(err)
	}
	if idle, known := process.ServerIdle(t.Context()); !idle || !known {
		t.Errorf("at rest: idle %t, known %t", idle, known)
	}
	cut := streaming(t, at.URL)
	if idle, known := process.ServerIdle(t.Context()); idle || !known {
		t.Errorf("at work: idle %t, known %t", idle, known)
	}
	cut()
	for idle := false; !idle && t.Context().Err() == nil; { // the simulator notices soon
		idle, _ = process.ServerIdle(t.Context())
	}
}

// Replicas that serverMetrics names are asked in place of the page of the base URL, without its credentials.
func TestServerIdleOfReplicas(t *testing.T) {
	t.Parallel()
	replica := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" || r.Header.Get("Authorization") != "" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		_, _ = w.Write([]byte("vllm:num_requests_running 0\n"))
	}))
	t.Cleanup(replica.Close)
	opts := new(Options)
	e := &target{opts: opts, final: true, found: new(http.Transport),
		endpoints: []*endpoint{{baseURL: "http://127.0.0.1:1/v1", opts: opts}}}
	e.opts.APIKey, e.opts.Pages.URLs = "k", []string{replica.URL + "/metrics"}
	process := new(Process)
	process.clients.all = map[string]*target{"": e}
	if idle, known := process.ServerIdle(t.Context()); !idle || !known {
		t.Errorf("idle %t, known %t", idle, known)
	}
}

// A page of a server that is not up yet is read, but not asked whether that server is idle.
func TestPagesOfAnEndpointThatComesUpLater(t *testing.T) {
	t.Parallel()
	opts := new(Options)
	opts.Pages.Auto = true
	e := &target{opts: opts, final: true, found: new(http.Transport), endpoints: []*endpoint{
		{baseURL: "http://a:1/v1", opts: opts}, {baseURL: "http://b:1/v1", opts: opts, err: errors.New("refused")},
		{opts: opts, err: errors.New("never begun")},
	}}
	all := func(*endpoint) bool { return true }
	if got := strings.Join(e.baseURLs(all), " "); got != "http://a:1/v1 http://b:1/v1" {
		t.Errorf("got pages of %q", got)
	}
	if pages := e.idlePages(); len(pages) != 1 || pages[0].URL != "http://a:1/metrics" {
		t.Errorf("got %d pages that tell whether servers are idle: %+v", len(pages), pages)
	}
}
