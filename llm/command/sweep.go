package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// The methods of finding the rate at which a server saturates.
const (
	burstMethod = "inference-perf burst" // measures how fast the requests of a burst end
	stepsMethod = "rate steps"           // finds the highest rate that the server keeps up with
)

// sweep finds the rates of a sweep's stages, and puts these stages into the configuration.
func (r *runner) sweep(ctx context.Context) error {
	s := r.c.Load.Sweep
	probe := &prober{runner: r}
	found := convert.Sweep{Method: burstMethod}
	var err error
	if r.c.Own.Sweep == config.Steps {
		found.Method = stepsMethod
		found.Saturation, err = probe.steps(ctx, float64(s.Requests)/stepSeconds)
	} else {
		found.Saturation, err = probe.burst(ctx, *s)
	}
	found.Requests = probe.requests
	if err != nil {
		return fmt.Errorf("sweep (%s): %w", found.Method, err)
	}
	found.Rates = sweepRates(s.Type, found.Saturation, int(s.Stages))
	var stages []map[string]any
	for _, rate := range found.Rates {
		stages = append(stages, map[string]any{"rate": rate, "duration": s.Duration})
	}
	r.cmd.PrintErrf("sweep (%s): saturated at %.2f requests/s; the stages are %v requests/s\n", found.Method,
		found.Saturation, found.Rates)
	r.found = &found
	return r.setStages(stages)
}

// setStages replaces the configuration's sweep by stages.
func (r *runner) setStages(stages []map[string]any) error {
	list, err := stageOverrides(r.overrides, stages)
	if err != nil {
		return err
	}
	r.overrides = list
	return r.load()
}

func stageOverrides(overrides []config.Override, stages []map[string]any) ([]config.Override, error) {
	text, err := json.Marshal(stages)
	if err != nil {
		return nil, err
	}
	return append(slices.Clip(overrides), config.Override{Key: "load.sweep", Value: "null"},
		config.Override{Key: "load.stages", Value: string(text)}), nil
}

// sweepRates returns the rates of the stages, rounded to hundredths, as inference-perf computes them: from 1 to the
// saturation, either evenly spaced or closer together towards the saturation.
func sweepRates(kind config.SweepType, saturation float64, stages int) []float64 {
	rates := make([]float64, stages)
	for i := range rates {
		at := 0.0
		if stages > 1 {
			at = float64(i) / float64(stages-1)
		}
		rate := 1 + (saturation-1)*at
		if kind == config.Geometric {
			rate = 1 + saturation - math.Pow(saturation, 1-at)
		}
		rates[i] = max(0.01, math.Round(rate*100)/100)
	}
	return rates
}

// prober sends loads that do not count in the report.
type prober struct {
	*runner
	requests int
}

// probe sends one load and returns its run. It does not keep the records.
func (p *prober) probe(ctx context.Context, rate, seconds, grace float64) (*run.Run, error) {
	overrides, err := stageOverrides(p.overrides, []map[string]any{{"rate": rate, "duration": int(seconds)}})
	if err != nil {
		return nil, err
	}
	overrides = append(overrides, config.Override{Key: "load.interval", Value: "0"},
		config.Override{Key: "load.stage_teardown_grace_seconds", Value: fmt.Sprint(grace)})
	work, err := os.MkdirTemp("", "k6-llm-probe-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	records := filepath.Join(work, recordsName)
	code, err := p.k6(ctx, records, overrides)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, &probeError{code}
	}
	run, err := cli.Read(p.cmd, run.Options{}, []string{records})
	if err == nil {
		p.requests += len(run.Requests)
	}
	return run, err
}

// probeError reports that k6 ended a probe with an exit code other than 0.
type probeError struct{ code exitcodes.ExitCode }

// Error returns a message with the exit code.
func (e *probeError) Error() string {
	return fmt.Sprintf("k6 run of the probe ended with code %d", e.code)
}

// burstSeconds is the time over which the requests of a burst are sent.
const burstSeconds = 5

// burst returns the rate at which the requests in flight of a burst end, as inference-perf computes it: a percentile of
// the decreases between samples, half a second apart.
func (p *prober) burst(ctx context.Context, s config.Sweep) (float64, error) {
	run, err := p.probe(ctx, float64(s.Requests)/burstSeconds, burstSeconds, max(0, s.Timeout-burstSeconds))
	if err != nil {
		return 0, err
	}
	const each = 0.5
	inFlight := run.InFlight(each)
	if until := int(s.Timeout / each); len(inFlight) > until {
		inFlight = inFlight[:until]
	}
	var falls []float64
	for i := 1; i < len(inFlight); i++ {
		if fall := inFlight[i-1] - inFlight[i]; fall > 0 {
			falls = append(falls, float64(fall)/each)
		}
	}
	if len(falls) < 2 {
		return 0, fmt.Errorf("the requests in flight hardly became fewer within %v s, so that no rate can be told: "+
			"raise load.sweep.num_requests, or set x-llm: {sweep: steps}", s.Timeout)
	}
	rate, _ := convert.NewDistribution(falls, []float64{s.Percentile}).At(s.Percentile)
	return rate, nil
}

const (
	stepSeconds = 10
	keptUp      = 0.95 // share of the requests that must succeed
	bisections  = 2
)

// steps doubles the rate until the server no longer keeps up or misses the bounds of goodput, and then bisects the last
// step twice. A step sends at most load.sweep.num_requests requests.
func (p *prober) steps(ctx context.Context, most float64) (float64, error) {
	low, high := 0.0, 0.0
	for rate := min(1.0, most); high == 0; rate = min(2*rate, most) {
		if rate == low {
			p.cmd.PrintErrf("sweep: the server keeps up with all that load.sweep.num_requests allows, %.2f "+
				"requests/s\n", most)
			return low, nil
		}
		good, err := p.keepsUp(ctx, rate)
		if err != nil {
			return 0, err
		}
		if good {
			low = rate
		} else {
			high = rate
		}
	}
	if low == 0 {
		return 0, errors.New("the server does not keep up with the lowest rate, 1 request/s")
	}
	for range bisections {
		rate := (low + high) / 2
		good, err := p.keepsUp(ctx, rate)
		if err != nil {
			return 0, err
		}
		if good {
			low = rate
		} else {
			high = rate
		}
	}
	return low, nil
}

// keepsUp reports whether the server keeps up with a rate: whether nearly all requests succeed, within the bounds of
// goodput if there are any, and the latencies of the load's two halves are alike.
func (p *prober) keepsUp(ctx context.Context, rate float64) (bool, error) {
	run, err := p.probe(ctx, rate, stepSeconds, stepSeconds)
	if err != nil {
		return false, err
	}
	opts, _, err := convert.Configured(p.c)
	if err != nil {
		return false, err
	}
	summary := convert.Summarize(run, opts)
	asked := rate * stepSeconds
	kept := float64(summary.Successes.Count) >= keptUp*min(asked, float64(summary.Load.Count)) && run.HalvesAlike()
	if g := summary.Successes.Goodput; g != nil && float64(g.Percentage) < 100*keptUp {
		kept = false
	}
	p.cmd.PrintErrf("sweep: %.2f requests/s: %s\n", rate, map[bool]string{true: "kept up", false: "gave way"}[kept])
	return kept, nil
}
