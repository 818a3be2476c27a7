package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// result holds the output and the exit code of a command.
type result struct {
	stdout, stderr string
	code           int
}

// run runs one of the built commands to its end. If interrupt is above 0 it sends the command a signal that long after
// its record file appears.
func run(t *testing.T, interrupt time.Duration, sig os.Signal, name string, args ...string) result {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("bin", name), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupt > 0 {
		go func() {
			awaitRecords(ctx, args)
			time.AfterFunc(interrupt, func() { _ = cmd.Process.Signal(sig) })
		}()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	r := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "panic:") {
		t.Errorf("%s %q left a stack trace:\n%s", name, args, r.stderr)
	}
	return r
}

// awaitRecords waits until the record file named by the arguments is there. It returns at once if they name none.
func awaitRecords(ctx context.Context, args []string) {
	for _, arg := range args {
		path, named := strings.CutPrefix(arg, "llm=")
		for named && ctx.Err() == nil {
			if _, err := os.Stat(path); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func k6(t *testing.T, args ...string) result { return run(t, 0, nil, "k6", args...) }

func mustSucceed(t *testing.T, r result) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	return r
}

// report holds the parts of a lifecycle report that the tests read.
type report struct {
	Load struct {
		Count int
		Delay *struct{ Median float64 } `json:"schedule_delay"`
	} `json:"load_summary"`
	Successes struct {
		Count   int
		Latency struct {
			TTFT struct{ Median float64 } `json:"time_to_first_token"`
			ITL  struct{ Median float64 } `json:"inter_token_latency"`
		}
		Output struct{ Total float64 } `json:"output_tokens"`
	}
	Failures  struct{ Count int }
	Extension struct {
		Simulator, Partial bool
	} `json:"xk6_llm"`
}

func readReport(t *testing.T, path string) (r report) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// readTruth reads the simulator's own stamps of its requests, by their ids.
func readTruth(t *testing.T, path string) map[string]sim.Truth {
	t.Helper()
	all, err := sim.ReadTruths(path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// lines reads a record file.
func lines(t *testing.T, path string) (all []record.Line) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := record.NewReader(f, path)
	for {
		line, err := r.Next()
		if err != nil {
			return all
		}
		all = append(all, line)
	}
}

// only returns the lines of one type.
func only[L record.Line](all []record.Line) (list []L) {
	for _, line := range all {
		if l, ok := line.(L); ok {
			list = append(list, l)
		}
	}
	return list
}

func readRecords(t *testing.T, path string) (requests []*record.Request, ended bool) {
	t.Helper()
	all := lines(t, path)
	return only[*record.Request](all), len(only[*record.End](all)) > 0
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// The whole path works: the script that a user runs first, against the simulator. The report must agree with what the
// simulator did.
func TestReportAgreesWithTheSimulator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	truthFile, records, points := filepath.Join(dir, "truth.jsonl"), filepath.Join(dir, "run.jsonl"),
		filepath.Join(dir, "run.json.gz")
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "--out", "json="+points,
		"-e", "BASE_URL=sim:?ttft=60ms&itl=8ms&truth="+truthFile, "-e", "STAGES=20@3s,40@2s", "-e", "MAX_TOKENS=20",
		"scripts/sharegpt.js"))
	if !strings.Contains(r.stdout, "SIMULATED") || !strings.Contains(r.stderr, "built-in simulator") {
		t.Errorf("the output does not say that the server is simulated:\n%s\n%s", r.stdout, r.stderr)
	}
	out := filepath.Join(dir, "report")
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", out, "--per-request"))
	truth := readTruth(t, truthFile)
	summary := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json"))
	if len(truth) != 140 || summary.Successes.Count != 140 || summary.Failures.Count != 0 ||
		!summary.Extension.Simulator ||
		summary.Extension.Partial {
		t.Errorf("%d requests seen by the server, want 140; report %+v", len(truth), summary)
	}
	for stage, want := range []int{60, 80} {
		if got := readReport(t,
			filepath.Join(out, fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage))).Load.Count; got != want {
			t.Errorf("stage %d has %d requests, want %d", stage, got, want)
		}
	}
	requests, _ := readRecords(t, records)
	var ttftErrors, itlErrors []float64
	tokens := 0
	for _, q := range requests {
		seen, known := truth[q.ID]
		if !known || len(seen.Chunks) != len(q.Chunks) {
			t.Fatalf("request %s: %d chunks, the server wrote %d", q.ID, len(q.Chunks), len(seen.Chunks))
		}
		tokens += seen.CompletionTokens
		ttftErrors = append(ttftErrors, math.Abs(float64(q.Start+q.Chunks[0]*1000-seen.Chunks[0])/1e6))
		for i := 1; i < len(q.Chunks); i++ {
			itlErrors = append(itlErrors,
				math.Abs(float64((q.Chunks[i]-q.Chunks[i-1])*1000-(seen.Chunks[i]-seen.Chunks[i-1]))/1e6))
		}
	}
	t.Logf("median error against the simulator's stamps: first token %.3f ms, gaps %.3f ms", median(ttftErrors),
		median(itlErrors))
	if median(ttftErrors) > 2 || median(itlErrors) > 2 {
		t.Errorf("median errors %.3f and %.3f ms, want at most 2", median(ttftErrors), median(itlErrors))
	}
	if got := summary.Successes.Output.Total; got != float64(tokens) {
		t.Errorf("%v output tokens reported, the server generated %d", got, tokens)
	}
	if got := summary.Successes.Latency.TTFT.Median; got < 0.06 || got > 0.09 {
		t.Errorf("median TTFT %v, want a little over 0.06", got)
	}
	sameFromK6JSON(t, points, out)
}

// sameFromK6JSON makes the report from k6's JSON and compares it with the one made from the records.
func sameFromK6JSON(t *testing.T, points, want string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report")
	mustSucceed(t, run(t, 0, nil, "k6", "x", "llm", "report", points, "-o", out, "--per-request"))
	for _, name := range []string{"summary_lifecycle_metrics.json", "stage_0_lifecycle_metrics.json",
		"stage_1_lifecycle_metrics.json", "per_request_lifecycle_metrics.json"} {
		if a, b := withoutHealth(t, filepath.Join(out, name)), withoutHealth(t, filepath.Join(want, name)); a != b {
			t.Errorf("%s made from --out json differs from that made from --out llm", name)
		}
	}
}

// withoutHealth reads a file and removes what only a report made from records has.
func withoutHealth(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	if object, ok := value.(map[string]any); ok {
		if ours, ok := object["xk6_llm"].(map[string]any); ok {
			delete(ours, "client_health")
			if seconds, ok := ours["timeline"].(map[string]any); ok {
				delete(seconds, "client_late_max") // k6's JSON has no heartbeats
			}
			delete(ours, "passport") // which names the files that the report was made of
			ours["warnings"] = slices.DeleteFunc(ours["warnings"].([]any), func(w any) bool {
				// The warning says who was late if that is known.
				return strings.Contains(w.(string), "together with the one before")
			})
		}
	}
	again, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}

func TestWhatAnInterruptLeaves(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	r := run(t, 2500*time.Millisecond, os.Interrupt, "k6", "run", "--quiet", "--out", "llm="+records, "-e",
		"BASE_URL=sim:?itl=100ms", "-e", "MAX_TOKENS=100", "-e", "RATE=10", "-e", "DURATION=20s", "scripts/mock.js")
	if r.code != 105 {
		t.Errorf("exit code %d, want k6's 105", r.code)
	}
	requests, ended := readRecords(t, records)
	canceled := 0
	for _, q := range requests {
		if q.ErrorType == record.ErrorCanceled && len(q.Chunks) > 0 {
			canceled++
		}
	}
	if !ended || canceled < 5 {
		t.Errorf("%d records, %d cut with chunks, end line %t", len(requests), canceled, ended)
	}
	if got := run(t, 0, nil, "llmconv", "report", records, "-o", t.TempDir()).code; got != 1 {
		t.Errorf("a run in which every request failed: llmconv exits %d, want 1", got)
	}
}

func TestWhatAKillLeaves(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	run(t, 4*time.Second, os.Kill, "k6", "run", "--quiet", "--out", "llm="+records, "-e", "RATE=20", "-e",
		"DURATION=20s", "scripts/mock.js")
	requests, ended := readRecords(t, records)
	if ended || len(requests) < 10 {
		t.Errorf("%d records, end line %t", len(requests), ended)
	}
	out := t.TempDir()
	r := run(t, 0, nil, "llmconv", "report", records, "-o", out)
	if r.code != 3 || !strings.Contains(r.stdout, "PARTIAL") ||
		!readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json")).Extension.Partial {
		t.Errorf("exit code %d, want 3\n%s", r.code, r.stdout)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := write("bad.json", "[\n{\"conversations\": [\n")
	existing := write("there.jsonl", "")
	typo := write("typo.js",
		"import { Client } from 'k6/x/llm';\nnew Client({ modle: 'x' });\nexport default function () {}\n")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unreachable server", []string{"-e", "BASE_URL=http://127.0.0.1:1/v1", "scripts/mock.js"}, 108,
			"cannot reach http://127.0.0.1:1/v1"},
		{"wrong key", []string{"-e", "BASE_URL=sim:?api-key=right", "-e", "API_KEY=wrong", "scripts/mock.js"}, 108,
			"refused the API key of apiKey with status 401"},
		{"missing data set", []string{"-e", "DATASET=none.json", "scripts/sharegpt.js"}, 107,
			"none.json does not exist"},
		{"malformed data set", []string{"-e", "DATASET=" + bad, "scripts/sharegpt.js"}, 107,
			bad + ":2: the file ends within a value"},
		{"malformed setting", []string{"-e", "STAGES=5x30s", "scripts/mock.js"}, 107, "STAGES is rate@duration"},
		{"neither true nor false", []string{"-e", "IGNORE_EOS=no", "scripts/mock.js"}, 107,
			`IGNORE_EOS must be true or false, got \"no\"`},
		{"no page of metrics", []string{"-e", "BASE_URL=sim:", "-e", "SERVER_METRICS=auto,x", "scripts/mock.js"}, 107,
			`must be the URL of a page`},
		{"no name of a field", []string{"-e", "MAX_TOKENS_FIELD=a b", "scripts/mock.js"}, 107,
			`maxTokensField: \"a b\" is not the name of a field`},
		{"unknown option", []string{typo}, 107, `unknown Client option \"modle\", did you mean \"model\"?`},
		{"record file that exists", []string{"--out", "llm=" + existing, "scripts/mock.js"}, -1,
			"exists: give another path, or set K6_LLM_OVERWRITE=true"},
	} {
		r := k6(t, append([]string{"run", "--quiet"}, tt.args...)...)
		if r.code == 0 || tt.code > 0 && r.code != tt.code || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s: exit code %d, want %d with %q\n%s", tt.name, r.code, tt.code, tt.want, r.stderr)
		}
		if strings.Contains(r.stderr+r.stdout, "wrong\"") || strings.Contains(r.stderr, "Bearer") {
			t.Errorf("%s: a key in the output\n%s", tt.name, r.stderr)
		}
	}
}

func TestExamplesRun(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("examples/*.js")
	if err != nil || len(paths) == 0 {
		t.Fatal("no examples", err)
	}
	for _, path := range append(paths, "scripts/smoke.test.js") {
		r := k6(t, "run", "--quiet", path)
		if r.code != 0 || strings.Contains(r.stderr, "level=error") {
			t.Errorf("%s: exit code %d\n%s\n%s", path, r.code, r.stdout, r.stderr)
		}
	}
}
