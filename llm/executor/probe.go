package executor

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/internal/vitals"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lookEvery is how often a probe is asked whether it is over.
const lookEvery = 200 * time.Millisecond

// probe is a load of a search that is sent. A nil probe is none, and lets a stage of the plan pass as it is.
type probe struct {
	search.Probe
	judge  *search.Judge
	stage  record.Stage // as its requests name it, without an end
	began  time.Time    // set before the first request is sent
	stop   func(run bool, reason string)
	cut    func() bool    // reports whether what is in flight was cut
	vitals *vitals.Vitals // of this process since the probe began; nil if nobody measures it
	beat   *record.Heartbeat
	end    record.End // with what the vitals tell

	watching sync.WaitGroup
	answered atomic.Bool   // some request has succeeded
	sent     chan struct{} // closed when no more is sent

	mu    sync.Mutex
	lines []record.Line // requests and drops
}

// begin notes that the probe begins at an instant, and stops it once the judge has seen enough.
func (p *probe) begin(at time.Time) {
	if p == nil {
		return
	}
	p.began = at
	p.watching.Go(func() {
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				if p.judge.Look(time.Since(p.began)) {
					p.stop(false, decided)
					return
				}
			case <-p.sent:
				return
			}
		}
	})
}

// decided is the reason for which the judge stops a probe.
const decided = "decided"

// rest notes that no more is sent.
func (p *probe) rest() {
	close(p.sent)
	p.watching.Wait()
}

// job makes a job one of the probe: the judge hears of its requests. It is due at an instant, or sent in a closed loop.
func (p *probe) job(j job, due time.Time) job {
	if p == nil {
		return j
	}
	after := due.Sub(p.began)
	j.Warmup = !p.judge.Settled(after)
	i := &iteration{probe: p, number: p.judge.Sent(after)}
	j.Probe, j.Ended, j.Salt = &p.stage, i.ended, p.salt()
	j.Stop = func(_ bool, reason string) { p.stop(false, reason) } // the search decides what follows
	if done := j.done; done != nil {
		j.done = func() { i.over(); done() }
	} else {
		j.done = i.over
	}
	return j
}

// salt is the salt of the probe's data, which no other probe has.
func (p *probe) salt() string { return "probe " + strconv.Itoa(p.Number) }

// drop notes an arrival for which no worker was free.
func (p *probe) drop(line *record.Dropped, due time.Time) {
	if p == nil {
		return
	}
	after := due.Sub(p.began)
	line.Warmup = !p.judge.Settled(after)
	p.judge.Dropped(after)
	p.keep(line)
}

func (p *probe) keep(line record.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line)
}

// outcome returns what became of the probe, which has ended for a reason. One that a circuit breaker has stopped fails.
func (p *probe) outcome(reason string) record.SearchProbe {
	outcome := p.judge.Outcome(time.Since(p.began))
	outcome.Value, outcome.Phase = p.Value, p.Phase
	if reason != "" && reason != decided {
		outcome.Outcome = record.ProbeFailed
		for tier := range outcome.Tiers {
			outcome.Tiers[tier] = record.ProbeFailed
		}
	}
	return outcome
}

// measure ends the vitals, when nothing is in flight any more.
func (p *probe) measure() {
	p.end = record.End{Status: "finished", Time: record.UnixNano(time.Now())}
	if p.vitals != nil {
		p.beat, p.end.Health = p.vitals.Beat(), p.vitals.Stop(nil)
	}
}

// iteration is one of a probe. Its first request is the one that was due; each further one counts too.
type iteration struct {
	probe    *probe
	number   int // of the judge
	answered atomic.Bool
}

// ended takes a request that has ended.
func (i *iteration) ended(r *record.Request, c record.Counts) {
	p, number := i.probe, i.number
	now := time.Since(p.began)
	if i.answered.Swap(true) {
		number = p.judge.Sent(now)
	}
	if !r.Failed() {
		p.answered.Store(true)
	}
	p.judge.Ended(number, now, search.AnswerOf(r, c))
	p.keep(r)
}

// over takes the end of the iteration. Without a request it has failed, unless it was cut.
func (i *iteration) over() {
	if i.answered.Load() {
		return
	}
	nan := math.NaN()
	cut := i.probe.cut()
	i.probe.judge.Ended(i.number, time.Since(i.probe.began), search.Answer{
		Failed: !cut, Unfinished: cut, TTFT: nan, TPOT: nan, NTPOT: nan, ITL: nan, Latency: nan,
		FirstAudio: nan, RTF: nan,
	})
}
