package arrival

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Pace is a load worked out beforehand, for executors that start iterations without regard to time: each iteration
// waits until its arrival is due. It may be shared.
type Pace struct {
	Due []time.Duration // after the start, in ascending order; never empty
	VUs int64           // how many iterations may be waiting or in flight at a time

	warm []span // of the numbers of arrivals that belong to warm-ups
}

// span is a part of the numbers of arrivals.
type span struct{ from, to int }

// Warming reports whether an arrival, by its number, belongs to a warm-up.
func (p Pace) Warming(arrival int64) bool {
	return slices.ContainsFunc(p.warm, func(s span) bool { return int64(s.from) <= arrival && arrival < int64(s.to) })
}

// maxPaced bounds the arrivals of a paced load, which are kept in a list.
const maxPaced = 10_000_000

var errPaced = fmt.Errorf("more than %d arrivals: use the executor %s", maxPaced, record.ExecutorName)

// Pace computes when the arrivals of the load are due. Its stages follow each other without a pause, and none may be a
// closed loop; a trace takes the place of the stages and of the arrival process.
func (l *Load) Pace() (Pace, error) {
	p, err := l.pacedPlan()
	if err != nil {
		return Pace{}, err
	}
	due, warm, err := p.list()
	if err != nil {
		return Pace{}, err
	}
	top := 0.0
	for _, s := range p.Stages {
		top = max(top, s.From, s.To)
	}
	n := int64(len(due))
	_, vus := l.rateVUs(top, n)
	return Pace{Due: due, VUs: min(vus, n), warm: warm}, nil
}

func (l *Load) pacedPlan() (Plan, error) {
	if l.Trace != nil {
		trace, err := NewTrace(l.Trace)
		if err != nil {
			return Plan{}, err
		}
		s := trace.Stage()
		s.Warmup, s.Kind = l.Warmup.TimeDuration(), l.Warmup.Kind
		if err := cmp.Or(s.Validate(), checkWarmups([]Stage{s})); err != nil {
			return Plan{}, err
		}
		return Plan{Process: trace, Stages: []Stage{s}, Seed: l.Seed.Int64}, nil
	}
	if _, err := ByName(l.Arrival.String, l.Burstiness.Float64); err != nil {
		return Plan{}, err
	}
	if untilStable(l) {
		return Plan{}, fmt.Errorf("warmup: '%s' needs the executor %s: the number of the iterations is planned here",
			UntilStable, record.ExecutorName)
	}
	if l.Interval.TimeDuration() > 0 || l.Drain.Bool {
		return Plan{}, fmt.Errorf("interval and drain need the executor %s", record.ExecutorName)
	}
	for i, o := range l.Stages {
		if o.Closed() {
			return Plan{}, fmt.Errorf("stage %d: a closed loop needs no pace, leave it to scenarios()", i)
		}
	}
	return l.Plan()
}

// list returns the due times of all arrivals of a plan, after its start.
func (p Plan) list() (list []time.Duration, warm []span, err error) {
	var start time.Duration
	for i, s := range p.Stages {
		if p.Most(i) > 2*maxPaced { // far too many to draw before refusing them
			return nil, nil, errPaced
		}
		var last time.Duration
		first, warming := len(list), 0
		for due := range p.Due(i) {
			if len(list) == maxPaced {
				return nil, nil, errPaced
			}
			list, last = append(list, start+due), due
			if s.Warming() || due < s.Warmup {
				warming++
			}
		}
		if warming > 0 {
			warm = append(warm, span{first, first + warming})
		}
		start += p.Length(i, last)
	}
	if len(list) == 0 {
		return nil, nil, errors.New("no arrival in it")
	}
	return list, warm, nil
}

// untilStable reports whether a load has a warm-up until the server is steady.
func untilStable(l *Load) bool {
	is := func(w Warmup) bool { return w.Kind == record.WarmupUntilStable }
	return is(l.Warmup) || slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return is(o.Warmup) })
}
