package study

import (
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// tell tells a line, without secrets.
func (r *Runner) tell(format string, args ...any) {
	r.Tell(plain.Terminal(r.masked(fmt.Sprintf(format, args...))))
}

// masked returns a text without the secrets of the deployments.
func (r *Runner) masked(text string) string { return r.secrets.Mask().Text(text) }

// secret keeps the value of a variable of an environment out of what is told, if its name is that of a secret.
func (r *Runner) secret(line string) {
	if name, value, _ := strings.Cut(line, "="); secret.InVariable(name, value) {
		r.secrets.Add(value)
	}
}

// report tells how a cell ended, with the end of a log if it failed.
func (r *Runner) report(c *Planned, cell *experiment.Cell, finding Finding, log string) {
	p := r.Plan
	number, all := c.index+1, len(p.Cells)
	text := fmt.Sprintf("%*d/%d %s: ", len(fmt.Sprint(all)), number, all, c.Label(p.Experiment.Repeats))
	if cell.Status == experiment.Failed {
		text += "FAILED: " + cell.Error
	} else {
		text += finding.Text
	}
	text += " (" + shortly(asDuration(cell.Seconds))
	if len(r.todo) > 0 {
		text += ", " + p.Left(r.todo).String() + " left"
	}
	r.tell("%s)", text)
	if cell.Status == experiment.Failed {
		for _, line := range lastLines(log, shownLines) {
			r.tell("  | %s", line)
		}
	}
}

// String writes how long something is likely to take.
func (l Left) String() string {
	text := "about " + shortly(l.Total())
	if l.Open {
		text += " or more"
	}
	return text
}

// shortly writes a duration for people.
func shortly(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0fm", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1fh", d.Hours())
	}
	return fmt.Sprintf("%.0f days", math.Round(d.Hours()/24))
}

// counted writes a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// without returns a list without a cell.
func without(list []*Planned, c *Planned) []*Planned {
	return slices.DeleteFunc(slices.Clone(list), func(o *Planned) bool { return o == c })
}

// shownLines is how many lines of a log are shown when a cell fails.
const shownLines = 8

// tailSize is how much of the end of a log is read.
const tailSize = 16 << 10

// lastLines returns the last lines of a log, none if it cannot be read.
func lastLines(path string, most int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it is only read
	if info, err := f.Stat(); err == nil && info.Size() > tailSize {
		if _, err := f.Seek(-tailSize, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, tailSize))
	if err != nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, plain.OneLine(line, 300))
		}
	}
	return lines[max(0, len(lines)-most):]
}

// ending is the end of a message about a test: the last line of its log, and where that is.
func ending(log string) string {
	lines := lastLines(log, 1)
	if len(lines) == 0 {
		return ": see " + log
	}
	return fmt.Sprintf(": %s (see %s)", message(lines[0]), log)
}

// logged matches a line of k6's log, of which the message alone is for people.
var logged = regexp.MustCompile(`^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*"|\S+)`)

// message returns what a line of a log says.
func message(line string) string {
	found := logged.FindStringSubmatch(line)
	if found == nil {
		return line
	}
	if text, err := strconv.Unquote(found[1]); err == nil {
		return plain.OneLine(text, 300)
	}
	return found[1]
}

func asDuration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
