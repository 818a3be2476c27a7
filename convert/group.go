package convert

import (
	"bytes"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// group is a group of requests, parted by their end.
type group struct {
	all, ok, failed []Request
	opts            Options
	time            float64 // from the first start to the last end, of all
}

func newGroup(requests []Request, o Options) *group {
	g := &group{all: requests, opts: o, time: span(requests)}
	for _, q := range requests {
		if q.Failed() {
			g.failed = append(g.failed, q)
		} else {
			g.ok = append(g.ok, q)
		}
	}
	return g
}

// span is the time from the first start to the last end, in seconds.
func span(requests []Request) float64 {
	if len(requests) == 0 {
		return 0
	}
	start, end := requests[0].Start, requests[0].End
	for _, q := range requests {
		start, end = min(start, q.Start), max(end, q.End)
	}
	return seconds(end - start)
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// figure is one number of a request, and false if it has none.
type figure func(Request) (float64, bool)

// sum sums a figure up over some requests.
func (g *group) sum(requests []Request, f figure) *Distribution {
	values := make([]float64, 0, len(requests))
	for _, q := range requests {
		if v, known := f(q); known {
			values = append(values, v)
		}
	}
	return NewDistribution(values, g.opts.Percentiles)
}

// total adds a figure up.
func total(requests []Request, f figure) float64 {
	values := make([]float64, 0, len(requests))
	for _, q := range requests {
		if v, known := f(q); known {
			values = append(values, v)
		}
	}
	return sum(values)
}

// The figures of inference-perf.

func scheduleDelay(q Request) (float64, bool) { return sinceDue(q, q.Start) }

// sinceDue is known of an iteration's first request alone: what follows it is due when the script says.
func sinceDue(q Request, instant int64) (float64, bool) {
	if q.DueAt == nil || q.Seq > 0 {
		return 0, false
	}
	return seconds(instant - *q.DueAt), true
}

func requestLatency(q Request) (float64, bool) { return seconds(q.End - q.Start), true }

// ntpot is latency/tokens, and 0 without tokens, which stays in the statistics.
func ntpot(q Request) (float64, bool) {
	n, _ := q.OutputTokens()
	if n == 0 {
		return 0, true
	}
	return seconds(q.End-q.Start) / float64(n), true
}

// tokenSpan gives inference-perf's first and last output token time, seconds after the start, and how many there are.
func tokenSpan(q Request) (first, last float64, n int) {
	for i, us := range q.Chunks {
		tokens := 1
		if i < len(q.ChunkTokens) {
			tokens = q.ChunkTokens[i]
		}
		if tokens == 0 {
			continue
		}
		last = (time.Duration(us) * time.Microsecond).Seconds()
		if n == 0 {
			first = last
		}
		n += tokens
	}
	return first, last, n
}

// ttft wants two token times at least.
func ttft(q Request) (float64, bool) {
	first, _, times := tokenSpan(q)
	return first, times >= 2
}

// tpot divides the span of the token times by the count of output tokens less one.
func tpot(q Request) (float64, bool) {
	first, last, times := tokenSpan(q)
	n, _ := q.OutputTokens()
	if times < 2 || n <= 1 {
		return 0, false
	}
	return (last - first) / float64(n-1), true
}

// itl is the mean of the request's gaps, as goodput judges by it.
func itl(q Request) (float64, bool) {
	first, last, times := tokenSpan(q)
	if times < 2 {
		return 0, false
	}
	return (last - first) / float64(times-1), true
}

func inputTokens(q Request) (float64, bool) {
	n, _ := q.InputTokens()
	return float64(n), true
}

func outputTokens(q Request) (float64, bool) {
	n, _ := q.OutputTokens()
	return float64(n), true
}

// reportedTokens is the server's count where it gave one, else ours.
func reportedTokens(q Request) (float64, bool) {
	if n, known := q.UsageTokens("completion_tokens", "output_tokens"); known {
		return float64(n), true
	}
	return outputTokens(q)
}

func cachedTokens(q Request) (float64, bool) {
	n, known := q.UsageTokens("prompt_tokens_details.cached_tokens")
	return float64(n), known
}

func requestSize(q Request) (float64, bool) { return float64(q.BytesSent), true }

func nothing(Request) (float64, bool) { return 0, true }

// gaps pools the gaps between token times.
func gaps(requests []Request) []float64 {
	var pool []time.Duration
	for _, q := range requests {
		pool = q.AppendITL(pool)
	}
	list := make([]float64, len(pool))
	for i, d := range pool {
		list[i] = d.Seconds()
	}
	return list
}

func (g *group) successesPart() Successes {
	none, prompt := g.sum(g.ok, nothing), g.promptTokens(g.ok)
	return Successes{
		Count: len(g.ok),
		Latency: Latencies{
			Request: g.sum(g.ok, requestLatency), NTPOT: g.sum(g.ok, ntpot), TPOT: g.sum(g.ok, tpot), TTFT: g.sum(g.ok, ttft),
			ITL: NewDistribution(gaps(g.ok), g.opts.Percentiles),
		},
		Throughput:   g.throughput(),
		RequestSize:  g.sum(g.ok, requestSize),
		Image:        imageBlock{Count: none},
		Video:        videoBlock{Count: none},
		Audio:        audioBlock{Count: none},
		PromptTokens: prompt, PromptLen: prompt.PerRequest,
		OutputLen:            g.sum(g.ok, outputTokens),
		OutputTokens:         OutputTokens{Total: Float(total(g.ok, reportedTokens)), PerRequest: g.sum(g.ok, reportedTokens)},
		TokenCountMismatches: mismatches(g.ok),
		ClientFallback:       fallback(g.ok),
		Goodput:              g.goodput(),
	}
}

func (g *group) failuresPart() Failures {
	prompt := g.promptTokens(g.failed)
	return Failures{
		Count: len(g.failed), Latency: g.sum(g.failed, requestLatency), PromptTokens: prompt,
		PromptLen: prompt.PerRequest, ByLabel: countLabels(g.failed),
	}
}

func (g *group) throughput() Throughput {
	if g.time == 0 {
		return Throughput{}
	}
	in, out := total(g.ok, inputTokens), total(g.ok, outputTokens)
	return Throughput{
		InputTokens: Float(in / g.time), OutputTokens: Float(out / g.time), TotalTokens: Float((in + out) / g.time),
		Requests: Float(float64(len(g.ok)) / g.time),
	}
}

func (g *group) promptTokens(requests []Request) PromptTokens {
	all, cached := total(requests, inputTokens), total(requests, cachedTokens)
	return PromptTokens{Total: Float(all), Cached: Float(cached), Uncached: Float(max(all-cached, 0)), PerRequest: g.sum(requests, inputTokens)}
}

// mismatches counts streamed successes whose chunks hold another number of tokens than the server reports. Without a
// tokenizer nobody can tell.
func mismatches(requests []Request) (n int) {
	for _, q := range requests {
		reported, known := q.UsageTokens("completion_tokens")
		if !known || !q.Streaming || len(q.ChunkTokens) == 0 {
			continue
		}
		tokens := 0
		for _, k := range q.ChunkTokens {
			tokens += k
		}
		if tokens != reported {
			n++
		}
	}
	return n
}

func fallback(requests []Request) (f ClientFallback) {
	for _, q := range requests {
		if _, known := q.UsageTokens("prompt_tokens", "input_tokens"); !known {
			f.Prompt++
		}
		if _, known := q.UsageTokens("completion_tokens", "output_tokens"); !known {
			f.Output++
		}
	}
	return f
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
func (o Options) bounds(q Request) record.Bounds {
	switch {
	case o.SLO != (record.Bounds{}):
		return o.SLO
	case q.SLO != nil:
		return *q.SLO
	}
	return record.Bounds{}
}
