package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The verdicts on the load generator.
const (
	Valid   = "VALID"
	Suspect = "SUSPECT" // look at the reasons before using the figures
	Invalid = "INVALID" // the load was not the one asked for, or nothing was measured
)

// ClientHealth judges whether the load generator itself kept up, so that the figures are the server's.
type ClientHealth struct {
	Verdict   string          `json:"verdict"`
	Reasons   []string        `json:"reasons"`
	Unchecked []string        `json:"not_checked"` // rules that the input lacks the facts for
	Instances []record.Health `json:"instances"`   // of each instance whose file has an end line
	// Heartbeats are null where the input has none.
	Heartbeats *Heartbeats `json:"heartbeats"`
	// Errors bounds the percentiles that the load generator's lateness may have changed.
	Errors []FigureError `json:"figure_errors"`
}

// The bounds of the rules: above the first a run is suspect, above the second invalid.
var (
	latenessBounds = [2]float64{0.010, 0.250} // seconds that one start in a hundred is late
	// lateBounds and shareBounds limit how far a figure may be off, in seconds and as a share of its true value. A rule
	// applies if both are exceeded. Heartbeats do not see a stall between two beats, so the first bounds are a fifth
	// below 10 ms and 10 %, by which no figure of a VALID run is to be off.
	lateBounds   = [2]float64{run.LateBound, 0.050}
	shareBounds  = [2]float64{0.08, 1}
	leftOutBound = 0.1                             // share of the successes whose latencies are left out
	dropBounds   = [2]float64{0, 0.01}             // share of the arrivals
	cpuBounds    = [2]float64{0.85, 0.95}          // share of the processors that the load generator may use
	pauseBounds  = [2]float64{0.02, 0.05}          // share of the time
	rateBounds   = [2]float64{run.RateBound, 0.10} // share of the requests or of the time
)

var healthRules = []string{
	"lateness (start - due; turns of conversations and closed loops left out, calls of a replay included) above 10 " +
		"ms of more than one in a hundred requests, of fewer than 200 of more than one, is suspect, above 250 ms " +
		"invalid",
	"a heartbeat each 5 ms tells when the process did not get to run: a percentile (p50, p90, p99) of " +
		"time_to_first_token, request_latency, time_per_output_token or inter_token_latency that this may have put " +
		"off by more than 8 ms and 8 % makes a run suspect, by more than 50 ms and the figure's own size invalid",
	"any dropped arrival is suspect, above 1 % invalid",
	"CPU above 85 % of the processors or the quota is suspect, above 95 % invalid",
	"stop-the-world pauses above 2 % of the time are suspect, above 5 % invalid",
	"requests sent, or the time they took to be sent, off by more than 2 % of what was asked are suspect, by more " +
		"than 10 % invalid",
	"a request that failed on the machine that sent it (open files, ports, memory, firewall, resolver, proxy) makes " +
		"a run invalid",
	"a request that ran into a timeout while the load generator did not get to run, for over 8 ms and 8 % of what " +
		"it waited, makes a run suspect",
	"clocks of instances, or starts by the server's clock, that differ by more than 2 % of the time (at least 0.1 " +
		"s; a clock at most 1 s) are suspect",
	"more than a tenth of the successes left out of latencies is suspect",
	"a partial run is suspect",
	"a run without a success is invalid",
	"how exactly this machine reads tokens and keeps to a schedule is measured by `k6 x llm selftest`",
}

// assessment collects the reasons and the verdict that follows from them.
type assessment struct {
	ClientHealth
	about []slo.Objective // whose latencies alone are judged; nil: all
}

func (j *assessment) addReason(verdict, format string, args ...any) {
	j.Reasons = append(j.Reasons, fmt.Sprintf(format, args...))
	if j.Verdict != Invalid {
		j.Verdict = verdict
	}
}

// weigh adds a reason if the value is above the first bound; above the second the run is invalid.
func (j *assessment) weigh(value float64, bounds [2]float64, format string, args ...any) {
	switch {
	case value > bounds[1]:
		j.addReason(Invalid, format, args...)
	case value > bounds[0]:
		j.addReason(Suspect, format, args...)
	}
}

func (j *assessment) skip(what string) { j.Unchecked = append(j.Unchecked, what) }

func newAssessment() *assessment {
	return &assessment{ClientHealth: ClientHealth{
		Verdict: Valid, Reasons: []string{}, Unchecked: []string{}, Instances: []record.Health{},
		Errors: []FigureError{},
	}}
}

// health judges the load generator by the requests of a group. It passes over the probes that a search repeated.
func (g *subset) health() ClientHealth {
	g = g.answering()
	j := newAssessment()
	j.judgeServer(g)
	j.judgeClient(g)
	return j.ClientHealth
}

// JudgeClient judges the load generator by the requests of a run, whatever the server did: it may have answered none.
// Of the latencies that it may have put off, only those count that the objectives bound.
func JudgeClient(r *run.Run, objectives []slo.Objective) ClientHealth {
	j := newAssessment()
	j.about = objectives
	j.judgeClient(newSubset(r, run.Sent(r), Options{}, nil))
	return j.ClientHealth
}

// judgeServer finds out whether anything was measured.
func (j *assessment) judgeServer(g *subset) {
	switch {
	case len(g.sent) == 0:
		j.addReason(Invalid, "no request was sent")
	case len(g.all) == 0:
		j.addReason(Invalid, "nothing was measured: all users left before their answers were over (%s)",
			plural(len(g.left), "request"))
	case len(g.ok) == 0 && !slices.ContainsFunc(g.failed, finished):
		j.addReason(Invalid, "no request finished before the end of the run")
	case len(g.ok) == 0:
		j.addReason(Invalid, "every request failed")
	}
}

// judgeClient finds out whether the load generator kept up.
func (j *assessment) judgeClient(g *subset) {
	if g.run.Partial {
		j.addReason(Suspect, "the run is partial: something of it is missing")
	}
	j.judgeLateness(g)
	dropped := g.dropped()
	j.weigh(float64(dropped)/float64(max(int64(len(g.sent))+dropped, 1)), dropBounds,
		"%d arrivals were dropped: too few VUs for this load", dropped)
	j.judgeFigures(g)
	j.judgeOwnSide(g)
	j.judgeProcess(g.run)
	j.judgeClocks(g.run)
	j.judgeRates(g)
}

// judgeLateness judges by the lateness that one start in a hundred exceeds. Among fewer requests a single late one,
// which may be the first, is passed over, unless it is late enough to bend the load.
func (j *assessment) judgeLateness(g *subset) {
	plan := g.run.StagePlan()
	delays := g.values(g.sent, func(g *subset, q *run.Request) float64 {
		answered := q.InSession || plan[int(q.Stage)].Requests != nil
		if answered && !q.Replayed { // it is sent after the answer before it, by design
			return unknown
		}
		return scheduleDelay(g, q)
	})
	if len(delays) == 0 {
		if !isClosed(g) {
			j.skip("lateness")
		}
		return
	}
	stats.Sort(delays)
	above := max(1, len(delays)/100)
	worst := 0.0
	if len(delays) > above {
		worst = delays[len(delays)-1-above]
	}
	if delays[len(delays)-1] > latenessBounds[1] && len(delays) < 100 {
		worst = max(worst, latenessBounds[1])
	}
	p99 := stats.Percentile(len(delays), func(rank int) float64 { return delays[rank] }, 99)
	j.weigh(worst, latenessBounds, "requests were sent late: p99 %.1f ms after they were due", p99*1000)
}

// judgeFigures judges by how far the load generator's own lateness may have changed the figures.
func (j *assessment) judgeFigures(g *subset) {
	if len(g.all) == 0 && len(g.left) > 0 {
		return // there are no figures, whatever the input tells
	}
	if j.Heartbeats = summarizeHeartbeats(g); j.Heartbeats == nil {
		j.skip("heartbeats")
		return
	}
	if !hasHeartbeatsThroughout(g) {
		j.skip("heartbeats")
	}
	j.judgeLeftOut(g)
	j.judgeTimeouts(g)
	figures := lateFigures(g)
	j.Errors = figureErrors(figures)
	before := len(j.Reasons)
	for _, f := range figures {
		if j.about == nil || boundBy(j.about, f.name) {
			j.judgeFigure(f)
		}
	}
	if len(j.Reasons) > before {
		j.Reasons[len(j.Reasons)-1] += "; " + j.Heartbeats.String()
	}
}

// boundBy reports whether objectives bound a latency of the report.
func boundBy(objectives []slo.Objective, name string) bool {
	return slices.ContainsFunc(objectives, func(o slo.Objective) bool {
		return slices.ContainsFunc(o.Bounds, func(b slo.Bound) bool {
			return strings.HasSuffix(figurePaths[b.Latency], "."+name)
		})
	})
}

// judgeLeftOut objects to latencies that leave out many requests: they were likely those under the highest load.
func (j *assessment) judgeLeftOut(g *subset) {
	left := 0
	for _, q := range g.ok {
		if q.LeftOut {
			left++
		}
	}
	if float64(left) > leftOutBound*float64(len(g.ok)) {
		j.addReason(Suspect, "latencies are of %d of %d successes: the others were read late", len(g.ok)-left,
			len(g.ok))
	}
}

// judgeTimeouts finds timeouts that may be the load generator's own: a timer ran out while an answer that had come
// waited to be read.
func (j *assessment) judgeTimeouts(g *subset) {
	var rec record.Request
	n := 0
	for _, q := range g.failed {
		if timedOutLate(g.run, q, &rec) {
			n++
		}
	}
	if n > 0 {
		j.addReason(Suspect,
			"%d requests ran into a timeout while the load generator did not get to read their answers", n)
	}
}

// judgeFigure adds a reason for the percentile of a figure that may be off most, if that is too much.
func (j *assessment) judgeFigure(f lateFigure) {
	var worst deviation
	for _, p := range latePercentiles {
		reported, over, under, least := f.off(p)
		for _, d := range [...]deviation{
			{p, reported, over, least, "high"}, {p, reported, under, reported + under, "low"},
		} {
			if cmp.Or(cmp.Compare(d.exceeds(), worst.exceeds()), cmp.Compare(d.share(), worst.share())) > 0 {
				worst = d
			}
		}
	}
	if n := worst.exceeds(); n > 0 {
		j.addReason([...]string{Suspect, Invalid}[n-1],
			"%s %s of %.1f ms may be up to %.1f ms too %s, for the load generator read late",
			f.name, percentileName(worst.percentile), 1000*worst.reported, 1000*worst.by, worst.side)
	}
}

// deviation is how far a percentile may be off, in seconds, to one side of its true value.
type deviation struct {
	percentile, reported, by, truth float64
	side                            string
}

func (d deviation) share() float64 {
	if d.by == 0 {
		return 0
	}
	return d.by / d.truth
}

// exceeds counts the bounds that the deviation exceeds both in seconds and as a share.
func (d deviation) exceeds() (n int) {
	for n < len(lateBounds) && d.by > lateBounds[n] && d.share() > shareBounds[n] {
		n++
	}
	return n
}

// judgeProcess judges by the end line in which each instance reports on itself.
func (j *assessment) judgeProcess(r *run.Run) {
	if len(r.Ends) < max(len(r.Runs), 1) {
		j.skip("cpu")
	}
	for _, end := range r.Ends {
		h := end.Health
		j.Instances = append(j.Instances, h)
		j.weigh(h.CPUShare, cpuBounds, "the load generator used %.0f %% of its %.3g processors", 100*h.CPUShare,
			processors(h))
		if len(r.Runs) > 0 && end.Time > r.Runs[0].Start {
			share := float64(h.GCPause) / float64(end.Time-r.Runs[0].Start)
			j.weigh(share, pauseBounds, "its collector paused it for %.1f %% of the time", 100*share)
		}
	}
}

// processors returns how many processors the process was allowed to use. Older records hold GOMAXPROCS alone.
func processors(h record.Health) float64 {
	if h.Processors > 0 {
		return h.Processors
	}
	return float64(h.GoMaxProcs)
}

// judgeRates compares each open-loop stage with its requested load, of a stage that was stopped until then.
func (j *assessment) judgeRates(g *subset) {
	plan, checked := g.run.StagePlan(), false
	own := map[int]bool{}
	for _, s := range g.run.Scenarios() {
		for _, stage := range s.Stages {
			own[stage.Index] = s.Executor == record.ExecutorName
		}
	}
	stages := run.ByStage(g.run, g.sent)
	for _, stage := range sortedKeys(stages) {
		requests := stages[stage]
		ramp, known := plan[stage].Ramp()
		if !known {
			continue
		}
		if seconds, stopped := stoppedAfter(g.run, stage); stopped {
			ramp = until(ramp, seconds)
		}
		asked := ramp.Area()
		checked = true
		if g.run.Cut.Requests == 0 && isWholeStage(g.run, requests, stage) && !isProbe(g.run, requests) {
			j.judgeCount(g, stage, requests, asked, own[stage])
		}
		if !g.run.Untimed {
			j.judgeStretch(g, stage, requests)
		}
	}
	if !checked && !isClosed(g) {
		j.skip("rate")
	}
}

// isClosed reports whether every stage of a group is a closed loop, which has neither due instants nor a rate.
func isClosed(g *subset) bool {
	plan := g.run.StagePlan()
	return len(g.sent) > 0 && !slices.ContainsFunc(g.sent, func(q *run.Request) bool {
		return plan[int(q.Stage)].Concurrency == nil
	})
}

// isProbe reports whether the requests of a stage are of a search, which ends a stage as soon as it is decided.
func isProbe(r *run.Run, requests []*run.Request) bool {
	return r.SearchOf(requests[0].Scenario) != nil
}

// isWholeStage reports whether requests are all requests of a stage; the requests of one adapter are only a part of it.
func isWholeStage(r *run.Run, requests []*run.Request, stage int) bool {
	n := 0
	for _, list := range [...][]*run.Request{r.Requests, r.Abandoned} {
		for _, q := range list {
			n += count(int(q.Stage) == stage)
		}
	}
	return n == len(requests)
}

// judgeCount compares the number of requests with the requested number. It allows for one arrival at the stage's edge,
// and for four standard deviations if arrivals may be random.
func (j *assessment) judgeCount(g *subset, stage int, requests []*run.Request, asked float64, random bool) {
	sent := float64(arrivalsOf(g.run, stage, requests))
	for _, d := range g.run.Dropped {
		if d.Stage == stage {
			sent += float64(d.Count) // judged as drops
		}
	}
	slack := 1.0
	if random {
		slack += 4 * math.Sqrt(asked)
	}
	off := (math.Abs(sent-asked) - slack) / max(asked, 1)
	j.weigh(off, rateBounds, "stage %d: %.0f requests were asked for, %.0f came to be sent", stage, asked, sent)
}

// arrivalsOf returns how many arrivals of a stage led to requests: one for each session of a replay, and for each
// iteration.
func arrivalsOf(r *run.Run, stage int, requests []*run.Request) (n int) {
	for _, s := range r.Sessions {
		n += count(s.Stage == stage)
	}
	for _, q := range requests {
		n += count(q.Seq == 0 && !q.Replayed)
	}
	return n
}

// judgeStretch compares the time over which requests were sent with the time over which they were due.
func (j *assessment) judgeStretch(g *subset, stage int, requests []*run.Request) {
	var due, sent [2]int64
	n := 0
	for _, q := range requests {
		if !q.DueKnown || q.Seq > 0 || q.InSession {
			continue
		}
		if n == 0 {
			due, sent = [2]int64{q.Due, q.Due}, [2]int64{q.Start, q.Start}
		}
		due = [2]int64{min(due[0], q.Due), max(due[1], q.Due)}
		sent = [2]int64{min(sent[0], q.Start), max(sent[1], q.Start)}
		n++
	}
	asked, took := g.run.Seconds(due[1]-due[0]), g.run.Seconds(sent[1]-sent[0])
	if n < 2 || asked <= 0 {
		return
	}
	why := ""
	if late := g.run.Seconds(sent[0] - due[0]); took < asked && late > 0 {
		why = fmt.Sprintf(", faster than asked, as the first was sent %.2f s late", late)
	}
	j.weigh((math.Abs(took-asked)-0.01)/asked, rateBounds,
		"stage %d: what was due within %.2f s was sent within %.2f s%s", stage, asked, took, why)
}

// judgeClocks names the clocks that were off and the instances that began late.
func (j *assessment) judgeClocks(r *run.Run) {
	compared := false
	for _, one := range r.Runs {
		c := one.Clock
		compared = compared || c != nil
		if c != nil && c.Ahead != 0 {
			j.addReason(Suspect, "%s", run.ClockReason(one))
		}
		if c != nil && c.Late != 0 {
			j.addReason(Suspect,
				"instance %q began %s instance %q: the load was not that of instances started together",
				one.Instance, run.TimeApart(c.Late, "after", "before"), c.Against)
		}
	}
	if len(r.Runs) > 1 && !compared {
		j.skip("clocks")
	}
}
