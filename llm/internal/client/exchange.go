package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Causes of the client's own cancellations, which context.Cause distinguishes from the caller's.
var (
	errTimeout = errors.New("timeout")
	errStall   = errors.New("stall")
)

// exchange is one request in progress, with all its attempts.
type exchange struct {
	c       *Client
	session string
	extra   api.Extra // fields of this request only
	token   string    // session token that was sent
	body    []byte

	attempt attempt // the running attempt
	renewed bool    // a connection that had been kept alive turned out to be closed
	atOnce  bool    // the next attempt needs no wait

	source  decompressed // the response's body
	raw     rawBody
	stream  stream
	outcome outcome
}

// attempt is one sending of a request.
type attempt struct {
	caller   context.Context
	ctx      context.Context // ends with the caller's, or with errTimeout or errStall
	cancel   context.CancelCauseFunc
	trace    *connTrace
	sent     time.Time
	deadline *time.Timer // timeout of the attempt, later of its connection
}

// firstChunks is how many chunks a record has room for at its start. The list then grows with what has come: all of a
// long answer's list would be most of what a waiting request takes.
const firstChunks = 16

func newExchange(c *Client, req Request, body []byte) *exchange {
	rec := &record.Request{
		ID: req.ID, API: c.opts.API.Name(), Model: req.Model, Streaming: c.opts.Streaming,
		MaxTokens: req.MaxTokens, BytesSent: int64(len(body)), Chunks: []int64{},
	}
	if c.opts.Streaming {
		rec.Chunks = make([]int64, 0, min(req.MaxTokens, firstChunks))
	}
	x := &exchange{c: c, session: req.SessionID, extra: req.Extra, body: body, outcome: outcome{rec, &c.opts}}
	x.stream.attempt, x.stream.reply.outcome = &x.attempt, x.outcome
	return x
}

// run fills the record, from the moment of sending to the end.
func (x *exchange) run(ctx context.Context, rt http.RoundTripper) {
	x.attempt.caller = ctx
	for retry := true; retry; {
		retry = x.send(rt) && x.wait()
	}
	x.stream.reply.settle()
	rec, trace := x.outcome.rec, x.attempt.trace
	rec.Connected, rec.FirstByte = x.outcome.untilEnd(&trace.connected), x.outcome.untilEnd(&trace.firstByte)
	rec.Written = x.outcome.untilEnd(&trace.written)
	rec.ResponseBody = strings.ToValidUTF8(x.raw.String(), "\ufffd")
	if x.raw.cut {
		x.outcome.note(record.NoteBodyCut)
	}
}

// send sends the request and receives the response. It reports whether the request must be sent again; in that case
// the record holds nothing about this attempt but its number.
func (x *exchange) send(rt http.RoundTripper) (retry bool) {
	ctx, cancel := context.WithCancelCause(x.attempt.caller)
	x.attempt.ctx, x.attempt.cancel, x.attempt.trace = ctx, cancel, newConnTrace()
	defer cancel(nil)
	limit := x.c.opts.Timeout
	if limit == 0 {
		limit = math.MaxInt64 // nanoseconds: no timeout
	}
	x.attempt.deadline = time.AfterFunc(limit, func() { cancel(errTimeout) })
	defer x.attempt.deadline.Stop()
	req := x.request()

	now := time.Now()
	x.attempt.sent = now
	if x.stream.start.IsZero() {
		x.stream.start, x.outcome.rec.Start = now, record.UnixNano(now)
	} else {
		x.outcome.rec.Retries++
		x.outcome.rec.Attempt = record.UnixNano(now)
	}
	resp, err := rt.RoundTrip(req)
	x.countResent()
	if err == nil {
		x.receive(resp)
		return false
	}
	errorType := x.attempt.errorType(err, true)
	x.outcome.noteOwnFault(errorType, err)
	if x.stale(errorType, err) || x.attempts() < x.c.opts.Retries && mayRetry(errorType, err) {
		return true
	}
	x.outcome.fail(time.Now(), errorType, err.Error())
	return false
}

func (x *exchange) request() *http.Request {
	header := x.c.header.Clone()
	if x.c.idHeader != "" && x.outcome.rec.ID != "" {
		header.Set(x.c.idHeader, x.outcome.rec.ID)
	}
	x.sessionHeaders(header)
	req := http.Request{
		Method: http.MethodPost, URL: x.c.endpoint, Host: x.c.endpoint.Host, Header: header, Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
		// Without GetBody the transport cannot silently send the request again on a new connection.
		ContentLength: int64(len(x.body)), Body: io.NopCloser(bytes.NewReader(x.body)),
	}
	return req.WithContext(httptrace.WithClientTrace(x.attempt.ctx, &x.attempt.trace.hooks))
}

// sessionHeaders sets the session's id and the token that the server last sent in that session.
func (x *exchange) sessionHeaders(header http.Header) {
	if x.session == "" {
		return
	}
	if name := x.c.opts.SessionHeader; name != "" {
		header.Set(name, x.session)
	}
	if name := x.c.opts.SessionTokenHeader; name != "" {
		if x.token = x.c.opts.Tokens.Get(x.session); x.token != "" {
			header.Set(name, x.token)
		}
	}
}

// receive reads the response, whatever it is, and leaves the connection fit for the next request if possible.
func (x *exchange) receive(resp *http.Response) {
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 0 || resp.StatusCode > 999 { // HTTP/2 allows any number, the record three digits
		x.outcome.fail(time.Now(), record.ErrorMalformed, fmt.Sprintf("%d is no status of HTTP", resp.StatusCode))
		return
	}
	x.outcome.rec.Status = resp.StatusCode
	x.readDate(resp.Header)
	if name := x.c.opts.SessionTokenHeader; name != "" && x.session != "" {
		x.c.opts.Tokens.Put(x.session, resp.Header.Get(name))
	}
	x.source = decompressed{wire: wire{Reader: resp.Body}, label: resp.Header.Get("Content-Encoding")}
	defer func() {
		x.source.Close()
		x.outcome.rec.BytesReceived = x.source.wire.n
	}()
	body := io.Reader(&x.source)
	if x.c.opts.Text {
		x.raw.limit = x.c.opts.maxBytes()
		body = io.TeeReader(body, &x.raw)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		x.refused(resp, body)
		return
	}
	x.answered(resp, body)
}

// readDate keeps the server's clock. After an interim answer the first byte came too early to be compared with it.
func (x *exchange) readDate(header http.Header) {
	at, err := http.ParseTime(header.Get("Date"))
	if err == nil && at.Year() >= 2000 && at.Year() < 2200 && !x.attempt.trace.interim.Load() {
		x.outcome.rec.ServerDate = at.Unix()
	}
}

// answered reads an answer with a reader of the client.
func (x *exchange) answered(resp *http.Response, body io.Reader) {
	r, _ := x.c.readers.Get().(*sse.Reader)
	r.Reset(body, x.c.opts.EventLimit)
	defer func() {
		r.Reset(nil, 0)
		x.c.readers.Put(r)
	}()
	x.stream.read(resp, r, body)
}

// maxErrorBody bounds, in bytes, how much of the answer to a refused request is read.
const maxErrorBody = 64 << 10

func (x *exchange) refused(resp *http.Response, body io.Reader) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body = http.NoBody // the body is a connection, which no timeout closes
	}
	data, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	if err != nil && (x.attempt.ctx.Err() != nil || errors.Is(err, errEncoding)) {
		x.outcome.fail(time.Now(), x.attempt.errorType(err, false), err.Error())
		return
	}
	message := shorten(api.ErrorMessage(data))
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < 400 {
		to = x.mask().Text(to) // mask before shortening, which may cut a secret in two
		message = fmt.Sprintf("redirected to %q: set baseURL to where the server is", shorten(shown(to)))
	}
	if message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	x.outcome.fail(time.Now(), record.ErrorHTTP, message)
}
