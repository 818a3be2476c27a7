package convert

import (
	"bytes"
	"iter"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// group is a group of requests, parted by their end.
type group struct {
	all, ok, failed []*Request
	run             *Run
	opts            Options
	time            float64 // from the first start to the last end, of all; NaN where nobody knows it

	tokenGaps, chunkGaps *stats.Tally // between the token times, and the chunks, of ok
}

func (r *Run) group(requests []*Request, o Options) *group {
	g := &group{all: requests, run: r, opts: o.withDefaults(), time: r.duration(requests)}
	for _, q := range requests {
		if q.Failed() {
			g.failed = append(g.failed, q)
		} else {
			g.ok = append(g.ok, q)
		}
	}
	g.tallyGaps()
	return g
}

// span is the time from the first start to the last end, in seconds; [Run.duration] is for runs that may lack starts.
func (r *Run) span(requests []*Request) float64 {
	if len(requests) == 0 {
		return 0
	}
	start, end := requests[0].Start, requests[0].End
	for _, q := range requests {
		start, end = min(start, q.Start), max(end, q.End)
	}
	return r.seconds(end - start)
}

// figure is one number of a request, NaN if it has none.
type figure func(g *group, q *Request) float64

// sum sums a figure up over some requests.
func (g *group) sum(requests []*Request, f figure) *Distribution {
	return NewDistribution(g.values(requests, f), g.opts.Percentiles)
}

func (g *group) values(requests []*Request, f figure) []float64 {
	values := make([]float64, 0, len(requests))
	for _, q := range requests {
		if v := f(g, q); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}

// total adds a figure up; it is unknown if that of a request is.
func (g *group) total(requests []*Request, f figure) float64 {
	values := g.values(requests, f)
	if len(values) < len(requests) {
		return unknown
	}
	return stats.Sum(values)
}

// The figures of inference-perf.

func scheduleDelay(g *group, q *Request) float64 { return g.sinceDue(q, q.Start) }

// sinceDue is known of an iteration's first request alone: what follows it is due when the script says.
func (g *group) sinceDue(q *Request, instant int64) float64 {
	if !q.DueKnown || q.Seq > 0 {
		return unknown
	}
	return g.run.seconds(instant - q.Due)
}

func requestLatency(g *group, q *Request) float64 { return g.run.latency(q) }

// latency is unknown of an imported request without an end, and of one whose figures are left out.
func (r *Run) latency(q *Request) float64 {
	if q.endless || q.leftOut {
		return unknown
	}
	return r.seconds(q.End - q.Start)
}

// ntpot is latency/tokens, and 0 without tokens, which stays in the statistics.
func ntpot(g *group, q *Request) float64 {
	n := outputTokens(g, q)
	if n == 0 && !q.leftOut {
		return 0
	}
	return requestLatency(g, q) / n
}

// ttft wants two token times at least.
func ttft(_ *group, q *Request) float64 {
	if q.tokenTimes < 2 || q.leftOut {
		return unknown
	}
	return q.firstToken
}

// tpot divides the span of the token times by the count of output tokens less one.
func tpot(g *group, q *Request) float64 {
	n := outputTokens(g, q)
	if q.tokenTimes < 2 || n <= 1 || q.leftOut {
		return unknown
	}
	return q.tokenSpan / (n - 1)
}

// itl is the mean of the request's gaps, as goodput judges by it.
func itl(_ *group, q *Request) float64 {
	switch {
	case q.ends:
		return q.meanITL
	case q.tokenTimes < 2 || q.leftOut:
		return unknown
	}
	return q.tokenSpan / float64(q.tokenTimes-1)
}

func inputTokens(g *group, q *Request) float64 {
	return g.run.tokens(q.in, q.InputSource, g.run.countedIn)
}

// tokens is a count by its source. Without one it is 0, as inference-perf has it; unknown where another tool left it
// out, and where no request of the run has one.
func (r *Run) tokens(n int32, source record.Source, counted bool) float64 {
	if source == record.NoSource && (r.Origin != "" || !counted) {
		return unknown
	}
	return float64(n)
}

// outputTokens is what latencies are divided by: the count of the record, or the server's where the options prefer it.
func outputTokens(g *group, q *Request) float64 {
	if g.opts.ServerTokens && q.serverOut != none {
		return float64(q.serverOut)
	}
	return storedTokens(g, q)
}

// storedTokens is the count of the record.
func storedTokens(g *group, q *Request) float64 {
	return g.run.tokens(q.out, q.OutputSource, g.run.countedOut)
}

// reportedTokens is the server's count where it gave one, else ours.
func reportedTokens(g *group, q *Request) float64 {
	if q.serverOut != none {
		return float64(q.serverOut)
	}
	return storedTokens(g, q)
}

func orElse(n, other int32) int32 {
	if n == none {
		return other
	}
	return n
}

func cachedTokens(_ *group, q *Request) float64 { return float64(orElse(q.serverRead, 0)) }

// requestSize is unknown of tools that do not keep what they sent.
func requestSize(g *group, q *Request) float64 {
	if q.BytesSent == 0 && g.run.Origin != "" && g.run.Origin != string(foreign.InferencePerf) {
		return unknown
	}
	return float64(q.BytesSent)
}

func nothing(*group, *Request) float64 { return 0 }

// tallyGaps pools the gaps between token times, and those between chunks whatever they hold.
func (g *group) tallyGaps() {
	g.chunkGaps = stats.NewTally(g.run.clock.chunk)
	g.tokenGaps = g.chunkGaps
	split := slices.ContainsFunc(g.ok, func(q *Request) bool { return q.tokenized })
	if split {
		g.tokenGaps = stats.NewTally(g.run.clock.chunk)
	}
	var rec record.Request
	for _, q := range g.ok {
		if q.leftOut {
			continue
		}
		q.unpack(&rec)
		for i := 1; i < len(rec.Chunks); i++ {
			g.chunkGaps.Add(rec.Chunks[i] - rec.Chunks[i-1])
		}
		if split {
			for i, k := range tokenGaps(rec.Chunks, rec.ChunkTokens) {
				g.tokenGaps.Add(rec.Chunks[k] - rec.Chunks[i])
			}
		}
	}
}

// tokenGaps are the gaps between token times, as the places of the chunks at their two ends. Each chunk's time counts
// once per token in it, or once where nobody counted.
func tokenGaps(chunks []int64, tokens []int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		last := -1
		for i := range chunks {
			n := 1
			if len(tokens) > 0 {
				n = tokens[i]
			}
			for range n {
				if last >= 0 && !yield(last, i) {
					return
				}
				last = i
			}
		}
	}
}

func (g *group) successesPart() Successes {
	noMedia, prompt := g.sum(g.ok, nothing), g.promptTokens(g.ok, inputTokens)
	return Successes{
		Count: len(g.ok),
		Latency: Latencies{
			Request: g.sum(g.ok, requestLatency), NTPOT: g.sum(g.ok, ntpot), TPOT: g.sum(g.ok, tpot),
			TTFT: g.sum(g.ok, ttft),
			ITL:  newDistribution(g.tokenGaps, g.opts.Percentiles),
		},
		Throughput:   g.throughput(),
		RequestSize:  g.sum(g.ok, requestSize),
		Image:        imageBlock{Count: noMedia},
		Video:        videoBlock{Count: noMedia},
		Audio:        audioBlock{Count: noMedia},
		PromptTokens: prompt, PromptLen: prompt.PerRequest,
		OutputLen: g.sum(g.ok, storedTokens),
		OutputTokens: OutputTokens{Total: Float(g.total(g.ok, reportedTokens)),
			PerRequest: g.sum(g.ok, reportedTokens)},
		TokenCountMismatches: g.mismatches(),
		ClientFallback:       fallback(g.ok),
		Goodput:              g.goodput(),
	}
}

func (g *group) failuresPart() Failures {
	prompt := g.promptTokens(g.failed, nothing) // inference-perf counts none of a request that failed
	return Failures{
		Count: len(g.failed), Latency: g.sum(g.failed, requestLatency), PromptTokens: prompt,
		PromptLen: prompt.PerRequest, ByLabel: countLabels(g.failed, g.opts.MaxMessages),
	}
}

func (g *group) throughput() Throughput {
	if g.time == 0 {
		return Throughput{}
	}
	in, out := g.total(g.ok, inputTokens), g.total(g.ok, outputTokens)
	if !g.run.timed(g.all) {
		in, out = g.orStated(in, out)
	}
	return Throughput{
		InputTokens: Maybe(in / g.time), OutputTokens: Maybe(out / g.time), TotalTokens: Maybe((in + out) / g.time),
		Requests: Maybe(float64(len(g.ok)) / g.time),
	}
}

func (g *group) promptTokens(requests []*Request, tokens figure) PromptTokens {
	all, cached := g.total(requests, tokens), g.total(requests, cachedTokens)
	return PromptTokens{Total: Float(all), Cached: Float(cached), Uncached: Float(max(all-cached, 0)),
		PerRequest: g.sum(requests, tokens)}
}

// mismatches counts streamed successes whose chunks hold another number of tokens than the server reports. Without a
// tokenizer nobody can tell.
func (g *group) mismatches() (n int) {
	if g.run.uncounted {
		return 0
	}
	for _, q := range g.ok {
		if q.Streaming && q.tokenized && q.serverOut != none && q.serverOut != q.tokenTimes {
			n++
		}
	}
	return n
}

func fallback(requests []*Request) (f ClientFallback) {
	for _, q := range requests {
		if q.serverIn == none {
			f.Prompt++
		}
		if q.serverOut == none {
			f.Output++
		}
	}
	return f
}

// retries sums up the requests that were sent more than once, nil if none was.
func (g *group) retries() *Retries {
	var out Retries
	var wasted []float64
	for _, q := range g.all {
		if q.Retries == 0 {
			continue
		}
		out.Requests++
		out.Attempts += int(q.Retries)
		if !q.Failed() {
			out.Recovered++
		}
		wasted = append(wasted, g.run.wasted(q))
	}
	if out.Requests == 0 {
		return nil
	}
	out.Failed = out.Requests - out.Recovered
	out.WastedTotal = Float(stats.Sum(wasted))
	out.Wasted = NewDistribution(wasted, g.opts.Percentiles)
	return &out
}

// wasted returns the seconds that a request's failed attempts took.
func (r *Run) wasted(q *Request) float64 {
	return r.seconds(record.Wasted(q.Failed() && !q.endless, q.Start, q.Attempt, q.End))
}

// flat writes named totals and a summary's members as one object.
func flat(d *Distribution, totals ...any) ([]byte, error) {
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

// bounds are the bounds a request is judged by.
func (o Options) bounds(q *Request) record.Bounds {
	if o.SLO != (record.Bounds{}) {
		return o.SLO
	}
	return q.SLO
}
