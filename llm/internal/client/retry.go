package client

import (
	"errors"
	"io"
	"math"
	"net"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// connTrace collects what net/http reports about one attempt. Its hooks run on the transport's goroutines and may
// outlive the attempt.
type connTrace struct {
	connected, written, firstByte atomic.Int64
	connections                   atomic.Int64 // on which the attempt was sent
	reused                        atomic.Bool  // the last connection had been kept alive
	interim                       atomic.Bool  // a 1xx answer came first
	hooks                         httptrace.ClientTrace
}

// init sets the hooks. whenWritten is reset to ring once the request is written; it may be nil.
func (t *connTrace) init(whenWritten *time.Timer) {
	t.hooks.GotConn = func(info httptrace.GotConnInfo) {
		t.reused.Store(info.Reused)
		t.connected.Store(record.UnixNano(time.Now()))
		t.connections.Add(1)
	}
	t.hooks.WroteRequest = func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			t.written.Store(record.UnixNano(time.Now()))
			if whenWritten != nil {
				whenWritten.Reset(flushing)
			}
		}
	}
	t.hooks.GotFirstResponseByte = func() { t.firstByte.Store(record.UnixNano(time.Now())) }
	t.hooks.Got1xxResponse = func(int, textproto.MIMEHeader) error {
		t.interim.Store(true)
		return nil
	}
}

// countResent counts the attempts that the transport made by itself, which it does under HTTP/2 when a server turns a
// request away unread.
func (x *exchange) countResent() {
	if more := int(x.attempt.trace.connections.Load()) - 1; more > 0 {
		x.outcome.rec.Retries += more
		x.outcome.rec.Attempt = x.attempt.trace.connected.Load()
	}
}

// mayRetry reports whether an attempt failed because of its connection, before an answer. Only faults of the network
// count: what the client itself refuses, such as a blocked host, it would refuse again, and what took too long has its
// own limit.
func mayRetry(errorType string, err error) bool {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	switch errorType {
	case record.ErrorDNS, record.ErrorReset:
		return true
	case record.ErrorConnect:
		var op *net.OpError
		var number syscall.Errno
		return errors.As(err, &op) || errors.As(err, &number) || errors.Is(err, io.EOF) ||
			errors.Is(err, io.ErrUnexpectedEOF)
	}
	return false
}

// staleTime is how long the news of a closed connection may take: a way to the server and back. A request that ends
// later had been begun by the server.
const staleTime = 100 * time.Millisecond

// mostStale is how many closed connections a request may meet one after the other: where several requests ended
// together, several connections that were kept alive are closed.
const mostStale = 4

// stale reports whether an attempt was lost because the server had closed the connection that was kept alive for it, as
// llama.cpp does after each stream. The server never looked at such an attempt, and it is sent again at once. The
// record notes it, because a server that gives up a request at once looks the same.
func (x *exchange) stale(errorType string, err error) bool {
	closed := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection")
	if x.renewed >= mostStale || errorType != record.ErrorReset || !closed || !x.attempt.trace.reused.Load() ||
		x.attempt.trace.firstByte.Load() != 0 ||
		time.Since(x.attempt.sent) > staleTime {
		return false
	}
	x.renewed++
	x.atOnce = true
	x.outcome.note(record.NoteResent)
	return true
}

// wait waits until the next attempt is due, and reports whether it may be made. When the caller's context ends before,
// the request ends at once, as canceled or abandoned.
func (x *exchange) wait() bool {
	pause := x.c.backoff(x.attempts() + 1)
	if x.atOnce {
		pause, x.atOnce = 0, false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.caller.Done():
	}
	if x.caller.Err() == nil {
		return true
	}
	x.outcome.fail(time.Now(), endedBy(x.caller), "")
	return false
}

// attempts returns how many of the further attempts that Options.Retries allows were made.
func (x *exchange) attempts() int {
	return x.outcome.rec.Retries - x.renewed
}

// backoff returns the wait before the k-th further attempt, k from 1: RetryBackoff × 2^(k-1) × U(0.5, 1.5), as in
// inference-perf.
func (c *Client) backoff(k int) time.Duration {
	d := math.Ldexp(float64(c.opts.RetryBackoff)*(0.5+c.opts.Random()), k-1)
	if d >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(d)
}
