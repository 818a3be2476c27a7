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
	requests, stages, states := only[*record.Request](all), only[*record.Stage](all), only[*record.Search](all)
	if len(states) == 0 {
		t.Fatalf("no search\n%s", r.stderr)
	}
	last := states[len(states)-1]
	if len(stages) != len(last.Probes) || len(states) != len(last.Probes)+1 || last.Scenario != "load" {
		t.Fatalf("%d stages and %d states of %d probes: %+v", len(stages), len(states), len(last.Probes), last)
	}
	slices.SortFunc(requests, func(a, b *record.Request) int { return int(a.Index - b.Index) })
	sent := make([]int, len(stages))
	for i, q := range requests {
		if q.Stage < 0 || q.Stage >= len(stages) || q.Index != int64(i) {
			t.Fatalf("request %d has number %d and stage %d of %d", i, q.Index, q.Stage, len(stages))
		}
		if !q.Warmup && !q.Unfinished() {
			sent[q.Stage]++
		}
	}
	for i, p := range last.Probes {
		s := stages[i]
		if s.Index != i || p.Stage != i || *s.Rate != p.Value || s.Status != "completed" || p.Requests != sent[i] {
			t.Errorf("probe %+v, stage %+v, %d requests", p, s, sent[i])
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
