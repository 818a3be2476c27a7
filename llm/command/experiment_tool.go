package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.k6.io/k6/v2/cmd/state"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
	"github.com/seed-307b789f/xk6-llm/llm/internal/study"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// loadTool is bench and run as an experiment uses them.
type loadTool struct{ gs *state.GlobalState }

func (l *loadTool) tool() study.Tool {
	return study.Tool{Flags: l.flags, Check: l.check, Reported: func(dir string) (string, bool) {
		f, err := readReport(dir)
		if err != nil {
			return "", false
		}
		return f.Own.Health.Verdict, true
	}}
}

// flags returns a new set of the flags of bench, or of run.
func (l *loadTool) flags(config bool) *pflag.FlagSet {
	if config {
		return newRun(l.gs).Flags()
	}
	return newBench(l.gs).Flags()
}

// anyURL stands for the URL of a server that has not started.
const anyURL = "http://127.0.0.1:1"

// check returns why a test could not be run, as far as that is known without its server, and how long it takes.
func (l *loadTool) check(t study.Test) (study.Estimate, error) {
	b := &bench{runner: runner{gs: l.gs, brief: true, config: t.Config}}
	cmd := b.command()
	if t.Config != "" {
		cmd = b.runner.command()
	}
	cmd.SetContext(context.Background())
	cmd.SetErr(io.Discard) // remarks: the test makes them again
	var args []string
	for _, f := range t.Flags {
		args = append(args, f.Arguments()...)
	}
	if t.Config != "" {
		args = append(args, "--config="+t.Config, "--server.base_url="+anyURL)
	}
	if err := cmd.ParseFlags(args); err != nil {
		return study.Estimate{}, err
	}
	if err := flagForLoad(cmd); err != nil {
		return study.Estimate{}, err
	}
	if t.Config == "" {
		if err := b.settings.checkBalance(1); err != nil {
			return study.Estimate{}, err
		}
		b.defaults(anyURL)
	}
	b.dir = "report" // that of the cell
	if err := b.prepare(cmd); err != nil {
		return study.Estimate{}, err
	}
	if err := b.settled(); err != nil {
		return study.Estimate{}, err
	}
	return estimate(b.c), nil
}

// estimate returns how long the load of a configuration takes.
func estimate(given *config.Config) (e study.Estimate) {
	c := *given
	if c.Load.Sweep != nil || c.Own.Search != nil || c.Load.Type == config.TraceReplay ||
		c.Load.Type == config.TraceSessionReplay {
		return study.Estimate{Open: true}
	}
	c.Load.BaseSeed = cmp.Or(c.Load.BaseSeed, new(int64(1)))
	o, err := dropin.NewOptions(&c, "", dropin.Found{})
	if err != nil {
		return study.Estimate{Open: true}
	}
	plan, err := o.Load.Plan()
	if err != nil {
		return study.Estimate{Open: true}
	}
	e.Duration = time.Duration(max(0, len(plan.Stages)-1)) * o.Load.Interval.TimeDuration()
	for _, s := range plan.Stages {
		e.Duration += s.Duration
		e.Open = e.Open || s.Counted() || s.Kind != ""
	}
	return e
}

// requests says how requests look that some flags describe.
func (l *loadTool) requests(flags []study.Flag) (probe.Options, error) {
	b := &bench{runner: runner{gs: l.gs}}
	cmd := b.command()
	cmd.SetContext(context.Background())
	for _, f := range flags {
		if err := cmd.ParseFlags(f.Arguments()); err != nil {
			return probe.Options{}, err
		}
	}
	return b.settings.server.probe(cmd, "")
}

// Times that a test has to end in after an interrupt.
const (
	endOfTest  = 15 * time.Second // by itself
	endOfChild = 2 * time.Second  // once its leash is gone
)

// runTest runs a test by a process of this program, and returns its exit code. The output goes to a log.
func runTest(ctx context.Context, t study.Test, url, log string, screen *screen) (int, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // the child writes it
	child := exec.CommandContext(ctx, program, testArguments(t, url)...)
	output := &progress{log: f, screen: screen}
	child.Env = append(append(os.Environ(), host.CalmStart()...), leashEnv+"=1", record.StatusEnv+"="+statusEvery)
	child.Stdout, child.Stderr = output, output
	leash, err := child.StdinPipe()
	if err != nil {
		return 0, err
	}
	separate(child)
	child.Cancel = func() error {
		time.AfterFunc(endOfTest, func() { _ = leash.Close() }) // closed by the end of the child, too
		return child.Process.Signal(os.Interrupt)
	}
	child.WaitDelay = endOfTest + endOfChild
	err = child.Run()
	screen.done()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), nil // -1 after a signal
	case ctx.Err() != nil:
		return 1, nil
	}
	return 0, err
}

// testArguments returns the arguments of this program that run a test.
func testArguments(t study.Test, url string) []string {
	args := []string{"x", "llm", "bench", url}
	if t.Config != "" {
		args = []string{"x", "llm", "run", "--config=" + t.Config, "--server.base_url=" + url}
	}
	for _, f := range t.Flags {
		args = append(args, f.Arguments()...)
	}
	return append(args, "--out="+t.Directory)
}

// found is what a summary says in short.
type found struct {
	Successes struct {
		Count      int `json:"count"`
		Throughput struct {
			Output   float64 `json:"output_tokens_per_sec"`
			Requests float64 `json:"requests_per_sec"`
		} `json:"throughput"`
		Latency struct {
			TTFT *struct {
				P99 float64 `json:"p99"`
			} `json:"time_to_first_token"`
		} `json:"latency"`
	} `json:"successes"`
	Failures struct {
		Count int `json:"count"`
	} `json:"failures"`
	Own struct {
		Health struct {
			Verdict string `json:"verdict"`
		} `json:"client_health"`
		Search  json.RawMessage `json:"search"` // of a search
		Answers []struct {
			Text string `json:"text"`
		} `json:"slo_answers"`
		Gates []struct {
			Objective string `json:"objective"`
			Status    string `json:"status"`
		} `json:"gates"`
	} `json:"xk6_llm"`
}

// summaryFile is the file of a report that has the figures of the whole run.
const summaryFile = "summary_lifecycle_metrics.json"

// findReport returns what the report in a directory says in short.
func findReport(dir string) (study.Finding, error) {
	f, err := readReport(dir)
	if err != nil {
		return study.Finding{}, err
	}
	return f.finding(), nil
}

// readReport reads the summary in a directory.
func readReport(dir string) (*found, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), summaryFile) { // a configuration may give names a prefix
			continue
		}
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := new(found)
		if err := json.Unmarshal(text, f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return f, nil
	}
	return nil, fmt.Errorf("%s has no report", dir)
}

// milliseconds writes a number of seconds.
func milliseconds(seconds float64) string {
	if ms := 1000 * seconds; ms < 100 {
		return fmt.Sprintf("%.3g ms", ms)
	}
	return fmt.Sprintf("%.0f ms", 1000*seconds)
}

func (f *found) finding() study.Finding {
	ok, failed := f.Successes.Count, f.Failures.Count
	if ok == 0 {
		fault := "no request was sent"
		if failed > 0 {
			fault = fmt.Sprintf("all %d requests failed", failed)
		}
		return study.Finding{Fault: fault}
	}
	var parts []string
	if f.Own.Search == nil { // whose probes are of many loads
		parts = f.figures()
	}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d failed", failed, ok+failed))
	}
	for _, a := range f.Own.Answers {
		parts = append(parts, a.Text)
	}
	if v := f.Own.Health.Verdict; v == study.Suspect || v == study.Invalid {
		parts = append(parts, v)
	}
	for _, g := range f.Own.Gates {
		parts = append(parts, "gate "+g.Objective+" "+g.Status)
	}
	return study.Finding{Text: strings.Join(parts, ", ")}
}

// figures returns the throughput and the TTFT of a load.
func (f *found) figures() []string {
	parts := []string{plain.Digits(f.Successes.Throughput.Requests, "0", ",") + " requests/s"}
	if tokens := f.Successes.Throughput.Output; tokens > 0 {
		parts = []string{plain.Digits(tokens, "0", ",") + " tokens/s"}
	}
	// Of several loads, as in a search, an answer has the TTFT of the one that it rests on, which is another figure.
	if ttft := f.Successes.Latency.TTFT; ttft != nil && len(f.Own.Answers) == 0 {
		parts = append(parts, "p99 TTFT "+milliseconds(ttft.P99))
	}
	return parts
}
