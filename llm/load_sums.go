package llm

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// arrivals are the stages in the terms of package arrival, each of them valid.
func (o *loadOptions) arrivals() (stages []arrival.Stage, err error) {
	from := 0.0
	for i, s := range o.stages {
		stage := arrival.Stage{Requests: s.requests, Concurrency: s.concurrency, RampUp: s.rampUp}
		if s.requests == 0 {
			to := s.target
			if s.hasRate {
				from, to = s.rate, s.rate
			}
			stage = arrival.Stage{From: from, To: to, Duration: s.duration}
			from = to
		}
		if err := stage.Validate(); err != nil {
			return nil, fmt.Errorf("stage %d: %w", i, err)
		}
		stages = append(stages, stage)
	}
	return stages, nil
}

// checkSums refuses stages whose arrivals together cannot be counted, or whose end is too far away to be timed.
func (o *loadOptions) checkSums() error {
	stages, err := o.arrivals()
	if err != nil {
		return err
	}
	if hours := o.startTime.Hours() + float64(len(o.stages))*o.interval.Hours(); hours > timespan.Max.Hours() {
		return fmt.Errorf("startTime and the intervals must not be longer than 1000000h together, got %.0fh", hours)
	}
	return arrival.Plan{Stages: stages}.Validate()
}
