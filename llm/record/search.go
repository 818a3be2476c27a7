package record

import (
	"cmp"
	"fmt"
	"slices"
)

// Search is the state of a search for the highest load at which a server keeps an SLO. It is written after each probe;
// the last line of a scenario holds.
type Search struct {
	Scenario   string  `json:"scenario"`
	Over       string  `json:"over"`       // "rate", in requests per second, or "concurrency"
	Arrival    string  `json:"arrival"`    // the arrival process; "" over a concurrency
	Resolution float64 `json:"resolution"` // ratio, less 1, between the two loads at which the search is done
	Confidence float64 `json:"confidence"` // at which the bounds of shares and Interval hold together, from 0 to 1
	SearchAnswer
	Tiers  []SearchTier  `json:"tiers"` // one for each SLO, the one of SearchAnswer among them
	Probes []SearchProbe `json:"probes"`

	// StopReason is converged, max_reached, min_fails, client_limited, probes_exhausted, unstable_server or
	// interrupted; "" while the search goes on.
	StopReason string `json:"stop_reason"`
	Reason     string `json:"reason"` // the same in a sentence without a full stop, with its figures
}

// SearchAnswer is the answer to one SLO: null where no probe gives it.
type SearchAnswer struct {
	SLO            string   `json:"slo"` // as package internal/slo writes it
	HighestPassing *float64 `json:"highest_passing"`
	LowestFailing  *float64 `json:"lowest_failing"` // above HighestPassing
	// Interval holds the highest load that passes for certain, at the Confidence, and the lowest that fails for
	// certain.
	Interval    [2]*float64 `json:"interval"`
	Binding     string      `json:"binding"`      // the objective that LowestFailing breaks most, "" if none fails
	Cliff       bool        `json:"cliff"`        // the latency of Binding jumps between the two loads
	NonMonotone bool        `json:"non_monotone"` // a load below HighestPassing fails for certain
	Text        string      `json:"text"`         // a sentence without a full stop: holds at 15.6/s (…), breaks at 17.2/s (…)
}

// SearchTier is the answer to one of several SLOs.
type SearchTier struct {
	Name string `json:"name"`
	SearchAnswer
	StopReason string `json:"stop_reason"`
}

// SearchProbe is one load that a search has tried. Its requests are those of a stage.
type SearchProbe struct {
	Stage   int     `json:"stage"`
	Value   float64 `json:"value"`   // the load
	Phase   string  `json:"phase"`   // doubling, bisection or hold
	Outcome string  `json:"outcome"` // pass, fail or refused; of the first tier
	// Certain reports whether the outcome holds at the search's confidence. Else it is what the share of the requests
	// says when the probe ran out of time.
	Certain   bool              `json:"certain"`
	Unstable  bool              `json:"unstable"` // requests in flight grew without bound
	Share     *float64          `json:"share"`    // of the requests, that kept the objective which decided
	Bounds    [2]*float64       `json:"bounds"`   // of the true share, at the confidence
	Binding   string            `json:"binding"`  // the objective that decided: the one broken most, or kept least
	Requests  int               `json:"requests"` // judged: without those of the transient
	Failed    int               `json:"failed"`   // of them, with the arrivals that were dropped
	Transient float64           `json:"transient_seconds"`
	Seconds   float64           `json:"seconds"`    // that the probe lasted, with its transient and the wait for the drain
	Verdict   string            `json:"verdict"`    // on the load generator: VALID, SUSPECT or INVALID
	Reasons   []string          `json:"reasons"`    // of the verdict
	Tiers     map[string]string `json:"tiers"`      // the outcome of each tier by name
	Shares    []SearchShare     `json:"objectives"` // what became of each objective of all tiers
}

// SearchShare is what a probe tells of one objective.
type SearchShare struct {
	Objective string      `json:"objective"`
	Needed    float64     `json:"needed_share"` // of the requests, that have to keep it; of failures those that must not fail
	Share     *float64    `json:"share"`        // of the requests, that keep it; null without requests
	Bounds    [2]*float64 `json:"bounds"`
	Outcome   string      `json:"outcome"` // pass or fail
	Certain   bool        `json:"certain"`
	// Latency is the percentile that decides, in seconds, from the due instant on, or a real-time factor; null if it is
	// that of a request that failed, or if the objective has no single latency.
	Latency *float64 `json:"latency"`
	// Effective is to how many independent requests those judged amount.
	Effective float64 `json:"effective_requests"`
}

func (*Search) lineType() string { return "search" }

// The values of Search.Over.
const (
	OverRate        = "rate"
	OverConcurrency = "concurrency"
)

// The values of SearchProbe.Outcome. The outcome of an objective is one of the first two.
const (
	ProbePassed  = "pass"
	ProbeFailed  = "fail"
	ProbeRefused = "refused"
)

func (s *Search) validate() error {
	switch {
	case s.Over != OverRate && s.Over != OverConcurrency:
		return fmt.Errorf("over is %q, neither %s nor %s", s.Over, OverRate, OverConcurrency)
	case !(s.Resolution >= 0 && s.Resolution <= maxNumber):
		return outOfRange("resolution", s.Resolution)
	}
	if err := cmp.Or(share("confidence", &s.Confidence), s.SearchAnswer.validate()); err != nil {
		return err
	}
	for _, t := range s.Tiers {
		if err := t.validate(); err != nil {
			return fmt.Errorf("tier %q: %w", t.Name, err)
		}
	}
	for i := range s.Probes {
		if err := s.Probes[i].validate(); err != nil {
			return fmt.Errorf("probe %d: %w", i, err)
		}
	}
	return nil
}

func (a *SearchAnswer) validate() error {
	for _, load := range [...]*float64{a.HighestPassing, a.LowestFailing, a.Interval[0], a.Interval[1]} {
		if load != nil && !(*load > 0 && *load <= maxNumber) {
			return outOfRange("load", *load)
		}
	}
	return nil
}

func (p *SearchProbe) validate() error {
	if !(p.Value > 0 && p.Value <= maxNumber) {
		return outOfRange("value", p.Value)
	}
	if !slices.Contains([]string{ProbePassed, ProbeFailed, ProbeRefused}, p.Outcome) {
		return fmt.Errorf("unknown outcome %q", p.Outcome)
	}
	for _, seconds := range [...]float64{p.Transient, p.Seconds} {
		if !(seconds >= 0 && seconds <= maxSpan) {
			return outOfRange("seconds", seconds)
		}
	}
	if err := cmp.Or(counts(count{"stage", int64(p.Stage)}, count{"requests", int64(p.Requests)}),
		share("share", p.Share, p.Bounds[:]...)); err != nil {
		return err
	}
	for i := range p.Shares {
		if err := p.Shares[i].validate(); err != nil {
			return fmt.Errorf("objective %q: %w", p.Shares[i].Objective, err)
		}
	}
	return nil
}

func (s *SearchShare) validate() error {
	switch {
	case s.Latency != nil && !(*s.Latency >= 0 && *s.Latency <= maxSpan):
		return outOfRange("latency", *s.Latency)
	case !(s.Effective >= 0 && s.Effective <= maxNumber):
		return outOfRange("effective_requests", s.Effective)
	}
	return cmp.Or(share("needed_share", &s.Needed), share("share", s.Share, s.Bounds[:]...))
}

// share returns an error for a share that does not lie between 0 and 1; nil is not known.
func share(name string, first *float64, more ...*float64) error {
	for _, x := range append([]*float64{first}, more...) {
		if x != nil && !(*x >= 0 && *x <= 1) {
			return outOfRange(name, *x)
		}
	}
	return nil
}
