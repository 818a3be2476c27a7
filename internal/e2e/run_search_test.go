package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A search writes its state after each probe, and the records of all of them. On a busy machine it says that this
// machine is what limits it.
func TestSearchIsRecorded(t *testing.T) {
	t.Parallel()
	bothWays(t, recordSearch)
}

func recordSearch(t *testing.T, exec string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run.jsonl")
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+out, "-e", exec, "-e", "TOKENS=20",
		script(t, `{search: {slo: 'p50(ttft)<40ms', min: 60, max: 240, resolution: 0.5, probe: '1s', hold: '2s'}}`,
			`{baseURL: 'sim:?ttft=20ms&itl=1ms&max-num-seqs=4'}`)))
	all := lines(t, out)
	stages, states := only[*record.Stage](all), only[*record.Search](all)
	if len(states) == 0 {
		t.Fatalf("no search\n%s", r.stderr)
	}
	last := states[len(states)-1]
	if len(stages) != len(last.Probes) || len(states) != len(last.Probes)+1 || last.Scenario != "load" {
		t.Fatalf("%d stages and %d states of %d probes: %+v", len(stages), len(states), len(last.Probes), last)
	}
	judged := numbered(t, all, len(stages))
	for i, p := range last.Probes {
		s := stages[i]
		if s.Index != i || p.Stage != i || *s.Rate != p.Value || s.Status != "completed" || p.Requests != judged[i] {
			t.Errorf("probe %+v, stage %+v, %d requests", p, s, judged[i])
		}
	}
	switch last.StopReason {
	case "converged":
		if *last.HighestPassing < 60 || *last.LowestFailing > 240 || *last.LowestFailing <= *last.HighestPassing {
			t.Errorf("four places of 39 ms each carry less than 103/s: %s", last.Text)
		}
	case "client_limited":
		if len(last.Reason) == 0 || last.LowestFailing != nil && *last.LowestFailing < 60 {
			t.Errorf("%s: %s", last.Text, last.Reason)
		}
		t.Log(last.Reason)
	default:
		t.Errorf("%s: %s", last.StopReason, last.Reason)
	}
	if !strings.Contains(r.stderr, "probe 0: 60/s ") || !strings.Contains(r.stderr, "search: "+last.Text) {
		t.Errorf("no word on the probes:\n%s", r.stderr)
	}
}

// numbered returns how many arrivals of each stage count, and checks that each arrival has a number of its own.
func numbered(t *testing.T, all []record.Line, stages int) []int {
	t.Helper()
	judged, seen := make([]int, stages), []int64{}
	take := func(stage int, index int64, counts bool) {
		if stage < 0 || stage >= stages {
			t.Fatalf("arrival %d is of stage %d of %d", index, stage, stages)
		}
		if seen = append(seen, index); counts {
			judged[stage]++
		}
	}
	for _, q := range only[*record.Request](all) {
		take(q.Stage, q.Index, !q.Warmup && !q.Unfinished())
	}
	for _, d := range only[*record.Dropped](all) {
		take(d.Stage, *d.Index, !d.Warmup)
	}
	slices.Sort(seen)
	for i, index := range seen {
		if index != int64(i) {
			t.Fatalf("arrival %d has number %d", i, index)
		}
	}
	return judged
}

// A search decides by what this process sees, so it is refused where others send, too.
func TestSearchOfSeveralInstances(t *testing.T) {
	t.Parallel()
	r := k6(t, "run", "--quiet", "--execution-segment", "0:1/2",
		script(t, `{search: {slo: 'p99(ttft)<1s'}}`, `{baseURL: 'sim:'}`))
	const want = "a search runs in one process: send stages of a ladder on several instances and merge their records"
	if r.code == 0 || !strings.Contains(r.stderr, want) {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}
