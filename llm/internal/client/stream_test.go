package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// script is a server's answer in virtual time: it writes each part after its delay.
type script struct {
	status int
	kind   string // content type
	parts  []part
	end    error // how the body ends; nil means a clean end
	polite bool  // the body ends as if it were whole when the request's context ends
}

type part struct {
	after time.Duration
	text  string
}

// RoundTrip answers at once with a body that fills as time passes, and breaks when the request's context ends.
func (s script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	cut := func() {
		if s.polite {
			_ = w.Close()
		}
		_ = w.CloseWithError(req.Context().Err())
	}
	stop := context.AfterFunc(req.Context(), cut)
	go func() {
		defer stop()
		for _, p := range s.parts {
			select {
			case <-time.After(p.after):
			case <-req.Context().Done():
				cut() // stop may come before the function that would do it
				return
			}
			if _, err := io.WriteString(w, p.text); err != nil {
				return
			}
		}
		_ = w.CloseWithError(s.end)
	}()
	status, kind := s.status, s.kind
	if status == 0 {
		status = http.StatusOK
	}
	if kind == "" {
		kind = "text/event-stream"
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: body, Request: req},
		nil
}

const forever = 1000 * time.Hour

func chunk(content string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", content)
}

const (
	role     = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
	think    = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
	toolCall = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}\n\n"
	stop     = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	usage    = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n"
	done     = "data: [DONE]\n\n"
	ms       = time.Millisecond
)

func newClient(t *testing.T, change func(*Options)) *Client {
	t.Helper()
	opts := DefaultOptions()
	opts.BaseURL, opts.Model = "http://server.test", "m"
	if change != nil {
		change(&opts)
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func do(t *testing.T, ctx context.Context, c *Client, rt http.RoundTripper) Answer {
	t.Helper()
	answer, err := c.Do(ctx, rt, &Request{ID: "r1", Messages: json.RawMessage(`[{"role":"user","content":"q"}]`),
		KeepCalls: true})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		opts      func(*Options)
		server    script
		text      string
		chunks    []int64 // ms
		errorType string
		message   string
		end       time.Duration
		check     func(*testing.T, *record.Request)
	}{
		{
			name: "a plain answer",
			server: script{parts: []part{{50 * ms, role}, {50 * ms, chunk("a")}, {10 * ms, chunk("b")},
				{10 * ms, chunk("c") + stop}, {5 * ms, usage + done}}},
			text: "abc", chunks: []int64{100, 110, 120}, end: 125 * ms,
			check: func(t *testing.T, r *record.Request) {
				if c := r.Counts(); c.Completion != 3 || c.CompletionSource != record.ServerUsage ||
					r.FinishReason != "stop" ||
					r.Note != "" {
					t.Errorf("got %d tokens by %s, finish reason %q, note %q", c.Completion, c.CompletionSource,
						r.FinishReason,
						r.Note)
				}
			},
		},
		{
			name:   "several chunks in one read share its time",
			server: script{parts: []part{{50 * ms, chunk("a") + chunk("b")}, {50 * ms, chunk("c") + stop + done}}},
			text:   "abc", chunks: []int64{50, 50, 100}, end: 100 * ms,
		},
		{
			name: "reasoning and tool calls have times of their own",
			server: script{parts: []part{{10 * ms, think}, {10 * ms, think}, {10 * ms, chunk("a")},
				{10 * ms, toolCall + stop + done}}},
			text: "a", chunks: []int64{30}, end: 40 * ms,
			check: func(t *testing.T, r *record.Request) {
				if !slices.Equal(r.Reasoning, []int64{10000, 20000}) || !slices.Equal(r.ToolCalls, []int64{40000}) {
					t.Errorf("reasoning at %v, tool calls at %v", r.Reasoning, r.ToolCalls)
				}
				if d, _ := r.TTFO(); d != 10*ms {
					t.Errorf("first output after %v", d)
				}
			},
		},
		{
			name:   "no [DONE] after a finish reason",
			server: script{parts: []part{{10 * ms, chunk("a") + stop}, {10 * ms, ""}}},
			text:   "a", chunks: []int64{10}, end: 20 * ms,
			check: func(t *testing.T, r *record.Request) {
				if !strings.Contains(r.Note, "without its end mark") {
					t.Errorf("note %q", r.Note)
				}
			},
		},
		{
			name:   "no [DONE] and no finish reason",
			server: script{parts: []part{{10 * ms, chunk("a")}, {10 * ms, ""}}},
			text:   "a", chunks: []int64{10}, end: 20 * ms, errorType: record.ErrorTruncated,
			message: "ended after 1 events",
		},
		{
			name:   "cut in the middle of an event",
			server: script{parts: []part{{10 * ms, chunk("a") + "data: {\"choi"}}},
			text:   "a", chunks: []int64{10}, end: 10 * ms, errorType: record.ErrorTruncated,
		},
		{
			name:   "the body is shorter than announced",
			server: script{parts: []part{{10 * ms, chunk("a")}}, end: io.ErrUnexpectedEOF},
			text:   "a", chunks: []int64{10}, end: 10 * ms, errorType: record.ErrorTruncated,
		},
		{
			name:   "the connection breaks",
			server: script{parts: []part{{10 * ms, chunk("a")}}, end: errors.New("connection reset by peer")},
			text:   "a", chunks: []int64{10}, end: 10 * ms, errorType: record.ErrorReset,
			message: "connection reset by peer",
		},
		{
			name: "an error event inside the stream",
			server: script{parts: []part{{10 * ms, chunk("a")},
				{10 * ms, "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n" + done}}},
			text: "a", chunks: []int64{10}, end: 20 * ms, errorType: record.ErrorStream, message: "out of memory",
		},
		{
			name:   "an event named error",
			server: script{parts: []part{{10 * ms, "event: error\ndata: overloaded\n\n"}}},
			end:    10 * ms, errorType: record.ErrorStream, message: "overloaded",
		},
		{
			name:   "an event that is no JSON",
			server: script{parts: []part{{10 * ms, chunk("a")}, {10 * ms, "data: <html>\n\n"}}},
			text:   "a", chunks: []int64{10}, end: 20 * ms, errorType: record.ErrorMalformed, message: `"<html>"`,
		},
		{
			name:   "no stream at all",
			server: script{kind: "text/html", parts: []part{{10 * ms, "<html>Sign in</html>"}}, end: nil},
			end:    10 * ms, errorType: record.ErrorMalformed, message: `content type "text/html"`,
		},
		{
			name:   "another content type",
			server: script{kind: "text/html", parts: []part{{10 * ms, "<html>Sign in</html>\n"}}},
			end:    10 * ms, errorType: record.ErrorMalformed, message: `content type "text/html"`,
		},
		{
			name: "an event above the limit",
			opts: func(o *Options) { o.EventLimit = 100 },
			server: script{parts: []part{{10 * ms, chunk("a")}, {10 * ms, chunk(strings.Repeat("x", 100))},
				{forever, ""}}},
			text: "a", chunks: []int64{10}, end: 20 * ms, errorType: record.ErrorTooLarge,
			message: "limit of 100 bytes",
		},
		{
			name:   "longer than the timeout",
			opts:   func(o *Options) { o.Timeout = 75 * ms },
			server: script{parts: []part{{50 * ms, chunk("a")}, {50 * ms, chunk("b")}, {forever, ""}}},
			text:   "a", chunks: []int64{50}, end: 75 * ms, errorType: record.ErrorTimeout, message: "timeout of 75ms",
		},
		{
			name:   "no timeout",
			opts:   func(o *Options) { o.Timeout = 0 },
			server: script{parts: []part{{50 * time.Hour, chunk("a") + stop + done}}},
			text:   "a", chunks: []int64{50 * 3600 * 1000}, end: 50 * time.Hour,
		},
		{
			name: "a stall between chunks, with signs of life",
			opts: func(o *Options) { o.IdleTimeout = 30 * ms },
			server: script{parts: []part{{90 * ms, chunk("a")}, {20 * ms, chunk("b")}, {20 * ms, ": ping\n\n"},
				{20 * ms, ": ping\n\n"}, {forever, ""}}},
			text: "ab", chunks: []int64{90, 110}, end: 140 * ms, errorType: record.ErrorStall,
			message: "idleTimeout of 30ms",
		},
		{
			name:   "the server keeps the stream open after [DONE]",
			server: script{parts: []part{{10 * ms, chunk("a") + stop + done}, {forever, ""}}},
			text:   "a", chunks: []int64{10}, end: 10 * ms,
		},
		{
			name: "refused",
			server: script{status: 429, kind: "application/json",
				parts: []part{{10 * ms, `{"error":{"message":"slow down"}}`}}},
			end: 10 * ms, errorType: record.ErrorHTTP, message: "slow down",
		},
		{
			name:   "refused without a word",
			server: script{status: 503, parts: []part{{10 * ms, ""}}},
			end:    10 * ms, errorType: record.ErrorHTTP, message: "Service Unavailable",
		},
		{
			name: "answered without streaming",
			server: script{kind: "application/json; charset=utf-8",
				parts: []part{{10 * ms, `{"choices":[{"message":{"content":"abc"}}]}`}}},
			text: "abc", chunks: []int64{}, end: 10 * ms,
			check: func(t *testing.T, r *record.Request) {
				if r.Note == "" {
					t.Error("the record has no note")
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answer := do(t, ctx, newClient(t, tt.opts), tt.server)
				r := answer.Record
				if answer.Text != tt.text || !slices.Equal(r.Chunks, inMicros(tt.chunks)) {
					t.Errorf("got %q at %v µs; want %q at %v ms", answer.Text, r.Chunks, tt.text, tt.chunks)
				}
				if r.ErrorType != tt.errorType || !strings.Contains(r.Error, tt.message) {
					t.Errorf("got error %q: %q; want %q: %q", r.ErrorType, r.Error, tt.errorType, tt.message)
				}
				if r.Latency() != tt.end {
					t.Errorf("ended after %v, want %v", r.Latency(), tt.end)
				}
				if tt.check != nil {
					tt.check(t, r)
				}
				if _, err := record.Parse(mustAppend(t, r)); err != nil {
					t.Errorf("the record does not read back: %v", err)
				}
			})
		})
	}
}

func inMicros(ms []int64) []int64 {
	us := make([]int64, len(ms))
	for i, t := range ms {
		us[i] = t * 1000
	}
	return us
}

func mustAppend(t *testing.T, r *record.Request) []byte {
	t.Helper()
	line, err := record.Append(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestCanceledKeepsItsChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*ms)
		defer cancel()
		r := do(t, ctx, newClient(t, nil),
			script{parts: []part{{10 * ms, chunk("a")}, {10 * ms, chunk("b")}, {10 * ms, chunk("c")}}}).Record
		if r.ErrorType != record.ErrorCanceled || len(r.Chunks) != 2 || r.Latency() != 25*ms {
			t.Errorf("got %q with %d chunks after %v", r.ErrorType, len(r.Chunks), r.Latency())
		}
	})
}

func TestCanceledBeforeItWasSent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := do(t, ctx, newClient(t, nil), http.DefaultTransport).Record
	if r.ErrorType != record.ErrorCanceled || r.Start == 0 || r.End < r.Start {
		t.Errorf("got %+v", r)
	}
}

func TestTextIsKeptIfAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := chunk("a") + stop + done
		r := do(t, t.Context(), newClient(t, func(o *Options) { o.Text = true }), script{
			parts: []part{{ms, stream}}}).Record
		if r.ResponseBody != stream || !strings.Contains(r.RequestBody, `"messages":[{"role":"user","content":"q"}]`) {
			t.Errorf("request %q, response %q", r.RequestBody, r.ResponseBody)
		}
		if r.BytesReceived != int64(len(stream)) || r.BytesSent != int64(len(r.RequestBody)) {
			t.Errorf("%d bytes received, %d sent", r.BytesReceived, r.BytesSent)
		}
	})
}

func TestTokensAreCountedPerChunk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, func(o *Options) {
			o.Count = func(s string) int { return len(strings.Fields(s)) }
			o.CountPrompt = func(_ api.Dialect, r Request) (int, bool) { return len(r.Messages), true }
		})
		r := do(t, t.Context(), c,
			script{parts: []part{{ms, chunk("one two") + chunk(" ") + chunk("three") + usage + stop + done}}}).Record
		if c := r.Counts(); c.Completion != 3 || c.CompletionSource != record.ClientTokenizer ||
			!slices.Equal(r.ChunkTokens, []int{2, 0, 1}) {
			t.Errorf("got %d by %s, chunks of %v", c.Completion, c.CompletionSource, r.ChunkTokens)
		}
	})
}

func TestUsageOfSeveralChunksIsMerged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		more := "data: {\"choices\":[],\"usage\":{\"completion_tokens\":9,\"x\":1}}\n\n"
		r := do(t, t.Context(), newClient(t, nil),
			script{parts: []part{{ms, chunk("a") + usage + more + stop + done}}}).Record
		if c := r.Counts(); c.Prompt != 7 || c.Completion != 9 {
			t.Errorf("got %s", r.Usage)
		}
	})
}

func TestUsageThatIsNotJSONIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := "data: {\"choices\":[],\"usage\":{\"completion_tokens\":tru}}\n\n"
		r := do(t, t.Context(), newClient(t, nil), script{parts: []part{{ms, chunk("a") + bad + stop + done}}}).Record
		if r.Failed() || r.Usage != nil || r.Note == "" {
			t.Errorf("got %q, usage %s, note %q", r.ErrorType, r.Usage, r.Note)
		}
		mustAppend(t, r)
	})
}

// Headers may have megabytes, which do not belong into a message of each request.
func TestLongHeadersAreCut(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "content type", 302: "redirected to"} {
		r := do(t, t.Context(), newClient(t, nil), roundTrip(func(*http.Request) (*http.Response, error) {
			long := http.Header{"Content-Type": {strings.Repeat("x", 1<<20)},
				"Location": {"http://h/" + strings.Repeat("y", 1<<20)}}
			return &http.Response{StatusCode: status, Header: long, Body: io.NopCloser(strings.NewReader("none"))}, nil
		})).Record
		if !strings.Contains(r.Error, want) || len(r.Error) > 2000 {
			t.Errorf("%d: got %d bytes: %.100s", status, len(r.Error), r.Error)
		}
	}
}

// An HTTP status has three digits, but Go accepts any number from a server that speaks HTTP/2.
func TestInvalidStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{-15: record.ErrorMalformed, 1000: record.ErrorMalformed,
		0: record.ErrorHTTP, 999: record.ErrorHTTP} {
		r := do(t, t.Context(), newClient(t, nil), roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(chunk("a") + stop + done))},
				nil
		})).Record
		if r.ErrorType != want || want == record.ErrorMalformed &&
			(r.Status != 0 || r.Error != fmt.Sprint(status, " is no status of HTTP")) {
			t.Errorf("%d: got %s %q with status %d, want %s", status, r.ErrorType, r.Error, r.Status, want)
		}
		mustAppend(t, r)
	}
}

// Whatever a server sends, its record can be written and read again.
func FuzzDo(f *testing.F) {
	for _, s := range []string{
		role + think + chunk("a") + toolCall + stop + usage + done, "event: error\ndata: x\n\n",
		"data: {\"error\":{\"message\":\"\xff\"}}\n\n",
		"data: {\"usage\":{\"a\":tru}}\n\n", `{"choices":[{"message":{"content":"a"}}]}`, "<html>", "",
		strings.Repeat(chunk("a"), 70) + stop, strings.Repeat(think+toolCall, 40), growing(500, 10) + chunk("!") +
			stop + done,
		numbered(3) + choice(0, "b", "null") + done, strings.Repeat(chunk(strings.Repeat("x", 300)), 4),
		chunk("\xff\xfe\x00") + stop + done + chunk("late"),
		event(`{"choices":[{"index":99999999999999999999,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1e308,"completion_tokens":-1}}`) + stop,
		event(`{"choices":[],"usage":{"prompt_tokens":9223372036854775808,"completion_tokens":"7","x":%s}}`,
			strings.Repeat("[", 200)+strings.Repeat("]", 200)),
		string(compressions[1].wrap(chunk("a") + stop)),
		string(compressions[1].wrap(string(compressions[4].wrap(chunk("a"))))),
		": wait\n\n" + strings.Repeat(" \n", 50) + "event: error\n: no\n\n",
		`data: {"error":` + strings.Repeat(`{"error":`, 50) + "1" + strings.Repeat("}", 51) + "\n\n",
		strings.Repeat("data: {}\n", 200),
		calls(`{"index":0,"id":"1","function":{"name":"f","arguments":"{"}},{"index":2}`) + calls(`{"function":{}},{"id":"2"}`) +
			event(`{"choices":[{"message":{"tool_calls":[{"function":{"name":"g"}}]}}]}`) + stopped,
	} {
		f.Add([]byte(s), 200, true)
		f.Add([]byte(s), 500, false)
	}
	f.Add([]byte("{}"), -15, true)
	f.Add([]byte(chunk("a")+stop), 1000, true)
	f.Add([]byte(`{"error":{"message":"\u001b]0;x\u0007\u202e\u0085\u0000"}}`), 302, false)
	opts := DefaultOptions()
	opts.BaseURL, opts.Text, opts.EventLimit = "http://server.test", true, 1<<10
	opts.Count = func(s string) int { return len(s) }
	opts.CountPrompt = func(_ api.Dialect, r Request) (int, bool) { return len(r.Prompt), false }
	c, err := New(opts)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, sse bool) {
		kind := map[bool]string{true: "text/event-stream", false: "application/json"}[sse]
		answer := do(t, t.Context(), c, roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}},
				Body: io.NopCloser(bytes.NewReader(body))}, nil
		}))
		if _, err := record.Parse(mustAppend(t, answer.Record)); err != nil {
			t.Errorf("%q: the record does not read back: %v", body, err)
		}
		r := answer.Record
		if most := opts.EventLimit/bytesPerChunk + 3; r.OutputChunks() > most || !r.Failed() &&
			len(answer.Text) > opts.EventLimit {
			t.Errorf("%q: %d chunks and %d bytes of text are kept, with error %q", body, r.OutputChunks(),
				len(answer.Text), r.Error)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func TestWholeAnswer(t *testing.T) {
	t.Parallel()
	unary := func(o *Options) { o.Streaming = false; o.EventLimit = 200 }
	for _, tt := range []struct {
		name, body, text, errorType string
	}{
		{"chat", `{"choices":[{"message":{"content":"abc"},"finish_reason":"length"}],"usage":{"completion_tokens":3}}`,
			"abc", ""},
		{"content null", `{"choices":[{"message":{"content":null}}]}`, "", ""},
		{"no JSON", `<html>`, "", record.ErrorMalformed},
		{"cut", `{"choices":[`, "", record.ErrorTruncated},
		{"an error", `{"error":{"message":"x"}}`, "", record.ErrorStream},
		{"too large", `{"choices":[{"message":{"content":"` + strings.Repeat("x", 200) + `"}}]}`, "",
			record.ErrorTooLarge},
	} {
		synctest.Test(t, func(t *testing.T) {
			answer := do(t, t.Context(), newClient(t, unary),
				script{kind: "application/json", parts: []part{{10 * ms, tt.body}}})
			r := answer.Record
			if answer.Text != tt.text || r.ErrorType != tt.errorType || r.Latency() != 10*ms {
				t.Errorf("%s: got %q, error %q, after %v", tt.name, answer.Text, r.ErrorType, r.Latency())
			}
			if _, known := r.TTFT(); known {
				t.Errorf("%s: a whole answer has no first token", tt.name)
			}
		})
	}
}

func TestBodyThatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, nil).Do(t.Context(), http.DefaultTransport, &Request{Messages: json.RawMessage(`[`)})
	if err == nil || !strings.Contains(err.Error(), "request body: messages") {
		t.Errorf("got %v", err)
	}
}

func TestCompletionGoesToItsOwnPath(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"} {
		c := newClient(t, func(o *Options) { o.BaseURL, o.API = base, api.Completion })
		if got := c.URL(); got != "http://h:1/v1/completions" {
			t.Errorf("%s: got %s", base, got)
		}
		const said = "baseURL is a host alone: /v1 is added, so that requests go to http://h:1/v1/completions"
		if got := c.Added(); (got == said) == strings.Contains(base, "v1") || got != "" && got != said {
			t.Errorf("%s: said %q", base, got)
		}
	}
	c := newClient(t, func(o *Options) { o.BaseURL, o.API = "http://h:1/v1/chat/completions", api.Completion })
	const want = "baseURL need not end with /chat/completions: requests go to http://h:1/v1/completions"
	if got := c.Added(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
