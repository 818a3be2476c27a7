package run

import (
	"fmt"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The warm-up of each stage counts from the first request of that stage.
func TestStageWarmup(t *testing.T) {
	t.Parallel()
	made := Instance{Name: "i"}
	for i := range 8 {
		start := 1 + int64(i)*1e9
		made.Lines = append(made.Lines, &record.Request{Scenario: "s", Stage: i / 4, Index: int64(i), Start: start,
			End: start + 1e8, Chunks: []int64{}})
	}
	r, err := FromLines(Options{}, made)
	if err != nil {
		t.Fatal(err)
	}
	r.LeaveOut(Cut{StageWarmup: 2})
	var left []int64
	for _, q := range r.Requests {
		left = append(left, q.Index)
	}
	if got := fmt.Sprint(left, r.Cut.Requests, r.Cut.String()); got !=
		"[2 3 6 7] 4those of the first 2 s of each stage" {
		t.Errorf("got %s", got)
	}
}
