package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
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
	rec     *record.Request
	session string
	extra   api.Extra // fields of this request only
	token   string    // session token that was sent
	body    []byte
	start   time.Time // start of the first attempt

	caller context.Context
	ctx    context.Context // context of the running attempt: ends with the caller's, or with errTimeout or errStall
	cancel context.CancelCauseFunc
	trace  *connTrace // of the running attempt

	attempted time.Time // when the running attempt was sent
	renewed   bool      // a connection that had been kept alive turned out to be closed
	atOnce    bool      // the next attempt needs no wait

	deadline *time.Timer // timeout of the running attempt, later of its connection
	idle     *time.Timer
	last     atomic.Int64 // arrival of the newest event, since start

	source     decompressed // the response's body
	delta      api.Delta
	events     *sse.Reader
	evidence   evidence
	choices    choices
	transcript transcript
	aside      []byte // text of reasoning and tool calls, if tokens are counted
	asideSize  int    // bytes of that text, kept or not
	raw        rawBody
}

func newExchange(c *Client, req Request, body []byte) *exchange {
	x := &exchange{c: c, session: req.SessionID, extra: req.Extra, body: body, rec: &record.Request{
		ID: req.ID, API: c.opts.API.Name(), Model: req.Model, Streaming: c.opts.Streaming,
		MaxTokens: req.MaxTokens, BytesSent: int64(len(body)), Chunks: []int64{},
	}}
	if c.opts.Streaming {
		x.rec.Chunks = make([]int64, 0, min(req.MaxTokens, 8192))
	}
	return x
}

// run fills the record, from the moment of sending to the end.
func (x *exchange) run(ctx context.Context, rt http.RoundTripper) {
	x.caller = ctx
	for retry := true; retry; {
		retry = x.attempt(rt) && x.wait()
	}
	x.settle()
	x.rec.Connected, x.rec.FirstByte = x.untilEnd(&x.trace.connected), x.untilEnd(&x.trace.firstByte)
	x.rec.Written = x.untilEnd(&x.trace.written)
	x.rec.ResponseBody = strings.ToValidUTF8(x.raw.String(), "\ufffd")
	if x.raw.cut {
		x.note(record.NoteBodyCut)
	}
}

// untilEnd returns an instant that the transport saw, or 0 if it came after the request was given up.
func (x *exchange) untilEnd(seen *atomic.Int64) int64 {
	if at := seen.Load(); at <= x.rec.End {
		return at
	}
	return 0
}

// attempt sends the request and receives the response. It reports whether the request must be sent again; in that case
// the record holds nothing about this attempt but its number.
func (x *exchange) attempt(rt http.RoundTripper) (retry bool) {
	ctx, cancel := context.WithCancelCause(x.caller)
	x.ctx, x.cancel, x.trace = ctx, cancel, newConnTrace()
	defer cancel(nil)
	limit := x.c.opts.Timeout
	if limit == 0 {
		limit = math.MaxInt64 // nanoseconds: no timeout
	}
	x.deadline = time.AfterFunc(limit, func() { cancel(errTimeout) })
	defer x.deadline.Stop()
	req := x.request()

	now := time.Now()
	x.attempted = now
	if x.start.IsZero() {
		x.start, x.rec.Start = now, record.UnixNano(now)
	} else {
		x.rec.Retries++
		x.rec.Attempt = record.UnixNano(now)
	}
	resp, err := rt.RoundTrip(req)
	x.countResent()
	if err == nil {
		x.receive(resp)
		return false
	}
	errorType := x.errorType(err, true)
	x.noteOwnFault(errorType, err)
	if x.stale(errorType, err) || x.attempts() < x.c.opts.Retries && mayRetry(errorType, err) {
		return true
	}
	x.fail(time.Now(), errorType, err.Error())
	return false
}

func (x *exchange) request() *http.Request {
	header := x.c.header.Clone()
	if x.c.idHeader != "" && x.rec.ID != "" {
		header.Set(x.c.idHeader, x.rec.ID)
	}
	x.sessionHeaders(header)
	req := http.Request{
		Method: http.MethodPost, URL: x.c.endpoint, Host: x.c.endpoint.Host, Header: header, Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
		// Without GetBody the transport cannot silently send the request again on a new connection.
		ContentLength: int64(len(x.body)), Body: io.NopCloser(bytes.NewReader(x.body)),
	}
	return req.WithContext(httptrace.WithClientTrace(x.ctx, &x.trace.hooks))
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
		x.fail(time.Now(), record.ErrorMalformed, fmt.Sprintf("%d is no status of HTTP", resp.StatusCode))
		return
	}
	x.rec.Status = resp.StatusCode
	x.readDate(resp.Header)
	if name := x.c.opts.SessionTokenHeader; name != "" && x.session != "" {
		x.c.opts.Tokens.Put(x.session, resp.Header.Get(name))
	}
	x.source = decompressed{wire: wire{Reader: resp.Body}, label: resp.Header.Get("Content-Encoding")}
	defer func() {
		x.source.Close()
		x.rec.BytesReceived = x.source.wire.n
	}()
	body := io.Reader(&x.source)
	if x.c.opts.Text {
		x.raw.limit = x.limit()
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
	if err == nil && at.Year() >= 2000 && at.Year() < 2200 && !x.trace.interim.Load() {
		x.rec.ServerDate = at.Unix()
	}
}

// answered reads an answer by its content, whatever its label: one JSON object, or else events.
func (x *exchange) answered(resp *http.Response, body io.Reader) {
	r, _ := x.c.readers.Get().(*sse.Reader)
	r.Reset(body, x.c.opts.EventLimit)
	defer func() {
		r.Reset(nil, 0)
		x.c.readers.Put(r)
	}()
	x.events = r
	if first, err := r.Peek(); err == nil && (first == '{' || first == '[') {
		x.whole(r.Rest())
		return
	}
	x.stream(resp, r, body)
}

// maxErrorBody bounds, in bytes, how much of the answer to a refused request is read.
const maxErrorBody = 64 << 10

func (x *exchange) refused(resp *http.Response, body io.Reader) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body = http.NoBody // the body is a connection, which no timeout closes
	}
	data, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	if err != nil && (x.ctx.Err() != nil || errors.Is(err, errEncoding)) {
		x.fail(time.Now(), x.errorType(err, false), err.Error())
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
	x.fail(time.Now(), record.ErrorHTTP, message)
}

// whole reads an answer that is not streamed.
func (x *exchange) whole(body io.Reader) {
	limit := x.limit()
	data, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	end := time.Now()
	data = bytes.TrimPrefix(data, []byte(textfile.Mark))
	switch {
	case err != nil && x.c.opts.API.Decode(data, &x.delta) != nil:
		x.conclude(ending{at: end, err: err})
		return
	case len(data) > limit:
		x.fail(end, record.ErrorTooLarge, fmt.Sprintf("answer over the limit of %d bytes in one JSON object", limit))
		return
	}
	if !x.decode(data, end, record.ErrorTruncated) {
		return
	}
	if err != nil {
		x.note(record.NoteBroken + ": " + x.errorType(err, false))
	}
	if x.delta.Choices > 0 {
		x.choices.any, x.choices.several = true, x.delta.Choices > 1
	}
	x.takeText()
	x.take()
	if !x.within(end) { // bytes that are not UTF-8 become three each
		return
	}
	if x.c.opts.Streaming {
		x.note(record.NoteWhole)
	}
	x.conclude(ending{at: end, whole: true})
}

// decode reads an event's data or a whole answer, and reports whether it is usable. cut is the error type of JSON that
// ends too early.
func (x *exchange) decode(data []byte, at time.Time, cut string) bool {
	err := x.c.opts.API.Decode(data, &x.delta)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		x.fail(at, cut, fmt.Sprintf("%v in %q", err, shorten(string(data))))
	case err != nil:
		x.fail(at, record.ErrorMalformed, fmt.Sprintf("%v in %q", err, shorten(string(data))))
	case x.delta.Error != "":
		x.fail(at, record.ErrorStream, shorten(x.delta.Error))
	default:
		if x.delta.Words != nil && x.evidence.words == "" {
			x.evidence.words = shorten(api.ErrorMessage(x.delta.Words))
		}
		return true
	}
	return false
}

// takeText keeps the texts of a delta, and reports whether it brought new content.
func (x *exchange) takeText() (content bool) {
	d, counting := &x.delta, x.c.opts.Count != nil
	x.asideSize += len(d.Aside)
	if counting {
		x.aside = append(x.aside, d.Aside...)
	}
	content = len(d.Content) > 0 && !x.repeated() && x.transcript.add(d.Content, counting, x.limit())
	if content {
		x.evidence.deltas = x.evidence.deltas || !d.Message
	}
	x.evidence.output = x.evidence.output || content || d.Reasoning || d.ToolCall
	x.rec.CompletionRaw = x.rec.CompletionRaw || counting && (d.Reasoning || d.ToolCall)
	return content
}

// repeated reports whether a delta brings text that has come already: as a message after deltas, or with the finish
// reason.
func (x *exchange) repeated() bool {
	return x.delta.Message && x.evidence.deltas || x.delta.FinishReason != "" && x.transcript.repeats(x.delta.Content)
}

// maxUsage bounds, in bytes, a usage map, which a record keeps as it is.
const maxUsage = 16 << 10

// take keeps what a chunk says besides its content. A usage map that is not JSON would make the record unwritable.
func (x *exchange) take() {
	if x.delta.FinishReason != "" {
		x.rec.FinishReason = shorten(x.delta.FinishReason)
	}
	switch usage := x.delta.Usage; {
	case len(usage) == 0:
	case len(x.rec.Usage)+len(usage) > maxUsage || !json.Valid(usage): // each of many maps may have other names
		x.note(record.NoteBadUsage)
	default:
		x.rec.Usage = api.MergeUsage(x.rec.Usage, x.rec.Usage, usage)
	}
}

func (x *exchange) succeed(end time.Time) { x.rec.End = record.UnixNano(end) }

func (x *exchange) fail(end time.Time, errorType, message string) {
	x.rec.End = record.UnixNano(end)
	x.rec.ErrorType, x.rec.Error = errorType, strings.ToValidUTF8(message, "\ufffd")
	switch errorType {
	case record.ErrorTimeout:
		x.rec.Error = fmt.Sprintf("no complete answer within the timeout of %v", x.c.opts.Timeout)
	case record.ErrorStall:
		x.rec.Error = fmt.Sprintf("no chunk for longer than the idleTimeout of %v", x.c.opts.IdleTimeout)
	case record.ErrorCanceled:
		x.rec.Error = "cut by the end of the test or of its gracefulStop"
	}
}

// shorten cuts a text to a readable length.
func shorten(text string) string { return plain.Clip(strings.TrimSpace(text), 1000) }

// count counts tokens with the client's tokenizer, after the request's end so that counting is in no latency.
func (x *exchange) count(req Request) {
	count := x.c.opts.Count
	if count == nil {
		return
	}
	prompt, raw := x.c.opts.CountPrompt(req)
	x.rec.Prompt, x.rec.PromptRaw = &prompt, raw
	if x.rec.ErrorType == record.ErrorTooLarge {
		return // a tokenizer would need seconds for such an answer
	}
	text, ends := x.transcript.text, x.transcript.ends
	x.rec.Completion = new(count(string(text)) + count(string(x.aside)))
	if len(x.rec.Chunks) > 0 {
		x.rec.ChunkTokens = make([]int, len(x.rec.Chunks))
	}
	from := 0
	for i := range x.rec.ChunkTokens {
		x.rec.ChunkTokens[i] = count(string(text[from:ends[i]]))
		from = ends[i]
	}
}
