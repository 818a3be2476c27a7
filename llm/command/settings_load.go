package command

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
)

// load sets the keys of the load.
func (s *settings) load(set func(key, value string), load options) error {
	if s.warmup != "" {
		w, err := arrival.ParseWarmup(s.warmup)
		if err != nil {
			return err // not after check
		}
		value := w.Text()
		if w.Kind == "" {
			value = strconv.FormatFloat(w.TimeDuration().Seconds(), 'f', -1, 64)
		}
		set("x-llm.warmup", value)
	}
	if err := s.setArrival(set, load); err != nil {
		return err
	}
	switch {
	case s.search.over != "", s.search.keyed && s.rates == nil && s.concurrencies == nil && s.trace == "":
		return s.searched(set)
	case s.search.unused() != nil:
		return s.search.unused()
	case s.trace != "" && (s.rates != nil || s.concurrencies != nil || s.duration != "" || s.requests != ""):
		return fmt.Errorf("--replay takes the times from the log: leave --rate, --concurrency, --duration and " +
			"--requests out")
	case s.trace != "":
		set("load.type", string(config.TraceReplay))
		for _, key := range []string{"load.trace.file", "data.trace.file"} {
			set(key, s.trace)
		}
		set("load.stages", `[{"rate": 1, "duration": 1}]`) // a trace has its own; the key is required
		return nil
	case s.rates != nil && s.concurrencies != nil:
		return fmt.Errorf("--rate and --concurrency are two kinds of load: give one of them")
	case s.concurrencies != nil:
		return s.closedLoop(set)
	case s.rates != nil:
		return s.openLoop(set)
	case s.duration != "" || s.requests != "":
		return fmt.Errorf("--duration and --requests need --rate or --concurrency")
	}
	return nil
}

// setArrival sets the shape of the arrivals.
func (s *settings) setArrival(set func(key, value string), load options) error {
	if s.burstiness != "" && s.arrival != "gamma" {
		return fmt.Errorf("--burstiness needs --arrival gamma")
	}
	switch s.arrival {
	case "":
		return nil
	case "constant", "poisson":
		set("load.type", s.arrival)
	case string(config.InferencePerf):
		set("x-llm.arrivals", s.arrival)
	case "gamma":
		burstiness, err := strconv.ParseFloat(s.burstiness, 64)
		if s.burstiness == "" {
			burstiness, err = 0.3, nil
		}
		if err != nil {
			return fmt.Errorf("--burstiness: %q is no number", s.burstiness)
		}
		load["arrival"], load["burstiness"] = s.arrival, burstiness
	default:
		return fmt.Errorf("--arrival: unknown %q, known are constant, poisson, gamma, inference-perf", s.arrival)
	}
	if s.concurrencies != nil || s.trace != "" || s.search.over == search.Concurrency {
		return fmt.Errorf("--arrival is for --rate: a closed loop and a log have arrivals of their own")
	}
	return nil
}

// defaultDuration is the length of a stage of which neither --duration nor --requests tells the end.
const defaultDuration = "30s"

// stageText is a stage of the configuration.
type stageText struct {
	Rate        float64 `json:"rate,omitempty"`
	Requests    int64   `json:"num_requests,omitempty"`
	Concurrency int64   `json:"concurrency_level,omitempty"`
	Duration    int64   `json:"duration,omitempty"` // seconds
}

func (s *settings) openLoop(set func(key, value string)) error {
	var stages []stageText
	for _, text := range s.rates {
		rate, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("--rate: %q is no rate above 0; several are written as 2,4,8", text)
		}
		stage := stageText{Rate: rate}
		if s.requests == "" {
			stage.Duration, err = s.seconds()
		} else {
			stage.Duration, err = s.secondsFor(rate)
		}
		if err != nil {
			return err
		}
		stages = append(stages, stage)
	}
	return setStages(set, stages)
}

func (s *settings) closedLoop(set func(key, value string)) error {
	if s.requests != "" && s.duration != "" {
		return fmt.Errorf("--duration and --requests both end a stage: give one of them")
	}
	var stages []stageText
	for _, text := range s.concurrencies {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf("--concurrency: %q is no number of requests at a time; several are written as 4,16,64",
				text)
		}
		stage := stageText{Concurrency: n}
		if s.requests == "" {
			stage.Duration, err = s.seconds()
		} else {
			stage.Requests, err = s.count()
		}
		if err != nil {
			return err
		}
		stages = append(stages, stage)
	}
	set("load.type", string(config.Concurrent))
	return setStages(set, stages)
}

func setStages(set func(key, value string), stages []stageText) error {
	text, err := json.Marshal(stages)
	if err != nil {
		return err
	}
	set("load.stages", string(text))
	return nil
}

// seconds returns the duration of a stage.
func (s *settings) seconds() (int64, error) {
	text := s.duration
	if text == "" {
		text = defaultDuration
	}
	d, err := timespan.Parse(text)
	if err != nil {
		return 0, fmt.Errorf("--duration: %w", err)
	}
	if d < time.Second || d%time.Second != 0 {
		return 0, fmt.Errorf("--duration: a stage lasts whole seconds, got %v", d)
	}
	return int64(d / time.Second), nil
}

func (s *settings) count() (int64, error) {
	n, err := strconv.ParseInt(s.requests, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("--requests: %q is no number of requests", s.requests)
	}
	return n, nil
}

// secondsFor returns the duration in which the asked number of requests is sent at a rate.
func (s *settings) secondsFor(rate float64) (int64, error) {
	n, err := s.count()
	if err != nil {
		return 0, err
	}
	if s.duration != "" {
		return 0, fmt.Errorf("--duration and --requests both end a stage: give one of them")
	}
	seconds := float64(n) / rate
	whole := math.Round(seconds)
	if math.Abs(seconds-whole) < 1e-9 && whole >= 1 {
		return int64(whole), nil
	}
	near := []string{}
	for _, w := range []float64{math.Floor(seconds), math.Ceil(seconds)} {
		if w >= 1 {
			near = append(near, strconv.FormatFloat(math.Floor(w*rate+1e-9), 'f', -1, 64))
		}
	}
	return 0, fmt.Errorf("--requests: %d at %v/s take %.4g s, and a stage lasts whole seconds: ask for %s", n, rate,
		seconds, strings.Join(slices.Compact(near), " or "))
}
