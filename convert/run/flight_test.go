package run

import (
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestInFlight(t *testing.T) {
	t.Parallel()
	run := runOf(t,
		&record.Request{Start: 10 * second, End: 12 * second},
		&record.Request{Start: 11 * second, End: 11*second + second/2},
		&record.Request{Start: 11*second + second/4, End: 13 * second},
	)
	if got, want := run.InFlight(0.5), []int{1, 1, 2, 2, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := newRun(Options{}).InFlight(0.5); got != nil {
		t.Errorf("without requests: got %v, want nil", got)
	}
}

func TestHalvesAlike(t *testing.T) {
	t.Parallel()
	run := func(growth int64) *Run {
		var list []*record.Request
		for i := range int64(20) {
			list = append(list, &record.Request{Start: (100 + i) * second, End: (101+i)*second + i*growth})
		}
		return runOf(t, list...)
	}
	if !run(second/100).HalvesAlike() || run(second/4).HalvesAlike() || newRun(Options{}).HalvesAlike() {
		t.Error("HalvesAlike must report true for steady latencies alone, and false for growing ones and without " +
			"requests")
	}
}
