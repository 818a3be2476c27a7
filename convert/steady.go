package convert

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/steady"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Steady tells which part of a run is steady: in which load and latency change by chance alone. Times are seconds since
// the run's first request, before a steady part was cut out of it.
type Steady struct {
	Applied bool   `json:"applied"` // the figures are of the steady parts alone
	Method  string `json:"method"`
	// Begin is when the figures begin: the first request of the report.
	Begin  Float         `json:"begin_seconds"`
	Stages []SteadyStage `json:"stages"`
}

// SteadyStage tells of one stage.
type SteadyStage struct {
	Stage    int    `json:"stage"`
	Found    bool   `json:"found"`
	From     *Float `json:"from_seconds"` // nil: no part is steady
	To       *Float `json:"to_seconds"`
	Requests int    `json:"requests"` // sent in the steady part
	Of       int    `json:"requests_of_stage"`
	// BegunBefore counts requests that were in flight when the part began, Unended those that were when it ended.
	BegunBefore int `json:"begun_before"`
	Unended     int `json:"ended_after"`
	// What ended within the part, whenever it began, per second of it.
	Rate         *Float      `json:"ended_per_second"`
	OutputTokens *Float      `json:"output_tokens_per_second"`
	Reason       string      `json:"reason,omitempty"` // why nothing was found
	Changes      bool        `json:"changes"`          // no part is steady, although there was enough to tell
	Cut          []SteadyCut `json:"cut"`              // in order of time
}

// SteadyCut is a part of a stage that is not of the steady one.
type SteadyCut struct {
	From   Float  `json:"from_seconds"`
	To     Float  `json:"to_seconds"`
	Reason string `json:"reason"`
}

// steadyMethod says how the steady part is found.
const steadyMethod = "the longest stretch of 16 to 64 blocks of equal time, a fifth of the stage at least, in " +
	"which of requests sent and in flight (mean), ended (number), TTFT and request latency (median) and failures " +
	"(share) no window has another level and none has a trend, beyond what the dependence between blocks explains, " +
	"and none goes one way step by step; see docs/statistics.md"

// loadEnded is the reason of what follows the last request sent. It cuts no request.
const loadEnded = "the load had ended"

// findSteady finds the steady part of each stage, and the spans of those that have one. It returns nil for a run whose
// requests have no start times, and for a search, each probe of which leaves its transient out.
func findSteady(r *run.Run) (*Steady, map[int]run.Span) {
	if r.Cut.Steady != nil { // of a report's requests, which are the steady ones
		var s Steady
		if err := json.Unmarshal(r.Cut.Steady, &s); err == nil && s.Applied {
			return &s, nil
		}
	}
	sent := run.Sent(r)
	if len(sent) == 0 || r.Untimed || len(r.Searches) > 0 {
		return nil, nil
	}
	f := newSteadyFinder(r, sent)
	for _, q := range sent {
		f.add(q)
	}
	s := &Steady{Method: steadyMethod, Stages: []SteadyStage{}}
	for _, stage := range sortedKeys(f.stages) {
		s.Stages = append(s.Stages, f.find(stage))
	}
	f.count(sent, s.Stages)
	return s, f.steady
}

// KeepSteady leaves out of the run what is not of the steady part of its stage, and returns what it found, for
// [Options]. A stage without a steady part stays whole. It returns nil, and leaves the run as it is, if the run's
// requests have no start times, and for a search, each probe of which leaves its transient out.
func KeepSteady(r *run.Run) *Steady {
	s, spans := findSteady(r)
	if s == nil || s.Applied {
		return s
	}
	zero := run.FirstStart(r)
	s.Applied = true
	if len(spans) > 0 {
		run.Keep(r, spans, "those outside the steady parts")
	}
	first := run.FirstStart(r)
	s.Begin = Float(r.Seconds(first - zero))
	if len(spans) > 0 { // what happened before or after is not of what the figures are of
		last := first
		for i := range r.Requests {
			last = max(last, r.Requests[i].End)
		}
		r.Marks = slices.DeleteFunc(r.Marks, func(m run.Mark) bool { return m.At < first || m.At > last })
	}
	r.Cut.Steady, _ = json.Marshal(s) // it holds finite numbers and texts alone
	return s
}

// steadyFinder collects the requests of the stages.
type steadyFinder struct {
	run    *run.Run
	zero   int64
	spans  map[int]*stageSpan
	steady map[int]run.Span // what was found
	stages map[int]*steady.Stage
	flight *steady.Flight

	latest int // the stage of the last request, and what is known of it
	of     *steady.Stage
}

// stageSpan is when the first and the last request of a stage were sent, when the last one ended, and their number.
type stageSpan struct {
	first, last, end int64
	requests         int
}

func newSteadyFinder(r *run.Run, sent []*run.Request) *steadyFinder {
	f := &steadyFinder{run: r, zero: sent[0].Start, spans: map[int]*stageSpan{}, steady: map[int]run.Span{},
		stages: map[int]*steady.Stage{}}
	var span *stageSpan
	of := math.MinInt
	for _, q := range sent { // in order of start
		if span == nil || of != int(q.Stage) {
			of = int(q.Stage)
			if span = f.spans[of]; span == nil {
				span = &stageSpan{first: q.Start}
				f.spans[of] = span
			}
		}
		span.last, span.end, span.requests = q.Start, max(span.end, q.End), span.requests+1
	}
	plan := r.StagePlan()
	var edges []float64
	for stage, span := range f.spans {
		s := steady.NewStage(f.seconds(span.first), f.seconds(span.last), span.requests,
			plan[stage].Concurrency != nil)
		f.stages[stage] = s
		edges = append(edges, s.Edges()...)
	}
	f.flight = steady.NewFlight(edges)
	return f
}

// seconds returns the time of an instant since the first request.
func (f *steadyFinder) seconds(instant int64) float64 { return f.run.Seconds(instant - f.zero) }

func (f *steadyFinder) add(q *run.Request) {
	if f.of == nil || f.latest != int(q.Stage) {
		f.latest, f.of = int(q.Stage), f.stages[int(q.Stage)]
	}
	start, end := f.seconds(q.Start), f.seconds(q.End)
	f.flight.Add(start, end)
	ttft, latency := q.TTFT, end-start
	if q.EndUnknown || q.Abandoned() {
		latency = unknown
	}
	f.of.Add(start, ttft, latency, q.Failed() && !q.Abandoned())
}

// find returns the steady part of a stage.
func (f *steadyFinder) find(number int) SteadyStage {
	s, span, plan := f.stages[number], f.spans[number], f.run.StagePlan()[number]
	out := SteadyStage{Stage: number, Of: span.requests, Cut: []SteadyCut{}}
	lasts, typical := f.run.Seconds(span.last-span.first), s.Typical()
	switch {
	case plan.From != nil && plan.Rate != nil && *plan.From != *plan.Rate:
		out.Reason = fmt.Sprintf("its rate is a ramp from %s to %s requests per second", wholeSeconds(*plan.From),
			wholeSeconds(*plan.Rate))
		return out
	case span.requests < steady.LeastRequests:
		out.Reason = fmt.Sprintf("it has %s: it takes %d to tell", plural(span.requests, "request"),
			steady.LeastRequests)
		return out
	case lasts <= 0 || lasts < steady.LeastLatencies*typical:
		out.Reason = fmt.Sprintf("requests are sent for %s s and take %s s: it takes %s s to tell", Digits(lasts),
			Digits(typical), Digits(steady.LeastLatencies*typical))
		return out
	}
	series, silences := s.Series(f.flight), s.Silences()
	found := steady.Find(series, silences)
	if !found.Found {
		out.Changes, out.Reason = true, whyUnsteady(series, found, s.Width, lasts)
		return out
	}
	from, to := s.At(found.From), s.At(found.To)
	blocks := len(s.Edges()) - 1
	out.Found, out.From, out.To = true, new(Float(from)), new(Float(to))
	kept := run.Span{From: f.instant(from), To: f.instant(to)}
	if found.From == 0 {
		kept.From = span.first
	} else {
		out.Cut = append(out.Cut, SteadyCut{Float(s.From), Float(from),
			whyCut(series, silences, steady.Stretch{From: 0, To: found.From}, found.Stretch, s)})
	}
	if found.To == blocks {
		kept.To = span.last + 1
	} else {
		out.Cut = append(out.Cut, SteadyCut{Float(to), Float(f.seconds(span.last)),
			whyCut(series, silences, steady.Stretch{From: found.To, To: blocks}, found.Stretch, s)})
	}
	if end := f.seconds(span.end); end > f.seconds(span.last) {
		out.Cut = append(out.Cut, SteadyCut{Float(f.seconds(span.last)), Float(end), loadEnded})
	}
	f.steady[number] = kept
	return out
}

func (f *steadyFinder) instant(seconds float64) int64 {
	return f.zero + int64(seconds*f.run.Clock.Instant)
}

// count counts the requests that begin in the steady parts, and what ended in them.
func (f *steadyFinder) count(sent []*run.Request, stages []SteadyStage) {
	byNumber := map[int]*SteadyStage{}
	tokens := make([]float64, len(stages))
	ended := make([]float64, len(stages))
	index := map[int]int{}
	for i := range stages {
		byNumber[stages[i].Stage], index[stages[i].Stage] = &stages[i], i
	}
	var s *SteadyStage
	at := 0
	for _, q := range sent {
		if s == nil || s.Stage != int(q.Stage) {
			s, at = byNumber[int(q.Stage)], index[int(q.Stage)]
		}
		if !s.Found {
			continue
		}
		span := f.steady[s.Stage]
		switch {
		case q.Start >= span.From && q.Start < span.To:
			s.Requests++
			s.Unended += count(q.End >= span.To)
		case q.Start < span.From:
			s.BegunBefore += count(q.End >= span.From)
		}
		if !q.Failed() && q.End >= span.From && q.End < span.To {
			ended[at]++
			tokens[at] += float64(q.CompletionTokens)
		}
	}
	for i := range stages {
		s, span := &stages[i], f.steady[stages[i].Stage]
		if lasts := f.run.Seconds(span.To - span.From); s.Found && lasts > 0 && hasTimes(f.run, sent) {
			s.Rate, s.OutputTokens = new(Float(ended[i]/lasts)), new(Float(tokens[i]/lasts))
			if !f.run.CountsCompletions {
				s.OutputTokens = nil
			}
		}
	}
}

// mostSteadyLines is how many stages are told of.
const mostSteadyLines = 5

// addSteady adds what is steady to the report, and a warning for each stage whose figures are of no steady state.
func addSteady(p *Report, s *Steady) {
	if s == nil {
		return
	}
	p.Summary.Additions.Steady = s
	lines := s.Lines()
	for i, stage := range s.Stages {
		l := p.Stages[stage.Stage]
		if l == nil {
			continue
		}
		l.Additions.Steady = &Steady{s.Applied, s.Method, s.Begin, s.Stages[i : i+1]}
		if text := stage.text(true, s.Applied); text != "" && !stage.Found {
			l.Additions.Warnings = append(slices.Clip(l.Additions.Warnings), text)
		}
	}
	if s.Applied {
		return // a line of its own
	}
	w := &warner{p.Summary.Additions.Warnings}
	for _, line := range lines[:min(len(lines), mostSteadyLines)] {
		w.warn(true, "%s", line)
	}
	w.warn(len(lines) > mostSteadyLines, "and %s not steady", pluralVerb(len(lines)-mostSteadyLines, "more stage"))
	p.Summary.Additions.Warnings = w.list
}

// showSteady prints of what the figures are, if they are of the steady parts.
func showSteady(t *table, s *Steady) {
	if s == nil || !s.Applied {
		return
	}
	for _, line := range s.Lines() {
		t.say("steady: %s", line)
	}
}
