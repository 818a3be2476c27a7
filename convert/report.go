// Package convert makes a report of a run and writes it to files. The report is inference-perf's lifecycle report, key
// for key and formula for formula; figures that inference-perf does not have stand under one key of their own, xk6_llm.
// Package run reads the run.
//
// A run is held in memory: some 220 bytes a request, and 2 a chunk. A report costs a sort of each figure, n log n
// in requests, and is linear in chunks.
package convert

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Lifecycle is inference-perf's lifecycle report on a group of requests: the run, a stage or an adapter. Times are
// seconds.
type Lifecycle struct {
	BenchmarkTime Maybe       `json:"benchmark_time_seconds"`
	Load          LoadSummary `json:"load_summary"`
	Successes     Successes   `json:"successes"`
	Failures      Failures    `json:"failures"`
	Retries       *Retries    `json:"retries,omitempty"`
	Additions     *Additions  `json:"xk6_llm"`
}

// LoadSummary describes the load that was sent. Only reports on stages have the last four fields.
type LoadSummary struct {
	Count         int           `json:"count"`
	ScheduleDelay *Distribution `json:"schedule_delay"`
	SendDuration  *Maybe        `json:"send_duration,omitempty"`
	RequestedRate *Maybe        `json:"requested_rate,omitempty"`
	AchievedRate  *Maybe        `json:"achieved_rate,omitempty"`
	Concurrency   *int64        `json:"concurrency,omitempty"`
}

// Successes sums up the requests that succeeded.
type Successes struct {
	Count                int            `json:"count"`
	Latency              Latencies      `json:"latency"`
	Throughput           Throughput     `json:"throughput"`
	RequestSize          *Distribution  `json:"request_size_bytes"`
	Image                imageBlock     `json:"image"`
	Video                videoBlock     `json:"video"`
	Audio                audioBlock     `json:"audio"`
	PromptTokens         PromptTokens   `json:"prompt_tokens"`
	PromptLen            *Distribution  `json:"prompt_len"` // the older name of prompt_tokens
	OutputLen            *Distribution  `json:"output_len"`
	OutputTokens         OutputTokens   `json:"output_tokens"`
	TokenCountMismatches int            `json:"token_count_mismatches"`
	ClientFallback       ClientFallback `json:"client_fallback_requests"`
	Goodput              *Goodput       `json:"goodput_metrics,omitempty"`
}

// Latencies follow inference-perf's formulas and its rules for missing values.
type Latencies struct {
	Request *Distribution `json:"request_latency"`
	NTPOT   *Distribution `json:"normalized_time_per_output_token"`
	TPOT    *Distribution `json:"time_per_output_token"`
	TTFT    *Distribution `json:"time_to_first_token"`
	ITL     *Distribution `json:"inter_token_latency"`
}

// Throughput is the rate of the successes over the time of all requests.
type Throughput struct {
	InputTokens  Maybe `json:"input_tokens_per_sec"`
	OutputTokens Maybe `json:"output_tokens_per_sec"`
	TotalTokens  Maybe `json:"total_tokens_per_sec"`
	Requests     Maybe `json:"requests_per_sec"`
	Images       Float `json:"images_per_sec"`
	Videos       Float `json:"videos_per_sec"`
	Audios       Float `json:"audios_per_sec"`
}

// PromptTokens holds the totals of prompt tokens and their distribution over the requests.
type PromptTokens struct {
	Total, Cached, Uncached Float
	PerRequest              *Distribution
}

// MarshalJSON writes the totals and the members of the distribution into one object.
func (p PromptTokens) MarshalJSON() ([]byte, error) {
	return flatJSON(p.PerRequest, "total", p.Total, "cached", p.Cached, "uncached", p.Uncached)
}

// OutputTokens holds the total of output tokens and their distribution over the requests.
type OutputTokens struct {
	Total      Float
	PerRequest *Distribution
}

// MarshalJSON writes the total and the members of the distribution into one object.
func (o OutputTokens) MarshalJSON() ([]byte, error) { return flatJSON(o.PerRequest, "total", o.Total) }

// ClientFallback counts the successes whose usage lacks a count, so that the client's count takes its place.
type ClientFallback struct {
	Prompt int `json:"prompt"`
	Output int `json:"output"`
}

// Failures sums up the requests that failed.
type Failures struct {
	Count        int           `json:"count"`
	Latency      *Distribution `json:"request_latency"`
	PromptTokens PromptTokens  `json:"prompt_tokens"`
	PromptLen    *Distribution `json:"prompt_len"`
	ByLabel      labelCounts   `json:"by_label"`
}

// Retries sums up the requests that were sent more than once. Their latencies count from the first attempt.
type Retries struct {
	Requests  int `json:"requests_retried"`
	Attempts  int `json:"attempts"` // beyond the first ones
	Recovered int `json:"recovered"`
	Failed    int `json:"failed_after_retry"`
	// until the attempt that was answered began, or until the failure
	WastedTotal Float         `json:"wasted_sec_total"`
	Wasted      *Distribution `json:"wasted_sec"`
}

// Options configures a report. The zero value makes inference-perf's default report.
type Options struct {
	Percentiles  []float64                // nil means inference-perf's, from 0.1 to 99.9
	SLO          record.Bounds            // replaces the requests' own bounds unless it is zero; see SetSLO
	labelSLO     map[string]record.Bounds // does so for requests with these labels
	ServerTokens bool                     // divide by the server's count of output tokens if it reported one
	MaxMessages  int                      // distinct messages listed per failure label; 0 means DefaultMaxMessages
	// Objectives are the SLO, by which each stage is judged. Without any, SLO is, or else the requests' own bounds are:
	// 99 % of the requests are to keep them.
	Objectives []slo.Objective
	Gates      []slo.Objective // what must hold over the whole run
	// Config is the configuration of the run; nil means that it had none.
	Config *config.Config
	// CacheTokens is the size of the server's prefix cache, in tokens, for the reuse to expect of it; 0 is not known.
	CacheTokens int64
	// By are the keys by which requests form groups with reports of their own; nil means [run.UsualKeys].
	By []run.Key
	// Price is what the deployment costs; the zero value makes no figures of cost.
	Price price.Shared
	// Sweep describes how the rates of the stages were found; nil means that they were requested.
	Sweep *Sweep
	// Recipe is the command that the report is made by, for its passport; nil without one.
	Recipe *Recipe
	// Steady is which part of the run was kept by KeepSteady; nil finds what could be.
	Steady *Steady
}

// Sweep describes how a sweep found the rates of its stages.
type Sweep struct {
	Method     string    `json:"method"`
	Saturation float64   `json:"saturation_rate"` // requests per second
	Rates      []float64 `json:"stage_rates"`
	// requests that were sent to find the saturation; they are in no figure
	Requests int `json:"probe_requests"`
}

// DefaultMaxMessages is inference-perf's default of max_error_messages.
const DefaultMaxMessages = 100

func (o Options) withDefaults() Options {
	if o.Percentiles == nil {
		o.Percentiles = stats.DefaultPercentiles()
	}
	if o.MaxMessages == 0 {
		o.MaxMessages = DefaultMaxMessages
	}
	return o
}

// Report holds the reports on a run and on its parts.
type Report struct {
	Summary       *Lifecycle
	Stages        map[int]*Lifecycle
	Adapters      map[string]*Lifecycle
	AdapterStages map[string]map[int]*Lifecycle
	// Scenarios has the reports on the scenarios if requests are of more than one. They have no files.
	Scenarios map[string]*Lifecycle
	// APIs has the reports on the APIs if requests are of more than one. They have no files.
	APIs     map[string]*Lifecycle
	Groups   Groups
	Partials map[int]*benchreport.Report // by stage; empty for imported runs, which have no wall clock
	// Sessions is the report on all sessions of a replay, and SessionStages has those on each stage with sessions. Nil
	// without sessions.
	Sessions      *SessionLifecycle
	SessionStages map[int]*SessionLifecycle
	// Faults lists the errors that the check of the written files found.
	Faults []string
	// Remarks lists what a reader of the written files should know.
	Remarks []string

	run       *run.Run
	opts      Options
	tokenGaps *stats.Tally
	known     map[*run.Request]knownBlocks // of calls with blocks; nil without sessions
}

// NewReport returns the report on the run, and on each stage and each adapter that has requests.
func NewReport(r *run.Run, o Options) *Report {
	p := &Report{
		Stages: map[int]*Lifecycle{}, Adapters: map[string]*Lifecycle{},
		AdapterStages: map[string]map[int]*Lifecycle{}, Scenarios: map[string]*Lifecycle{},
		APIs:     map[string]*Lifecycle{},
		Partials: map[int]*benchreport.Report{}, run: r, opts: o,
	}
	whole, series := newGaps(r), newSeriesMaker(r)
	for stage, requests := range run.ByStage(r, run.Sent(r)) {
		g := newSubset(r, requests, o, series)
		whole.merge(g.gaps)
		p.Stages[stage] = g.stageReport(stage)
		p.Stages[stage].Additions.addServer(serverState(g))
		if r.Origin == "" && len(g.all) > 0 {
			p.Partials[stage] = partialReport(g, stage)
		}
	}
	all := divide(r, run.Sent(r), o)
	all.chunkGaps, all.tokenGaps = whole.settle()
	p.Summary, p.tokenGaps = all.summary(series), all.tokenGaps
	p.addScenarios()
	p.addAPIs()
	p.addAdapters()
	addGroups(p)
	p.known = expectedReuse(r, o.CacheTokens)
	p.Sessions, p.SessionStages = newSessionReports(r, o, p.known)
	p.Summary.Additions.Gates = gatesOf(judge{all}, givenAll(o.Gates))
	p.Summary.Additions.setSearches(r)
	p.Summary.Additions.SLOAnswers = p.sloAnswers()
	if o.Steady == nil {
		o.Steady, _ = findSteady(r)
	}
	addSteady(p, o.Steady)
	p.Summary.Additions.Passport = newPassport(p)
	return p
}

// addScenarios adds the reports on the scenarios if there are several.
func (p *Report) addScenarios() {
	groups := map[string][]*run.Request{}
	for _, q := range run.Sent(p.run) {
		name := run.LoadName(q.Scenario)
		groups[name] = append(groups[name], q)
	}
	if len(groups) < 2 || len(groups) > mostScenarios {
		return
	}
	for name, requests := range groups {
		p.Scenarios[name] = newSubset(p.run, requests, p.opts, nil).lifecycle()
	}
}

// mostScenarios is how many scenarios have a report of their own.
const mostScenarios = 100

// addAdapters adds the reports on each adapter that has requests.
func (p *Report) addAdapters() {
	r, o := p.run, p.opts
	adapters := requestsByAdapter(r)
	p.warnOfAdapters(adapters)
	for adapter, requests := range adapters {
		p.Adapters[adapter] = partOf(r, requests, o).lifecycle()
		p.AdapterStages[adapter] = map[int]*Lifecycle{}
		for stage, requests := range run.ByStage(r, requests) {
			l := partOf(r, requests, o).stageReport(stage)
			l.Load.Concurrency = nil // it applies to the whole stage
			p.AdapterStages[adapter][stage] = l
		}
	}
}

// Summarize returns the report on the whole run alone.
func Summarize(r *run.Run, o Options) *Lifecycle {
	s := newSeriesMaker(r)
	return newSubset(r, run.Sent(r), o, s).summary(s)
}

// summary returns the report on all requests of a run.
func (g *subset) summary(s *seriesMaker) *Lifecycle {
	l := g.lifecycle()
	l.Additions.Series = s.series()
	l.Additions.addTimeline(g, s)
	l.Additions.addServer(serverState(g))
	if a := l.Additions.Abandoned; a != nil {
		a.Audit = auditLeaving(g)
	}
	return l
}

// stageReport returns the report on a group within one stage.
func (g *subset) stageReport(stage int) *Lifecycle {
	l := g.lifecycle()
	l.Load.stage(g, g.run.StagePlan()[stage])
	l.Additions.Load = loadOf(g, stage)
	return l
}

// mostAdapters is how many adapters have a report of their own. The limit exists because each has files of its own.
const mostAdapters = 1000

// requestsByAdapter returns the requests of each adapter. If there are more than mostAdapters, it keeps the adapters
// with the most requests.
func requestsByAdapter(r *run.Run) map[string][]*run.Request {
	groups := map[string][]*run.Request{}
	for _, q := range run.Sent(r) {
		if q.Adapter != "" {
			groups[q.Adapter] = append(groups[q.Adapter], q)
		}
	}
	kept := map[string][]*run.Request{}
	for _, name := range mostRequests(groups, mostAdapters) {
		kept[name] = groups[name]
	}
	return kept
}

// sortedKeys returns the keys of a map in order, such as the numbers of the stages that have requests.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// stage sets the fields that only the report on a stage has.
func (l *LoadSummary) stage(g *subset, asked record.Stage) {
	send := g.run.Seconds(g.sendSpan())
	achieved := 0.0
	switch {
	case g.run.Untimed:
		send, achieved = unknown, unknown
	case send > 0:
		achieved = float64(len(g.all)) / send // inference-perf's formula, which is high by one request; see sent_rate
	}
	l.SendDuration, l.AchievedRate = new(Maybe(send)), new(Maybe(achieved))
	switch {
	case replays(g) && asked.Rate == nil:
		l.RequestedRate = new(Maybe(0)) // as in inference-perf, whose rate is that of sessions
	case asked.Rate != nil:
		l.RequestedRate = new(Maybe(asked.MeanRate()))
	case asked.Requests != nil: // as in inference-perf, which requests all within a second
		l.RequestedRate = new(Maybe(float64(*asked.Requests)))
	default:
		l.RequestedRate = l.AchievedRate
	}
	l.Concurrency = asked.Concurrency
}

// lifecycle returns the report on the group.
func (g *subset) lifecycle() *Lifecycle {
	l := &Lifecycle{
		BenchmarkTime: Maybe(g.time),
		Load:          LoadSummary{Count: len(g.all), ScheduleDelay: g.sum(g.all, scheduleDelay)},
		Successes:     g.successesPart(),
		Failures:      g.failuresPart(),
		Retries:       g.retries(),
		Additions:     newAdditions(g.run, g),
	}
	l.Additions.Certainty = certaintyOfUsual(l.Successes.Latency)
	return l
}
