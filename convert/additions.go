package convert

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Additions are our own figures, under the key xk6_llm. Times are seconds.
type Additions struct {
	RunID     string            `json:"run_id"`
	Versions  map[string]string `json:"versions"`
	Simulator bool              `json:"simulator"` // the figures say nothing about any model
	Partial   bool              `json:"partial"`   // something of the run is missing
	Window    *Window           `json:"window"`    // null: the whole run
	Schedule  []ScheduleSource  `json:"schedule"`
	Requests  RequestCounts     `json:"requests"`
	Tokens    TokenSources      `json:"tokens"`
	Latency   HonestLatencies   `json:"latency"`
	Finish    map[string]int    `json:"finish_reasons"`
	Health    []record.Health   `json:"client_health"` // of each instance that ended its file
	Meaning   map[string]string `json:"definitions"`
}

// Window is what was cut off the run's ends.
type Window struct {
	Warmup   Float `json:"warmup_seconds"`
	Cooldown Float `json:"cooldown_seconds"`
}

// RequestCounts tell what became of the requests.
type RequestCounts struct {
	Sent      int   `json:"sent"`
	Succeeded int   `json:"succeeded"`
	Failed    int   `json:"failed"`
	Canceled  int   `json:"canceled"`  // of the failed, those cut by the end of the test
	OneToken  int   `json:"one_token"` // successes of one token: they have a TTFT, and no ITL or TPOT
	Dropped   int64 `json:"dropped"`   // arrivals of the whole run that were never sent
}

// TokenSources count successes by where their token counts come from.
type TokenSources struct {
	Output map[record.Source]int `json:"output_source"`
	Input  map[record.Source]int `json:"input_source"`
	// Asked counts successes whose prompt was made to have a number of tokens, Differed those that turned out to have another.
	Asked    int `json:"prompt_lengths_asked"`
	Differed int `json:"prompt_lengths_differed"`
	// PerChunk is tokens in a chunk: above 1 the gaps between chunks are not gaps between tokens.
	PerChunk *Distribution `json:"per_chunk"`
}

// HonestLatencies have no value where they are undefined, and are there from one token on.
type HonestLatencies struct {
	TTFT     *Distribution `json:"ttft"`
	TTFO     *Distribution `json:"ttfo"`
	TPOT     *Distribution `json:"tpot"`
	NTPOT    *Distribution `json:"ntpot"`
	ITLMean  *Distribution `json:"itl_mean"`
	ChunkGap *Distribution `json:"chunk_gap"`
	FromDue  *Distribution `json:"request_latency_from_due"`
	Connect  *Distribution `json:"connect"`
}

func (r *Run) additions(g *group) *Additions {
	a := &Additions{
		RunID: r.ID(), Simulator: r.Simulated(), Partial: r.Partial, Schedule: r.Schedule,
		Requests: g.counts(), Tokens: g.tokenSources(), Latency: g.honest(), Finish: map[string]int{}, Health: []record.Health{}, Meaning: definitions,
	}
	if len(r.Runs) > 0 {
		a.Versions = r.Runs[0].Versions
	}
	if r.Warmup > 0 || r.Cooldown > 0 {
		a.Window = &Window{Float(r.Warmup), Float(r.Cooldown)}
	}
	a.Requests.Dropped = r.DroppedCount()
	for _, q := range g.ok {
		a.Finish[q.FinishReason]++
	}
	for _, end := range r.Ends {
		a.Health = append(a.Health, end.Health)
	}
	return a
}

func (g *group) counts() RequestCounts {
	c := RequestCounts{Sent: len(g.all), Succeeded: len(g.ok), Failed: len(g.failed)}
	for _, q := range g.failed {
		if q.ErrorType == record.ErrorCanceled {
			c.Canceled++
		}
	}
	for _, q := range g.ok {
		if n, source := q.OutputTokens(); n == 1 && source != record.NoSource {
			c.OneToken++
		}
	}
	return c
}

func (g *group) tokenSources() TokenSources {
	t := TokenSources{Output: map[record.Source]int{}, Input: map[record.Source]int{}}
	for _, q := range g.ok {
		_, source := q.OutputTokens()
		t.Output[source]++
		n, source := q.InputTokens()
		t.Input[source]++
		if q.PromptAsked > 0 && source != record.NoSource {
			t.Asked++
			if n != q.PromptAsked {
				t.Differed++
			}
		}
	}
	t.PerChunk = g.sum(g.ok, func(q Request) (float64, bool) {
		n, source := q.OutputTokens()
		if len(q.Chunks) == 0 || source == record.ContentChunks || source == record.ServerUsage && len(q.Reasoning)+len(q.ToolCalls) > 0 {
			return 0, false
		}
		return float64(n) / float64(len(q.Chunks)), true
	})
	return t
}

func (g *group) honest() HonestLatencies {
	of := func(f func(*record.Request) (time.Duration, bool)) *Distribution {
		return g.sum(g.ok, func(q Request) (float64, bool) {
			d, known := f(q.Request)
			return d.Seconds(), known
		})
	}
	return HonestLatencies{
		TTFT: of((*record.Request).TTFT), TTFO: of((*record.Request).TTFO), TPOT: of((*record.Request).TPOT),
		NTPOT: of((*record.Request).NTPOT), ITLMean: of((*record.Request).MeanITL), ChunkGap: NewDistribution(chunkGaps(g.ok), g.opts.Percentiles),
		FromDue: g.sum(g.ok, func(q Request) (float64, bool) { return sinceDue(q, q.End) }),
		Connect: g.sum(g.ok, func(q Request) (float64, bool) { return seconds(q.Connected - q.Start), q.Connected > 0 }),
	}
}

// chunkGaps pools the gaps between content chunks, whatever they hold.
func chunkGaps(requests []Request) (list []float64) {
	for _, q := range requests {
		for i := 1; i < len(q.Chunks); i++ {
			list = append(list, float64(q.Chunks[i]-q.Chunks[i-1])/1e6)
		}
	}
	return list
}

// definitions tell what each figure is: its formula, its clock points, and where tokens come from.
var definitions = map[string]string{
	"start":                            "immediately before the request goes to the HTTP transport; making a connection comes after",
	"end":                              "arrival of [DONE], or the end of the body where there is none",
	"chunk":                            "arrival of an event with non-empty content: the read that brought its end, before it is parsed; reasoning and tool calls are not content",
	"tokens":                           "output: the client's tokenizer, else the server's usage, else content chunks; input: the server's usage, else the client's tokenizer",
	"tokens.prompt_lengths":            "prompts of generated data sets: asked, how many were made to have a number of tokens; differed, how many have another by the input count above",
	"request_latency":                  "end - start, successes",
	"normalized_time_per_output_token": "(end - start) / output tokens; 0 without tokens, as inference-perf has it",
	"time_per_output_token":            "(last token time - first) / (output tokens - 1); needs two token times and two tokens",
	"time_to_first_token":              "first token time - start; needs two token times, as inference-perf has it",
	"inter_token_latency":              "gaps between consecutive token times, pooled over requests; token times are chunk times, repeated once per token where a tokenizer counts them",
	"schedule_delay":                   "start - due; due recorded (exact), or fitted to the executor's schedule, see schedule",
	"throughput":                       "of successes, over the time from the first start to the last end of all requests",
	"latency.ttft":                     "first chunk - start, from one chunk on",
	"latency.ttfo":                     "first output of any kind (content, reasoning, tool call) - start",
	"latency.tpot":                     "(last chunk - first) / (output tokens - 1); undefined below two tokens or two chunks; spans reasoning and tool calls where the server counts their tokens",
	"latency.ntpot":                    "(end - start) / output tokens; undefined without tokens",
	"latency.itl_mean":                 "mean gap between token times of each request",
	"latency.chunk_gap":                "gaps between consecutive content chunks, pooled over requests, however many tokens they hold",
	"latency.request_latency_from_due": "end - due: what a user waits who comes when the load says",
	"latency.connect":                  "connection at hand - start; about 0 where one is kept alive",
	"tokens.per_chunk":                 "output tokens / content chunks of each request; above 1, chunk gaps are not token gaps",
}
