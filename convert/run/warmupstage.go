package run

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// WarmupStage is a stage that was a warm-up as a whole. It is in no figure, and not among the stages of the run.
type WarmupStage struct {
	Plan     record.Stage // as it was asked for
	Status   string       // as of stages; "" if nobody recorded it
	Seconds  float64      // how long it was sent; 0 if that is not known
	Requests int          // that were sent
	Failed   int
	// First and Last are the median TTFT, in seconds, of the first eighth of the answers and of the last; NaN if
	// unknown.
	First, Last float64
}

// Unstable reports whether the stage was to last until the server is stable, and ended without that.
func (w WarmupStage) Unstable() bool {
	return w.Plan.WarmupStage == record.WarmupUntilStable && w.Status != record.StageStable
}

// WarmupLines returns the lines that tell when the stages began and ended that were warm-ups.
func WarmupLines(r *Run) []*record.Stage { return r.warmupLines }

// leaveWarmupStages moves the stages that are warm-ups out of the run's plan, to a list of their own.
func leaveWarmupStages(r *Run) {
	stages := map[int]*WarmupStage{}
	note := func(plan record.Stage) bool {
		if plan.WarmsUp() && stages[plan.Index] == nil {
			plan.Start, plan.End, plan.Status = 0, 0, ""
			stages[plan.Index] = &WarmupStage{Plan: plan, First: math.NaN(), Last: math.NaN()}
		}
		return plan.WarmsUp()
	}
	for _, s := range r.Scenarios() {
		s.Stages = slices.DeleteFunc(slices.Clone(s.Stages), note)
		r.planned = append(r.planned, s)
	}
	spans := map[int][2]int64{}
	r.Stages = slices.DeleteFunc(r.Stages, func(s *record.Stage) bool {
		left := note(*s)
		if left {
			r.warmupLines = append(r.warmupLines, s)
			stages[s.Index].end(s, spans)
		}
		return left
	})
	if len(stages) == 0 {
		return
	}
	for i, requests := range ByStage(r, r.Requests) {
		if w := stages[i]; w != nil {
			w.count(requests)
		}
	}
	for _, c := range r.warmupCounts {
		if w := stages[c.Stage]; w != nil {
			c.addTo(w)
		}
	}
	for i, w := range stages {
		w.Seconds = max(0, r.Seconds(spans[i][1]-spans[i][0]))
		r.Warmups = append(r.Warmups, *w)
	}
	slices.SortFunc(r.Warmups, func(a, b WarmupStage) int { return cmp.Compare(a.Plan.Index, b.Plan.Index) })
}

// end takes the line of one of the instances: the stage lasted from the first start to the last end, and was stable if
// it was for all of them.
func (w *WarmupStage) end(s *record.Stage, spans map[int][2]int64) {
	span, known := spans[s.Index]
	if !known {
		spans[s.Index], w.Status = [2]int64{s.Start, s.End}, s.Status
		return
	}
	spans[s.Index] = [2]int64{min(span[0], s.Start), max(span[1], s.End)}
	if w.Status == record.StageStable || w.Status == record.StageCompleted && s.Status != record.StageStable {
		w.Status = s.Status
	}
}

// count takes the requests of the stage.
func (w *WarmupStage) count(requests []*Request) {
	requests = slices.Clone(requests)
	slices.SortStableFunc(requests, func(a, b *Request) int { return cmp.Compare(a.End, b.End) })
	var ttft []float64
	for _, q := range requests {
		switch {
		case q.Abandoned():
		case q.Failed():
			w.Failed++
		case !math.IsNaN(q.TTFT):
			ttft = append(ttft, q.TTFT)
		}
	}
	w.Requests = len(requests)
	if first, last, known := rank.Ends(ttft); known {
		w.First, w.Last = first, last
	}
}

// Text tells what was sent and how it went, such as "120 requests in 30 s, none failed, TTFT 1.2 s at first and 80 ms
// at the end".
func (w WarmupStage) Text() string {
	text := w.Sent()
	switch {
	case w.Status == record.StageStable:
		text += ", then stable"
	case w.Unstable():
		text += ", and not stable by then"
	}
	return strings.TrimPrefix(text, ", ")
}

// Sent is Text without whether the server was stable.
func (w WarmupStage) Sent() string {
	text := ""
	if w.Requests > 0 {
		text = fmt.Sprintf("%d requests", w.Requests)
	}
	if w.Seconds > 0 {
		text = strings.TrimSpace(text + " in " + roughly(w.Seconds))
	}
	switch {
	case w.Requests > 0 && w.Failed == 0:
		text += ", none failed"
	case w.Failed > 0:
		text += fmt.Sprintf(", %d failed", w.Failed)
	}
	if !math.IsNaN(w.First) {
		text += fmt.Sprintf(", TTFT %s at first and %s at the end", roughly(w.First), roughly(w.Last))
	}
	return strings.TrimPrefix(text, ", ")
}

// roughly writes a time with three digits.
func roughly(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.3g ms", seconds*1000)
	}
	return fmt.Sprintf("%.3g s", seconds)
}
