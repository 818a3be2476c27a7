package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Causes of the client's own cancellations, which context.Cause distinguishes from the caller's.
var (
	errTimeout = errors.New("timeout")
	errStall   = errors.New("stall")
)

// exchange is one request in progress, with all its attempts. A client uses its exchanges again, so nothing of an
// exchange may outlive Do: what a transport gets belongs to an attempt, and the record and the texts are made anew.
type exchange struct {
	c      *Client
	events sse.Reader
	alarm  *alarm // nil if the last one may still ring
	work
}

// work is what an exchange clears after a request.
type work struct {
	asked Request     // with the client's defaults
	ask   api.Request // what is sent
	token string      // session token that was sent
	body  body

	header http.Header // the request's own headers

	caller  context.Context
	rt      http.RoundTripper
	attempt *attempt // the running attempt
	leaving *leaving // nil if the user stays
	further int64    // bytes received of answers to questions for a job, and of its video
	renewed int      // how many connections that had been kept alive turned out to be closed
	atOnce  bool     // the next attempt needs no wait

	source  decompressed // the response's body
	raw     rawBody
	stream  stream
	outcome outcome
}

// attempt is one sending of a request.
type attempt struct {
	caller context.Context
	ctx    context.Context // ends with the caller's, or with errTimeout or errStall
	cancel context.CancelCauseFunc
	trace  connTrace
	body   bytes.Reader
	id     [1]string // value of the id's header
	alarm  *alarm
	sent   time.Time
}

// begin builds the request's body and begins its record.
func (x *exchange) begin(req *Request) error {
	opts := &x.c.opts
	x.asked = *req
	if x.asked.Model == "" {
		x.asked.Model = opts.Model
	}
	if x.asked.MaxTokens == 0 {
		x.asked.MaxTokens = DefaultMaxTokens
	}
	if err := x.build(); err != nil {
		return err
	}
	rec := &record.Request{
		ID: req.ID, API: opts.API.Name(), Model: x.asked.Model, Streaming: opts.Streaming,
		MaxTokens: x.ask.MaxTokens, BytesSent: x.body.size(), PromptHash: x.body.hash(),
		Chunks: []int64{}, RequestBody: x.requestBody(),
	}
	if req.Media != nil {
		rec.Media = req.Media.Facts
	}
	if opts.API.Input() == api.InputSpeech {
		rec.Characters = int64(utf8.RuneCountInString(req.Prompt))
	}
	if opts.API.Output() == api.OutputResults {
		rec.Inputs = new(int64(len(req.Inputs)))
	}
	if opts.API.Input().Shows() {
		rec.AskedSize = x.ask.AskedSize()
	}
	if req.Leave != nil {
		rec.Leaves = req.Leave.Rule
	}
	if opts.Streaming {
		rec.Chunks = make([]int64, 0, min(x.asked.MaxTokens, firstChunks))
	}
	x.outcome = outcome{rec, opts}
	x.stream.output = opts.API.Output()
	x.stream.reply.outcome, x.stream.reply.ask = x.outcome, &x.ask
	x.stream.reply.kept = kept{on: req.KeepCalls, call: noCall}
	return nil
}

// firstChunks is how many chunks a record has room for at its start. The list then grows with what has come: all of a
// long answer's list would be most of what a waiting request takes.
const firstChunks = 16

// build builds the request's body.
func (x *exchange) build() (err error) {
	req, opts := &x.asked, &x.c.opts
	fields, err := x.c.classes[x.asked.Class].settle(x)
	if err != nil {
		return err
	}
	x.ask = api.Request{
		Model: req.Model, Prompt: req.Prompt, Messages: req.Messages, Checked: req.Checked, MaxTokens: req.MaxTokens,
		MaxTokensField: opts.MaxTokensField, IgnoreEOS: opts.IgnoreEOS, Stream: opts.Streaming,
		AddSpecial: req.AddSpecial, Format: opts.Format, Extra: fields,
		Inputs: req.Inputs, Query: req.Query, Vectors: opts.Vectors, Ranking: opts.Ranking,
		Tools: req.Tools, ToolChoice: req.ToolChoice,
	}
	if m := req.Media; m != nil {
		x.ask.Files, x.ask.Sound, x.ask.Visual, x.body.blobs = m.Files, m.Sound, m.Visual, m.Blobs
	}
	if len(x.ask.Files) > 0 {
		x.ask.Apart, x.body.blobs = true, blobsOf(x.ask.Files)
	}
	switch in := opts.API.Input(); {
	case in.Sounds():
		x.ask.Sound = x.ask.Sound.Or(&opts.Sound)
	case in.Shows():
		x.ask.Visual = x.ask.Visual.Or(&opts.Visual)
	}
	if req.IgnoreEOS != nil {
		x.ask.IgnoreEOS = *req.IgnoreEOS
	}
	if req.MaxTokensField != nil {
		x.ask.MaxTokensField = *req.MaxTokensField
	}
	if x.ask.MaxTokensField == "" || !opts.API.Input().Generates() {
		x.ask.MaxTokens = 0 // the limit is left out
	}
	if opts.Chain && req.SessionID != "" {
		x.ask.Previous, x.ask.Messages = opts.Chains.follow(req.SessionID, req.Messages)
	}
	if x.body.text, err = opts.API.Body(&x.ask); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	if opts.SessionHeader != "" && !validValue(req.SessionID) {
		return fmt.Errorf("session id %q holds a control character, and so cannot be sent as the header %q",
			req.SessionID, opts.SessionHeader)
	}
	return nil
}

// giveBack clears the exchange, but for small buffers, and gives it back to its client.
func (x *exchange) giveBack() {
	x.events.Reset(nil, 0)
	r := &x.stream.reply
	content, aside, text := emptied(r.delta.Content), emptied(r.delta.Aside), emptied(r.transcript.text)
	pieces := r.delta.Pieces
	x.work = work{}
	r.delta.Content, r.delta.Aside, r.transcript.text = content, aside, text
	if cap(pieces) <= 16 {
		clear(pieces[:cap(pieces)]) // they hold parts of the answer
		r.delta.Pieces = pieces[:0]
	}
	x.c.exchanges.Put(x)
}

// emptied returns a buffer for further use, or nil if it would be dear to keep while a stream waits.
func emptied(buf []byte) []byte {
	if cap(buf) > 1<<10 {
		return nil
	}
	return buf[:0]
}

// run fills the record, from the moment of sending to the end of the answer.
func (x *exchange) run(ctx context.Context, rt http.RoundTripper) {
	x.caller, x.rt = ctx, rt
	if x.asked.Leave != nil {
		expectLeaving(x)
	}
	for {
		resp, err := x.send(rt)
		if err == nil {
			x.receive(resp)
			x.close(resp.Body)
		}
		x.end()
		if err == nil || !x.failed(err) || !x.wait() {
			return
		}
	}
}

// conclude fills the record with what is known only at the end.
func (x *exchange) conclude() {
	if x.leaving != nil {
		x.leaving.end(x.outcome.rec)
	}
	x.stream.reply.settle()
	rec, trace := x.outcome.rec, &x.attempt.trace
	rec.Connected, rec.FirstByte = x.outcome.untilEnd(&trace.connected), x.outcome.untilEnd(&trace.firstByte)
	rec.Written = x.outcome.untilEnd(&trace.written)
	if len(rec.Media) > 0 && rec.Written > 0 && rec.Connected > 0 {
		rec.Sent = max(1, rec.Written-max(rec.Connected, rec.Start))
	}
	if x.c.opts.Text {
		rec.ResponseBody = strings.ToValidUTF8(x.raw.String(), "\ufffd")
	}
	if x.raw.cut {
		x.outcome.note(record.NoteBodyCut)
	}
	if x.c.opts.Chain && x.asked.SessionID != "" {
		x.c.opts.Chains.keep(x.asked.SessionID, x.stream.reply.id, x.asked.Messages) // of a failure there is no id
	}
	x.c.explain(rec)
	x.stream.reply.count(&x.asked)
}

// send makes an attempt, up to the head of its response. Until end is called, the attempt's context lasts.
func (x *exchange) send(rt http.RoundTripper) (*http.Response, error) {
	a := &attempt{caller: x.caller}
	a.ctx, a.cancel = context.WithCancelCause(x.caller)
	a.trace.init(x.leaving.whenWritten())
	x.attempt, x.stream.attempt = a, a
	x.setAlarm()
	req := x.request()

	a.sent = time.Now()
	if rec := x.outcome.rec; x.stream.start.IsZero() {
		x.stream.start, rec.Start = a.sent, record.UnixNano(a.sent)
		if x.leaving != nil {
			x.leaving.sent()
		}
	} else {
		rec.Retries++
		rec.Attempt = record.UnixNano(a.sent)
	}
	resp, err := rt.RoundTrip(req)
	x.countResent()
	return resp, err
}

// failed ends the record with the error of an attempt, unless the request must be sent again. In that case, which it
// reports, the record holds nothing about the attempt but its number.
func (x *exchange) failed(err error) (retry bool) {
	errorType := x.attempt.errorType(err, true)
	x.outcome.noteOwnFault(errorType, err)
	if x.stale(errorType, err) || x.attempts() < x.c.opts.Retries && mayRetry(errorType, err) {
		return true
	}
	x.outcome.fail(time.Now(), errorType, err.Error()+x.unsent(errorType))
	return false
}

func (x *exchange) request() *http.Request {
	a := x.attempt
	req := x.c.request.WithContext(httptrace.WithClientTrace(a.ctx, &a.trace.hooks))
	// Without GetBody the transport cannot silently send the request again on a new connection.
	req.ContentLength, req.Body = x.body.size(), x.body.open(&a.body)
	req.Header = requestHeader(x)
	return req
}

// requestHeader returns the headers of a request.
func requestHeader(x *exchange) http.Header {
	shared := &x.c.classes[x.asked.Class]
	header := make(http.Header, len(shared.header)+len(x.header)+3)
	maps.Copy(header, shared.header)
	if id := x.outcome.rec.ID; shared.idHeader != "" && id != "" {
		x.attempt.id[0] = id
		header[shared.idHeader] = x.attempt.id[:]
	}
	maps.Copy(header, x.header)
	x.sessionHeaders(header)
	return header
}

// sessionHeaders sets the session's id and the token that the server last sent in that session.
func (x *exchange) sessionHeaders(header http.Header) {
	session := x.asked.SessionID
	if session == "" {
		return
	}
	if name := x.c.opts.SessionHeader; name != "" {
		header.Set(name, session)
	}
	if name := x.c.opts.SessionTokenHeader; name != "" {
		if x.token = x.c.opts.Tokens.Get(session); x.token != "" {
			header.Set(name, x.token)
		}
	}
}

// receive reads the response, whatever it is, and leaves the connection fit for the next request if possible.
func (x *exchange) receive(resp *http.Response) {
	if resp.StatusCode < 0 || resp.StatusCode > 999 { // HTTP/2 allows any number, the record three digits
		x.noStatus(resp.StatusCode)
		return
	}
	body := x.open(resp)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		x.refused(resp, body)
		return
	}
	if x.stream.output == api.OutputVideo {
		readVideo(x, body)
		return
	}
	x.events.Reset(body, x.c.opts.EventLimit)
	x.stream.read(&x.events)
}

func (x *exchange) noStatus(code int) {
	x.outcome.fail(time.Now(), record.ErrorMalformed, fmt.Sprintf("%d is no status of HTTP", code))
}

// open takes what the head of a response says, and returns its body.
func (x *exchange) open(resp *http.Response) io.Reader {
	x.outcome.rec.Status = resp.StatusCode
	x.readDate(resp.Header)
	if name := x.c.opts.SessionTokenHeader; name != "" && x.asked.SessionID != "" {
		x.c.opts.Tokens.Put(x.asked.SessionID, resp.Header.Get(name))
	}
	x.source.wire.Reader, x.source.label = resp.Body, resp.Header.Get("Content-Encoding")
	x.source.plain = x.source.label == "" && x.stream.output == api.OutputSound // which may begin like gzip
	x.stream.kind = resp.Header.Get("Content-Type")
	if !x.c.opts.Text {
		return &x.source
	}
	x.raw.limit = x.c.opts.maxBytes()
	if x.stream.output != api.OutputText && x.stream.output != api.OutputResults {
		x.raw.limit = min(x.raw.limit, keptBytes)
	}
	return io.TeeReader(&x.source, &x.raw)
}

// close closes the body of a response.
func (x *exchange) close(body io.Closer) {
	if rec := x.outcome.rec; x.source.free != nil && x.c.opts.Streaming && len(rec.Chunks) > 0 && !rec.Failed() {
		x.outcome.note(record.NoteCompressed)
	}
	x.source.Close()
	x.outcome.rec.BytesReceived = x.source.wire.n + x.further
	_ = body.Close()
}

// serverDate is a Date that was read.
type serverDate struct {
	text string
	unix int64 // 0 if it cannot be the server's clock
}

// readDate keeps the server's clock. After an interim answer the first byte came too early to be compared with it.
func (x *exchange) readDate(header http.Header) {
	text := header.Get("Date")
	if x.attempt.trace.interim.Load() || text == "" {
		return
	}
	date := x.c.date.Load() // a thousand answers a second have the same
	if date == nil || date.text != text {
		date = &serverDate{text: text}
		if at, err := http.ParseTime(text); err == nil && at.Year() >= 2000 && at.Year() < 2200 {
			date.unix = at.Unix()
		}
		x.c.date.Store(date)
	}
	x.outcome.rec.ServerDate = date.unix
}

// maxErrorBody bounds, in bytes, how much of the answer to a refused request is read.
const maxErrorBody = 64 << 10

func (x *exchange) refused(resp *http.Response, body io.Reader) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		body = http.NoBody // the body is a connection, which no timeout closes
	}
	data, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	err = x.attempt.ended(err)
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
