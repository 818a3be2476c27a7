package e2e

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newSimulator starts the simulator behind a port, as a server that is no `sim:`.
func newSimulator(t *testing.T) string {
	t.Helper()
	o := sim.DefaultOptions()
	o.TTFT, o.ITL = 5*time.Millisecond, time.Millisecond
	simulator, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simulator)
	t.Cleanup(server.Close)
	return server.URL
}

// A bench measures a server that it knows only by its host: prompts have the asked length, although no tokenizer is
// given. A gate that breaks ends it with code 1, after the report.
func TestBench(t *testing.T) {
	t.Parallel()
	url, out := newSimulator(t), filepath.Join(t.TempDir(), "report")
	args := []string{"x", "llm", "bench", strings.TrimPrefix(url, "http://"), "--rate", "5", "--duration", "4s",
		"--input", "64", "--output", "8", "--slo", "p99(ttft)<10s", "-o", out}
	r := k6(t, append(args, "--gate", "p99(ttft)<1ms,failures<1%")...)
	if r.code != 1 || !strings.Contains(r.stderr, "breaks the gate p99(ttft)<1ms") {
		t.Fatalf("exit code %d, want 1 for the gate\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json"))
	if s.Load.Count != 20 || s.Successes.Count != 20 {
		t.Errorf("%d requests, %d succeeded, want 20", s.Load.Count, s.Successes.Count)
	}
	for _, want := range []string{"p99(ttft)<10s", "kept"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if !strings.Contains(r.stderr, "1.00 tokens a word") || strings.Contains(r.stderr, "GoError") {
		t.Errorf("stderr:\n%s", r.stderr)
	}
	if r := k6(t, args...); r.code != 2 || !strings.Contains(r.stderr, "--force") {
		t.Errorf("a second report in the same directory: exit code %d, want 2\n%s", r.code, r.stderr)
	}
}

// Both printed forms of a load send what the bench would send. Twelve requests cannot show that less than 1 % fail, so
// the gate of the configuration is open.
func TestPrintedBenchRuns(t *testing.T) {
	t.Parallel()
	url, dir := newSimulator(t), t.TempDir()
	args := []string{"x", "llm", "bench", url, "--concurrency", "2", "--requests", "12", "--input", "20-30", "--output",
		"4", "--seed", "7", "--gate", "failures<1%", "--print"}
	config, script := filepath.Join(dir, "load.yml"), filepath.Join(dir, "load.js")
	for form, path := range map[string]string{"config": config, "script": script} {
		text := mustSucceed(t, k6(t, append(args, form)...)).stdout
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, records := filepath.Join(dir, "of-config"), filepath.Join(dir, "run.jsonl")
	if r := k6(t, "x", "llm", "run", "-c", config, "-o", out); r.code != 4 ||
		!strings.Contains(r.stderr, "the gate is INCONCLUSIVE: failures<1%") {
		t.Errorf("exit code %d, want 4 for the gate\n%s", r.code, r.stderr)
	}
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, script))
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", filepath.Join(dir, "of-script")))
	for _, name := range []string{out, filepath.Join(dir, "of-script")} {
		s := readReport(t, filepath.Join(name, "summary_lifecycle_metrics.json"))
		if s.Load.Count != 12 || s.Successes.Count != 12 {
			t.Errorf("%s: %d requests, %d succeeded, want 12", name, s.Load.Count, s.Successes.Count)
		}
	}
}

// A server that is not there is told before any load.
func TestBenchOfNoServer(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "report")
	r := k6(t, "x", "llm", "bench", "localhost:1", "--rate", "1", "-o", out)
	_, err := os.Stat(out)
	if r.code != 1 || err == nil || !strings.Contains(r.stderr, "cannot reach http://localhost:1") {
		t.Errorf("exit code %d, want 1 and no report\n%s", r.code, r.stderr)
	}
}

// A search in one line has its answer in search.json. Its printed configuration searches, too, and the loads that it
// found run again as plain stages.
func TestBenchSearches(t *testing.T) {
	t.Parallel()
	url, dir := newSimulator(t), t.TempDir()
	printed := func(name string, args ...string) string {
		args = append([]string{"x", "llm", "bench", url, "--input", "20", "--output", "2", "--print", "config"},
			args...)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(mustSucceed(t, k6(t, args...)).stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := printed("search.yml", "--search", "concurrency", "--search-min", "2", "--search-max", "4", "--duration",
		"1s", "--slo", "p99(ttft)<20s,failures<50%")
	found, again := filepath.Join(dir, "found"), filepath.Join(dir, "again")
	r := k6(t, "x", "llm", "run", "-c", config, "-o", found)
	if strings.Contains(r.stderr, "client limited") {
		t.Log("the machine has no processor left for a load, so the search ended, as it should")
		return
	}
	mustSucceed(t, r)
	var answer record.Search
	text, err := os.ReadFile(filepath.Join(found, "search.json"))
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	held := answer.HighestPassing
	if err != nil || answer.StopReason != "max_reached" || held == nil || *held != 4 {
		t.Errorf("got %s, %v, want that 4 at a time hold", text, err)
	}
	if next := "--stages " + filepath.Join(found, "search.json"); !strings.Contains(r.stdout, next) {
		t.Errorf("no %q in\n%s", next, r.stdout)
	}
	mustSucceed(t, k6(t, "x", "llm", "run", "-c", printed("ladder.yml", "--stages", found), "-o", again))
	for _, stage := range []string{"stage_0", "stage_1"} {
		if s := readReport(t, filepath.Join(again, stage+"_lifecycle_metrics.json")); s.Successes.Count == 0 {
			t.Errorf("%s: no answer", stage)
		}
	}
}
