package run

import (
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// warmedUp returns the lines of two stages of 10 requests, one a second: a ramp that warms up for 3 s, and a closed
// loop.
func warmedUp() []record.Line {
	stages := []record.Stage{
		{Index: 0, From: new(0.0), Rate: new(2.0), Duration: new(10.0), Warmup: new(3.0)},
		{Index: 1, Concurrency: new(int64(1)), Duration: new(10.0)},
	}
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: second, Scenarios: []record.Scenario{
		{Name: "load", Executor: record.ExecutorName, Stages: slices.Clone(stages)}}}}
	for k := range int64(20) {
		at := second + k*second
		lines = append(lines, &record.Request{Scenario: "load", Stage: int(k / 10), Index: k, Start: at, End: at + 1,
			Due: new(at), Warmup: k < 3, Chunks: []int64{}})
	}
	for i, s := range stages {
		s.Start, s.End, s.Status = second+int64(10*i)*second, second+int64(10*i+10)*second, "completed"
		lines = append(lines, &s)
	}
	return append(lines, &record.Dropped{Scenario: "load", Index: new(int64(20)), Count: 1, Warmup: true},
		&record.Dropped{Scenario: "load", Index: new(int64(21)), Count: 1})
}

// Requests and drops of a warm-up are in no figure, and the stage begins after it.
func TestWarmupIsLeftOut(t *testing.T) {
	t.Parallel()
	r, err := FromLines(Options{}, Instance{"i", warmedUp()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Requests) != 17 || r.Requests[0].Index != 3 || r.DroppedCount() != 1 {
		t.Errorf("%d requests from number %d on, %d drops; want 17 from 3 on, 1", len(r.Requests), r.Requests[0].Index,
			r.DroppedCount())
	}
	if want := "3 requests of warm-ups are in no figure"; !slices.Contains(r.Remarks, want) {
		t.Errorf("remarks %q, want %q", r.Remarks, want)
	}
	plan := r.StagePlan()[0]
	if *plan.From != 0.6 || *plan.Rate != 2 || *plan.Duration != 7 || plan.Warmup != nil {
		t.Errorf("the plan of stage 0 is from %v to %v in %v s", *plan.From, *plan.Rate, *plan.Duration)
	}
	if got := r.Scenarios()[0].Stages[0]; *got.Duration != 10 || *got.Warmup != 3 {
		t.Errorf("the scenario as asked has changed: %v s, %v s warm-up", *got.Duration, *got.Warmup)
	}
	if s := r.Stages[0]; s.Start != 4*second || s.End != 11*second || s.Warmup != nil {
		t.Errorf("stage 0 ran from %d to %d", s.Start, s.End)
	}
	if s := r.Stages[1]; s.Start != 11*second || *s.Duration != 10 {
		t.Errorf("stage 1, without a warm-up, ran from %d, for %v s", s.Start, *s.Duration)
	}
	again := 0
	leaveWarmup(r) // as of a requests.parquet that is read
	for _, remark := range r.Remarks {
		if remark == "3 requests of warm-ups are in no figure" {
			again++
		}
	}
	if again != 1 || r.Stages[0].Start != 4*second {
		t.Errorf("left out twice: %d remarks, stage 0 from %d", again, r.Stages[0].Start)
	}
}

// A stage that was interrupted in its warm-up ends where it begins.
func TestWarmupThatWasInterrupted(t *testing.T) {
	t.Parallel()
	r, err := FromLines(Options{}, Instance{"i", []record.Line{
		&record.Run{Schema: record.Schema, ID: "r", Start: second},
		&record.Stage{Concurrency: new(int64(2)), Duration: new(10.0), Warmup: new(5.0), Start: second,
			End: 3 * second},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stages[0]; s.Start != 3*second || s.End != 3*second {
		t.Errorf("it ran from %d to %d, want 3 s to 3 s", s.Start, s.End)
	}
}
