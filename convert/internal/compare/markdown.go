package compare

import (
	"fmt"
	"io"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// WriteMarkdown writes the result for a comment on a pull request: the verdict and the figures of the brief text in
// sight, all others folded.
func (r *Result) WriteMarkdown(w io.Writer) error {
	t := &lines{w: w}
	if r.pairs {
		t.markdownPairs(r)
	} else {
		t.markdownRuns(r)
	}
	t.line("")
	t.line("%s", plain.Markdown(method(r)))
	for _, note := range r.Notes {
		t.line("")
		t.line("Note: %s", plain.Markdown(note))
	}
	return t.err
}

func (t *lines) markdownRuns(r *Result) {
	t.line("### Load test: %s", r.outcome())
	t.line("")
	t.line("| | run | requests | failed | seconds |")
	t.line("|---|---|---:|---:|---:|")
	for _, side := range []struct {
		label string
		s     SideSummary
	}{{"BASE", r.Base}, {"NEW", r.New}} {
		length := "-"
		if side.s.Seconds != nil {
			length = digits(*side.s.Seconds)
		}
		t.line("| %s | %s | %d | %d | %s |", side.label, plain.Markdown(side.s.Name), side.s.Requests, side.s.Failed,
			length)
	}
	t.line("")
	if r.Loads != "" {
		t.line("- **%s**", plain.Markdown(r.Loads))
	}
	for _, side := range [...]SideSummary{r.Base, r.New} {
		if side.Doubt != "" {
			t.line("- **%s: %s**", plain.Markdown(side.Name), plain.Markdown(side.Doubt))
		}
	}
	for _, reason := range append(r.Reasons[:len(r.Reasons):len(r.Reasons)], r.Violations.sentences()...) {
		t.line("- %s", plain.Markdown(reason))
	}
	if answer := r.answerText(); answer != "" {
		t.line("- answer: %s", plain.Markdown(answer))
	}
	for _, part := range r.parts() {
		if r.By != "" {
			t.line("")
			t.line("#### %s %s: %s", r.By, plain.Markdown(part.Group), part.outcome())
		}
		t.markdownFigures(part)
	}
}

func (t *lines) markdownFigures(r *Result) {
	t.markdownGates(r.Gates)
	list := r.brief()
	t.markdownMetrics(changeTitle(r), list)
	for _, line := range worth(list) {
		t.line("")
		t.line("%s", plain.Markdown(line))
	}
	t.folded("All figures", changeTitle(r), r.Metrics)
	for _, s := range r.Stages {
		t.folded(fmt.Sprintf("Stage %d", s.Stage), changeTitle(r), s.Metrics)
	}
}

func (t *lines) markdownGates(gates []GateResult) {
	if len(gates) == 0 {
		return
	}
	t.line("")
	t.line("| gate | status | |")
	t.line("|---|---|---|")
	for _, g := range gates {
		t.line("| `%s` | %s | %s |", g.Expression, settled(g.Status, g.Settled), plain.Markdown(g.Reason))
	}
}

func (t *lines) folded(title, changeTitle string, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	t.line("")
	t.line("<details><summary>%s</summary>", title)
	t.markdownMetrics(changeTitle, metrics)
	t.line("")
	t.line("</details>")
}

func (t *lines) markdownMetrics(title string, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	t.line("")
	t.line("| metric | BASE | NEW | %s | verdict |", plain.Markdown(title))
	t.line("|---|---:|---:|---:|---|")
	for _, m := range metrics {
		t.line("| %s | %s | %s | %s | %s |", plain.Markdown(m.Name), optional(m.Base, m.Unit), optional(m.New, m.Unit),
			plain.Markdown(m.change()), plain.Markdown(m.remark()))
	}
}
