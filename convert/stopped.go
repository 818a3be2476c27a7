package convert

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stoppedAfter returns after how many seconds, without its warm-up, a stage was stopped, and false if it was not
// stopped, or nobody recorded that.
func stoppedAfter(r *run.Run, stage int) (seconds float64, stopped bool) {
	if r.ProbeOf(stage) != nil { // the search ends a stage as soon as it is decided
		return 0, false
	}
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range r.Stages { // one for each instance
		if s.Index != stage {
			continue
		}
		from, to = min(from, s.Start), max(to, s.End)
		stopped = stopped || s.Status == "interrupted" || strings.HasPrefix(s.Status, "stopped: ")
	}
	if !stopped {
		return 0, false
	}
	return max(0, r.Seconds(to-from)), true
}

// until returns the beginning of a ramp.
func until(ramp record.Ramp, seconds float64) record.Ramp {
	seconds = min(seconds, ramp.Seconds)
	ramp.To = ramp.From + (ramp.To-ramp.From)*seconds/ramp.Seconds
	ramp.Seconds = seconds
	return ramp
}

// warnOfStop says in which stage of the group a run was stopped: its figures are of what was sent until then.
func (w *warner) warnOfStop(g *subset) {
	plan := g.run.StagePlan()
	stages := run.ByStage(g.run, g.all)
	for _, stage := range sortedKeys(stages) {
		seconds, stopped := stoppedAfter(g.run, stage)
		if !stopped {
			continue
		}
		asked := plan[stage]
		after := fmt.Sprintf("%.1f s", seconds)
		switch {
		case isProbe(g.run, stages[stage]): // nobody planned how long it lasts
		case asked.Duration != nil:
			after = fmt.Sprintf("%.1f s of %g s", seconds, *asked.Duration)
		case asked.Requests != nil:
			after = fmt.Sprintf("%d of %d requests", len(stages[stage]), *asked.Requests)
		}
		missed := ""
		if n := len(plan) - len(run.ByStage(g.run, g.run.Requests)); n > 0 && g.run.Cut.Requests == 0 {
			missed = fmt.Sprintf("; of %d stages %d did not run", len(plan), n)
		}
		w.warn(true, "the run was stopped%s in stage %d, after %s: the figures are of what was sent until then%s",
			stoppedBy(g.run), stage, after, missed)
		return
	}
}

// warnOfTimeouts says which stages of the group have timed out.
func (w *warner) warnOfTimeouts(g *subset) {
	stages, told := run.ByStage(g.run, g.all), map[int]bool{}
	for _, s := range g.run.Stages { // one for each instance
		if s.Status != record.StageTimedOut || told[s.Index] || len(stages[s.Index]) == 0 {
			continue
		}
		told[s.Index] = true
		w.warn(true, "stage %d timed out after %.4g s: what it had not begun by then was not sent", s.Index,
			g.run.Seconds(s.End-s.Start))
	}
}

// stoppedBy says what stopped a run, in words that follow the verb.
func stoppedBy(r *run.Run) string {
	for _, end := range r.Ends {
		switch {
		case strings.Contains(end.Status, "'interrupt' signal"):
			return " by Ctrl-C"
		case strings.Contains(end.Status, "signal"):
			return " by a signal"
		}
	}
	for _, s := range r.Stages {
		if reason, found := strings.CutPrefix(s.Status, "stopped: "); found {
			return " (" + plain.OneLine(cmp.Or(reason, "no reason"), shownRunes) + ")"
		}
	}
	return ""
}
