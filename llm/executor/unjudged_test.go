package executor

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Answers that lack the latency of an objective do not make a load fail: nothing is known of it.
func TestUnjudgedProbes(t *testing.T) {
	t.Parallel()
	failures := record.SearchShare{Objective: "failures<1%", Share: new(1.0)}
	ttft := record.SearchShare{Objective: "p99(ttft)<1s"}
	known := record.SearchShare{Objective: "p99(ttft)<1s", Share: new(0.5)}
	for _, tt := range []struct {
		probe record.SearchProbe
		want  string
	}{
		{record.SearchProbe{Requests: 9, Failed: 2, Shares: []record.SearchShare{failures, ttft}},
			"none of 7 answers has a latency that p99(ttft)<1s is about: one that is not streamed has no TTFT, TPOT " +
				"and ITL, and one of a single token no TPOT and ITL"},
		{record.SearchProbe{Requests: 9, Failed: 9, Shares: []record.SearchShare{failures, ttft}}, ""},
		{record.SearchProbe{Shares: []record.SearchShare{ttft}}, ""},
		{record.SearchProbe{Requests: 9, Shares: []record.SearchShare{failures, known}}, ""},
	} {
		if got := unjudged(tt.probe); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.probe, got, tt.want)
		}
	}
}
