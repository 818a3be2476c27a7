package llm

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// checkSums holds that the arrivals of the stages can be counted together, and the instant of their end told.
func (o *loadOptions) checkSums() error {
	var p arrival.Plan
	from := 0.0
	for i, s := range o.stages {
		stage := arrival.Stage{Requests: s.requests, Concurrency: s.concurrency, RampUp: s.rampUp}
		if s.requests == 0 {
			if s.hasRate {
				from = s.rate
			}
			stage = arrival.Stage{From: from, To: max(s.rate, s.target), Duration: s.duration}
			from = stage.To
		}
		if err := stage.Validate(); err != nil {
			return fmt.Errorf("stage %d: %w", i, err)
		}
		p.Stages = append(p.Stages, stage)
	}
	if hours := o.startTime.Hours() + float64(len(o.stages))*o.interval.Hours(); hours > timespan.Max.Hours() {
		return fmt.Errorf("startTime and the intervals must not be longer than 1000000h together, got %.0fh", hours)
	}
	return p.Validate()
}
