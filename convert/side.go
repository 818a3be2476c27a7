package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// RunSide returns the run as one side of a comparison.
func RunSide(r *run.Run, name string, o Options) compare.Side { return Part{}.Side(r, name, o) }

// Part is what of a run is one side of a comparison. The zero value is the whole run, without groups.
type Part struct {
	By     run.Key // by which requests are in groups, if it has a name
	Stages []int   // nil means all
}

// Side returns the part of a run as one side of a comparison, without the requests that its end cut off. Only successes
// have latencies. They follow the definitions of [OwnLatencies]: an answer of one token has a TTFT, and an undefined
// latency is missing rather than 0.
func (p Part) Side(r *run.Run, name string, o Options) compare.Side {
	g := newSubset(r, p.requests(r), o, nil)
	health := g.health()
	side := compare.Side{Name: name, Doubt: doubt(health.Verdict, health.Reasons), Seconds: g.time,
		Untimed: !hasTimes(r, g.all), Asked: askedRates(r, g.all), Counted: countedMostly(g)}
	if p.Stages == nil {
		side.Searches, side.Sessions = comparedSearches(r.Searches), comparedSessions(r)
		side.Violated = comparedViolations(g)
	}
	for i, q := range g.all {
		if unfinished(q) {
			continue
		}
		c := comparedRequest(g, q)
		if p.By.Name != "" {
			c.Group = GroupName{Name: p.By.Of(r, q)}.Shown()
		}
		if side.Untimed {
			c.Start, c.End = float64(i), float64(i)
		}
		side.Requests = append(side.Requests, c)
	}
	return side
}

// requests returns the requests of the part.
func (p Part) requests(r *run.Run) []*run.Request {
	if p.Stages == nil {
		return run.Sent(r)
	}
	return slices.DeleteFunc(slices.Clone(run.Sent(r)), func(q *run.Request) bool {
		return !slices.Contains(p.Stages, int(q.Stage))
	})
}

// Check returns an error if one of the stages has no requests.
func (p Part) Check(r *run.Run) error {
	known := sortedKeys(run.ByStage(r, run.Sent(r)))
	for _, stage := range p.Stages {
		if !slices.Contains(known, stage) {
			return fmt.Errorf("no request is of stage %d, but of %s", stage, strings.Trim(fmt.Sprint(known), "[]"))
		}
	}
	return nil
}

// comparedRequest returns what is compared of a request that was not cut off.
func comparedRequest(g *subset, q *run.Request) compare.Request {
	zero := g.all[0].Start
	c := compare.Request{
		Start: g.run.Seconds(q.Start - zero), End: g.run.Seconds(q.End - zero), Stage: int(q.Stage), Failed: q.Failed(),
		ScheduleDelay: scheduleDelay(g, q), ServerOutput: unknown,
		TTFT: unknown, TPOT: unknown, NTPOT: unknown, ITL: unknown, Latency: unknown,
	}
	if !q.Failed() {
		c.TTFT, c.TPOT, c.NTPOT, c.ITL, c.Latency = q.TTFT, q.TPOT, q.NTPOT(), q.MeanITL(), requestLatency(g, q)
		c.Input, c.Output = inputTokens(g, q), outputTokens(g, q)
	}
	if q.ServerCompletion != none {
		c.ServerOutput = float64(q.ServerCompletion)
	}
	if q.TakesInputs {
		c.Inputs = inputCount(g, q)
	}
	if q.Textless {
		c.Output = unknown
	}
	c.Media = comparedMedia(g, q)
	if o, any := slo.Of(g.opts.bounds(q)); any {
		if c.Good = compare.Bad; (judge{g}).isGood(q, o.Bounds) {
			c.Good = compare.Good
		}
	}
	return c
}

// countedMostly says by what the tokens of most answers were counted, "" if there is no count.
func countedMostly(g *subset) string {
	counts := map[record.Source]int{}
	for _, q := range g.ok {
		if !q.Textless {
			counts[q.OutputSource]++
		}
	}
	most := record.NoSource
	for _, source := range sortedKeys(counts) {
		if source != record.NoSource && counts[source] > counts[most] || most == record.NoSource {
			most = source
		}
	}
	return map[record.Source]string{record.ClientTokenizer: "the client's tokenizer",
		record.ClientRaw: "the client's tokenizer of texts alone", record.ServerUsage: "the server",
		record.ContentChunks: "chunks, one token each"}[most]
}

// comparedSessions returns the sessions of a replay that were not cut.
func comparedSessions(r *run.Run) (list []compare.Request) {
	g := &subset{run: r}
	for _, s := range r.Sessions {
		if s.Unfinished() {
			continue
		}
		f := factsOf(g, s)
		list = append(list, compare.Request{
			Start: r.Seconds(s.Start - r.Sessions[0].Start), End: r.Seconds(s.End - r.Sessions[0].Start),
			Stage: s.Stage, Failed: !s.Succeeded(), Latency: f.duration, TTFT: f.tfut,
			TPOT: unknown, NTPOT: unknown, ITL: unknown, ScheduleDelay: unknown,
		})
	}
	return list
}

// askedRates lists the rates that were asked of the stages, and returns "" if any stage asks none.
func askedRates(r *run.Run, requests []*run.Request) string {
	plan := r.StagePlan()
	var list []string
	for _, stage := range sortedKeys(run.ByStage(r, requests)) {
		ramp, known := plan[stage].Ramp()
		if !known {
			return ""
		}
		text := Digits(ramp.To)
		if ramp.From != ramp.To {
			text = Digits(ramp.From) + "→" + text
		}
		list = append(list, text)
	}
	if list == nil {
		return ""
	}
	return strings.Join(list, ", ") + " requests/s"
}

// doubt describes why the load generator is not valid, and returns "" if it is.
func doubt(verdict string, reasons []string) string {
	if verdict == Valid || len(reasons) == 0 {
		return ""
	}
	more := ""
	if n := len(reasons) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("load generator %s: %s%s", verdict, reasons[0], more)
}

// isGood reports whether the request succeeded and keeps all its bounds.
func (g judge) isGood(q *run.Request, bounds []slo.Bound) bool {
	if q.Failed() {
		return false
	}
	kept, known := g.keeps(q, bounds)
	return kept && known
}
