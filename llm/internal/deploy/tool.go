package deploy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// tool runs a program that ends by itself, such as kubectl or a command that stops a server.
type tool struct {
	program   string
	after     []string // arguments behind all
	directory string
	env       []string // beside that of this process
	log       *output
	quiet     bool // what it says does not go to the log
}

// Bounds of what a tool writes, and how long it has after it was told to end.
const (
	mostWritten = 64 << 20
	toolDelay   = 2 * time.Second
)

// bounded keeps the beginning of what is written to it, up to a size.
type bounded struct {
	bytes.Buffer
	most int
}

// Write keeps what there is room for.
func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, b.most-b.Len()))])
	return len(p), nil
}

// run runs the tool with input, and returns what it wrote to its standard output. What else it says goes to the log.
// It has a session of its own, so that Ctrl-C does not reach it. The error has what the tool says.
func (t *tool) run(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.program, slices.Concat(args, t.after)...)
	out, said := &bounded{most: mostWritten}, &bounded{most: tailSize}
	cmd.Dir, cmd.Env = t.directory, append(os.Environ(), t.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), out, said
	cmd.SysProcAttr, cmd.WaitDelay = attributes(true, 0), toolDelay
	cmd.Cancel = func() error {
		(&group{PID: cmd.Process.Pid, own: true}).kill()
		return nil
	}
	err := cmd.Run()
	if !t.quiet {
		t.log.add(said.Bytes())
	}
	if err == nil {
		return out.Bytes(), nil
	}
	what := plain.Clip(strings.Join(append([]string{t.program}, args[:min(1, len(args))]...), " "), lineWidth)
	lines := lastLines(said.Bytes(), t.log.mask)
	if len(lines) == 0 {
		lines = lastLines(out.Bytes()[max(0, out.Len()-tailSize):], t.log.mask)
	}
	switch line := conclusion(lines); {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case line != "":
		err = fmt.Errorf("%s: %s: %s", what, ending(err), line)
	default:
		err = fmt.Errorf("%s: %s", what, ending(err))
	}
	return out.Bytes(), err
}

// logged matches a line of kubectl's own log, of which what it says in the end is the summary.
var logged = regexp.MustCompile(`^[IWEF][0-9]{4} `)

// failing matches the beginning of a line in which a tool says why it failed.
var failing = regexp.MustCompile(`(?i)^(error\b|\w+: unknown )`)

// commandFailed matches the line of kubectl's own log that has its last words.
var commandFailed = regexp.MustCompile(`"command failed" err=("(?:[^"\\]|\\.)*"?)`)

// conclusion returns the line in which a tool says why it failed: that which says so, or else the last one.
func conclusion(lines []string) (line string) {
	for _, l := range slices.Backward(lines) {
		if found := commandFailed.FindStringSubmatch(l); found != nil {
			if text, err := strconv.Unquote(found[1]); err == nil {
				return text
			}
			return found[1]
		}
		switch {
		case failing.MatchString(l):
			return strings.TrimSpace(l)
		case line == "" && !logged.MatchString(l):
			line = strings.TrimSpace(l)
		}
	}
	return cmp.Or(line, telling(lines))
}

// ending says how a process ended.
func ending(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "exit code 0"
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return fmt.Sprintf("exit code %d", exit.ExitCode())
	case errors.As(err, &exit):
		return exit.String() // such as signal: killed
	}
	return err.Error()
}
