package run

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// TestNumberBeyondTheSchedule checks that a request whose number exceeds the schedule does not shift the due instants
// of the others.
func TestNumberBeyondTheSchedule(t *testing.T) {
	t.Parallel()
	r := newRun(Options{})
	r.add(&record.Run{Schema: record.Schema, ID: "r", Start: second, Scenarios: []record.Scenario{
		{Name: "s", Executor: "constant-arrival-rate", Stages: []record.Stage{{Rate: new(10.0), Duration: new(2.0)}}},
	}}, "i")
	for k := range int64(20) {
		start := second + k*second/10
		r.add(&record.Request{ID: string(rune('a' + k)), Scenario: "s", Index: k, Start: start, End: start + 1}, "i")
	}
	r.Requests[5].Index = 1_000_000
	if err := r.finish(true); err != nil {
		t.Fatal(err)
	}
	for _, q := range r.Requests {
		if odd := q.Index > 20; q.DueKnown == odd || !odd && q.Due != q.Start {
			t.Errorf("request %d: due %d, known %t, started at %d", q.Index, q.Due, q.DueKnown, q.Start)
		}
	}
	want := `1 requests of scenario "s" have higher numbers than its schedule has arrivals: when they were due is ` +
		`unknown`
	if !slices.Contains(r.Remarks, want) {
		t.Errorf("got %q, want %q", r.Remarks, want)
	}
}

func TestDueFunc(t *testing.T) {
	t.Parallel()
	constant := record.Scenario{Executor: "constant-arrival-rate",
		Stages: []record.Stage{{Rate: new(4.0), Duration: new(1.0)}}}
	ramp := record.Scenario{Executor: "ramping-arrival-rate", Stages: []record.Stage{
		{Index: 3, Rate: new(2.0), Duration: new(5.0)}, {Index: 4, From: new(2.0), Rate: new(6.0), Duration: new(4.0)},
		{Index: 5, Rate: new(0.0), Duration: new(1.0)},
		{Index: 6, From: new(0.0), Rate: new(1e-9), Duration: new(1.0)},
	}}
	for _, tt := range []struct {
		name  string
		s     record.Scenario
		k     int64
		want  float64
		stage int
	}{
		{"constant, first at 0", constant, 0, 0, 0},
		{"constant", constant, 3, 0.75, 0},
		{"flat, first after a gap", ramp, 0, 0.5, 3},
		{"flat, last at the end", ramp, 9, 5, 3},
		{"ramp up: t²/2 + 2t = 1", ramp, 10, 5 + math.Sqrt(6) - 2, 4},
		{"ramp up, last at the end", ramp, 25, 9, 4},
		{"past the end", ramp, 100, 11, 6},
	} {
		due := dueFunc(tt.s)(tt.k)
		if math.Abs(due-tt.want) > 1e-9 {
			t.Errorf("%s: arrival %d at %v, want %v", tt.name, tt.k, due, tt.want)
		}
		if got := tt.s.StageAt(due); got != tt.stage {
			t.Errorf("%s: in stage %d, want %d", tt.name, got, tt.stage)
		}
	}
	for _, s := range []record.Scenario{{Executor: "shared-iterations", Stages: []record.Stage{{}}},
		{Executor: "constant-vus", Stages: []record.Stage{{Duration: new(1.0)}}}} {
		if dueFunc(s) != nil {
			t.Errorf("%s has a schedule", s.Executor)
		}
	}
}
