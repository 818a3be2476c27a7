// Command testlist runs go test and ends with a list of what ran: how many tests passed, which failed, and which were
// skipped, by what they need and what brings it.
//
// Its arguments are those of go test. A "--" separates several runs, which have one list; a run may begin with
// assignments to environment variables, as in a shell:
//
//	go run ./internal/testlist CGO_ENABLED=1 -race ./llm/... -- ./convert/...
//
// The output is what go test prints without -v, as it comes. The exit code is the first of go test's that is not 0.
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
		return 1 // a signal ended it
	}
	return cmd.ProcessState.ExitCode()
}
