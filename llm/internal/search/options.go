package search

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What a search goes over.
const (
	Rate        = record.OverRate        // requests per second, in an open loop
	Concurrency = record.OverConcurrency // requests at a time, in a closed loop
)

// Defaults of the options.
const (
	DefaultResolution = 0.05
	DefaultConfidence = 0.95
	DefaultMaxProbes  = 20
	DefaultProbe      = 15 * time.Second
	DefaultHold       = 30 * time.Second
)

// OnlyTier is the name of the tier of a search that has one SLO.
const OnlyTier = "slo"

// Options are the options of a search with all defaults. Only [Check] makes them.
type Options struct {
	Over                   string  // Rate or Concurrency
	Tiers                  []Tier  // at least one
	Min, Max               float64 // 0: none is given
	Resolution, Confidence float64
	Probe, Hold            time.Duration
	MaxProbes              int

	stretch bool // no time of a probe is given: slow loads get more
}

// Tier is an SLO of a search.
type Tier struct {
	Name string
	SLO  []slo.Objective // at least one
}

// Text returns the SLO as package internal/slo writes it.
func (t Tier) Text() string { return slo.Join(t.SLO) }

// Check returns the options with defaults, or an error that names the option which is wrong, such as search.min. For a
// fault within an SLO it has the column.
func Check(given arrival.SearchOptions) (o Options, err error) {
	o = Options{
		Over:       given.Over.String,
		Min:        given.Min.Float64,
		Max:        given.Max.Float64,
		Resolution: DefaultResolution,
		Confidence: DefaultConfidence,
		Probe:      DefaultProbe,
		Hold:       DefaultHold,
		MaxProbes:  DefaultMaxProbes,
		stretch:    !given.Probe.Valid && !given.Hold.Valid,
	}
	if o.Over, err = over(given.Over); err != nil {
		return o, err
	}
	if o.Tiers, err = tiers(given); err != nil {
		return o, err
	}
	if err := o.checkLoads(given); err != nil {
		return o, err
	}
	if err := o.setCertainty(given); err != nil {
		return o, err
	}
	return o, o.setTimes(given)
}

func over(given null.String) (string, error) {
	known := []string{Rate, Concurrency}
	if !given.Valid {
		return Rate, nil
	}
	if slices.Contains(known, given.String) {
		return given.String, nil
	}
	if near, found := spelling.Nearest(given.String, known); found {
		return "", fmt.Errorf("search.over: unknown load %q: did you mean %s?", given.String, near)
	}
	return "", fmt.Errorf("search.over: unknown load %q, known are %s", given.String, strings.Join(known, ", "))
}

const sloExample = "'p99(ttft)<500ms, failures<1%'"

// tiers reads the SLOs.
func tiers(given arrival.SearchOptions) ([]Tier, error) {
	switch {
	case given.SLO.Valid && len(given.Tiers) > 0:
		return nil, errors.New("search takes slo or tiers, not both")
	case given.SLO.Valid:
		objectives, err := objectives("search.slo", given.SLO.String)
		return []Tier{{OnlyTier, objectives}}, err
	case len(given.Tiers) == 0:
		return nil, fmt.Errorf("search.slo is missing: write slo: %s", sloExample)
	}
	var list []Tier
	for i, t := range given.Tiers {
		option := fmt.Sprintf("search.tiers[%d]", i)
		same := func(other Tier) bool { return other.Name == t.Name }
		switch at := slices.IndexFunc(list, same); {
		case strings.TrimSpace(t.Name) == "":
			return nil, fmt.Errorf("%s.name is missing: write tiers: [{name: 'chat', slo: %s}]", option, sloExample)
		case at >= 0:
			return nil, fmt.Errorf("%s.name: %q is the name of tiers[%d] too", option, t.Name, at)
		}
		objectives, err := objectives(option+".slo", t.SLO)
		if err != nil {
			return nil, err
		}
		list = append(list, Tier{t.Name, objectives})
	}
	return list, nil
}

// objectives reads the SLO that an option holds.
func objectives(option, text string) ([]slo.Objective, error) {
	list, err := slo.Parse(text)
	var fault *slo.SyntaxError
	switch {
	case errors.As(err, &fault):
		return nil, fmt.Errorf("%s: column %d: %w", option, fault.Column, fault.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", option, err)
	case len(list) == 0:
		return nil, fmt.Errorf("%s is empty: write slo: %s", option, sloExample)
	}
	for _, o := range list {
		if o.Strict && needed(o) == 1 {
			return nil, fmt.Errorf("%s: no server can keep %s", option, o)
		}
	}
	return list, nil
}

// needed returns the share of the requests that has to keep an objective. Of failures it is the share that must not
// fail.
func needed(o slo.Objective) float64 {
	if o.Kind == slo.Failures {
		return 1 - o.Share
	}
	return o.Share
}

// mostLoad is the highest load that an option may name. It keeps sums and products finite.
const mostLoad = 1e6

func (o *Options) checkLoads(given arrival.SearchOptions) error {
	for _, load := range []struct {
		option string
		value  null.Float
	}{{"search.min", given.Min}, {"search.max", given.Max}} {
		v := load.value.Float64
		switch {
		case !load.value.Valid:
		case !(v > 0):
			return fmt.Errorf("%s must be positive, got %v", load.option, v)
		case v > mostLoad:
			return fmt.Errorf("%s must not be above %.0f, got %v", load.option, mostLoad, v)
		case o.Over == Concurrency && v != math.Trunc(v):
			return fmt.Errorf("%s must be a whole number of requests at a time, got %v", load.option, v)
		}
	}
	if o.Max > 0 && o.Min > o.Max {
		return fmt.Errorf("search.min (%v) must not be above search.max (%v)", o.Min, o.Max)
	}
	return nil
}

// setCertainty sets how near to the answer the search comes, and how sure of it.
func (o *Options) setCertainty(given arrival.SearchOptions) error {
	if given.Resolution.Valid {
		o.Resolution = given.Resolution.Float64
	}
	if given.Confidence.Valid {
		o.Confidence = given.Confidence.Float64
	}
	probes := int64(DefaultMaxProbes)
	if given.MaxProbes.Valid {
		probes = given.MaxProbes.Int64
	}
	switch {
	case !(o.Resolution >= leastResolution && o.Resolution <= 1):
		return fmt.Errorf("search.resolution must be from %v to 1, as 0.05 for 5 %%, got %v", leastResolution,
			o.Resolution)
	case !(o.Confidence >= 0.5 && o.Confidence < 1):
		return fmt.Errorf("search.confidence must be from 0.5 to below 1, as 0.95, got %v", o.Confidence)
	case probes < leastProbes || probes > mostProbes:
		return fmt.Errorf("search.maxProbes must be from %d to %d, got %d", leastProbes, mostProbes, probes)
	}
	o.MaxProbes = int(probes)
	return nil
}

const (
	leastResolution = 0.001
	leastProbes     = 3 // one that passes, one that fails, and the hold
	mostProbes      = 1000
)

func (o *Options) setTimes(given arrival.SearchOptions) error {
	if given.Probe.Valid {
		o.Probe = given.Probe.TimeDuration()
		o.Hold = 2 * o.Probe
	}
	if given.Hold.Valid {
		o.Hold = given.Hold.TimeDuration()
	}
	for _, t := range []struct {
		option string
		value  time.Duration
	}{{"search.probe", o.Probe}, {"search.hold", o.Hold}} {
		switch {
		case t.value < time.Second:
			return fmt.Errorf("%s must be at least 1s, got %v", t.option, t.value)
		case t.value > timespan.Max/mostProbes:
			return fmt.Errorf("%s must not be longer than %v, got %v", t.option, timespan.Max/mostProbes, t.value)
		}
	}
	return nil
}

// Objectives returns those of all tiers.
func (o Options) Objectives() (list []slo.Objective) {
	for _, t := range o.Tiers {
		list = append(list, t.SLO...)
	}
	return list
}

// strictest returns the greatest share below 1 that an objective needs, and the objective. If all need 1 it returns
// one of them.
func (o *Options) strictest() (share float64, objective slo.Objective) {
	for _, t := range o.Tiers {
		for _, one := range t.SLO {
			if n := needed(one); share == 0 || n < 1 && (n > share || share == 1) {
				share, objective = n, one
			}
		}
	}
	return cmp.Or(share, 1), objective
}
