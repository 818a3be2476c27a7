package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// plannedAttempt is the outcome of one attempt: after some time an error, or at once an answer.
type plannedAttempt struct {
	after  time.Duration
	conns  int // connections it had
	reused bool
	err    error
	answer script
}

// attempts are the attempts of one request, in order; more attempts fail the test.
type attempts struct {
	t    *testing.T
	list []plannedAttempt
	made int
}

func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.made == len(a.list) {
		a.t.Errorf("attempt %d, after the last that was expected", a.made+1)
		return nil, io.EOF
	}
	now := a.list[a.made]
	a.made++
	if text, err := io.ReadAll(req.Body); err != nil || int64(len(text)) != req.ContentLength {
		a.t.Errorf("attempt %d has a body of %d bytes, %v, not of %d", a.made, len(text), err, req.ContentLength)
	}
	select {
	case <-time.After(now.after):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	for range now.conns {
		httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{Reused: now.reused})
	}
	if now.err != nil {
		return nil, now.err
	}
	return now.answer.RoundTrip(req)
}

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	whole   = script{parts: []part{{10 * ms, chunk("a") + stop + done}}}
)

// retrying allows n retries, whose waits are 0.75 times the average.
func retrying(n int) func(*Options) {
	return func(o *Options) {
		o.Retries, o.RetryBackoff, o.Timeout = n, 100*ms, 75*ms
		o.Random = func() float64 { return 0.25 }
	}
}

// late is the error of a dial that took too long, as net reports it.
type late struct{ error }

func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

// A connection that was kept alive and that the server had closed costs no failure, no wait and none of the retries.
func TestClosedConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	closed := plannedAttempt{after: 5 * ms, conns: 1, reused: true, err: io.EOF}
	with := func(change func(*plannedAttempt)) plannedAttempt {
		a := closed
		change(&a)
		return a
	}
	answered := plannedAttempt{conns: 1, answer: whole}
	for _, tt := range []struct {
		name      string
		retries   int
		list      []plannedAttempt
		latency   time.Duration
		sentAgain int
		errorType string
	}{
		{"closed", 0, []plannedAttempt{closed, answered}, 15 * ms, 1, ""},
		{"reset", 0,
			[]plannedAttempt{
				with(func(a *plannedAttempt) { a.err = &net.OpError{Op: "read", Err: syscall.ECONNRESET} }),
				answered}, 15 * ms, 1, ""},
		{"as net/http says it", 0,
			[]plannedAttempt{
				with(func(a *plannedAttempt) { a.err = errors.New("http: server closed idle connection") }), answered},
			15 * ms, 1, ""},
		{"a new connection", 0, []plannedAttempt{with(func(a *plannedAttempt) { a.reused = false })}, 5 * ms, 0,
			record.ErrorReset},
		{"too late to be news", 0, []plannedAttempt{with(func(a *plannedAttempt) { a.after = 150 * ms })}, 150 * ms, 0,
			record.ErrorReset},
		{"a stream that the server refused", 0,
			[]plannedAttempt{with(func(a *plannedAttempt) {
				a.err = errors.New("stream error: stream ID 3; " +
					"INTERNAL_ERROR")
			})},
			5 * ms, 0, record.ErrorReset},
		{"closed by this side, which had read the end", 0,
			[]plannedAttempt{with(func(a *plannedAttempt) { a.err = &net.OpError{Op: "write", Err: net.ErrClosed} }),
				answered}, 15 * ms, 1, ""},
		{"two closed", 0, []plannedAttempt{closed, closed, answered}, 20 * ms, 2, ""},
		{"five closed", 0, slices.Repeat([]plannedAttempt{closed}, 5), 25 * ms, 4, record.ErrorReset},
		{"five closed, and a retry", 1, append(slices.Repeat([]plannedAttempt{closed}, 5), answered),
			25*ms + 75*ms + 10*ms, 5, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			rt := &attempts{t: t, list: tt.list}
			c := newClient(t, func(o *Options) {
				retrying(tt.retries)(o)
				o.Timeout = time.Minute
			})
			r := do(t, t.Context(), c, rt).Record
			if noted := strings.Contains(r.Note, record.NoteResent); noted != (tt.sentAgain > 0) {
				t.Errorf("%s: note %q", tt.name, r.Note)
			}
			if r.ErrorType != tt.errorType || r.Latency() != tt.latency || r.Retries != tt.sentAgain ||
				rt.made != len(tt.list) {
				t.Errorf(
					"%s: got error %q after %v, sent %d times again in %d attempts; want %q after %v, %d times in %d",
					tt.name, r.ErrorType, r.Latency(), r.Retries, rt.made, tt.errorType, tt.latency, tt.sentAgain,
					len(tt.list))
			}
		})
	}
}

// The server promises to keep its connections and closes them after each answer.
func TestServerThatClosesItsConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	body := chunk("a") + stop + done
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: %d\r\n\r\n%s",
						len(body), body)
				}
			}()
		}
	}()
	c := newClient(t, func(o *Options) { o.BaseURL = "http://" + listener.Addr().String() })
	rt := new(http.Transport)
	defer rt.CloseIdleConnections()
	for range 200 {
		if r := do(t, t.Context(), c, rt).Record; r.Failed() {
			t.Fatalf("%s: %s, after %d further attempts", r.ErrorType, r.Error, r.Retries)
		}
	}
}

func TestWhichErrorsAreRetried(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		name  string
		first plannedAttempt
		again bool
		want  string // error type if the attempt is not retried
	}{
		{"refused", plannedAttempt{err: refused}, true, ""},
		{"no route", plannedAttempt{err: dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))}, true, ""},
		{"unknown host", plannedAttempt{err: dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true})},
			true, ""},
		{"broken handshake", plannedAttempt{err: io.EOF}, true, ""},
		{"reset", plannedAttempt{conns: 1,
			err: &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}}, true, ""},
		{"no answer", plannedAttempt{conns: 1, err: io.EOF}, true, ""},
		{"closed while idle", plannedAttempt{conns: 1, err: errors.New("http: server closed idle connection")}, true,
			""},
		{"dial timeout", plannedAttempt{err: dial(late{errors.New("i/o timeout")})}, false, record.ErrorConnect},
		{"name server's timeout", plannedAttempt{err: dial(&net.DNSError{Err: "timeout", IsTimeout: true})}, false,
			record.ErrorDNS},
		{"timeout of the request", plannedAttempt{after: time.Second}, false, record.ErrorTimeout},
		{"certificate", plannedAttempt{err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}},
			false,
			record.ErrorTLS},
		{"client certificate refused",
			plannedAttempt{conns: 1, err: &net.OpError{Op: "remote error", Err: tls.AlertError(116)}},
			false, record.ErrorTLS},
		{"refused by the client itself", plannedAttempt{err: errors.New("hostname (h) is in a blocked pattern (h)")},
			false,
			record.ErrorConnect},
		{"not HTTP", plannedAttempt{conns: 1, err: errors.New(`malformed HTTP response "SSH"`)}, false,
			record.ErrorMalformed},
		{"status 503", plannedAttempt{conns: 1, answer: script{status: 503}}, false, record.ErrorHTTP},
		{"broken stream",
			plannedAttempt{conns: 1, answer: script{parts: []part{{ms, chunk("a")}}, end: syscall.ECONNRESET}},
			false, record.ErrorReset},
		{"cut stream", plannedAttempt{conns: 1, answer: script{end: io.ErrUnexpectedEOF}}, false,
			record.ErrorTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := &attempts{t: t, list: []plannedAttempt{tt.first}}
				if tt.again {
					rt.list = append(rt.list, plannedAttempt{conns: 1, answer: whole})
				}
				answer := do(t, t.Context(), newClient(t, retrying(1)), rt)
				r := answer.Record
				if r.ErrorType != tt.want || r.Retries != rt.made-1 || (r.Attempt != 0) != tt.again ||
					rt.made != len(rt.list) {
					t.Errorf("got %q (%s) after %d attempts, %d retries counted, the last at %d", r.ErrorType, r.Error,
						rt.made, r.Retries, r.Attempt)
				}
				if tt.again && (answer.Text != "a" || r.Error != "" || r.Status != 200) {
					t.Errorf("got %q, error %q, status %d", answer.Text, r.Error, r.Status)
				}
			})
		})
	}
}

func TestRetriesTakeTime(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	for _, tt := range []struct {
		name      string
		retries   int
		list      []plannedAttempt
		errorType string
		made      int           // retries
		attempt   time.Duration // the last, after the start
		connected time.Duration
		end       time.Duration
	}{
		{"none are asked for", 0, []plannedAttempt{{after: 5 * ms, err: refused}}, record.ErrorConnect, 0, 0, 0,
			5 * ms},
		{"none is needed", 3, []plannedAttempt{{conns: 1, answer: whole}}, "", 0, 0, 0, 10 * ms},
		{ // 5 + 75, 5 + 150, answered after 2 + 10
			"the third attempt succeeds", 2,
			[]plannedAttempt{{after: 5 * ms, err: refused}, {after: 5 * ms, conns: 1, err: reset},
				{after: 2 * ms, conns: 1, answer: whole}},
			"", 2, 235 * ms, 237 * ms, 247 * ms,
		},
		{ // 5 + 75, 5 + 150, 5
			"all fail", 2, []plannedAttempt{{after: 5 * ms, conns: 1, err: reset}, {after: 5 * ms, err: refused},
				{after: 5 * ms, err: refused}},
			record.ErrorConnect, 2, 235 * ms, 0, 240 * ms,
		},
		{"each attempt has its own timeout", 1,
			[]plannedAttempt{{after: 70 * ms, err: refused}, {after: 60 * ms, conns: 1, answer: whole}}, "", 1,
			145 * ms,
			205 * ms, 215 * ms},
		{"a retry that takes too long", 2, []plannedAttempt{{err: refused}, {after: time.Second}}, record.ErrorTimeout,
			1,
			75 * ms, 0, 150 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rt := &attempts{t: t, list: tt.list}
				r := do(t, t.Context(), newClient(t, retrying(tt.retries)), rt).Record
				since := func(ns int64) time.Duration {
					if ns == 0 {
						return 0
					}
					return time.Duration(ns - r.Start)
				}
				if r.ErrorType != tt.errorType || r.Retries != tt.made || rt.made != len(tt.list) {
					t.Errorf("got %q after %d attempts, %d retries counted", r.ErrorType, rt.made, r.Retries)
				}
				if since(r.Attempt) != tt.attempt || since(r.Connected) != tt.connected || r.Latency() != tt.end {
					t.Errorf("last attempt after %v, connected after %v, ended after %v; want %v, %v, %v",
						since(r.Attempt), since(r.Connected), r.Latency(), tt.attempt, tt.connected, tt.end)
				}
				if ttft, known := r.TTFT(); known != (tt.errorType == "") || known && ttft != tt.end {
					t.Errorf("TTFT %v, %t; it counts from the first attempt", ttft, known)
				}
				if _, err := record.Parse(mustAppend(t, r)); err != nil {
					t.Errorf("the record does not read back: %v", err)
				}
			})
		})
	}
}

func TestCanceledWhileWaitingToRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		rt := &attempts{t: t, list: []plannedAttempt{{err: refused}, {err: refused}}}
		r := do(t, ctx, newClient(t, retrying(5)), rt).Record
		if r.ErrorType != record.ErrorCanceled || r.Latency() != 100*ms || r.Retries != 1 || rt.made != 2 ||
			strings.Contains(r.Error, "refused") {
			t.Errorf("got %q (%s) after %v, %d attempts, %d retries counted", r.ErrorType, r.Error, r.Latency(),
				rt.made, r.Retries)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k        int
		base     time.Duration
		random   float64
		expected time.Duration
	}{
		{1, 500 * ms, 0, 250 * ms},
		{1, 500 * ms, 0.5, 500 * ms},
		{3, 500 * ms, 0.5, 2 * time.Second},
		{4, 500 * ms, 0.75, 5 * time.Second},
		{1000, 0, 0.5, 0},
		{60, time.Hour, 0.5, math.MaxInt64},
		{5000, time.Hour, 0.5, math.MaxInt64},
	} {
		c := newClient(t, func(o *Options) { o.RetryBackoff, o.Random = tt.base, func() float64 { return tt.random } })
		if got := c.backoff(tt.k); got != tt.expected {
			t.Errorf("wait %d of %v with %v: got %v, want %v", tt.k, tt.base, tt.random, got, tt.expected)
		}
	}
	c, waits := newClient(t, nil), map[time.Duration]bool{}
	for range 100 {
		d := c.backoff(2)
		waits[d] = true
		if d < 500*ms || d >= 1500*ms {
			t.Errorf("wait 2 by default: got %v", d)
		}
	}
	if len(waits) < 50 {
		t.Errorf("%d different waits of 100", len(waits))
	}
}

// closing serves connections on which it answers the first request, reads the second, and then closes.
func closing(t *testing.T) (base string, requests *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	requests = new(atomic.Int64)
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		from := bufio.NewReader(conn)
		for n := range 2 {
			req, err := http.ReadRequest(from)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			requests.Add(1)
			if n == 0 {
				const body = `{"choices":[{"message":{"content":"a"}}]}`
				_, _ = fmt.Fprintf(conn,
					"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body),
					body)
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + l.Addr().String(), requests
}

// net/http would silently send such a request again by itself. A request that is sent again is counted.
func TestTheTransportDoesNotRetryUnseen(t *testing.T) {
	t.Parallel()
	for retries := range 2 {
		var first, second *record.Request
		var sent int64
		for range 10 { // on a busy machine the news of the closed connection may come too late
			base, requests := closing(t)
			c := newClient(t, func(o *Options) {
				o.BaseURL, o.Retries, o.RetryBackoff, o.Headers = base, retries, ms,
					map[string]string{"Idempotency-Key": "k"}
			})
			transport := new(http.Transport)
			first, second = do(t, t.Context(), c, transport).Record, do(t, t.Context(), c, transport).Record
			transport.CloseIdleConnections()
			if sent = requests.Load(); second.Latency() < staleTime {
				break
			}
		}
		if first.Failed() || first.Retries != 0 {
			t.Errorf("first request: %q (%s), %d retries", first.ErrorType, first.Error, first.Retries)
		}
		if second.Failed() || second.Retries != 1 || sent != 3 {
			t.Errorf("%d retries allowed: got %q (%s), %d retries counted, %d requests at the server",
				retries, second.ErrorType, second.Error, second.Retries, sent)
		}
	}
}

func TestResendsOfTheTransportAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := &attempts{t: t, list: []plannedAttempt{{after: 5 * ms, conns: 3, answer: whole}}}
		r := do(t, t.Context(), newClient(t, nil), rt).Record
		if r.Retries != 2 || r.Attempt != r.Connected || r.Attempt != r.Start+int64(5*ms) {
			t.Errorf("got %d retries, the last %v after the start", r.Retries, time.Duration(r.Attempt-r.Start))
		}
	})
}

// Under HTTP/2 a request has one connection as well, if all goes well.
func TestHTTP2CountsNoRetries(t *testing.T) {
	t.Parallel()
	var protocols []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols = append(protocols, r.Proto)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk("a")+stop+done)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	c := newClient(t, func(o *Options) { o.BaseURL = server.URL })
	for range 3 {
		if r := do(t, t.Context(), c, server.Client().Transport).Record; r.Failed() || r.Retries != 0 ||
			r.Attempt != 0 || r.Connected < r.Start {
			t.Errorf("got %q (%s), %d retries", r.ErrorType, r.Error, r.Retries)
		}
	}
	if !slices.Equal(protocols, []string{"HTTP/2.0", "HTTP/2.0", "HTTP/2.0"}) {
		t.Errorf("spoke %v", protocols)
	}
}

// A goroutine of the transport may outlive the request and set its instants later.
func TestInstantsAfterTheEndAreDropped(t *testing.T) {
	t.Parallel()
	o := outcome{rec: &record.Request{Start: 1, End: 5}}
	for seen, want := range map[int64]int64{0: 0, 4: 4, 5: 5, 6: 0} {
		var at atomic.Int64
		at.Store(seen)
		if got := o.untilEnd(&at); got != want {
			t.Errorf("seen at %d, ended at 5: got %d, want %d", seen, got, want)
		}
	}
}
