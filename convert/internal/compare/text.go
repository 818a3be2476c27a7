package compare

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// WriteJSON writes the result as indented JSON.
func (r *Result) WriteJSON(w io.Writer) error { return plain.WriteJSON(w, r) }

// WriteText writes the result as tables for a terminal.
func (r *Result) WriteText(w io.Writer) error {
	t := &lines{w: w, args: plain.Args, columns: r.Columns}
	if r.pairs {
		t.pairs(r)
	} else {
		t.runs(r)
	}
	t.line("")
	t.say("%s", method(r))
	if slices.ContainsFunc(r.parts(), func(part *Result) bool { return len(part.Metrics) > 0 }) {
		t.say("itl is the mean gap of a request; the ITL of a report is of single gaps, whose percentiles differ")
	}
	for _, note := range r.Notes {
		t.say("note: %s", note)
	}
	return t.err
}

// runs prints a comparison of runs.
func (t *lines) runs(r *Result) {
	t.say("BASE  %s", r.Base.text(r.searches))
	t.say("NEW   %s", r.New.text(r.searches))
	switch {
	case r.Base.Doubt == r.New.Doubt && r.Base.Doubt != "":
		t.say("both  %s", r.Base.Doubt)
	default:
		t.doubt("BASE", r.Base)
		t.doubt("NEW ", r.New)
	}
	t.line("")
	if r.Loads != "" {
		t.say("%s", r.Loads)
	}
	t.say("verdict: %s", r.outcome())
	for _, reason := range r.Reasons {
		t.say("  %s", reason)
	}
	if answer := r.answerText(); answer != "" {
		t.say("answer: %s", answer)
	}
	for _, text := range r.Violations.sentences() {
		t.say("%s", text)
	}
	for _, part := range r.parts() {
		if r.By != "" {
			t.line("")
			t.say("%s %s: %s", r.By, part.Group, part.outcome())
			t.say("  BASE %d requests, %d failed; NEW %d requests, %d failed", part.Base.Requests, part.Base.Failed,
				part.New.Requests, part.New.Failed)
		}
		t.gates(part.Gates)
		t.figures(part, r.All)
	}
}

// gates prints what became of the gates.
func (t *lines) gates(gates []GateResult) {
	if len(gates) == 0 {
		return
	}
	t.line("")
	t.grid(func(w io.Writer) {
		for _, g := range gates {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", settled(g.Status, g.Settled), plain.Terminal(g.Expression),
				plain.Terminal(g.Reason))
		}
	})
}

// figures prints the main figures of a result, or all.
func (t *lines) figures(r *Result, all bool) {
	if !all {
		list := r.brief()
		t.metrics(changeTitle(r), list)
		t.worth(list)
		if more := hidden(r, len(list)); more != "" {
			t.line("%s", more)
		}
		return
	}
	t.metrics(changeTitle(r), r.Metrics)
	t.worth(r.Metrics)
	for _, s := range r.Stages {
		t.line("")
		t.line("stage %d", s.Stage)
		t.metrics(changeTitle(r), s.Metrics)
		t.worth(s.Metrics)
	}
}

// worth says what the figures of a table could have shown.
func (t *lines) worth(list []Metric) {
	for _, line := range worth(list) {
		t.say("%s", line)
	}
}

// text describes a side in one line. The time of a search is that over which its figures are.
func (s SideSummary) text(searched bool) string {
	length := "of unknown length"
	if s.Seconds != nil {
		length = digits(*s.Seconds) + " s"
		if searched {
			length += " without transients"
		}
	}
	if s.Runs > 1 {
		length += fmt.Sprintf(" in %d runs", s.Runs)
	}
	return fmt.Sprintf("%s: %d requests, %d failed, %s", s.Name, s.Requests, s.Failed, length)
}

// outcome returns what decides the comparison: the gates if there are any, else the figures.
func (r *Result) outcome() string {
	failed, undecided, gates := 0, 0, 0
	for _, part := range r.parts() {
		for _, g := range part.Gates {
			failed += count(g.Status == GateFailed)
			undecided += count(g.Status == GateUndecided)
			gates++
		}
	}
	if gates == 0 {
		return string(r.Verdict)
	}
	text := fmt.Sprintf("PASS: %d of %d gates", gates, gates)
	switch {
	case failed > 0 && undecided > 0:
		text = fmt.Sprintf("FAIL: %d of %d gates, and %d undecided", failed, gates, undecided)
	case failed > 0:
		text = fmt.Sprintf("FAIL: %d of %d gates", failed, gates)
	case undecided > 0:
		text = fmt.Sprintf("%s: %d of %d gates undecided", settled(GateUndecided, r.Settled), undecided, gates)
	}
	if r.pairs {
		return text
	}
	return fmt.Sprintf("%s (figures by themselves: %s)", text, r.Verdict)
}

func changeTitle(r *Result) string { return fmt.Sprintf("change [%s %%]", percentText(r.Level)) }

func percentText(share float64) string { return fmt.Sprintf("%.4g", share*100) }

// method describes how the intervals were made.
func method(r *Result) string {
	if r.searches {
		return "intervals: from the loads of which the searches are certain; the chances of both to be wrong are added"
	}
	if r.pairs {
		return fmt.Sprintf("intervals: %s %%, bootstrap of neighbouring pairs in each order, %d resamples, seed %d",
			percentText(r.Level), r.Resamples, r.Seed)
	}
	return fmt.Sprintf("intervals: %s %%, block bootstrap, %d resamples, seed %d", percentText(r.Level), r.Resamples,
		r.Seed)
}

// lines writes lines until a write fails.
type lines struct {
	w       io.Writer
	args    func([]any) []any // nil, or what makes texts fit for the place
	columns int               // at which sentences are broken; 0: they are not
	err     error
}

// doubt prints why the figures of a side may not be the server's.
func (t *lines) doubt(label string, s SideSummary) {
	if s.Doubt != "" {
		t.say("%s  %s", label, s.Doubt)
	}
}

// say prints a sentence, which may be longer than the terminal is wide.
func (t *lines) say(format string, args ...any) {
	if t.args != nil {
		args = t.args(args)
	}
	text := []rune(fmt.Sprintf(format, args...))
	indent := "  "
	if len(text) > 0 && text[0] == ' ' {
		indent = "    "
	}
	for t.columns > 0 && len(text) > t.columns {
		cut := t.columns
		for cut > len(indent) && text[cut] != ' ' {
			cut--
		}
		if cut <= len(indent) {
			break
		}
		t.line("%s", string(text[:cut]))
		text = append([]rune(indent), text[cut+1:]...)
	}
	t.line("%s", string(text))
}

func (t *lines) line(format string, args ...any) {
	if t.args != nil {
		args = t.args(args)
	}
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
	remarks := map[string][]string{} // the names of the figures, by what is said of them beneath the table
	var order []string
	t.grid(func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "metric\tBASE\tNEW\t%s\tverdict\n", title)
		for _, m := range metrics {
			if t.columns > 0 && len(m.Warnings) > 0 {
				why := strings.Join(m.Warnings, "; ")
				if remarks[why] == nil {
					order = append(order, why)
				}
				remarks[why] = append(remarks[why], m.Name)
				m.Warnings = nil
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", plain.Terminal(m.Name), optional(m.Base, m.Unit),
				optional(m.New, m.Unit), m.change(), plain.Terminal(m.remark()))
		}
	})
	for _, why := range order {
		t.say("  %s: %s", strings.Join(remarks[why], ", "), why)
	}
}

// remark returns the verdict with an arrow for the direction of the change, and the warnings.
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
