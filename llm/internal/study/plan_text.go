package study

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Summary says in a line what is to run.
func (p *Plan) Summary() string {
	todo := p.ToRun()
	text := fmt.Sprintf("experiment %s: %s, %d done, %d to run", p.Experiment.Name, counted(len(p.Cells), "cell"),
		len(p.Cells)-len(todo), len(todo))
	if len(todo) > 0 {
		text += ", " + p.Left(todo).String()
	}
	return text + "; results in " + p.Experiment.Directory
}

// Write shows the cells of a plan: what is done, what would run, and how long that takes. Doubts is what Doubts says.
func (p *Plan) Write(out io.Writer, doubts string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", plain.Terminal(p.Summary()))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "cell\tdeployment\tworkload\tload\ttakes\tstatus\n")
	past := p.past()
	for _, c := range p.Cells {
		load := c.Load.Name
		if p.Experiment.Repeats > 1 {
			load += fmt.Sprintf(" (%d)", c.Repeat)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", c.index+1, plain.Terminal(c.Variant.Label),
			plain.Terminal(c.Workload.Name), plain.Terminal(load), past.text(c), p.status(c))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	todo := p.ToRun()
	left := p.Left(todo)
	if len(todo) > 0 {
		starts := "unknown until the first has run"
		if left.Starts > 0 {
			starts = "about " + shortly(left.Starts)
		}
		fmt.Fprintf(&b, "\n%s to run: about %s; %s of deployments: %s\n", counted(len(todo), "cell"),
			shortly(left.Cells), counted(p.starts(todo), "start"), starts)
		if past.anyOpen(todo) {
			b.WriteString("?: how long a search, or a number of requests at a time, takes is known once one has run\n")
		}
		if !p.refused {
			fmt.Fprintf(&b, "next: k6 x llm experiment -f %s%s\n", plain.Argument(p.Experiment.File), p.again)
		}
	}
	if doubts != "" {
		fmt.Fprintf(&b, "\n%s\n", doubts)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// status says whether a cell is done, or why it would run.
func (p *Plan) status(c *Planned) string {
	cell := p.Store.Results.Cells[c.index]
	switch {
	case c.Why == "":
		done := "done " + cell.Start.Local().Format("2006-01-02 15:04")
		return plain.Terminal(strings.TrimSpace(done + " " + c.Verdict))
	case c.Why == isAgain:
		return plain.Terminal(strings.TrimSpace("to run: " + isAgain + ": done before " + c.Verdict))
	case c.Why == isFailed && cell.Status == experiment.Failed:
		return "to run: " + isFailed + ": " + plain.Terminal(plain.Clip(cell.Error, 80))
	}
	return "to run: " + c.Why
}

// text writes how long a cell is likely to take.
func (p past) text(c *Planned) string {
	seconds, known := p.of(c)
	if !known {
		return "?"
	}
	return shortly(asDuration(seconds))
}

// anyOpen reports whether nothing says how long one of the cells takes.
func (p past) anyOpen(cells []*Planned) bool {
	for _, c := range cells {
		if _, known := p.of(c); !known {
			return true
		}
	}
	return false
}

// WriteCommands shows what the deployments are that are to run: their commands, with the values of their parameters.
func (p *Plan) WriteCommands(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\ndeployment\tis\n")
	var last *Variant
	for _, c := range p.ToRun() {
		if c.Variant != last {
			last = c.Variant
			spec := last.Spec()
			fmt.Fprintf(w, "%s\t%s\n", plain.Terminal(last.Label), spec.String())
		}
	}
	return w.Flush()
}
