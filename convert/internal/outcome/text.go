package outcome

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// WriteJSON writes the outcome as indented JSON.
func (o *Outcome) WriteJSON(w io.Writer) error { return plain.WriteJSON(w, o) }

// Summary says in a line how many cells there are, and how many count.
func (o *Outcome) Summary() string {
	text := plural(len(o.Cells), "cell")
	if out := len(o.Failures()); out > 0 {
		text += fmt.Sprintf(", of which %d count and %d do not", o.Counted(), out)
	}
	if n := len(o.Suspects()); n > 0 {
		text += fmt.Sprintf("; %d SUSPECT", n)
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// mostListed is how many failures of cells the text names.
const mostListed = 20

// WriteText writes the answers, what matters, what failed and the table of settings for a terminal.
func (o *Outcome) WriteText(w io.Writer) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", plain.Args(args)...) }
	line("experiment %s: %s", o.Name, o.Summary())
	for _, workload := range o.Workloads() {
		line("\nworkload %s", workload)
		if !o.answered(workload) {
			line("  no answer, as no cell counts that has figures")
		}
		for _, a := range o.Answers {
			if a.Workload != workload {
				continue
			}
			if line("  %s\t%s", a.Question, a.Text); a.Sure != "" {
				line("  \t%s", a.Sure)
			}
		}
	}
	if list := o.Matters(); len(list) > 0 {
		line("\nwhat matters, as a mean over all loads and other factors")
		for _, m := range list {
			for i, text := range m.Lines {
				if i > 0 {
					m.Factor = ""
				}
				line("  %s\t%s", m.Factor, text)
			}
		}
	}
	if list := o.FailuresAlike(); len(list) > 0 {
		line("\nnot counted")
		more := len(o.Failures())
		for _, f := range list[:min(len(list), mostListed)] {
			line("  %s\t%s", f.Name, f.Reason)
			more -= f.Cells
		}
		if more > 0 {
			line("  and %d more", more)
		}
	}
	_ = t.Flush()
	if head, rows := table(o); len(rows) > 0 {
		line("")
		for _, row := range append([][]string{head}, rows...) {
			for i := range row {
				row[i] = plain.Terminal(row[i])
			}
			_, _ = fmt.Fprintln(t, strings.Join(row, "\t"))
		}
		_ = t.Flush()
		line("\n%s", legend(o))
	}
	for _, note := range o.Notes {
		line("note: %s", note)
	}
	_ = t.Flush()
	_, err := w.Write(b.Bytes())
	return err
}

// answered reports whether a workload has an answer.
func (o *Outcome) answered(workload string) bool {
	return slices.ContainsFunc(o.Answers, func(a Answer) bool { return a.Workload == workload })
}

// legend says what the marks of the table mean.
func legend(o *Outcome) string {
	intervals := "figures with their 95 % intervals"
	if len(o.Suspects()) > 0 {
		intervals = "! a SUSPECT load generator; " + intervals
	}
	if len(o.Fronts) == 0 {
		return intervals
	}
	return fmt.Sprintf("* on the Pareto front of %s against %s, ~ within noise only; %s", o.Fronts[0].Y.Title,
		o.Fronts[0].X.Title, intervals)
}

// title names a cell with its stage.
func (c *Cell) title() string {
	if c.Stage == "" {
		return c.Name
	}
	return c.Name + " " + c.Stage
}

// tableFigures are the figures of the short table.
var tableFigures = []string{Output, PerUnit, PerUser, requests, Capacity, medianToken, lateToken, medianEnd, Cost}

// beside names the figure that another one is not needed beside, if all settings have that.
var beside = map[string]string{requests: Output, medianEnd: PerUser}

// table returns the settings that count with their main figures.
func table(o *Outcome) (head []string, rows [][]string) {
	head = []string{"", "deployment", "workload", "load"}
	var shown []Kind
	for _, k := range o.Kinds {
		for _, name := range tableFigures {
			if k.Name == name && !allHave(o.Settings, beside[name]) {
				shown = append(shown, k)
				head = append(head, strings.TrimSuffix(k.Short+", "+k.Unit, ", "))
			}
		}
	}
	head = append(head, "SLO")
	places := o.Places()
	for _, s := range o.Settings {
		if len(s.Cells) == 0 {
			continue
		}
		mark := map[tradeoff.Place]string{tradeoff.OnFront: "*", tradeoff.WithinNoise: "~"}[places[s.Number]]
		if s.Suspect {
			mark += "!"
		}
		row := []string{mark, s.Variant, s.First.Workload, s.Load}
		for _, k := range shown {
			text := "–"
			if f, has := s.Figures[k.Name]; has {
				k.Unit = ""
				text = Text(k, f)
			}
			row = append(row, text)
		}
		rows = append(rows, append(row, s.slo()))
	}
	return head, rows
}

func (s *Setting) slo() string {
	switch {
	case !s.Judged:
		return "–"
	case s.Kept:
		return "kept"
	}
	return "broken"
}

// Places returns where the settings lie on the first front of their workload, by their numbers.
func (o *Outcome) Places() map[int]tradeoff.Place {
	places, seen := map[int]tradeoff.Place{}, map[string]bool{}
	for _, f := range o.Fronts {
		if seen[f.Workload] {
			continue
		}
		seen[f.Workload] = true
		for _, p := range f.Points {
			places[p.Setting.Number] = p.Place
		}
	}
	return places
}

// WriteMarkdown writes the same for a comment or a page.
func (o *Outcome) WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	line := func(format string, args ...any) {
		for i, a := range args {
			if text, is := a.(string); is {
				args[i] = plain.Markdown(text)
			}
		}
		_, _ = fmt.Fprintf(&b, format+"\n", args...)
	}
	line("### Experiment %s: %s", o.Name, o.Summary())
	for _, workload := range o.Workloads() {
		line("\nWorkload %s:\n", workload)
		if !o.answered(workload) {
			line("no answer, as no cell counts that has figures")
		}
		for _, a := range o.Answers {
			if a.Workload == workload {
				line("- **%s:** %s", a.Question, strings.TrimSuffix(a.Text+"; "+a.Sure, "; "))
			}
		}
	}
	if list := o.Matters(); len(list) > 0 {
		line("\nWhat matters, as a mean over all loads and other factors:\n")
		for _, m := range list {
			line("- **%s:** %s", m.Factor, strings.Join(m.Lines, "; "))
		}
	}
	if list := o.FailuresAlike(); len(list) > 0 {
		line("\nNot counted:\n")
		for _, f := range list {
			line("- %s: %s", f.Name, f.Reason)
		}
	}
	writeRows(&b, o)
	for _, note := range o.Notes {
		line("\nNote: %s", note)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeRows writes the table of settings with its legend as Markdown, if a setting counts.
func writeRows(b *bytes.Buffer, o *Outcome) {
	head, rows := table(o)
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n")
	for i, row := range append([][]string{head}, rows...) {
		for k := range row {
			row[k] = plain.Markdown(row[k])
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|---|---|---" + strings.Repeat("|---:", len(head)-5) + "|---|\n")
		}
	}
	_, _ = fmt.Fprintf(b, "\n%s\n", plain.Markdown(legend(o)))
}
