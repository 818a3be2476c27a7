package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// pace serves hosts that refuse the executor llm-arrival-rate. It returns a scenario of k6's shared-iterations, with
// one iteration per arrival, and a function wait() that holds each iteration until its arrival is due. An arrival
// without a free VU is late instead of dropped.
func pace(m *ModuleInstance, options sobek.Value) (map[string]any, error) {
	rt := m.vu.Runtime()
	o := newLoadOptions()
	if err := o.fields(m).read(rt, "pace", options); err != nil {
		return nil, err
	}
	if o.exec.Native != nil {
		return nil, fmt.Errorf("pace: %w", errNative)
	}
	if o.Search != nil {
		return nil, errors.New("pace: a search needs the executor llm-arrival-rate: use scenarios(), or give stages")
	}
	if err := checkLabel(o); err != nil {
		return nil, fmt.Errorf("pace: %w", err)
	}
	key, err := json.Marshal(o.Load)
	if err != nil {
		return nil, err
	}
	p, err := m.root.paces.Get(string(key), o.Pace)
	if err != nil {
		return nil, fmt.Errorf("pace: %w", err)
	}
	s := o.base("shared-iterations", o.startTime, 0)
	s["vus"], s["iterations"] = p.VUs, len(p.Due)
	s["maxDuration"] = (p.Due[len(p.Due)-1] + o.maxDuration).String()
	return map[string]any{
		"scenarios": map[string]any{"paced": s},
		"wait":      func() (float64, error) { return waitFor(m, p) },
	}, nil
}

// waitFor waits until the running iteration is due, and returns how late it is in milliseconds.
func waitFor(m *ModuleInstance, p arrival.Pace) (float64, error) {
	ss, k, inside := m.engine.Iteration()
	if !inside {
		return 0, errors.New("wait() belongs first in the iteration of a scenario that pace() made")
	}
	if k >= int64(len(p.Due)) {
		return 0, fmt.Errorf("iteration %d has no arrival: give the scenario the iterations that pace() gave", k)
	}
	at := ss.StartTime.Add(p.Due[k])
	if err := sleepUntil(m.vu.Context(), at); err != nil {
		return 0, err // the test ends before the arrival is due, so nothing may be sent
	}
	m.engine.Pace(arrival.Arrival{Index: k, Due: at, Warmup: p.Warming(k)})
	return ms(time.Since(at)), nil
}

func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
