package convert

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
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
	stages := run.ByStage(g.run, g.sent)
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
			after = fmt.Sprintf("%.1f s of %s s", seconds, wholeSeconds(*asked.Duration))
		case asked.Requests != nil:
			after = fmt.Sprintf("%d of %d requests", len(stages[stage]), *asked.Requests)
			if begun, _ := sessionsIn(g.run, stage); begun > 0 {
				after = fmt.Sprintf("%d of %d sessions", begun, *asked.Requests)
			}
		}
		missed := ""
		if n := len(plan) - len(run.ByStage(g.run, run.Sent(g.run))); n > 0 && g.run.Cut.Requests == 0 {
			missed = fmt.Sprintf("; of %d stages %d did not run", len(plan), n)
		}
		w.warn(true, "the run was stopped%s in stage %d, after %s: the figures are of what was sent until then%s",
			stoppedBy(g.run), stage, after, missed)
		return
	}
}

// wholeSeconds writes how long a stage was to last, of a long one without fractions.
func wholeSeconds(seconds float64) string {
	if seconds >= 1000 {
		seconds = math.Round(seconds)
	}
	return strconv.FormatFloat(seconds, 'f', -1, 64)
}

// warnOfTimeouts says which stages of the group have timed out.
func (w *warner) warnOfTimeouts(g *subset) {
	stages, told := run.ByStage(g.run, g.sent), map[int]bool{}
	for _, s := range g.run.Stages { // one for each instance
		if s.Status != record.StageTimedOut || told[s.Index] || len(stages[s.Index]) == 0 {
			continue
		}
		told[s.Index] = true
		w.warn(true, "stage %d timed out after %.3g s: %s", s.Index, g.run.Seconds(s.End-s.Start),
			begunInTime(g.run, s.Index))
	}
}

// begunInTime says what of a stage that timed out had begun.
func begunInTime(r *run.Run, stage int) string {
	begun, cut := sessionsIn(r, stage)
	planned := plannedIn(r, stage)
	if begun == 0 || planned == nil {
		return "what it had not begun by then was not sent"
	}
	text := fmt.Sprintf("%d of %s began", begun, plural(int(*planned), "session"))
	switch cut {
	case 0:
		return text
	case 1:
		return text + ", 1 of them was cut"
	}
	return fmt.Sprintf("%s, %d of them were cut", text, cut)
}

// plannedIn returns how many requests or sessions a stage is to begin, nil if it does not say or if a warm-up, which is
// in no figure, takes some of them.
func plannedIn(r *run.Run, index int) *int64 {
	for _, s := range r.Scenarios() {
		for _, stage := range s.Stages {
			if stage.Index == index && stage.Warmup == nil {
				return stage.Requests
			}
		}
	}
	return nil
}

// sessionsIn returns how many sessions a stage has begun, and how many of them the end of the load cut.
func sessionsIn(r *run.Run, stage int) (begun, cut int) {
	for _, s := range r.Sessions {
		if s.Stage == stage {
			begun, cut = begun+1, cut+count(s.ErrorType == record.ErrorCanceled)
		}
	}
	return begun, cut
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
