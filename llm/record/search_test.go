package record

import (
	"strings"
	"testing"
)

// fullSearch returns a search with everything set.
func fullSearch() *Search {
	bounds := [2]*float64{new(0.985), new(0.999)}
	answer := SearchAnswer{SLO: "p99(ttft)<500ms", HighestPassing: new(16.0), LowestFailing: new(17.0),
		Interval: [2]*float64{new(15.0), new(18.0)}, Binding: "p99(ttft)<500ms", Cliff: true, NonMonotone: true,
		Text: "holds at 16/s (p99 TTFT 279 ms, 940 requests), breaks at 17/s (612 ms)"}
	return &Search{Scenario: "s", Over: OverRate, Arrival: "poisson", Resolution: 0.05, Confidence: 0.95,
		SearchAnswer: answer, Tiers: []SearchTier{{Name: "slo", SearchAnswer: answer, StopReason: "converged"}},
		Probes: []SearchProbe{{Stage: 1, Value: 16, Phase: "doubling", Outcome: ProbePassed, Certain: true,
			Unstable: true, Share: new(0.995), Bounds: bounds, Binding: "p99(ttft)<500ms", Requests: 940, Transient: 2,
			Seconds: 60, Verdict: "VALID", Reasons: []string{"r"}, Tiers: map[string]string{"slo": ProbePassed},
			Shares: []SearchShare{{Objective: "p99(ttft)<500ms", Needed: 0.99, Share: new(0.995), Bounds: bounds,
				Outcome: ProbePassed, Certain: true, Latency: new(0.279), Effective: 312.5}}}},
		StopReason: "converged", Reason: "the two loads lie within 5 %"}
}

func shareOf(s *Search) *SearchShare { return &s.Probes[0].Shares[0] }

func TestParseRefusesSearches(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Search){
		`search line: over is "x", neither rate nor concurrency`: func(s *Search) { s.Over = "x" },
		"negative resolution -1":                                 func(s *Search) { s.Resolution = -1 },
		"confidence out of range at 1.5":                         func(s *Search) { s.Confidence = 1.5 },
		"load out of range at 0":                                 func(s *Search) { s.Interval[1] = new(0.0) },
		`tier "slo": negative load -1`:                           func(s *Search) { s.Tiers[0].HighestPassing = new(-1.0) },
		"probe 0: value out of range at 0":                       func(s *Search) { s.Probes[0].Value = 0 },
		`probe 0: unknown outcome "perhaps"`:                     func(s *Search) { s.Probes[0].Outcome = "perhaps" },
		"probe 0: negative stage -1":                             func(s *Search) { s.Probes[0].Stage = -1 },
		"probe 0: negative seconds -1":                           func(s *Search) { s.Probes[0].Seconds = -1 },
		"probe 0: share out of range at 2":                       func(s *Search) { s.Probes[0].Bounds[0] = new(2.0) },
		`objective "p99(ttft)<500ms": negative latency -1`:       func(s *Search) { shareOf(s).Latency = new(-1.0) },
		"negative effective_requests -1":                         func(s *Search) { shareOf(s).Effective = -1 },
		"needed_share out of range at 99":                        func(s *Search) { shareOf(s).Needed = 99 },
	} {
		s := fullSearch()
		change(s)
		_, err := Parse(appended(t, s))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
