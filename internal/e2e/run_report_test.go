package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A killed run leaves the records that were flushed, compressed or not.
func TestWhatAKillLeavesCompressed(t *testing.T) {
	t.Parallel()
	for _, end := range []string{".jsonl.gz", ".jsonl.zst"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			records, out := filepath.Join(t.TempDir(), "run"+end), filepath.Join(t.TempDir(), "report")
			run(t, 8*time.Second, os.Kill, "k6", "run", "--quiet", "--out", "llm="+records, "-e", "RATE=20", "-e",
				"DURATION=20s", "scripts/mock.js")
			r := run(t, 0, nil, "llmconv", "report", records, "-o", out, "--format", "json")
			if r.code != 3 {
				t.Fatalf("exit code %d, want 3\n%s", r.code, r.stderr)
			}
			if s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json")); !s.Extension.Partial ||
				s.Load.Count < 10 {
				t.Errorf("partial %t, %d requests", s.Extension.Partial, s.Load.Count)
			}
		})
	}
}

// Two runs of the same server pass, and one that is half slower does not. The bounds are on medians and lie far from
// both, so that a busy machine moves neither across. The test does not run in parallel with others, because latencies
// that drift with their load allow no verdict.
func TestCompareRunsOfTheSimulator(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for name, times := range map[string]string{"base": "ttft=100ms&itl=20ms", "same": "ttft=100ms&itl=20ms",
		"slow": "ttft=150ms&itl=30ms"} {
		wg.Go(func() {
			mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+filepath.Join(dir, name), "-e",
				"BASE_URL=sim:?"+times, "-e", "MAX_TOKENS=10", "-e", "RATE=15", "-e", "DURATION=12s",
				"scripts/mock.js"))
		})
	}
	wg.Wait()
	gates := "p50(ttft)>+25%,p50(itl)>+25%"
	for name, want := range map[string]int{"same": 0, "slow": 1} {
		r := run(t, 0, nil, "llmconv", "compare", filepath.Join(dir, "base"), filepath.Join(dir, name), "--fail-on",
			gates)
		// noise that lasts seconds, of a busy machine, rightly leaves a gate undecided
		for line := range strings.Lines(r.stdout) {
			if strings.HasPrefix(line, "INCONCLUSIVE") && !strings.Contains(line, "too short a run") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if r.code != want || want == 1 && !strings.Contains(r.stdout, "beyond the bound, and hardly chance") {
			t.Errorf("%s: exit code %d, want %d\n%s", name, r.code, want, r.stdout)
		}
	}
	for i, args := range [][]string{{"--format", "json"}, {"--format", "markdown"}, {"--format", "junit"}} {
		r := run(t, 0, nil, "k6",
			append([]string{"x", "llm", "compare", filepath.Join(dir, "base"), filepath.Join(dir, "same"), "--fail-on",
				gates}, args...)...)
		if want := []string{`"verdict"`, "| p50(ttft)", "<testsuites"}[i]; r.code != 0 ||
			!strings.Contains(r.stdout, want) {
			t.Errorf("%q: exit code %d, no %s in\n%s", args, r.code, want, r.stdout)
		}
	}
}

// The report first says whether the load generator kept up: one processor cannot send the load that is asked for here.
func TestVerdictOnAnOverloadedClient(t *testing.T) {
	t.Parallel()
	records, out := filepath.Join(t.TempDir(), "run.jsonl"), filepath.Join(t.TempDir(), "report")
	load := script(t,
		`{ stages: [{ rate: 50, duration: '2s' }], executor: 'llm-arrival-rate', preAllocatedVUs: 2, maxVUs: 2 }`,
		`{ baseURL: 'sim:?ttft=500ms' }`)
	k6(t, "run", "--quiet", "--out", "llm="+records, load)
	r := run(t, 0, nil, "llmconv", "report", records, "-o", out)
	first, _, _ := strings.Cut(r.stdout, "\n")
	if !strings.HasPrefix(first, "client health: INVALID") || !strings.Contains(r.stdout, "arrivals were dropped") {
		t.Errorf("exit code %d: %s", r.code, fmt.Sprintf("%.600s", r.stdout))
	}
}
