package client

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

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

// generating returns the dialects whose answers are made of tokens.
func generating() []api.Dialect {
	return slices.DeleteFunc(api.All(), func(d api.Dialect) bool { return !d.Input().Generates() })
}

// Times and counts are those that the simulator knows, whatever the API and however many pings come between.
func TestTruthOfTheSimulator(t *testing.T) {
	t.Parallel()
	for _, dialect := range generating() {
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
				a, err := c.Do(t.Context(), handled{server}, &Request{ID: "1", MaxTokens: 7, Prompt: "a b c",
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
