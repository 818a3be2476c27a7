package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stallTime ends a stall whose client waits forever.
const stallTime = 10 * time.Minute

// generation is one answer in progress.
type generation struct {
	*endpoint
	s      *Server
	life   *life // of the server
	ask    ask
	rng    *rand.Rand
	fails  string // kind of the failure to inject, "" means none
	call   *call  // of a tool; nil for an answer of words
	truth  Truth
	client presence
	ctx    context.Context // until nobody waits for the answer, or the server closes
	timer  *time.Timer     // nil before the first wait

	received, admitted, first, last time.Time // instants; first and last are when its first and last token were written
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request, e *endpoint) {
	received, l := time.Now(), s.life.Load()
	if l == nil { // it went away just now
		panic(http.ErrAbortHandler)
	}
	if most := s.opts.maxBody(); r.ContentLength > most { // as proxies do, before they have read it
		e.refuse(w, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("%v: it has %d bytes, the most is %d", errTooLong, r.ContentLength, most))
		return
	}
	a, err := parse(r, e, &s.opts)
	if err == nil {
		err = a.priority.readHeader(r.Header)
	}
	switch {
	case errors.Is(err, errTooLong):
		e.refuse(w, http.StatusRequestEntityTooLarge, err.Error())
		return
	case err != nil:
		e.refuse(w, http.StatusBadRequest, err.Error())
		return
	case s.opts.MaxBatch > 0 && len(a.inputs.texts) > s.opts.MaxBatch:
		e.refuse(w, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("batch size %d > maximum allowed batch size %d", len(a.inputs.texts), s.opts.MaxBatch))
		return
	case !s.models[a.model]:
		e.refuse(w, http.StatusNotFound, fmt.Sprintf("The model `%s` does not exist.", a.model))
		return
	}
	before, known := l.conversation(a.previous)
	if !known {
		e.refuse(w, http.StatusBadRequest, fmt.Sprintf("Previous response with id '%s' not found.", a.previous))
		return
	}
	a.promptTokens += before
	g := s.newGeneration(r, a, e, l, received)
	var leave func()
	g.ctx, leave = g.client.follow(s, l, r.Context())
	defer leave()
	if e.job {
		s.startJob(g, w)
		return
	}
	g.run(w)
	g.conclude(a.maxTokens)
	if g.truth.Error == FailTruncated || l.over() {
		// closes the connection in the middle of the answer, so that no client takes it for complete
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) newGeneration(r *http.Request, a ask, e *endpoint, l *life, received time.Time) *generation {
	number, cached := s.arrive(l, &a, received)
	// repeatable by design
	g := &generation{endpoint: e, s: s, life: l, ask: a, rng: rand.New(rand.NewPCG(uint64(s.opts.Seed), number)),
		received: received}
	finish := g.end()
	if s.opts.FailureRate > 0 && g.rng.Float64() < s.opts.FailureRate {
		g.fails = s.opts.FailureKind
	}
	g.truth = Truth{ID: r.Header.Get("X-Request-Id"), PromptTokens: a.promptTokens, FinishReason: finish,
		Status: http.StatusOK, Chunks: []int64{}, Inputs: len(a.inputs.texts), AudioSeconds: a.sound.seconds,
		Number: int64(number), Received: record.UnixNano(received), CachedTokens: cached,
		PromptHash: hashText(a.hash), Priority: a.priority.value, Endpoint: s.endpoint}
	a.media.tell(&g.truth)
	if s.opts.SessionHeader != "" {
		g.truth.Session = r.Header.Get(s.opts.SessionHeader)
	}
	if g.call != nil {
		g.truth.Tool = g.call.name
	}
	if g.truth.ID == "" {
		g.truth.ID = fmt.Sprintf("sim-%d", number)
	}
	return g
}

// Finish reasons of a chat.
const (
	finishStop   = "stop"
	finishLength = "length"
	finishTools  = "tool_calls"
	finishAbort  = "abort" // of an answer whose client went away, to the metrics
)

// end decides what the answer is and how long, and returns the reason for which it ends.
func (g *generation) end() (finish string) {
	if g.atOnce || g.own != nil || g.ask.sound.words > 0 {
		return finishStop
	}
	natural, finish := g.s.opts.OutputTokens, finishStop
	if g.s.opts.calls(&g.ask) {
		g.call = newCall(&g.ask, g.s.opts.tokens)
		natural, finish = len(g.call.tokens), finishTools
	}
	whole := natural > 0 && natural < g.ask.maxTokens && !g.ask.ignoreEOS
	if whole || g.call != nil && natural <= g.ask.maxTokens {
		g.ask.maxTokens = natural
		return finish
	}
	return finishLength
}

// token returns the text of the answer's token number i.
func (g *generation) token(i int) string {
	if g.call != nil {
		return g.call.tokens[i]
	}
	return g.s.opts.token(i)
}

func (g *generation) run(w http.ResponseWriter) {
	m := g.life.metrics
	m.load.received.Add(1)
	m.load.waiting.Add(1)
	admitted := g.life.queue.enter(g.ctx, g.ask.priority.value, g.ask.work())
	m.load.waiting.Add(-1)
	if !admitted {
		g.gone()
		return
	}
	defer func() {
		if g.client.gone() != 0 {
			g.truth.Freed = record.UnixNano(time.Now())
		}
		g.life.queue.leave()
	}()
	m.admit(g.ask.promptTokens, g.truth.CachedTokens)
	defer func() { m.leave(g.ask.promptTokens + g.truth.CompletionTokens) }()
	at := time.Now()
	g.admitted, g.truth.Admitted = at, record.UnixNano(at)
	switch {
	case g.fails == FailHTTP, g.fails == FailStream && !g.ask.stream && g.own == nil:
		g.truth.Status, g.truth.Error = http.StatusInternalServerError, g.fails
		g.refuse(w, http.StatusInternalServerError, "injected failure")
	case g.own != nil:
		g.own(g, w, at)
	case g.ask.stream:
		g.send(w, at)
	default:
		g.sendWhole(w, at)
	}
}

// conclude keeps the truth about a request that is over, which asked for so many tokens. An answer to a client that
// went away, but that was generated to its end, is one like others to the metrics.
func (g *generation) conclude(asked int) {
	end := time.Now()
	g.truth.End = record.UnixNano(end)
	g.count(end, asked)
	if g.truth.Gone = g.client.gone(); g.truth.Gone != 0 {
		g.truth.Error = clientGone
	}
	g.life.remember(&g.truth)
	g.s.finish(g.truth)
}

// clientGone is the error of a request whose client went away.
const clientGone = "client gone"

// serverGone is the error of a request that was in progress when the server went away.
const serverGone = "server gone"

// gone ends an answer because its client went away, or the server.
func (g *generation) gone() {
	if g.life.over() && g.s.open.Err() == nil {
		g.truth.Error = serverGone
		return
	}
	g.client.leave()
	g.truth.Error = clientGone
}

// count adds the request to the metrics of whole requests.
func (g *generation) count(end time.Time, asked int) {
	if g.truth.Error != "" {
		g.life.metrics.fail(g.truth.Error)
		return
	}
	g.life.metrics.finish(g.truth.FinishReason, &finished{
		queue: g.admitted.Sub(g.received).Seconds(), prefill: g.first.Sub(g.admitted).Seconds(),
		decode: g.last.Sub(g.first).Seconds(),
		e2e:    end.Sub(g.received).Seconds(), prompt: g.truth.PromptTokens, output: g.truth.CompletionTokens,
		asked: asked,
	})
}

// wrote records that the tokens after the k-th up to the n-th were written.
func (g *generation) wrote(now time.Time, k, n int) {
	m := g.life.metrics
	m.tokens(n - k)
	if left := g.client.gone(); left != 0 && record.UnixNano(now) > left {
		g.truth.Wasted += n - k
	}
	if k == 0 {
		g.first = now
		m.first(g.truth.PromptTokens, now.Sub(g.received))
	} else {
		m.next(now.Sub(g.last), n-k)
	}
	g.last, g.truth.CompletionTokens = now, n
}

// firstDue returns when the first token of a request is due that was admitted at the given time.
func (g *generation) firstDue(admitted time.Time) time.Time {
	// The product may be more than a Duration can hold.
	prompt := min(float64(g.ask.promptTokens-g.truth.CachedTokens)*float64(g.s.opts.PromptTime), float64(timespan.Max))
	pace := g.s.pace()
	return pace.after(admitted, scaled(g.s.opts.TTFT+time.Duration(prompt), pace.cold(admitted))+g.ask.media.encoding)
}

// gap returns the time to the next token.
func (g *generation) gap() time.Duration {
	if g.s.opts.ITLStdDev == 0 {
		return g.s.opts.ITL
	}
	return max(0, g.s.opts.ITL+time.Duration(g.rng.NormFloat64()*float64(g.s.opts.ITLStdDev)))
}

// wait waits for an instant, and reports whether the client was there until then.
func (g *generation) wait(until time.Time) bool {
	d := time.Until(until)
	if d <= 0 {
		return g.ctx.Err() == nil
	}
	if g.timer == nil {
		g.timer = time.NewTimer(d)
	} else {
		g.timer.Reset(d)
	}
	select {
	case <-g.timer.C:
		return true
	case <-g.ctx.Done():
		g.timer.Stop()
		return false
	}
}

// send writes the answer chunk by chunk.
func (g *generation) send(w http.ResponseWriter, admitted time.Time) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := http.NewResponseController(w)
	ev := g.events(g)
	due, n, per := g.firstDue(admitted), g.ask.maxTokens, g.s.opts.TokensPerChunk
	g.truth.Chunks = make([]int64, 0, (n+per-1)/per)
	ahead, pings := ev.head(), bytes.Repeat(ev.ping(), g.s.opts.Pings)
	for k := 0; k < n; {
		if !g.write(w, flush, append(ahead, pings...)) {
			return
		}
		ahead = nil
		ev.begin()
		before := k
		for range min(per, n-k) {
			if k > 0 {
				due = g.s.pace().after(due, g.gap())
			}
			ev.token(g.token(k))
			k++
		}
		if !g.wait(due) {
			g.gone()
			return
		}
		if g.fails != "" && 2*k >= n {
			g.failStream(w, flush)
			return
		}
		now := time.Now()
		if !g.write(w, flush, ev.end(len(g.truth.Chunks) == 0, k == n)) {
			return
		}
		g.truth.Chunks = append(g.truth.Chunks, record.UnixNano(now))
		g.wrote(now, before, k)
	}
	// Not flushed: that happens when the handler returns, so that a client that has read the end finds the truth about
	// it.
	_, _ = w.Write(ev.tail())
}

// write sends a part of a stream, and reports whether to go on.
func (g *generation) write(w http.ResponseWriter, flush *http.ResponseController, part []byte) bool {
	if len(part) == 0 || g.client.gone() != 0 { // nobody is there who could read it
		return true
	}
	if _, err := w.Write(part); err == nil && flush.Flush() == nil {
		return true
	}
	if g.s.opts.OnCancel != 0 { // the context says how long to go on
		g.client.leave()
		return true
	}
	g.gone()
	return false
}

// failStream injects the failure in the middle of an answer; the caller truncates.
func (g *generation) failStream(w http.ResponseWriter, flush *http.ResponseController) {
	g.truth.Error = g.fails
	switch g.fails {
	case FailStream:
		_, _ = w.Write([]byte(g.broken))
		_ = flush.Flush()
	case FailStall:
		g.wait(time.Now().Add(stallTime))
	}
}

// sendWhole writes the answer at once, when its last token is due.
func (g *generation) sendWhole(w http.ResponseWriter, admitted time.Time) {
	due := g.firstDue(admitted)
	answer, dues := []byte(nil), make([]time.Time, g.ask.maxTokens)
	for k := range g.ask.maxTokens {
		if k > 0 {
			due = g.s.pace().after(due, g.gap())
		}
		dues[k] = due
		answer = append(answer, g.token(k)...)
	}
	there := g.wait(due)
	if there && g.fails != "" { // truncated or stall: such an answer has no middle
		g.failStream(w, nil)
		return
	}
	g.first, g.last = due, due // unless there are tokens
	end := time.Now()
	for k, at := range dues { // as if the tokens had been written when they were due
		if there || !at.After(end) {
			g.wrote(at, k, k+1)
		}
	}
	if !there {
		g.gone()
		return
	}
	writeAnswer(w, g.whole(g, string(answer)))
}

// plainText is an answer that is not JSON.
type plainText string

func writeAnswer(w http.ResponseWriter, answer any) {
	if text, ok := answer.(plainText); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, string(text))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}
