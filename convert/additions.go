package convert

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Additions holds the figures that a report adds to inference-perf's, under the key xk6_llm. Times are seconds.
type Additions struct {
	Group     *GroupName           `json:"group,omitempty"` // of the report on a group of requests
	Health    ClientHealth         `json:"client_health"`
	Warnings  []string             `json:"warnings"`        // what a reader of the figures should know
	Notes     []string             `json:"notes,omitempty"` // what a reader of this JSON should know
	RunID     string               `json:"run_id"`
	Versions  map[string]string    `json:"versions"`
	Origin    string               `json:"imported_from,omitempty"` // the tool that wrote the input file
	Simulator bool                 `json:"simulator"`               // the figures say nothing about any model
	Partial   bool                 `json:"partial"`                 // something of the run is missing
	Window    *Window              `json:"window"`                  // null: the whole run
	Passport  *Passport            `json:"passport,omitempty"`      // of the whole run
	Steady    *Steady              `json:"steady,omitempty"`        // of the whole run, and of stages
	WarmUp    []WarmUp             `json:"warm_up,omitempty"`       // stages that were warm-ups as a whole
	Sweep     *Sweep               `json:"sweep,omitempty"`
	Schedule  []run.ScheduleSource `json:"schedule"`
	Requests  RequestCounts        `json:"requests"`
	Tokens    TokenCounts          `json:"tokens"`
	Latency   OwnLatencies         `json:"latency"`
	Certainty CertaintyOfUsual     `json:"certainty"`          // of inference-perf's figures
	Adjusted  *Adjusted            `json:"adjusted,omitempty"` // nil if every request succeeded
	Inputs    map[string]Inputs    `json:"inputs,omitempty"`   // of embeddings and rerank, by API
	Media     *Media               `json:"media,omitempty"`    // of what requests hold
	Answers
	Load       *Load       `json:"load,omitempty"`        // of stages
	Cost       *Cost       `json:"cost,omitempty"`        // nil without a price
	Energy     *Energy     `json:"energy,omitempty"`      // nil unless a page shows power or energy
	Abandoned  *Abandoned  `json:"abandoned,omitempty"`   // nil if no user was to leave
	SLO        []Judgement `json:"slo,omitempty"`         // by each objective of the SLO
	SLOKept    *SLOKept    `json:"slo_kept,omitempty"`    // nil if one objective, or each, is about all requests
	SLOAnswers []SLOAnswer `json:"slo_answers,omitempty"` // of the whole run
	Gates      []Gate      `json:"gates,omitempty"`       // of the whole run
	Fairness   *Fairness   `json:"fairness,omitempty"`    // between the labels of the whole run
	// Interference tells what the labels do to each other, stage by stage, in the summary alone.
	Interference []Interference `json:"interference,omitempty"`
	// Search is the answer of the run's search, in the summary alone, and OtherSearches those of further scenarios.
	Search        *record.Search    `json:"search,omitempty"`
	OtherSearches []record.Search   `json:"other_searches,omitempty"`
	Finish        map[string]int    `json:"finish_reasons"`
	Series        *Series           `json:"time_series,omitempty"` // of the whole run
	Timeline      *Timeline         `json:"timeline,omitempty"`    // of the whole run, as the two that follow
	Violations    *Violations       `json:"violations,omitempty"`  // nil without an SLO
	Marks         []MarkReport      `json:"marks,omitempty"`       // nil without marks
	Server        *ServerState      `json:"server,omitempty"`      // of the whole run, and of stages
	Meaning       map[string]string `json:"definitions"`
}

// Window describes which part of the run a report leaves out.
type Window struct {
	Warmup   Float    `json:"warmup_seconds"`
	Cooldown Float    `json:"cooldown_seconds"`
	Stage    *Float   `json:"stage_warmup_seconds,omitempty"` // of each stage
	Stages   []int    `json:"stages,omitempty"`               // only these
	Adapters []string `json:"adapters,omitempty"`             // only these
	Left     int      `json:"requests_left_out"`
	Late     int      `json:"late_requests_left_out,omitempty"` // left out of the latencies alone
	Steady   bool     `json:"steady,omitempty"`                 // only the steady parts of the stages
}

// RequestCounts counts the requests of a group by their outcome.
type RequestCounts struct {
	Sent      int `json:"sent"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Canceled  int `json:"canceled"`  // failed requests that the end of the test cut off
	OneToken  int `json:"one_token"` // successes of one token: they have a TTFT, and no ITL or TPOT
	// NoContent counts streamed successes without content, which have no TTFT. ReasoningOnly counts those of them that
	// hold reasoning alone, ToolCallsOnly those with tool calls.
	NoContent     int   `json:"no_content"`
	ReasoningOnly int   `json:"reasoning_only"`
	ToolCallsOnly int   `json:"tool_calls_only"`
	Dropped       int64 `json:"dropped"` // arrivals that were never sent; of the whole run where their stage is unknown
	// SentRate is in requests per second, comparable with a requested rate; null if it is unknown.
	SentRate *Float `json:"sent_rate"`
}

// TokenCounts records where token counts come from and how the counts of server and client compare.
type TokenCounts struct {
	// Output and Input count the successes by the source of their token counts.
	Output map[record.Source]int `json:"output_source"`
	Input  map[record.Source]int `json:"input_source"`
	// Asked counts successes whose prompt was generated to have a given number of tokens, Differed those of them that
	// turned out to have another number.
	Asked    int `json:"prompt_lengths_asked"`
	Differed int `json:"prompt_lengths_differed"`
	// Prompt and Completion compare the server's counts with the counts of the client's tokenizer, over successes that
	// have both.
	Prompt     Counted `json:"prompt"`
	Completion Counted `json:"completion"`
	// Limit compares output tokens with the requested limit.
	Limit Limited `json:"output_asked"`
	// ZeroUsage counts successes for which the server reported no output tokens although there is content.
	ZeroUsage int `json:"zero_usage"`
	// Cached counts the prompt tokens that the server had in its cache.
	Cached CachedTokens `json:"cached"`
	// PerChunk is the number of tokens in a chunk: above 1 the gaps between chunks are not gaps between tokens.
	PerChunk *Distribution `json:"per_chunk"`
	// Gaps counts the gaps between tokens that say nothing about the server's pace.
	Gaps Gaps `json:"gaps"`
}

// Gaps counts gaps of 0. Chunks that arrive together are read at one instant, whenever the server made them, so a gap
// of 0 is an artefact: the gap before it covers them all.
type Gaps struct {
	Chunk         int64 `json:"chunk_gaps"`           // between content chunks
	ChunkTogether int64 `json:"chunk_gaps_in_a_read"` // chunk gaps between chunks that one read brought
	Token         int64 `json:"token_gaps"`           // the gaps that inter_token_latency sums up
	TokenTogether int64 `json:"token_gaps_of_zero"`   // token gaps between tokens of one chunk or one read
}

// Counted compares two counts of the same tokens.
type Counted struct {
	Compared int   `json:"requests_compared"`
	Differed int   `json:"requests_differed"`
	Server   int64 `json:"server_total"`
	Client   int64 `json:"client_total"`
}

// Limited compares the output with the requested number of tokens, over successes with a limit.
type Limited struct {
	Requests  int   `json:"requests"`
	Asked     int64 `json:"asked_total"`
	Delivered int64 `json:"delivered_total"`
	Short     int   `json:"requests_short"`
	Long      int   `json:"requests_long"`
	// ShortBy counts the answers that are too short by finish reason.
	ShortBy map[string]int `json:"short_finish_reasons"`
}

// CachedTokens sums up the successes for which the server reported how much of the prompt it had cached.
type CachedTokens struct {
	Requests int   `json:"requests_reporting"`
	Prompt   int64 `json:"prompt_tokens"`
	Cached   int64 `json:"cached_tokens"`
}

// OwnLatencies holds latencies by the definitions of this program: an undefined latency is missing rather than 0, and
// an answer of one token has a TTFT.
type OwnLatencies struct {
	TTFT         *Distribution `json:"ttft"`
	TTFTOneToken *Distribution `json:"ttft_one_token"`
	TTFTFromDue  *Distribution `json:"ttft_from_due"`
	TTFO         *Distribution `json:"ttfo"`
	TTFR         *Distribution `json:"ttfr"`
	TPOT         *Distribution `json:"tpot"`
	NTPOT        *Distribution `json:"ntpot"`
	ITLMean      *Distribution `json:"itl_mean"`
	ChunkGap     *Distribution `json:"chunk_gap"`
	FromDue      *Distribution `json:"request_latency_from_due"`
	Connect      *Distribution `json:"connect"`
}

func newAdditions(r *run.Run, g *subset) *Additions {
	a := &Additions{
		Versions: map[string]string{},
		RunID:    r.ID(), Origin: r.Origin, Simulator: r.Simulated(), Partial: r.Partial, Sweep: g.opts.Sweep,
		Schedule: r.Schedule,
		Requests: countRequests(g), Tokens: countTokens(g), Latency: g.ownLatencies(), Inputs: allInputs(g),
		Media: newMedia(g), Abandoned: newAbandoned(g), Answers: newAnswers(g), Finish: map[string]int{},
	}
	a.WarmUp = newWarmUps(r)
	a.Meaning = a.meaning()
	if a.Abandoned != nil {
		a.define("abandoned", abandonedDefinition)
	}
	if len(r.Runs) > 0 && r.Runs[0].Versions != nil {
		a.Versions = r.Runs[0].Versions
	}
	if c := r.Cut; c.Requests > 0 || c.LateRequests > 0 || c.Steady != nil {
		a.Window = &Window{Warmup: Float(c.Warmup), Cooldown: Float(c.Cooldown), Stages: c.Stages, Adapters: c.Adapters,
			Left: c.Requests, Late: c.LateRequests, Steady: c.Steady != nil}
		if c.StageWarmup > 0 {
			a.Window.Stage = new(Float(c.StageWarmup))
		}
	}
	for _, q := range g.texts {
		a.Finish[q.FinishReason]++
	}
	a.Requests.Dropped, a.Requests.SentRate = g.dropped(), g.sentRate()
	if a.Adjusted = newAdjusted(g, a.Requests); a.Adjusted != nil {
		a.define("adjusted", adjustedDefinition)
	}
	objectives := judge{g}.objectives()
	a.SLO, a.SLOKept = judge{g}.judgements(objectives), judge{g}.keptTogether(objectives)
	if a.SLOKept != nil {
		a.define("slo_kept", sloKeptDefinition)
	}
	a.Cost, a.Energy = newCost(g), newEnergy(g)
	a.Health = g.health()
	a.Warnings, a.Notes = g.warnings(a), notes(a)
	return a
}

func countRequests(g *subset) RequestCounts {
	c := RequestCounts{Sent: len(g.sent), Succeeded: len(g.ok), Failed: len(g.failed)}
	for _, q := range g.failed {
		if q.ErrorType == record.ErrorCanceled {
			c.Canceled++
		}
	}
	for _, q := range g.ok {
		if q.CompletionTokens == 1 && q.OutputSource != record.NoSource {
			c.OneToken++
		}
		if !lacksContent(g, q) {
			continue
		}
		c.NoContent++
		switch {
		case q.HasToolCalls:
			c.ToolCallsOnly++
		case q.HasReasoning:
			c.ReasoningOnly++
		}
	}
	return c
}

// lacksContent reports whether a streamed answer brought no content. It returns false where this is unknown: for an
// answer that came whole, and for a run of another tool whose answer shows neither reasoning nor tool calls.
func lacksContent(g *subset, q *run.Request) bool {
	return q.Streaming && !q.Textless && q.ChunkCount == 0 && !hasNote(q, record.NoteWhole) &&
		(q.HasReasoning || q.HasToolCalls || g.run.Origin == "")
}

// dropped counts the arrivals of the group's stages that were never sent.
func (g *subset) dropped() (n int64) {
	stages := map[int]bool{-1: true}
	for _, q := range g.sent {
		stages[int(q.Stage)] = true
	}
	whole := len(g.sent) == len(g.run.Requests)+len(g.run.Abandoned)
	for _, d := range g.run.Dropped {
		if whole || stages[d.Stage] {
			n += d.Count
		}
	}
	return n
}

func countTokens(g *subset) TokenCounts {
	t := TokenCounts{Output: map[record.Source]int{}, Input: map[record.Source]int{},
		Limit: Limited{ShortBy: map[string]int{}}}
	for _, q := range g.ok {
		if !q.Textless {
			t.Output[q.OutputSource]++
		}
		t.Input[q.InputSource]++
		d := q.Details()
		if d.PromptAsked > 0 && q.InputSource != record.NoSource {
			t.Asked++
			if q.PromptTokens != d.PromptAsked {
				t.Differed++
			}
		}
		if !d.PromptRaw {
			t.Prompt.count(q.ServerPrompt, d.ClientPrompt)
		}
		t.Completion.count(q.ServerCompletion, d.ClientCompletion)
		t.Limit.count(q)
		if hasZeroUsage(q) {
			t.ZeroUsage++
		}
		if q.ServerCached != none {
			t.Cached.Requests++
			t.Cached.Prompt += int64(q.PromptTokens)
			t.Cached.Cached += int64(q.ServerCached)
		}
	}
	t.PerChunk = g.sum(g.ok, tokensPerChunk)
	t.Gaps = Gaps{Chunk: int64(g.chunkGaps.Len()), ChunkTogether: g.chunkGaps.Zeros(), Token: int64(g.tokenGaps.Len()),
		TokenTogether: g.tokenGaps.Zeros()}
	return t
}

func (c *Counted) count(server, client int32) {
	if server == none || client == none {
		return
	}
	c.Compared++
	c.Server += int64(server)
	c.Client += int64(client)
	if server != client {
		c.Differed++
	}
}

func (l *Limited) count(q *run.Request) {
	if q.MaxTokens == 0 || q.OutputSource == record.NoSource || q.OutputSource == record.ContentChunks {
		return
	}
	n := orElse(q.ServerCompletion, q.CompletionTokens) // the server's limit is on its own tokens
	switch {
	case !hasZeroUsage(q):
	case q.OutputSource == record.ServerUsage:
		return // a usage of zero is no count
	default:
		n = q.CompletionTokens
	}
	l.Requests++
	l.Asked += int64(q.MaxTokens)
	l.Delivered += int64(n)
	switch {
	case n < q.MaxTokens:
		l.Short++
		l.ShortBy[q.FinishReason]++
	case n > q.MaxTokens:
		l.Long++
	}
}

// tokensPerChunk returns the tokens per content chunk. It is unknown if each chunk was counted as a token, and if the
// count includes more than the content. The token that ends an answer is in the server's count and in no chunk.
func tokensPerChunk(_ *subset, q *run.Request) float64 {
	mixed := q.OutputSource != record.ClientTokenizer && (!math.IsNaN(q.TTFR()) || q.TTFO() != q.TTFT)
	if q.ChunkCount == 0 || q.OutputSource == record.ContentChunks || q.OutputSource == record.NoSource || mixed {
		return unknown
	}
	n := q.CompletionTokens
	if q.OutputSource == record.ServerUsage && n == q.ChunkCount+1 &&
		slices.Contains(stopReasons, strings.ToLower(q.FinishReason)) {
		n--
	}
	return float64(n) / float64(q.ChunkCount)
}

func (g *subset) ownLatencies() OwnLatencies {
	summarize := func(f func(q *run.Request) float64) *Distribution {
		d := certainSum(g, g.ok, func(_ *subset, q *run.Request) float64 {
			if q.LeftOut {
				return unknown
			}
			return f(q)
		})
		if d != nil {
			d.tells = true
		}
		return d
	}
	_, chunkGap := gapDistributions(g)
	if chunkGap != nil && chunkGap != g.sumOfTokenGaps {
		chunkGap.tells = true
	}
	return OwnLatencies{
		TTFT: summarize(func(q *run.Request) float64 { return q.TTFT }),
		TTFTOneToken: summarize(func(q *run.Request) float64 {
			if q.CompletionTokens != 1 {
				return unknown
			}
			return q.TTFT
		}),
		TTFTFromDue: summarize(func(q *run.Request) float64 { return ttftFromDue(g, q) }),
		TTFO:        summarize(func(q *run.Request) float64 { return q.TTFO() }),
		TTFR:        summarize(func(q *run.Request) float64 { return q.TTFR() }),
		TPOT:        summarize(func(q *run.Request) float64 { return q.TPOT }),
		NTPOT:       summarize(func(q *run.Request) float64 { return q.NTPOT() }),
		ITLMean:     summarize(func(q *run.Request) float64 { return q.MeanITL() }),
		ChunkGap:    chunkGap,
		FromDue:     summarize(func(q *run.Request) float64 { return latencyFromDue(g, q) }),
		Connect: summarize(func(q *run.Request) float64 {
			connected := q.Details().Connected
			if connected == 0 {
				return unknown
			}
			return g.run.Seconds(connected - q.Start)
		}),
	}
}

func ttftFromDue(g *subset, q *run.Request) float64 { return g.sinceDue(q, q.Start) + q.TTFT }

func latencyFromDue(g *subset, q *run.Request) float64 {
	if q.EndUnknown {
		return unknown
	}
	return g.sinceDue(q, q.End)
}

// definitions describes each figure: its formula, its clock points, and where tokens come from.
var definitions = map[string]string{
	"start": "immediately before the request goes to the HTTP transport; making a " +
		"connection comes after",
	"end": "arrival of [DONE], or the end of the body where there is none",
	"chunk": "arrival of an event with non-empty content: the read that brought its end, " +
		"before it is parsed; reasoning and tool calls are not content",
	"tokens": "output: the client's tokenizer, else the server's usage, else chunks of " +
		"any kind, and of answers with reasoning or tool calls the server's usage first; input: the server's usage, " +
		"else the client's tokenizer",
	"tokens.prompt_lengths": "prompts of generated data sets: asked, how many were made to have a number " +
		"of tokens; differed, how many have another by the input count above",
	"request_latency":                  "end - start, successes",
	"normalized_time_per_output_token": "(end - start) / output tokens; 0 without tokens, as inference-perf has it",
	"time_per_output_token": "(last token time - first) / (output tokens - 1); needs two token times and " +
		"two tokens",
	"time_to_first_token": "first token time - start; needs two token times, as inference-perf has it",
	"inter_token_latency": "gaps between consecutive token times, pooled over requests; token times " +
		"are chunk times, repeated once per token where a tokenizer counts them",
	"schedule_delay": "start - due; due recorded (exact), or fitted to the executor's schedule, " +
		"see schedule",
	"throughput": "of successes, over the time from the first start to the last end of all " +
		"requests (with warm-ups or --stage, what of it lies within a stage's first start to last end); of imported " +
		"results without start times over the duration that the file states",
	"requests.no_content": "streamed successes without a content chunk, which have no TTFT: " +
		"reasoning_only, tool_calls_only (with reasoning or without), or nothing at all",
	"requests.sent_rate": "(requests - 1) / (last start - first start), as n arrivals lie n - 1 " +
		"intervals apart; of a whole stage whose rate changes, requests / its duration, as requested_rate is the mean",
	"slo": "what became of each objective: a failed request and a dropped arrival are over every bound, one that " +
		"the end of the run cut off does not count, an answer of one token has a TTFT and no ITL or TPOT; itl is the " +
		"mean gap of a request; value is the latency that decides (of all requests in order, the one at the share), " +
		"or a share; goodput_metrics follow inference-perf instead",
	"slo_answers": "up to which load the SLO is kept, for each SLO",
	"gates":       "as slo, over the whole run",
	"search": "the highest load that keeps the SLO and the lowest that breaks it: shares of requests, those of the " +
		"transient of each probe left out; latencies count from the due instant on; bounds and interval hold " +
		"together at the confidence",
	"load": "asked_rate and at_a_time as the stage asks (a ramp: its mean; a closed loop asks no rate); done_rate: " +
		"successes per second, of a rate (successes - 1) / (last end - first end), of a closed loop over the time " +
		"from the first start to the last end",
	"latency.ttft":           "first chunk - start, from one chunk on",
	"latency.ttft_one_token": "the same, of answers of one token, which time_to_first_token leaves out",
	"latency.ttft_from_due":  "first chunk - due",
	"latency.ttfo":           "first output of any kind (content, reasoning, tool call) - start",
	"latency.ttfr":           "first reasoning - start",
	"latency.tpot": "(last chunk - first) / (output tokens - 1); undefined below two tokens or " +
		"two chunks; spans reasoning and tool calls where their tokens are counted",
	"latency.ntpot":    "(end - start) / output tokens; undefined without tokens",
	"latency.itl_mean": "mean gap between token times of each request",
	"latency.chunk_gap": "gaps between consecutive content chunks, pooled over requests, however " +
		"many tokens they hold",
	"latency.request_latency_from_due": "end - due: what a user waits who comes when the load says",
	"latency.connect":                  "connection at hand - start; about 0 where one is kept alive",
	"tokens.per_chunk": "output tokens / content chunks of each request; above 1, chunk gaps are " +
		"not token gaps",
	"tokens.prompt": "successes whose prompt both the server (usage) and the client's tokenizer " +
		"counted",
	"tokens.completion": "successes whose answer both counted",
	"tokens.output_asked": "successes with a limit of output tokens, and a count of them: the " +
		"server's, else the tokenizer's; the short ones by finish reason",
	"tokens.zero_usage": "successes with content whose usage reports no output tokens",
	"tokens.cached":     "successes whose usage tells prompt_tokens_details.cached_tokens",
	"inputs": "of embeddings and rerank, by API: successes, and over the same time as throughput their rate, that of " +
		"their inputs (texts or documents) and of their input tokens; latencies also by batch, the inputs of a " +
		"request; bytes_received of the answers' bodies; such requests have a latency and no figure of output tokens",
	"client_health": "whether the load generator itself kept up: " + strings.Join(healthRules, "; "),
	"server": "of the server's own page, as the client read it: running, waiting, " +
		"kv_cache_usage over the samples within the time from the first start to the last end; counts as the " +
		"difference between the last sample before that time and the first after it, against requests that ended " +
		"between those two; time_to_first_token_mean is to the first output of any kind, as an engine counts it",
	"tokens.gaps": "gaps between chunks and between tokens, and how many of them are 0 because " +
		"one read, or one chunk, brought both: artefacts, which the gap before them makes up for",
	"steady": "seconds since the run's first request, before anything but the steady parts was left out; a request " +
		"belongs to the part in which it was sent; rates count what ended within it, whenever it was sent",
	"time_series": "per interval from the first start: due, sent, ended and failed requests, " +
		"requests in flight at its end, content chunks that arrived, TTFT (p50, p99) of the requests sent in it, " +
		"mean gap of the chunks that arrived in it",
}
