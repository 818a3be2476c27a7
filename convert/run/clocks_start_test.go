package run

import (
	"maps"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// TestStartsOfInstances checks the starts that the schedule of two instances implies: arrivals are due every 100 ms,
// alternately on a and b, and the instants of b are ahead.
func TestStartsOfInstances(t *testing.T) {
	t.Parallel()
	const ms = int64(1_000_000)
	for _, tt := range []struct {
		name     string
		requests bool              // the stage has a number of requests instead of a schedule
		ahead    func(k int) int64 // of b's request k
		stageAt  int64             // the start in b's stage line; 0 means no stage lines. a's stage starts at second.
		want     map[string]int64
	}{
		{"due instants alone", false, func(int) int64 { return 3 * second }, 0, map[string]int64{
			"a": 0, "b": 3 * second}},
		{"stage lines, more exactly", false, func(int) int64 { return 3 * second }, 4*second + 40*ms, map[string]int64{
			"a": 0, "b": 3*second + 40*ms}},
		{"stage lines that due instants contradict", false, func(int) int64 { return 3 * second }, 9 * second,
			map[string]int64{"a": 0, "b": 3 * second}},
		{"due instants that no difference explains", false, func(k int) int64 { return 3 * second * int64(1-k%4) },
			4 * second, map[string]int64{"a": 0, "b": 3 * second}},
		{"a stage without a schedule", true, func(int) int64 { return 3 * second }, 5 * second, map[string]int64{
			"a": 0, "b": 4 * second}},
		{"no difference", false, func(int) int64 { return 0 }, 0, map[string]int64{"a": 0, "b": 0}},
	} {
		r := newRun(Options{})
		scenario := record.Scenario{Name: "s", Executor: "llm-arrival-rate", Stages: []record.Stage{{Rate: new(10.0)}}}
		if tt.requests {
			scenario.Stages = []record.Stage{{Requests: new(int64(40)), Concurrency: new(int64(2))}}
		}
		for k := range 40 {
			q := &Request{Traits: &Traits{Scenario: "s", Instance: "a"}, Index: int64(k), Due: second + 100*ms*int64(k),
				DueKnown: true}
			if k%2 == 1 {
				q.Traits = &Traits{Scenario: "s", Instance: "b"}
				q.Due += tt.ahead(k)
			}
			r.Requests = append(r.Requests, q)
		}
		if tt.stageAt > 0 {
			r.add(&record.Stage{Start: second}, "a")
			r.add(&record.Stage{Start: tt.stageAt}, "b")
		}
		got := scenarioStarts(r, scenario)
		base := got["a"]
		for instance := range got {
			got[instance] -= base
		}
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
