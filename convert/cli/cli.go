// Package cli makes the commands of llmconv, which `k6 x llm` has too: flags and exit codes around the library convert.
package cli

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Exit codes.
const (
	Failed  = 1 // also: every request failed
	Misuse  = 2
	Partial = 3 // part of the input is missing; the report is written
	Open    = 4 // a gate is inconclusive
)

// ExitError is an error with the code to exit with.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the text of the wrapped error.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *ExitError) Unwrap() error { return e.Err }

func misuse(format string, args ...any) error { return &ExitError{Misuse, fmt.Errorf(format, args...)} }

// Commands returns new commands: report, parquet, compare, analyze, verify and plan.
func Commands() []*cobra.Command {
	list := []*cobra.Command{newReport(), newParquet(), newCompare(), newAnalyze(), newVerify(), newPlan()}
	for _, cmd := range list {
		guard(cmd)
		cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	}
	return list
}

// guard sends everything that a command prints on stderr through a writer that escapes control characters, so that
// text from files and servers cannot steer the terminal. It also makes the command name the flag that was probably
// meant by an unknown one.
func guard(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(FlagError)
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cmd.SetErr(&plain.Writer{W: cmd.ErrOrStderr()})
		return run(cmd, args)
	}
}

// checkOutputs refuses output files that could not be written, before any input is read. Empty names are ignored.
func checkOutputs(inputs []string, o outfile.Options, outputs ...string) error {
	for i, path := range outputs {
		same := func(other string) bool { return other != "" && samePath(other, path) }
		switch {
		case path == "":
			continue
		case slices.ContainsFunc(inputs, same):
			return misuse("%s is an input: give another file to write", path)
		case slices.ContainsFunc(outputs[:i], same):
			return misuse("%s is to be written twice: give two files", path)
		}
		if err := outfile.Check(path, o); err != nil {
			return misuse("%w", err)
		}
	}
	return nil
}

// written adds the exit code to an error of writing: a file that must not be replaced is misuse.
func written(err error) error {
	var exists *outfile.ExistsError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exists):
		return misuse("%w", err)
	}
	return &ExitError{Failed, err}
}

// inputs refuses a command line without an input.
func inputs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return misuse("which records? Give the file or directory of --out llm=…, or the file of --out json=…")
	}
	return nil
}

// Read reads the inputs. It prints remarks on stderr, and a line of progress if reading takes longer than two seconds.
func Read(cmd *cobra.Command, o run.Options, args []string) (*run.Run, error) {
	// A run stays in memory until the command ends: at the usual 100 the collector would let the heap grow to twice the
	// size of the run.
	debug.SetGCPercent(20)
	busy := time.AfterFunc(2*time.Second, func() {
		cmd.PrintErrln("reading", plain.Terminal(strings.Join(args, " ")), "…")
	})
	defer busy.Stop()
	paths, clean, err := fetch(cmd, args)
	defer clean()
	if err != nil {
		return nil, misuse("%w", err)
	}
	run, err := run.ReadFiles(o, paths...)
	if err != nil {
		return nil, misuse("%w", err)
	}
	limitGarbage()
	remark(cmd, run.Remarks)
	return run, nil
}

// limitGarbage makes the collector let the heap grow by no more than 24 MB or a twenty-fifth, once a run is read: what
// comes after needs little memory of its own.
func limitGarbage() {
	const room = 24 << 20
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(int(min(100, max(4, 100*room/m.HeapAlloc))))
}

// remark prints remarks on stderr.
func remark(cmd *cobra.Command, remarks []string) {
	for _, text := range remarks {
		cmd.PrintErrln("remark:", plain.Terminal(text))
	}
}

// Verdict returns the error with the exit code for a run whose files are written; nil means exit code 0.
func Verdict(run *run.Run) error {
	failed, unfinished := 0, 0
	for _, q := range run.Requests {
		switch {
		case q.ErrorType == record.ErrorCanceled:
			unfinished++
		case q.Failed():
			failed++
		}
	}
	switch {
	case len(run.Requests) == 0 && len(run.Abandoned) > 0 && !run.Partial:
		return nil // every user left, as the run was asked to do
	case len(run.Requests) == 0 && run.Partial:
		return &ExitError{Partial, fmt.Errorf("the input is partial, and has no requests")}
	case len(run.Requests) == 0:
		return &ExitError{Failed, fmt.Errorf("the run has no requests")}
	case unfinished == len(run.Requests):
		return &ExitError{Failed, fmt.Errorf("no request finished: the end of the run cut off all %d", unfinished)}
	case failed == len(run.Requests)-unfinished:
		return &ExitError{Failed, fmt.Errorf("every request failed (%d)", failed)}
	case run.Partial:
		return &ExitError{Partial, fmt.Errorf("the input is partial, and so is the report")}
	}
	return nil
}

// percentiles parses a list such as "50,90,99.9"; nil means that the text is empty.
func percentiles(text string) ([]float64, error) {
	if text == "" {
		return nil, nil
	}
	var list []float64
	for _, part := range strings.Split(text, ",") {
		p, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return nil, misuse("--percentiles: %q is not a number from 0 to 100", part)
		}
		list = append(list, p)
	}
	return list, nil
}
