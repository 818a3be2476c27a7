package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// WriteJSON writes the result as indented JSON.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the result as tables for a terminal.
func (r *Result) WriteText(w io.Writer) error {
	t := &lines{w: w}
	t.line("BASE  %s", r.Base.text())
	t.line("NEW   %s", r.New.text())
	t.line("")
	t.line("verdict: %s (%s)", r.Verdict, r.outcome())
	for _, reason := range r.Reasons {
		t.line("  %s", reason)
	}
	if len(r.Gates) > 0 {
		t.line("")
		t.grid(func(w io.Writer) {
			for _, g := range r.Gates {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", g.Status, g.Expression, g.Reason)
			}
		})
	}
	t.metrics(r.changeTitle(), r.Metrics)
	for _, s := range r.Stages {
		t.line("")
		t.line("stage %d", s.Stage)
		t.metrics(r.changeTitle(), s.Metrics)
	}
	t.line("")
	t.line("%s", r.method())
	for _, note := range r.Notes {
		t.line("note: %s", note)
	}
	return t.err
}

// text is a side in a line.
func (s SideSummary) text() string {
	length := "of unknown length"
	if s.Seconds != nil {
		length = digits(*s.Seconds) + " s"
	}
	return fmt.Sprintf("%s: %d requests, %d failed, %s", oneLine(s.Name), s.Requests, s.Failed, length)
}

// oneLine keeps names from breaking the layout, and from steering the terminal.
func oneLine(name string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(printable), " ")
}

// outcome is passed or failed, and by what.
func (r *Result) outcome() string {
	failed := 0
	for _, g := range r.Gates {
		if g.Status == GateFailed {
			failed++
		}
	}
	switch {
	case failed > 0:
		return fmt.Sprintf("FAILED: %d of %d gates", failed, len(r.Gates))
	case !r.Passed:
		return "FAILED"
	case len(r.Gates) > 0:
		return fmt.Sprintf("passed: no gate of %d failed", len(r.Gates))
	}
	return "passed"
}

func (r *Result) changeTitle() string { return fmt.Sprintf("change [%s %%]", percentText(r.Level)) }

func percentText(share float64) string { return fmt.Sprintf("%.4g", share*100) }

// method tells how the intervals were made.
func (r *Result) method() string {
	return fmt.Sprintf("intervals: %s %%, block bootstrap, %d resamples, seed %d", percentText(r.Level), r.Resamples, r.Seed)
}

// lines writes until something fails.
type lines struct {
	w   io.Writer
	err error
}

func (t *lines) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *lines) grid(rows func(w io.Writer)) {
	if t.err == nil {
		w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
		rows(w)
		t.err = w.Flush()
	}
}

func (t *lines) metrics(title string, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	t.line("")
	t.grid(func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "metric\tBASE\tNEW\t%s\tverdict\n", title)
		for _, m := range metrics {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Name, optional(m.Base, m.Unit), optional(m.New, m.Unit), m.change(), m.remark())
		}
	})
}

// remark is the verdict with an arrow for the way the figure went, and the warnings.
func (m *Metric) remark() string {
	text := string(m.Verdict)
	if m.Verdict == Better || m.Verdict == Worse {
		arrow := "↑"
		if *m.Change < 0 {
			arrow = "↓"
		}
		text = arrow + " " + text
	}
	if len(m.Warnings) > 0 {
		text += " (" + strings.Join(m.Warnings, "; ") + ")"
	}
	return text
}
