package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// maxPaced bounds the arrivals of a paced load, which are kept in a list.
const maxPaced = 10_000_000

var errPaced = fmt.Errorf("more than %d arrivals: use the executor %s", maxPaced, record.ExecutorName)

// schedules are the paced loads of the process, which all VUs share.
type schedules struct {
	mu  sync.Mutex
	all map[string][]time.Duration
}

// of works a schedule out at the first call for its key.
func (s *schedules) of(key string, plan arrival.Plan) ([]time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list, known := s.all[key]; known {
		return list, nil
	}
	var list []time.Duration
	var start time.Duration
	for i := range plan.Stages {
		if plan.Most(i) > 2*maxPaced { // far too many to be drawn first
			return nil, errPaced
		}
		var last time.Duration
		for due := range plan.Due(i) {
			if len(list) == maxPaced {
				return nil, errPaced
			}
			list, last = append(list, start+due), due
		}
		start += plan.Length(i, last)
	}
	if len(list) == 0 {
		return nil, errors.New("no arrival in it")
	}
	if s.all == nil {
		s.all = map[string][]time.Duration{}
	}
	s.all[key] = list
	return list, nil
}

// pace is for hosts that refuse our executor: it makes a scenario of k6's shared-iterations, one iteration per arrival,
// and a wait() that holds each iteration until its arrival is due. An arrival without a free VU goes late instead of
// being dropped.
func (m *ModuleInstance) pace(options sobek.Value) (map[string]any, error) {
	rt := m.vu.Runtime()
	o := newLoadOptions()
	if err := o.fields(rt).read(rt, "pace", options); err != nil {
		return nil, err
	}
	plan, err := o.plan()
	if err != nil {
		return nil, fmt.Errorf("pace: %w", err)
	}
	key, err := json.Marshal([]any{plan.Stages, o.arrival, o.burstiness, o.trace, o.seed})
	if err != nil {
		return nil, err
	}
	due, err := m.root.schedules.of(string(key), plan)
	if err != nil {
		return nil, fmt.Errorf("pace: %w", err)
	}
	top := 0.0
	for _, s := range plan.Stages {
		top = max(top, s.From, s.To)
	}
	_, vus := o.vus(top, int64(len(due)))
	s := o.base("shared-iterations", o.startTime, 0)
	s["vus"], s["iterations"] = min(vus, int64(len(due))), len(due)
	s["maxDuration"] = (due[len(due)-1] + o.maxDuration).String()
	return map[string]any{
		"scenarios": map[string]any{"paced": s},
		"wait":      func() (float64, error) { return m.waitFor(due) },
	}, nil
}

// waitFor waits until the running iteration is due, and gives how late it is in milliseconds.
func (m *ModuleInstance) waitFor(due []time.Duration) (float64, error) {
	ctx := m.vu.Context()
	ss, k, inside := m.iteration()
	if !inside {
		return 0, errors.New("wait() belongs first in the iteration of a scenario that pace() made")
	}
	if k >= int64(len(due)) {
		return 0, fmt.Errorf("iteration %d has no arrival: give the scenario the iterations that pace() gave", k)
	}
	at := ss.StartTime.Add(due[k])
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, ctx.Err() // the test ends before the arrival is due: nothing is to be sent
	}
	m.paced = arrival.Arrival{Index: k, Due: at}
	return ms(time.Since(at)), nil
}

// plan is the load in the terms of package arrival; stages follow each other without a pause, for there is nothing to
// wait by.
func (o *loadOptions) plan() (arrival.Plan, error) {
	p := arrival.Plan{Seed: o.seed}
	var err error
	if o.trace != nil {
		trace, err := arrival.NewTrace(o.trace)
		if err != nil {
			return p, err
		}
		p.Process, p.Stages = trace, []arrival.Stage{trace.Stage()}
		return p, nil
	}
	if p.Process, err = arrival.ByName(o.arrival, o.burstiness); err != nil {
		return p, err
	}
	if len(o.stages) == 0 {
		return p, errors.New("stages are missing, as in {stages: [{rate: 5, duration: '30s'}]}")
	}
	if o.interval > 0 || o.drain != nil && *o.drain {
		return p, fmt.Errorf("interval and drain need the executor %s", record.ExecutorName)
	}
	for i, s := range o.stages {
		if s.requests > 0 {
			return p, fmt.Errorf("stage %d: a closed loop needs no pace, leave it to scenarios()", i)
		}
	}
	if p.Stages, err = o.arrivals(); err != nil {
		return p, err
	}
	return p, p.Validate()
}
