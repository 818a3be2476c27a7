package convert

import (
	"bytes"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// subset is a group of requests, divided into successes and failures.
type subset struct {
	sent            []*run.Request // all, and those whose users left
	all, ok, failed []*run.Request
	left            []*run.Request // whose users left; they are in no other figure than those of what was sent
	texts           []*run.Request // those of ok that generate text
	run             *run.Run
	opts            Options
	time            float64 // seconds from the first start to the last end of all; NaN if unknown
	part            bool    // its stages have other requests, too: those of other adapters

	gaps                 gaps         // of ok
	tokenGaps, chunkGaps *stats.Tally // gaps between the token times, and between the chunks

	scratch []float64 // what values returned last
	inOrder []float64 // the same before they are sorted
	memory  float64   // what memoryOf returned; 0 before
	loads   *bool     // what severalLoads returned; nil before

	sumOfTokenGaps, sumOfChunkGaps *Distribution // what gapDistributions returned
}

// newSubset returns a group of requests, among which those may be whose users left. It reads their chunks, and adds
// them to a series, which may be nil.
func newSubset(r *run.Run, requests []*run.Request, o Options, s *seriesMaker) *subset {
	g := divide(r, requests, o)
	g.readChunks(s)
	return g
}

// partOf returns the group of the requests of one adapter.
func partOf(r *run.Run, requests []*run.Request, o Options) *subset {
	g := newSubset(r, requests, o, nil)
	g.part = true
	return g
}

// divide returns a group of requests whose gaps are not tallied yet.
func divide(r *run.Run, requests []*run.Request, o Options) *subset {
	g := &subset{sent: requests, all: requests, run: r, opts: o.withDefaults()}
	if len(r.Abandoned) > 0 {
		g.all, g.left = apart(requests, (*run.Request).Abandoned)
	}
	g.time = benchmarkTime(r, g.all)
	for _, q := range g.all {
		if q.Failed() {
			g.failed = append(g.failed, q)
		}
	}
	if g.ok = g.all; len(g.failed) > 0 {
		g.ok = make([]*run.Request, 0, len(g.all)-len(g.failed))
		for _, q := range g.all {
			if !q.Failed() {
				g.ok = append(g.ok, q)
			}
		}
	}
	g.texts = g.ok
	textless := func(q *run.Request) bool { return q.Textless }
	if slices.ContainsFunc(g.ok, textless) {
		g.texts = slices.DeleteFunc(slices.Clone(g.ok), textless)
	}
	return g
}

// apart divides requests, in their order, into those of which something is not true and those of which it is.
func apart(requests []*run.Request, of func(*run.Request) bool) (others, those []*run.Request) {
	for _, q := range requests {
		if of(q) {
			those = append(those, q)
		} else {
			others = append(others, q)
		}
	}
	return others, those
}

// timeSpan returns the time from the first start to the last end, in seconds. [benchmarkTime] also serves runs that may
// lack starts.
func timeSpan(r *run.Run, requests []*run.Request) float64 {
	if len(requests) == 0 {
		return 0
	}
	start, end := requests[0].Start, requests[0].End
	for _, q := range requests {
		start, end = min(start, q.Start), max(end, q.End)
	}
	return r.Seconds(end - start)
}

// figure computes one number of a request, NaN if the request has none.
type figure func(g *subset, q *run.Request) float64

// sum returns the distribution of a figure over some requests.
func (g *subset) sum(requests []*run.Request, f figure) *Distribution {
	return NewDistribution(g.values(requests, f), g.opts.Percentiles)
}

// values returns the known values of a figure. They live until the next call, and may be sorted; see [stats.Sort] for
// their capacity.
func (g *subset) values(requests []*run.Request, f figure) []float64 {
	if g.scratch == nil {
		g.scratch = make([]float64, 0, 2*len(g.all))
	}
	values := g.scratch[:0]
	for _, q := range requests {
		if v := f(g, q); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}

// total adds a figure up. The total is unknown if the figure of any request is.
func (g *subset) total(requests []*run.Request, f figure) float64 {
	values := g.values(requests, f)
	if len(values) < len(requests) {
		return unknown
	}
	return stats.Sum(values)
}

// The figures below follow inference-perf's formulas.

func scheduleDelay(g *subset, q *run.Request) float64 { return g.sinceDue(q, q.Start) }

// sinceDue returns the seconds from the due instant of a request to another instant. Only an iteration's first request
// has a due instant, because the script decides when the requests after it are sent, and each call of a replay: its
// session's graph decides that.
func (g *subset) sinceDue(q *run.Request, instant int64) float64 {
	if !q.DueKnown || q.Seq > 0 && !q.Replayed {
		return unknown
	}
	return g.run.Seconds(instant - q.Due)
}

func requestLatency(g *subset, q *run.Request) float64 { return latencySeconds(g.run, q) }

// latencySeconds is unknown for an imported request without an end, and for a request whose latencies are left out.
func latencySeconds(r *run.Run, q *run.Request) float64 {
	if q.EndUnknown || q.LeftOut {
		return unknown
	}
	return r.Seconds(q.End - q.Start)
}

// ntpot returns latency/tokens. Without tokens it is 0, which stays in the statistics, as in inference-perf, unless the
// request asked for none.
func ntpot(g *subset, q *run.Request) float64 {
	n := outputTokens(g, q)
	if n == 0 && !q.LeftOut {
		return 0
	}
	return requestLatency(g, q) / n
}

// ttft needs at least two token times.
func ttft(_ *subset, q *run.Request) float64 {
	if q.TokenTimes < 2 || q.LeftOut {
		return unknown
	}
	return q.FirstToken()
}

// tpot divides the span of the token times by the count of output tokens less one.
func tpot(g *subset, q *run.Request) float64 {
	n := outputTokens(g, q)
	if q.TokenTimes < 2 || n <= 1 || q.LeftOut {
		return unknown
	}
	return q.TokenSpan / (n - 1)
}

// itl returns the mean of the request's gaps, by which goodput judges.
func itl(_ *subset, q *run.Request) float64 {
	switch {
	case q.ChunksUnlisted:
		return q.MeanITL()
	case q.TokenTimes < 2 || q.LeftOut:
		return unknown
	}
	return q.TokenSpan / float64(q.TokenTimes-1)
}

func inputTokens(g *subset, q *run.Request) float64 {
	return tokenCount(g.run, q.PromptTokens, q.InputSource, g.run.CountsPrompts)
}

// tokenCount returns a count by its source. A count without a source is 0, as in inference-perf, but unknown if another
// tool left it out or no request of the run has a count.
func tokenCount(r *run.Run, n int32, source record.Source, counted bool) float64 {
	if source == record.NoSource && (r.Origin != "" || !counted) {
		return unknown
	}
	return float64(n)
}

// outputTokens returns the count that latencies are divided by: the record's, or the server's if the options prefer it.
func outputTokens(g *subset, q *run.Request) float64 {
	if g.opts.ServerTokens && q.ServerCompletion != none {
		return float64(q.ServerCompletion)
	}
	return storedTokens(g, q)
}

// storedTokens returns the count that the record holds. A request that generates no text has none.
func storedTokens(g *subset, q *run.Request) float64 {
	if q.Textless {
		return unknown
	}
	return tokenCount(g.run, q.CompletionTokens, q.OutputSource, g.run.CountsCompletions)
}

// reportedTokens returns the server's count if it reported one, else the record's.
func reportedTokens(g *subset, q *run.Request) float64 {
	if q.ServerCompletion != none {
		return float64(q.ServerCompletion)
	}
	return storedTokens(g, q)
}

func orElse(n, other int32) int32 {
	if n == none {
		return other
	}
	return n
}

func cachedTokens(_ *subset, q *run.Request) float64 { return float64(orElse(q.ServerCached, 0)) }

// requestSize is unknown for tools that do not keep what they sent.
func requestSize(g *subset, q *run.Request) float64 {
	sent := q.Details().BytesSent
	if sent == 0 && g.run.Origin != "" && g.run.Origin != string(foreign.InferencePerf) {
		return unknown
	}
	return float64(sent)
}

func zero(*subset, *run.Request) float64 { return 0 }

// readChunks pools the gaps between token times and the gaps between chunks, however many tokens the chunks hold. It
// reads the chunks of each request once, and adds the requests to a series if there is one.
func (g *subset) readChunks(s *seriesMaker) {
	g.gaps = newGaps(g.run)
	var rec record.Request
	for _, q := range g.all {
		counts := !q.Failed() && !q.LeftOut
		if !counts && s == nil {
			continue
		}
		if q.UnpackChunks(&rec); q.Textless { // they are no content, and their gaps say nothing about tokens
			rec.Chunks = rec.Chunks[:0]
		}
		if s != nil {
			s.add(q, &rec)
		}
		if counts {
			g.gaps.add(&rec)
		}
	}
	for _, q := range g.left {
		if s != nil {
			q.UnpackChunks(&rec)
			s.add(q, &rec)
		}
	}
	g.chunkGaps, g.tokenGaps = g.gaps.settle()
}

func (g *subset) successesPart() Successes {
	media, prompt := mediaFiguresOf(g), g.promptTokens(prompted(g), inputTokens)
	tokens, _ := gapDistributions(g)
	return Successes{
		Count: len(g.ok),
		Latency: Latencies{
			Request: certainSum(g, g.ok, requestLatency), NTPOT: g.sum(g.ok, ntpot), TPOT: g.sum(g.ok, tpot),
			TTFT: certainSum(g, g.ok, ttft), ITL: tokens,
		},
		Throughput:   g.throughput(media),
		RequestSize:  g.sum(g.ok, requestSize),
		Image:        media.image,
		Video:        media.video,
		Audio:        media.audio,
		PromptTokens: prompt, PromptLen: prompt.PerRequest,
		OutputLen: g.sum(g.ok, storedTokens),
		OutputTokens: OutputTokens{Total: Float(g.total(g.texts, reportedTokens)),
			PerRequest: g.sum(g.ok, reportedTokens)},
		TokenCountMismatches: g.mismatches(),
		ClientFallback:       fallback(g),
		Goodput:              g.goodput(),
	}
}

func (g *subset) failuresPart() Failures {
	prompt := g.promptTokens(g.failed, zero) // inference-perf counts no tokens of a failed request
	return Failures{
		Count: len(g.failed), Latency: g.sum(g.failed, requestLatency), PromptTokens: prompt,
		PromptLen: prompt.PerRequest, ByLabel: countLabels(g.failed, g.opts.MaxMessages),
	}
}

func (g *subset) throughput(media mediaFigures) Throughput {
	if g.time == 0 {
		return Throughput{}
	}
	in, out := g.total(prompted(g), inputTokens), g.total(g.texts, outputTokens)
	if !hasTimes(g.run, g.all) {
		in, out = g.orStated(in, out)
	}
	return Throughput{
		InputTokens: Maybe(in / g.time), OutputTokens: Maybe(out / g.time), TotalTokens: Maybe((in + out) / g.time),
		Requests: Maybe(float64(len(g.ok)) / g.time), Images: mediaRate(media.images, g.time),
		Videos: mediaRate(media.videos, g.time), Audios: mediaRate(media.audios, g.time),
	}
}

// prompted returns the successes without those for sounds, pictures and videos whose prompts nobody counted, unless
// there are no others: then the tokens are unknown.
func prompted(g *subset) []*run.Request {
	uncounted := func(q *run.Request) bool {
		return q.Textless && !q.TakesInputs && q.InputSource == record.NoSource
	}
	if len(g.texts) == len(g.ok) || !slices.ContainsFunc(g.ok, uncounted) {
		return g.ok
	}
	if counted := slices.DeleteFunc(slices.Clone(g.ok), uncounted); len(counted) > 0 {
		return counted
	}
	return g.ok
}

func (g *subset) promptTokens(requests []*run.Request, tokens figure) PromptTokens {
	all, cached := g.total(requests, tokens), g.total(requests, cachedTokens)
	return PromptTokens{Total: Float(all), Cached: Float(cached), Uncached: Float(max(all-cached, 0)),
		PerRequest: g.sum(requests, tokens)}
}

// mismatches counts streamed successes whose chunks hold another number of tokens than the server reports. It needs a
// tokenizer: without one it returns 0.
func (g *subset) mismatches() (n int) {
	if g.run.Uncounted {
		return 0
	}
	for _, q := range g.ok {
		if q.Streaming && q.Tokenized && q.ServerCompletion != none && q.ServerCompletion != q.TokenTimes {
			n++
		}
	}
	return n
}

func fallback(g *subset) (f ClientFallback) {
	for _, q := range g.ok {
		if q.ServerPrompt == none {
			f.Prompt++
		}
	}
	for _, q := range g.texts {
		if q.ServerCompletion == none {
			f.Output++
		}
	}
	return f
}

// retries sums up the requests that were sent more than once, and returns nil if there are none.
func (g *subset) retries() *Retries {
	var out Retries
	var wasted []float64
	for _, q := range g.all {
		if !q.Retried {
			continue
		}
		out.Requests++
		out.Attempts += int(q.Details().Retries)
		if !q.Failed() {
			out.Recovered++
		}
		wasted = append(wasted, wastedSeconds(g.run, q))
	}
	if out.Requests == 0 {
		return nil
	}
	out.Failed = out.Requests - out.Recovered
	out.WastedTotal = Float(stats.Sum(wasted))
	out.Wasted = NewDistribution(wasted, g.opts.Percentiles)
	return &out
}

// wastedSeconds returns the seconds that a request's failed attempts took.
func wastedSeconds(r *run.Run, q *run.Request) float64 {
	return r.Seconds(record.Wasted(q.Failed() && !q.EndUnknown, q.Start, q.Details().Attempt, q.End))
}

// flatJSON writes totals, given as pairs of name and Float, and the members of a distribution as one JSON object.
func flatJSON(d *Distribution, totals ...any) ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i := 0; i < len(totals); i += 2 {
		name, _ := totals[i].(string)
		value, _ := totals[i+1].(Float)
		writeMember(&buf, name, float64(value))
	}
	if d != nil {
		buf.Write(d.members())
	}
	return append(bytes.TrimSuffix(buf.Bytes(), []byte(",")), '}'), nil
}

// bounds returns the bounds that a request is judged by: the options' if they are set, else the request's own.
func (o Options) bounds(q *run.Request) record.Bounds {
	if b, labeled := o.labelSLO[q.Label]; labeled {
		return b
	}
	if o.SLO != (record.Bounds{}) {
		return o.SLO
	}
	return q.SLO
}

// none stands for a token count that was not reported, unknown for a figure that a request does not have.
const none = record.NotReported

var unknown = math.NaN()

// narrow clamps a count to 32 bits. Only a hostile file has larger counts.
func narrow(n int) int32 { return int32(max(min(n, math.MaxInt32), math.MinInt32)) }

// errorOf returns the message of a failure.
func errorOf(q *run.Request) string {
	d := q.Details()
	return d.Error()
}
