package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// leavingUser sends a request whose user leaves.
func leavingUser(t *testing.T, ctx context.Context, c *Client, rt http.RoundTripper, l Leave) Answer {
	t.Helper()
	answer, err := c.Do(ctx, rt, &Request{ID: "r1", Messages: json.RawMessage(`[{"role":"user","content":"q"}]`),
		Leave: &l})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// last is a chunk with the finish reason.
func last(content string) string {
	return strings.Replace(chunk(content), "}}]", `},"finish_reason":"stop"}]`, 1)
}

func TestUsersWhoLeave(t *testing.T) {
	t.Parallel()
	slow := script{parts: []part{{50 * ms, role}, {50 * ms, think}, {10 * ms, chunk("a")}, {10 * ms, chunk("b")},
		{10 * ms, toolCall}, {forever, done}}}
	burst := script{parts: []part{{50 * ms, chunk("a") + chunk("b") + chunk("c") + stop + usage + done}}}
	early := script{parts: []part{{10 * ms, chunk("a")}, {50 * ms, last("b") + usage + done}}}
	for _, tt := range []struct {
		name      string
		opts      func(*Options)
		server    script
		leave     Leave
		cancel    time.Duration // of the caller; 0 means never
		text      string
		errorType string
		end       time.Duration
	}{
		{"after a time", nil, slow, Leave{After: 115 * ms}, 0, "a", record.ErrorAbandoned, 115 * ms},
		{"before any output", nil, slow, Leave{After: 20 * ms}, 0, "", record.ErrorAbandoned, 20 * ms},
		{"after tokens of any kind", nil, slow, Leave{Tokens: 3}, 0, "ab", record.ErrorAbandoned, 120 * ms},
		{"at the first token", nil, slow, Leave{Tokens: 1}, 0, "", record.ErrorAbandoned, 100 * ms},
		{"out of the queue", nil, slow, Leave{Queued: 70 * ms}, 0, "", record.ErrorAbandoned, 70 * ms},
		{"not out of the queue once output has come", nil, early, Leave{Queued: 20 * ms}, 0, "ab", "", 60 * ms},
		{"within one read", nil, burst, Leave{Tokens: 2}, 0, "ab", record.ErrorAbandoned, 50 * ms},
		{"the answer is over before", nil, early, Leave{After: 100 * ms}, 0, "ab", "", 60 * ms},
		{"the last token is the one", nil, early, Leave{Tokens: 2}, 0, "ab", "", 60 * ms},
		{"after the finish reason", nil,
			script{parts: []part{{10 * ms, chunk("a") + stop}, {forever, done}}}, Leave{After: 20 * ms}, 0, "a", "",
			10 * ms},
		{"a whole answer has no tokens to count", func(o *Options) { o.Streaming = false },
			script{kind: "application/json", parts: []part{{30 * ms, `{"choices":[{"message":{"content":"a"}}]}`}}},
			Leave{Tokens: 1}, 0, "a", "", 30 * ms},
		{"from a whole answer", func(o *Options) { o.Streaming = false },
			script{kind: "application/json", parts: []part{{30 * ms, `{"choices":[{"mes`}, {forever, ""}}},
			Leave{After: 40 * ms}, 0, "", record.ErrorAbandoned, 40 * ms},
		{"from the answer of a refusal", nil, script{status: 503, parts: []part{{30 * ms, `busy`}, {forever, ""}}},
			Leave{After: 40 * ms}, 0, "", record.ErrorAbandoned, 40 * ms},
		{"from a sound", func(o *Options) { o.API = api.Speech },
			script{kind: "audio/pcm", parts: []part{{30 * ms, strings.Repeat("ab", 100)}, {forever, ""}}},
			Leave{After: 40 * ms, Queued: 35 * ms}, 0, "", record.ErrorAbandoned, 40 * ms},
		{"the timeout comes first", func(o *Options) { o.Timeout = 30 * ms }, slow, Leave{After: 40 * ms}, 0, "",
			record.ErrorTimeout, 30 * ms},
		{"a stall comes first", func(o *Options) { o.IdleTimeout = 300 * ms }, slow, Leave{After: time.Second}, 0, "ab",
			record.ErrorStall, 430 * ms},
		{"the end of the test comes first", nil, slow, Leave{After: 40 * ms}, 30 * ms, "", record.ErrorCanceled,
			30 * ms},
		{"the end of the test comes later", nil, slow, Leave{After: 30 * ms}, 40 * ms, "", record.ErrorAbandoned,
			30 * ms},
	} {
		for _, polite := range []bool{false, true} { // the server ends its answer cleanly when it sees the client go
			server := tt.server
			server.polite = polite
			t.Run(fmt.Sprint(tt.name, ", polite ", polite), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx := t.Context()
					if tt.cancel > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, tt.cancel)
						defer cancel()
					}
					leave := tt.leave
					leave.Rule = "the rule"
					a := leavingUser(t, ctx, newClient(t, tt.opts), server, leave)
					r := a.Record
					if a.Text != tt.text || r.ErrorType != tt.errorType || r.Latency() != tt.end || r.Note != "" ||
						r.Leaves != "the rule" {
						t.Errorf("got %q, error %q (%s) after %v, note %q, leaves %q; want %q, error %q after %v",
							a.Text, r.ErrorType, r.Error, r.Latency(), r.Note, r.Leaves, tt.text, tt.errorType, tt.end)
					}
					const want = "the user left before the answer was over (cancel: the rule)"
					if (r.Error == want) != (tt.errorType == record.ErrorAbandoned) {
						t.Errorf("got the message %q", r.Error)
					}
					if _, err := record.Parse(mustAppend(t, r)); err != nil {
						t.Errorf("the record does not read back: %v", err)
					}
				})
			})
		}
	}
}

// A request that is in time counts its usage, though its user was about to leave.
func TestTheLastTokenKeepsItsUsage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script{parts: []part{{10 * ms, last("a")}, {10 * ms, usage}, {10 * ms, done}}}
		r := leavingUser(t, t.Context(), newClient(t, nil), s, Leave{Tokens: 1}).Record
		if c := r.Counts(); r.Failed() || c.Completion != 3 || r.Latency() != 30*ms {
			t.Errorf("got %q, %d tokens after %v", r.ErrorType, c.Completion, r.Latency())
		}
	})
}

func TestASignalToLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signal, abort := context.WithCancel(t.Context())
		time.AfterFunc(30*ms, abort)
		slow := script{parts: []part{{10 * ms, chunk("a")}, {forever, done}}}
		c := newClient(t, nil)
		r := leavingUser(t, t.Context(), c, slow, Leave{Rule: "2s", After: 2 * time.Second, Signal: signal}).Record
		if r.ErrorType != record.ErrorAbandoned || r.Leaves != "signal" || r.Latency() != 30*ms || len(r.Chunks) != 1 {
			t.Errorf("got %q (%s), leaves %q, after %v with %d chunks", r.ErrorType, r.Error, r.Leaves, r.Latency(),
				len(r.Chunks))
		}
		rt := inspects(func(*http.Request, string) { t.Error("it was sent") })
		if _, err := c.Do(t.Context(), rt, &Request{Leave: &Leave{Signal: signal}}); !errors.Is(err, ErrUnsent) {
			t.Errorf("with a signal that was given before: got %v, want ErrUnsent", err)
		}
		if r := leavingUser(t, t.Context(), c, whole, Leave{Signal: t.Context()}).Record; r.Failed() || r.Leaves != "" {
			t.Errorf("with a signal that does not come: got %q, leaves %q", r.ErrorType, r.Leaves)
		}
	})
}

// The wait for a further attempt is a wait of the user, too, and the clock runs from the first.
func TestLeavingBetweenAttempts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		list []plannedAttempt
		want time.Duration
		made int
	}{
		{"in the wait", []plannedAttempt{{err: refused}, {err: refused}}, 100 * ms, 1},
		{"in the second attempt", []plannedAttempt{{err: refused}, {after: forever}}, 100 * ms, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := &attempts{t: t, list: tt.list}
				c := newClient(t, retrying(5))
				r := leavingUser(t, t.Context(), c, rt, Leave{Rule: "100ms", After: tt.want}).Record
				if r.ErrorType != record.ErrorAbandoned || r.Latency() != tt.want || r.Retries != tt.made ||
					strings.Contains(r.Error, "refused") {
					t.Errorf("got %q (%s) after %v, %d retries", r.ErrorType, r.Error, r.Latency(), r.Retries)
				}
			})
		})
	}
}

func TestLeavingOnceTheRequestIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := roundTrip(func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: io.ErrClosedPipe})
			time.Sleep(20 * ms) // the transport sends it again
			trace.WroteRequest(httptrace.WroteRequestInfo{})
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		r := leavingUser(t, t.Context(), newClient(t, nil), rt, Leave{Rule: "prompt-sent", Sent: true}).Record
		if r.ErrorType != record.ErrorAbandoned || r.Latency() != 20*ms+flushing || r.Written == 0 {
			t.Errorf("got %q after %v, written at %d", r.ErrorType, r.Latency(), r.Written)
		}
	})
}

// The server sees that the user has left: HTTP/1 closes the connection, HTTP/2 resets the stream and keeps it.
func TestTheServerSeesThatTheUserLeft(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		for _, leave := range []Leave{{Tokens: 2}, {After: 50 * ms}, {Queued: 50 * ms}, {Sent: true}} {
			type seen struct{ remote, body string }
			left, requests := make(chan seen, 10), 0
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				if requests++; requests > 1 {
					_, _ = io.WriteString(w, chunk("a")+stop+done)
					left <- seen{r.RemoteAddr, string(body)}
					return
				}
				if leave.Queued == 0 && !leave.Sent {
					_, _ = io.WriteString(w, chunk("a")+chunk("b")+chunk("c"))
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
				left <- seen{r.RemoteAddr, string(body)}
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			c := newClient(t, func(o *Options) { o.BaseURL = server.URL })
			var r *record.Request
			var first seen
			for try := 1; first.remote == ""; try++ { // on a busy machine the user may leave before a byte is out
				r = leavingUser(t, t.Context(), c, server.Client().Transport, leave).Record
				select {
				case first = <-left:
				case <-time.After(10 * time.Second):
					if try == 3 {
						t.Fatalf("HTTP/2 %t, %+v: the server does not see that the user left", http2, leave)
					}
				}
			}
			if want := min(2, leave.Tokens); r.ErrorType != record.ErrorAbandoned || want > 0 && len(r.Chunks) != want {
				t.Errorf("HTTP/2 %t, %+v: got %q (%s), %d chunks", http2, leave, r.ErrorType, r.Error, len(r.Chunks))
			}
			if !strings.Contains(first.body, `"content":"q"`) || leave.Sent && r.Written == 0 {
				t.Errorf("HTTP/2 %t, %+v: the server read %q, written at %d", http2, leave, first.body, r.Written)
			}
			if next := do(t, t.Context(), c, server.Client().Transport).Record; next.Failed() || next.Retries > 0 {
				t.Errorf("HTTP/2 %t: then %q (%s)", http2, next.ErrorType, next.Error)
			}
			if then := <-left; (then.remote == first.remote) != http2 {
				t.Errorf("HTTP/2 %t, %+v: the next request came from %s after %s", http2, leave, then.remote,
					first.remote)
			}
			server.Close()
		}
	}
}

func TestTrickles(t *testing.T) {
	t.Parallel()
	var names []string
	for _, dialect := range api.All() {
		c := newClient(t, func(o *Options) { o.Speak(dialect) })
		if c.Trickles() {
			names = append(names, dialect.Name())
		}
	}
	if !slices.Contains(names, "chat") || slices.Contains(names, "embeddings") || slices.Contains(names, "speech") {
		t.Errorf("got %v", names)
	}
	if newClient(t, func(o *Options) { o.Streaming = false }).Trickles() {
		t.Error("whole answers have pieces")
	}
}
