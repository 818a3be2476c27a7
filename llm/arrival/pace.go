package arrival

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Pace is a load worked out beforehand, for executors that start iterations without regard to time: each iteration
// waits until its arrival is due. It may be shared.
type Pace struct {
	Due []time.Duration // after the start, in ascending order; never empty
	VUs int64           // how many iterations may be waiting or in flight at a time
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
	due, err := p.list()
	if err != nil {
		return Pace{}, err
	}
	top := 0.0
	for _, s := range p.Stages {
		top = max(top, s.From, s.To)
	}
	n := int64(len(due))
	_, vus := l.rateVUs(top, n)
	return Pace{Due: due, VUs: min(vus, n)}, nil
}

func (l *Load) pacedPlan() (Plan, error) {
	if l.Trace != nil {
		trace, err := NewTrace(l.Trace)
		if err != nil {
			return Plan{}, err
		}
		return Plan{Process: trace, Stages: []Stage{trace.Stage()}, Seed: l.Seed.Int64}, nil
	}
	if _, err := ByName(l.Arrival.String, l.Burstiness.Float64); err != nil {
		return Plan{}, err
	}
	if hasWarmup(l) {
		return Plan{}, fmt.Errorf("warmup needs the executor %s", record.ExecutorName)
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
func (p Plan) list() (list []time.Duration, err error) {
	var start time.Duration
	for i := range p.Stages {
		if p.Most(i) > 2*maxPaced { // far too many to draw before refusing them
			return nil, errPaced
		}
		var last time.Duration
		for due := range p.Due(i) {
			if len(list) == maxPaced {
				return nil, errPaced
			}
			list, last = append(list, start+due), due
		}
		start += p.Length(i, last)
	}
	if len(list) == 0 {
		return nil, errors.New("no arrival in it")
	}
	return list, nil
}
