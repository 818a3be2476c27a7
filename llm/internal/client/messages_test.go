package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// messagesStreams lists the answers under testdata/messages, which README.md there describes.
func messagesStreams(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "messages", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no streams: %v", err)
	}
	return paths
}

// read reads one of those answers.
func read(t *testing.T, path string) Answer {
	t.Helper()
	c := newClient(t, func(o *Options) {
		o.API, o.Streaming = api.Messages, !strings.Contains(path, "whole")
	})
	resp, body := replay(t, path)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return do(t, t.Context(), c, roundTrip(func(*http.Request) (*http.Response, error) { return resp, nil }))
}

// The golden file with the outcome of each stream was checked line by line.
func TestAnswersOfMessages(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, path := range messagesStreams(t) {
		fmt.Fprintf(&got, "%s\n\t%s\n", filepath.Base(path), outline(read(t, path)))
	}
	golden := filepath.Join("testdata", "messages", "outlines.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compareLines(t, got.String(), testenv.ReadFile(t, golden))
}

// Each kind of output has the time of its first event with something in it.
func TestStampsOfMessages(t *testing.T) {
	t.Parallel()
	event := func(data string) part { return part{10 * time.Millisecond, "data: " + data + "\n\n"} }
	delta := func(text string) part { return event(`{"type":"content_block_delta","index":0,"delta":` + text + `}`) }
	synctest.Test(t, func(t *testing.T) {
		r := do(t, t.Context(), newClient(t, func(o *Options) { o.API = api.Messages }), script{parts: []part{
			event(`{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}`),
			event(`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}`),
			event(`{"type":"ping"}`),
			delta(`{"type":"thinking_delta","thinking":"hm"}`), // 40 ms
			delta(`{"type":"signature_delta","signature":"x"}`),
			event(`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`),
			delta(`{"type":"text_delta","text":"a"}`), // 70 ms
			delta(`{"type":"text_delta","text":"b"}`),
			event(`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","name":"f","input":{}}}`),
			delta(`{"type":"input_json_delta","partial_json":""}`),
			delta(`{"type":"input_json_delta","partial_json":"{}"}`), // 110 ms
			event(`{"type":"content_block_stop","index":2}`),
			event(`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}`),
			event(`{"type":"message_stop"}`),
		}}).Record
		if !slices.Equal(r.Reasoning, []int64{40_000}) || !slices.Equal(r.Chunks, []int64{70_000, 80_000}) ||
			!slices.Equal(r.ToolCalls, []int64{110_000}) || r.End-r.Start != 140e6 {
			t.Errorf("thinking at %v, text at %v, arguments at %v µs, end after %d ns (%s)", r.Reasoning, r.Chunks,
				r.ToolCalls, r.End-r.Start, r.Error)
		}
	})
}

// handled is a transport to a handler in the same process, in virtual time too.
type handled struct{ http.Handler }

func (h handled) RoundTrip(req *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	answer := &piped{PipeWriter: w, header: http.Header{}, status: make(chan int, 1)}
	go func() {
		h.ServeHTTP(answer, req)
		answer.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	return &http.Response{StatusCode: <-answer.status, Header: answer.header, Body: body, Request: req}, nil
}

// piped is the answer of a handler.
type piped struct {
	*io.PipeWriter
	header http.Header
	status chan int
}

func (p *piped) Header() http.Header { return p.header }
func (p *piped) Flush()              {}
func (p *piped) WriteHeader(n int) {
	select {
	case p.status <- n:
	default:
	}
}

func (p *piped) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.PipeWriter.Write(b)
}

// Times and counts are those that the simulator knows, whatever the API and however many pings come between.
func TestTruthOfTheSimulator(t *testing.T) {
	t.Parallel()
	for _, dialect := range api.All() {
		for _, options := range []string{"", "pings=3&tokens-per-chunk=2&itl-stddev=4ms"} {
			synctest.Test(t, func(t *testing.T) {
				o, err := sim.ParseQuery(options)
				if err != nil {
					t.Fatal(err)
				}
				server, err := sim.New(o)
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, func(o *Options) { o.API, o.Model = dialect, "sim" })
				a, err := c.Do(t.Context(), handled{server}, Request{ID: "1", MaxTokens: 7, Prompt: "a b c",
					Messages: json.RawMessage(`[{"role":"system","content":"a"},{"role":"user","content":"b c"}]`)})
				if err != nil || a.Record.Failed() {
					t.Fatalf("%s: %v %s", dialect.Name(), err, a.Record.Error)
				}
				r, truth := a.Record, server.Truths()[0]
				var want []int64
				for _, at := range truth.Chunks {
					want = append(want, record.Micros(time.Duration(at-r.Start)))
				}
				n := r.Counts()
				if !slices.Equal(r.Chunks, want) || n.Prompt != 3 || n.Completion != 7 || truth.PromptTokens != 3 {
					t.Errorf("%s %s: chunks at %v µs, tokens in %d, out %d; want %v, 3, 7", dialect.Name(), options,
						r.Chunks, n.Prompt, n.Completion, want)
				}
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Pings are no progress: an answer of pings alone stalls.
func TestPingsDoNotKeepAStreamAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parts := []part{{0, "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7}}}\n\n"}}
		for range 100 {
			parts = append(parts, part{time.Second, "event: ping\ndata: {\"type\":\"ping\"}\n\n"})
		}
		r := do(t, t.Context(), newClient(t, func(o *Options) { o.API, o.IdleTimeout = api.Messages, 5*time.Second }),
			script{parts: parts}).Record
		if r.ErrorType != record.ErrorStall || r.End-r.Start != 5e9 {
			t.Errorf("got %q after %v", r.ErrorType, time.Duration(r.End-r.Start))
		}
	})
}

// An endpoint that is not there is named with its API.
func TestMessagesAreNotSpoken(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) { o.API, o.BaseURL, o.APIKey = api.Messages, "http://h/v1", "Bearer k" })
	var sent http.Header
	r := do(t, t.Context(), c, roundTrip(func(req *http.Request) (*http.Response, error) {
		sent = req.Header
		return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"detail":"Not Found"}`))}, nil
	})).Record
	if want := "Not Found (api anthropic_messages: no http://h/v1/messages)"; r.Error != want {
		t.Errorf("got %q, want %q", r.Error, want)
	}
	if sent.Get("X-Api-Key") != "k" || sent.Get("Anthropic-Version") == "" || sent.Get("Authorization") != "" {
		t.Errorf("sent %v", sent)
	}
}

// reading is what Anthropic's own client reads of an answer.
type reading struct {
	Text, Finish       string
	Thinks, Calls      bool
	Prompt, Completion int
	Error              string
}

// differs compares an answer with Anthropic's reading of the same bytes. Anthropic's client takes a stream that broke
// off for an answer without a stop reason.
func (w reading) differs(a Answer, counts record.Counts) bool {
	r := a.Record
	if r.Failed() {
		return w.Error == "" && w.Finish != ""
	}
	got := reading{Text: a.Text, Finish: r.FinishReason, Thinks: len(r.Reasoning) > 0, Calls: len(r.ToolCalls) > 0,
		Prompt: counts.Prompt, Completion: counts.Completion}
	if !r.Streaming { // such answers have no times
		got.Thinks, got.Calls = w.Thinks, w.Calls
	}
	return got != w
}

// anthropicReads lets Anthropic's Python client ask each of the base URLs.
func anthropicReads(t *testing.T, urls []string) (list []reading) {
	t.Helper()
	python := testenv.Python(t, "anthropic")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append([]string{"testdata/anthropic_client.py"}, urls...)...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problem.String())
	}
	for line := range strings.Lines(string(out)) {
		var r reading
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, r)
	}
	if len(list) != len(urls) {
		t.Fatalf("%d answers to %d URLs", len(list), len(urls))
	}
	return list
}

// The client reads what Anthropic's own reads: the same text, usage and stop reason, of the same bytes. The simulator
// speaks what that client understands. One process of Python, which is slow to start, reads both.
func TestAgreesWithAnthropicsClient(t *testing.T) {
	t.Parallel()
	streams := messagesStreams(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		resp, body := replay(t, filepath.Join("testdata", "messages", name))
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	var urls []string
	for _, path := range streams {
		urls = append(urls, server.URL+"/"+filepath.Base(path))
	}
	for _, s := range simulated {
		urls = append(urls, simulator(t, s.options))
	}
	list := anthropicReads(t, urls)
	for i, path := range streams {
		want := list[i]
		switch filepath.Base(path) {
		case "tool-without-arguments.txt":
			want.Calls = false // a call is output from its first argument on
		case "without-names.txt":
			continue // Anthropic's client goes by the names of events alone
		}
		if a := read(t, path); want.differs(a, a.Record.Counts()) {
			t.Errorf("%s: got %s\nwant %+v", path, outline(a), want)
		}
	}
	for i, s := range simulated {
		got := list[len(streams)+i]
		got.Error, _, _ = strings.Cut(got.Error, ":")
		if got != s.want {
			t.Errorf("%s: got %+v, want %+v", s.options, got, s.want)
		}
	}
}

const simulatedText = "Simulated quick model answers with"

// simulated lists what Anthropic's client is to read of the simulator.
var simulated = []struct {
	options string
	want    reading
}{
	{"", reading{Text: simulatedText, Finish: "max_tokens", Prompt: 3, Completion: 5}},
	{"pings=2", reading{Text: simulatedText, Finish: "max_tokens", Prompt: 3, Completion: 5}},
	{"output-tokens=3", reading{Text: "Simulated quick model", Finish: "end_turn", Prompt: 3, Completion: 3}},
	{"failure-rate=1&failure-kind=stream_error", reading{Error: "APIStatusError"}},
	{"failure-rate=1", reading{Error: "InternalServerError"}},
}

// simulator serves a simulator, and returns its URL.
func simulator(t *testing.T, options string) string {
	t.Helper()
	o, err := sim.ParseQuery(options)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.URL()
}
