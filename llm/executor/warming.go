package executor

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/internal/warmup"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// warming is a warm-up until the server is steady, while it is sent. A nil warming is none.
type warming struct {
	judge *warmup.Judge
	stop  func(run bool, reason string) // nil if the stage is to last as long as it may
	cut   func() bool                   // reports whether what is in flight was cut

	began    time.Time // set before the first request is sent
	watching sync.WaitGroup
	sent     chan struct{} // closed when no more is sent
}

// newWarming returns the warm-up of a stage, and nil for a stage that is none. Of several instances each knows its own
// requests alone: they would end it at different instants, and the stages that follow would no longer be sent together.
// So it lasts its whole time there.
func newWarming(r *run, stage int) *warming {
	if r.plan.Stages[stage].Kind != record.WarmupUntilStable {
		return nil
	}
	pool := r.pool
	w := &warming{judge: warmup.NewJudge(), sent: make(chan struct{}),
		cut: func() bool { return pool.ctx.Err() != nil }}
	if whole(r.state.ExecutionTuple) {
		w.stop = r.stopper.stop
	}
	return w
}

// begin notes that the warm-up begins at an instant, and ends it once the server is steady.
func (w *warming) begin(at time.Time) {
	if w == nil {
		return
	}
	w.began = at
	w.watching.Go(func() {
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				if w.judge.Look(time.Since(w.began)) && w.stop != nil {
					w.stop(false, record.StageStable)
					return
				}
			case <-w.sent:
				return
			}
		}
	})
}

// rest notes that no more is sent.
func (w *warming) rest() {
	if w != nil {
		close(w.sent)
		w.watching.Wait()
	}
}

// job lets the judge hear of the requests of a job, which is due at an instant, or sent in a closed loop.
func (w *warming) job(j job, due time.Time) job {
	if w == nil {
		return j
	}
	after := due.Sub(w.began)
	i := &warmed{warming: w, due: after, number: w.judge.Sent(after)}
	j.Ended = i.ended
	if done := j.done; done != nil {
		j.done = func() { i.over(); done() }
	} else {
		j.done = i.over
	}
	return j
}

// warmed is an iteration of a warm-up. Its first request is the one that was due; each further one counts too.
type warmed struct {
	*warming
	number   int // of the judge
	due      time.Duration
	answered atomic.Bool
}

// ended takes a request that has ended.
func (i *warmed) ended(r *record.Request, c record.Counts) {
	number, due := i.number, i.due
	if i.answered.Swap(true) {
		due = time.Unix(0, r.Start).Sub(i.began)
		number = i.judge.Sent(due)
	}
	i.judge.Ended(number, due, time.Since(i.began), warmAnswer(search.AnswerOf(r, c)))
}

// warmAnswer returns what counts of an answer.
func warmAnswer(a search.Answer) warmup.Answer {
	w := warmup.Answer{Failed: a.Failed || math.IsInf(a.TTFT, 1), Ignored: a.Left || a.Unfinished, TTFT: a.TTFT,
		TPOT: a.TPOT}
	if math.IsNaN(w.TTFT) {
		w.TTFT = a.Latency
	}
	return w
}

// over takes the end of the iteration. Without a request it has failed, unless it was cut.
func (i *warmed) over() {
	if !i.answered.Load() {
		cut := i.cut()
		i.judge.Ended(i.number, i.due, time.Since(i.began), warmup.Answer{Failed: !cut, Ignored: cut, TTFT: math.NaN(),
			TPOT: math.NaN()})
	}
}

// status returns how the warm-up ended, if the stage ended with a status.
func (w *warming) status(stage string) string {
	switch {
	case w == nil || stage != record.StageCompleted:
		return stage
	case w.judge.Finding().Stable:
		return record.StageStable
	}
	return record.StageNotStable
}

// explain logs how a warm-up ended.
func (w *warming) explain(r *run, line record.Stage) {
	if w == nil {
		return
	}
	took := time.Duration(line.End - line.Start).Round(100 * time.Millisecond)
	ttft := ""
	if f := w.judge.Final(); f.First > 0 {
		ttft = fmt.Sprintf(", TTFT %s at first and %s at the end", shortTime(f.First), shortTime(f.Last))
	}
	switch line.Status {
	case record.StageStable:
		r.log.Infof("the server was stable in the warm-up of scenario %q, which took %v%s", r.config.Name, took, ttft)
	case record.StageNotStable:
		r.log.Warnf("the server did not become stable in the warm-up of scenario %q, which took %v%s: the load goes "+
			"on "+
			"all the same", r.config.Name, took, ttft)
	}
}

// shortTime writes a time of some seconds with two or three digits.
func shortTime(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.3g ms", seconds*1000)
	}
	return fmt.Sprintf("%.3g s", seconds)
}

// shown returns what the progress bar shows of a warm-up beside the time.
func (w *warming) shown() string {
	if w == nil {
		return ""
	}
	f := w.judge.Finding()
	if f.First == 0 {
		return ""
	}
	return fmt.Sprintf(", TTFT %s → %s", shortTime(f.First), shortTime(f.Last))
}
