package run

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// warmUpStages returns the lines of an instance of a run: a warm-up until the server is stable, whose first request of
// sixteen takes a second and fails on demand, and a stage of four.
func warmUpStages(status string, failed int) []record.Line {
	stages := []record.Stage{
		{Index: 1, Rate: new(2.0), Duration: new(60.0), WarmupStage: record.WarmupUntilStable},
		{Index: 0, Rate: new(1.0), Duration: new(4.0)},
	}
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: second, Scenarios: []record.Scenario{
		{Name: "load", Executor: record.ExecutorName, Stages: slices.Clone(stages)}}}}
	add := func(stage int, k, at int64, ttft int64) {
		q := &record.Request{Scenario: "load", Stage: stage, Index: k, Start: at, End: at + 2*second, Due: new(at),
			Warmup: stage == 1, Streaming: true, Status: 200, Chunks: []int64{ttft}}
		if stage == 1 && int(k) < failed {
			q.ErrorType, q.Error, q.Chunks = record.ErrorStall, "nothing came", []int64{}
		}
		lines = append(lines, q)
	}
	for k := range int64(16) {
		add(1, k, second+k*second/2, 1_000_000/(1+k))
	}
	for k := range int64(4) {
		add(0, 16+k, 9*second+k*second, 50_000)
	}
	stages[0].Start, stages[0].End, stages[0].Status = second, 9*second, status
	stages[1].Start, stages[1].End, stages[1].Status = 9*second, 13*second, "completed"
	lines = append(lines, &stages[0], &stages[1])
	return append(lines, &record.Dropped{Scenario: "load", Stage: 1, Index: new(int64(90)), Count: 1, Warmup: true},
		&record.End{Time: 16 * second, Status: "finished"})
}

// A stage that is a warm-up is in no list of the run's, and what was sent in it is told.
func TestWarmupStages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status   string
		failed   int
		text     string
		unstable bool
	}{
		{record.StageStable, 0, "16 requests in 8 s, none failed, TTFT 1 s at first and 66.7 ms at the end, then " +
			"stable",
			false},
		{record.StageCompleted, 1,
			"16 requests in 8 s, 1 failed, TTFT 500 ms at first and 66.7 ms at the end, and not stable by then", true},
		{"interrupted", 16, "16 requests in 8 s, 16 failed, and not stable by then", true},
	} {
		r, err := FromLines(Options{}, Instance{"i", warmUpStages(tt.status, tt.failed)})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Requests) != 4 || r.Requests[0].Stage != 0 || r.DroppedCount() != 0 || len(r.Stages) != 1 ||
			len(r.StagePlan()) != 1 || len(r.Scenarios()[0].Stages) != 1 {
			t.Errorf("%s: %d requests, %d drops, %d stages of %d planned; want those of stage 0 alone", tt.status,
				len(r.Requests), r.DroppedCount(), len(r.Stages), len(r.StagePlan()))
		}
		if len(r.Warmups) != 1 || r.Warmups[0].Text() != tt.text || r.Warmups[0].Unstable() != tt.unstable {
			t.Errorf("%s: got %+v, want %q", tt.status, r.Warmups, tt.text)
		}
		if want := "warm-up: " + tt.text + "; in no figure"; !slices.Contains(r.Remarks, want) {
			t.Errorf("%s: remarks %q, want %q", tt.status, r.Remarks, want)
		}
		if lines := WarmupLines(r); len(lines) != 1 || lines[0].Status != tt.status {
			t.Errorf("%s: its line is %v", tt.status, lines)
		}
	}
}

// The warm-up of several instances lasts from the first start to the last end, and was stable if it was for all.
func TestWarmupStagesOfInstances(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{record.StageStable, record.StageStable, record.StageStable},
		{record.StageStable, record.StageCompleted, record.StageCompleted},
		{record.StageCompleted, record.StageStable, record.StageCompleted},
		{"interrupted", record.StageStable, "interrupted"},
	} {
		r, err := FromLines(Options{Force: true}, Instance{"a", warmUpStages(tt[0], 0)},
			Instance{"b", warmUpStages(tt[1], 2)})
		if err != nil {
			t.Fatal(err)
		}
		if w := r.Warmups; len(w) != 1 || w[0].Requests != 32 || w[0].Failed != 2 || w[0].Seconds != 8 ||
			w[0].Status != tt[2] {
			t.Errorf("%s and %s: got %+v, want %s of 32 requests in 8 s", tt[0], tt[1], w, tt[2])
		}
	}
}

// What the metadata of a report's requests say of its warm-ups is read again, or refused.
func TestCountsOfWarmups(t *testing.T) {
	t.Parallel()
	r, err := FromLines(Options{}, Instance{"i", warmUpStages(record.StageStable, 1)})
	if err != nil {
		t.Fatal(err)
	}
	text := WarmupCounts(r)
	want := r.Warmups[0]
	again := &Run{}
	if err := addWarmupCounts(again, text); err != nil {
		t.Fatal(err)
	}
	got := WarmupStage{First: math.NaN(), Last: math.NaN()}
	again.warmupCounts[0].addTo(&got)
	if got.Requests != 16 || got.Failed != 1 || got.First != want.First || got.Last != want.Last {
		t.Errorf("%s: got %+v, want %+v", text, got, want)
	}
	again.warmupCounts[0].addTo(&got) // of another instance
	if got.Requests != 32 || got.Failed != 2 || !math.IsNaN(got.First) {
		t.Errorf("of two instances: got %+v", got)
	}
	if text := WarmupCounts(&Run{Warmups: []WarmupStage{{First: math.NaN(), Last: math.NaN()}}}); text !=
		`[{"stage":0,"requests":0,"failed":0,"ttft_first":null,"ttft_last":null}]` {
		t.Errorf("without an answer: got %s", text)
	}
	for text, want := range map[string]string{
		`[{"stage": 1, "requests": 1, "failed": 2}]`: "2 of 1 requests failed", `[`: "unexpected end",
		`[{"stage": 1, "requests": -1, "failed": -1}]`: "-1 of -1",
	} {
		if err := addWarmupCounts(&Run{}, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if text := WarmupCounts(&Run{}); text != "" {
		t.Errorf("without a warm-up: got %q", text)
	}
}
