// Command testlist runs go test and ends with a summary: how many tests passed, which tests failed, and which were
// skipped, grouped by what they need and how to get it.
//
// It takes the arguments of go test. A "--" separates several runs, which share one summary; a run may begin with
// assignments to environment variables, as in a shell:
//
//	go run ./internal/testlist CGO_ENABLED=1 -race ./llm/... -- ./convert/...
//
// It prints at once what go test prints without -v; with -v it prints what each test wrote, with its duration, when the
// test has ended. The exit code is the first exit code of go test that is not 0.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	module := ""
	if info, known := debug.ReadBuildInfo(); known {
		module = info.Main.Path + "/"
	}
	l := newList(os.Stdout, module)
	code := 0
	for _, args := range split(os.Args[1:]) {
		if c := run(l, args); code == 0 {
			code = c
		}
	}
	l.print()
	os.Exit(code)
}

// split cuts arguments at each "--".
func split(args []string) (runs [][]string) {
	for {
		i := slices.Index(args, "--")
		if i < 0 {
			return append(runs, args)
		}
		runs, args = append(runs, args[:i]), args[i+1:]
	}
}

// run runs go test once and returns its exit code.
func run(l *list, args []string) int {
	env := os.Environ()
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	l.verbose = slices.Contains(args, "-v")
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := l.read(events); err != nil {
		fmt.Fprintln(os.Stderr, "reading the output of go test:", err)
		_, _ = io.Copy(io.Discard, events) // go test must not wait for a reader
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() <= 0 {
		return 1 // go test was ended by a signal
	}
	return cmd.ProcessState.ExitCode()
}
