package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// flagsExperiment has 2 × 2 servers and three loads. The latencies are long, so that a busy machine changes little.
const flagsExperiment = `
name: flags
directory: DIR/results
deployments:
  - name: sim
    command: bin/k6 x llm sim --port ${port} --ttft ${ttft} --itl ${itl} --max-num-seqs 8
    matrix:
      ttft: [100ms, 400ms]
      itl: [40ms, 120ms]
workloads:
  - {name: chat, input: 64, output: 8}
loads:
  - {name: one, concurrency: 1, duration: 2s}
  - {name: two, concurrency: 2, duration: 2s}
  - {name: four, concurrency: 4, duration: 2s}
`

// experimentFile writes an experiment into a folder of its own, and returns its file and the directory of its results.
func experimentFile(t *testing.T, text string) (file, dir string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "experiment.yml")
	writeFile(t, file, strings.ReplaceAll(text, "DIR", dir))
	return file, filepath.Join(dir, "results")
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readResults(t *testing.T, dir string) *experiment.Results {
	t.Helper()
	r, err := experiment.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counted returns how many cells have a status.
func counted(r *experiment.Results, status experiment.Status) (n int) {
	for _, c := range r.Cells {
		if c.Status == status {
			n++
		}
	}
	return n
}

// killAfter starts an experiment, and kills it in the middle of the cell after so many. The load that it had started
// must end by itself.
func killAfter(t *testing.T, file, dir string, cells int) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join("bin", "k6"), "x", "llm", "experiment", "-f", file)
	cmd.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the experiment is in the middle of a cell", func() bool {
		r, err := experiment.Read(dir)
		return err == nil && counted(r, experiment.Done) == cells && counted(r, experiment.Running) == 1
	})
	time.Sleep(time.Second) // so that the cell has begun to send
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if runtime.GOOS == "linux" {
		await(t, "the load of the killed experiment ends", func() bool { return len(processesWith(t, dir)) == 0 })
	}
}

// await waits until something is so, for a minute at most.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// processesWith returns the command lines of processes in which a text occurs.
func processesWith(t *testing.T, text string) (list []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), text) && path != fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			list = append(list, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// An experiment that is killed in the middle goes on: what was done is not done again, the cell in question is, and so
// are those that change later. Figures, front and effects are those that the simulator's formula gives.
func TestExperiment(t *testing.T) {
	file, dir := experimentFile(t, flagsExperiment)
	killAfter(t, file, dir, 4)
	first := readResults(t, dir)
	state := testenv.ReadFile(t, filepath.Join(dir, "deployment.json"))
	allowUncounted(t, k6(t, "x", "llm", "experiment", "-f", file))
	second := readResults(t, dir)
	for i, c := range second.Cells {
		before := first.Cells[i]
		if c.Status != experiment.Done {
			t.Errorf("%s is %s: %s", c.Name, c.Status, c.Error)
		}
		if again := !c.Start.Equal(before.Start); again == (before.Status == experiment.Done) {
			t.Errorf("%s, which was %s: run again %t", c.Name, before.Status, again)
		}
	}
	var left struct{ URL string }
	if err := json.Unmarshal([]byte(state), &left); err != nil || left.URL == "" {
		t.Errorf("the state of the deployment says no URL: %v\n%s", err, state)
	} else if _, err := http.Get(left.URL); err == nil {
		t.Errorf("the server of the killed experiment still runs at %s", left.URL)
	}
	checkTruth(t, dir, second)
	checkOutcome(t, dir)

	changed := strings.Replace(testenv.ReadFile(t, file), "1, duration: 2s", "1, duration: 3s", 1)
	writeFile(t, file, changed)
	plan := mustSucceed(t, k6(t, "x", "llm", "experiment", "plan", "-f", file))
	if n := strings.Count(plan.stdout, "to run: changed"); n != 4 {
		t.Errorf("%d cells have changed, want 4\n%s", n, plan.stdout)
	}
	allowUncounted(t, k6(t, "x", "llm", "experiment", "-f", file))
	for i, c := range readResults(t, dir).Cells {
		if again := !c.Start.Equal(second.Cells[i].Start); again != (c.Load == "one") {
			t.Errorf("%s after a change of the load one: run again %t", c.Name, again)
		}
	}
	if aside, err := os.ReadDir(filepath.Join(dir, "replaced")); err != nil || len(aside) != 4 {
		t.Errorf("%d earlier reports were kept, want 4 (%v)", len(aside), err)
	}
}

// allowUncounted makes sure that an experiment has run. On a busy machine the page may not count all of its cells, or
// none.
func allowUncounted(t *testing.T, r result) {
	t.Helper()
	const partly = 3
	if r.code != 0 && r.code != partly && !strings.Contains(r.stderr, "no cell of the experiment counts") {
		t.Fatalf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
}

// values returns the parameters of a cell in seconds, and its concurrency.
func values(t *testing.T, c experiment.Cell) (ttft, itl, users float64) {
	t.Helper()
	list := map[string]float64{}
	for _, p := range c.Parameters {
		d, err := time.ParseDuration(p.Value)
		if err != nil {
			t.Fatal(err)
		}
		list[p.Name] = d.Seconds()
	}
	return list["ttft"], list["itl"], map[string]float64{"one": 1, "two": 2, "four": 4}[c.Load]
}

// throughput is what so many users get of a server with room for all of them: eight tokens an answer.
func throughput(ttft, itl, users float64) float64 { return users * 8 / (ttft + 7*itl) }

// checkTruth compares the reports of the cells with the simulator's formula.
func checkTruth(t *testing.T, dir string, r *experiment.Results) {
	t.Helper()
	seen := map[string]string{}
	for _, c := range r.Cells {
		ttft, itl, users := values(t, c)
		path := filepath.Join(dir, c.Directory, "summary_lifecycle_metrics.json")
		report := readReport(t, path)
		within := func(what string, got, low, high float64) {
			if !(got >= low && got <= high) {
				t.Errorf("%s: %s is %v, want %v to %v", c.Name, what, got, low, high)
			}
		}
		within("median TTFT", report.Successes.Latency.TTFT.Median, ttft, ttft+0.04)
		within("median ITL", report.Successes.Latency.ITL.Median, itl-0.01, itl+0.015)
		var rate struct {
			Successes struct {
				Throughput struct {
					Output float64 `json:"output_tokens_per_sec"`
				}
			}
		}
		if err := json.Unmarshal([]byte(testenv.ReadFile(t, path)), &rate); err != nil {
			t.Fatal(err)
		}
		truth := throughput(ttft, itl, users)
		within("tokens per second", rate.Successes.Throughput.Output, 0.7*truth, 1.05*truth)
		config := testenv.ReadFile(t, filepath.Join(dir, c.Directory, "config.yaml"))
		_, seed, _ := strings.Cut(config, "base_seed: ")
		seed, _, _ = strings.Cut(seed, "\n")
		if _, err := strconv.Atoi(seed); err != nil || seen[c.Load] != "" && seen[c.Load] != seed {
			t.Errorf("%s: seed %q, another deployment has %q", c.Name, seed, seen[c.Load])
		}
		seen[c.Load] = seed
	}
}

// outcomeDocument holds what the test reads of the figures of an experiment.
type outcomeDocument struct {
	Cells []struct {
		Counted  bool
		Excluded string
	}
	Settings []struct{ Variant, Load string }
	Fronts   []struct {
		X      string
		Points []struct {
			Setting int
			Place   string
		}
	}
	Effects []struct {
		Figure  string
		Factors []struct {
			Factor  string
			Effects []struct {
				From, To string
				Change   struct{ Factor float64 }
			}
		}
	}
}

// checkOutcome compares the front and the effects with the simulator's formula, if all cells count.
func checkOutcome(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "experiment.html")); err != nil {
		t.Error(err)
	}
	var d outcomeDocument
	text := testenv.ReadFile(t, filepath.Join(dir, "experiment_summary.json"))
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Cells {
		if !c.Counted {
			t.Logf("front and effects are not compared, for a cell does not count: %s", c.Excluded)
			return
		}
	}
	for _, p := range d.Fronts[0].Points {
		s := d.Settings[p.Setting]
		// users get the same of all settings with this ITL, so that noise may put another beside the best one
		best, onFront := s.Variant == "sim ttft=100ms itl=40ms" && s.Load == "four", strings.HasPrefix(p.Place, "front")
		if best && !onFront {
			t.Error("the best setting is not on the front")
		} else if p.Place == "front" && strings.Contains(s.Variant, "itl=120ms") {
			t.Errorf("%s at %s is on the front: users get a third of what they could", s.Variant, s.Load)
		}
	}
	slower := func(a, b float64) float64 { return throughput(0.4, a, 1) / throughput(0.1, b, 1) }
	checkEffect(t, d, "p50(ttft)", "ttft", 4)
	checkEffect(t, d, "p50(ttft)", "itl", 1)
	checkEffect(t, d, "tokens_per_sec_per_user", "itl", 1./3)
	checkEffect(t, d, "tokens_per_sec_per_user", "ttft", 1)
	checkEffect(t, d, "output_tokens_per_sec", "ttft", math.Sqrt(slower(0.04, 0.04)*slower(0.12, 0.12)))
}

// checkEffect compares the effect of a parameter's higher value with the truth.
func checkEffect(t *testing.T, d outcomeDocument, figure, factor string, want float64) {
	t.Helper()
	for _, e := range d.Effects {
		for _, f := range e.Factors {
			if e.Figure != figure || f.Factor != factor {
				continue
			}
			if got := f.Effects[0].Change.Factor; !(got > want/1.15 && got < want*1.15) {
				t.Errorf("effect of %s on %s, from %s to %s: × %v, want × %v", factor, figure, f.Effects[0].From,
					f.Effects[0].To, got, want)
			}
			return
		}
	}
	t.Errorf("no effect of %s on %s", factor, figure)
}

// Ctrl-C ends the cell and stops the server, and the same command goes on. A deployment that does not start, and one
// that is never ready, do not keep the others from running.
func TestExperimentOfBadServers(t *testing.T) {
	t.Parallel()
	file, dir := experimentFile(t, `
directory: DIR/results
flags: {input: 16, output: 4, concurrency: 2, requests: 8}
deployments:
  - name: broken
    command: [sh, -c, 'echo loading; echo "error: no such model" >&2; exit 3', '${port}']
  - name: never
    command: [sh, -c, 'echo still loading; exec sleep 600', '${port}']
    ready: {timeout: 2s}
  - name: good
    command: bin/k6 x llm sim --port ${port} --ttft 5ms --itl 1ms
workloads: [{name: chat}]
loads: [{name: some}]
`)
	r := k6(t, "x", "llm", "experiment", "-f", file)
	if r.code != 1 {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	for _, want := range []string{`exit code 3`, "| error: no such model", "not ready after 2s", "| still loading",
		"2 of 3 cells failed"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("lacks %q\n%s", want, r.stderr)
		}
	}
	cells := readResults(t, dir)
	if counted(cells, experiment.Failed) != 2 || cells.Cells[2].Status != experiment.Done {
		t.Errorf("got %+v", cells.Cells)
	}
	if left := processesWith(t, "still loading"); runtime.GOOS == "linux" && len(left) > 0 {
		t.Errorf("a server is left: %q", left)
	}
}

// What an experiment needs and is not here is told before anything runs.
func TestExperimentThatCannotRunHere(t *testing.T) {
	t.Parallel()
	file, dir := experimentFile(t, `
directory: DIR/results
deployments:
  - name: missing
    command: no-such-server-anywhere ${port}
  - {name: good, command: 'bin/k6 x llm sim --port ${port}'}
workloads: [{name: chat}]
loads: [{rate: 1}]
`)
	for _, args := range [][]string{{"plan", "-f", file}, {"-f", file}} {
		r := k6(t, append([]string{"x", "llm", "experiment"}, args...)...)
		if r.code != 2 || !strings.Contains(r.stderr, ":5:14: deployment missing: there is no program ") ||
			!strings.Contains(r.stderr, "in PATH: install it, or write its path") ||
			strings.Contains(r.stdout, "good") != (len(args) == 3) {
			t.Errorf("%s: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "cells")); err == nil {
		t.Error("a cell has run")
	}
}

// up leaves a server that answers, wait finds it in another process, and down stops it.
func TestExperimentUpAndDown(t *testing.T) {
	t.Parallel()
	file, _ := experimentFile(t, flagsExperiment)
	up := mustSucceed(t, k6(t, "x", "llm", "experiment", "up", "-f", file, "sim ttft=100ms itl=40ms"))
	url := strings.TrimSpace(up.stdout)
	if r, err := http.Get(url + "/v1/models"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%s: %v", url, err)
	}
	if again := k6(t, "x", "llm", "experiment", "up", "-f", file, "sim ttft=400ms itl=40ms"); again.code != 1 ||
		!strings.Contains(again.stderr, "sim ttft=100ms itl=40ms is up: stop it first") {
		t.Errorf("twice: %d\n%s", again.code, again.stderr)
	}
	if wait := mustSucceed(t, k6(t, "x", "llm", "experiment", "wait", "-f", file)); wait.stdout != up.stdout {
		t.Errorf("wait says %q, up %q", wait.stdout, up.stdout)
	}
	mustSucceed(t, k6(t, "x", "llm", "experiment", "down", "-f", file))
	if _, err := http.Get(url); err == nil {
		t.Errorf("%s answers after down", url)
	}
	if down := mustSucceed(t, k6(t, "x", "llm", "experiment", "down", "-f", file)); !strings.Contains(down.stderr,
		"nothing was up") {
		t.Errorf("got %s", down.stderr)
	}
}
