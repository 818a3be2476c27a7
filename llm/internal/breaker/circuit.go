package breaker

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What an open circuit breaker stops.
const (
	StopRun   = "run"
	StopStage = "stage"
)

// Circuit is a breaker and what it stops. Its JSON is equal for equal options, so clients of equal options can share
// the first one's breaker. It may be used concurrently.
type Circuit struct {
	Definition
	Stop    string // StopRun or StopStage
	breaker *Breaker
}

// Options are the options of a circuit breaker, in the plain form or with expressions and a list of triggers.
type Options struct {
	Definition
	Stop string // StopRun or StopStage

	// The plain form has its triggers among the options.
	Consecutive int64   // hits in a row; 0 means no such trigger
	Share       Trigger // a share of hits; a rate of 0 means no such trigger

	HasTriggers bool // the list of triggers is given; an empty list never opens the breaker
}

// DefaultOptions returns the options of a breaker that stops the run and has no trigger yet.
func DefaultOptions() Options { return Options{Stop: StopRun, Share: DefaultShare()} }

// DefaultShare returns a trigger on a share of hits, with the default window and minimum of samples and no rate yet.
func DefaultShare() Trigger { return Trigger{Window: 10 * time.Second, MinSamples: 20} }

// NewCircuit completes and checks options.
func NewCircuit(o Options) (*Circuit, error) {
	if o.Stop != StopRun && o.Stop != StopStage {
		return nil, fmt.Errorf("stop must be 'run' or 'stage', got %q", o.Stop)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	b, err := New(o.Definition)
	return &Circuit{Definition: o.Definition, Stop: o.Stop, breaker: b}, err
}

// complete adds the triggers of the plain form and the default expressions: every request counts, and failed requests
// are hits. A breaker of expressions counts through all stages, as inference-perf's does, unless it stops only one.
func (o *Options) complete() error {
	if o.Consecutive > 0 {
		o.Triggers = append(o.Triggers, Trigger{Consecutive: o.Consecutive})
	}
	if o.Share.Rate != 0 {
		o.Triggers = append(o.Triggers, o.Share)
	}
	if len(o.Triggers) == 0 && !o.HasTriggers {
		return errors.New("needs consecutive, as in {consecutive: 10}, or a rate, as in {rate: 0.5, window: '10s'}")
	}
	plain := o.Matches == nil && o.Rules == nil
	o.PerStage = plain || o.Stop == StopStage
	if plain {
		o.Rules = []string{Failures}
	}
	if o.Matches == nil {
		o.Matches = []string{Every}
	}
	return nil
}

// Watch shows a request that has ended to all circuits, and calls stop for each that is open: with the reason, and
// whether to stop the whole run or only the stage.
func Watch(circuits []*Circuit, r *record.Request, stop func(reason string, run bool)) {
	if len(circuits) == 0 {
		return
	}
	sample, now := NewSample(r), time.Unix(0, r.End)
	for _, c := range circuits {
		if reason := c.breaker.Take(sample, now); reason != "" {
			stop(reason, c.Stop == StopRun)
		}
	}
}
