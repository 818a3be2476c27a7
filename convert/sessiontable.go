package convert

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// sessions prints what became of the sessions of a replay: sentences on the run, and tables with a row for each stage.
func (t *table) sessions(p *Report) {
	if p.Sessions == nil {
		return
	}
	t.line("")
	for _, text := range sessionFactsInWords(p.Sessions) {
		t.say("%s", text)
	}
	t.sessionRows(p)
	t.sessionErrors(p)
}

// sessionFactsInWords describes the sessions of a run.
func sessionFactsInWords(l *SessionLifecycle) (list []string) {
	a := l.Additions
	ended := []string{plural(l.Sessions, "session"), "none failed"}
	if l.Failed > 0 {
		ended[1] = fmt.Sprintf("%d failed (%s)", l.Failed, percentOf(l.Failed, l.Sessions))
	}
	if u := a.Unfinished; u.Sessions > 0 {
		ended = append(ended, fmt.Sprintf("%d more %s after %d of their calls", u.Sessions, u.why(), u.Sent))
	}
	list = append(list, strings.Join(ended, ", "))
	if path := pathInWords(a.CriticalPath); path != "" {
		list = append(list, "critical path: "+path)
	}
	if f := a.Fidelity; !math.IsNaN(float64(f.Score)) {
		text := "fidelity: " + Digits(float64(f.Score)) + " of 100"
		if d := f.GapDeviation; d != nil {
			text += fmt.Sprintf("; gaps off by p50 %s, p99 %s, at most %s ms", percentileCells(d, 1000, 50)[0],
				percentileCells(d, 1000, 99)[0], Digits(d.Max*1000))
		}
		if f.Reason != "" {
			text += ": " + f.Reason
		}
		list = append(list, text)
	}
	if text := a.Fidelity.Shortened.String(); text != "" {
		list = append(list, text)
	}
	if u := a.Reuse; u != nil {
		list = append(list, "prefix reuse: "+u.inWords())
	}
	return list
}

// pathInWords tells which shares of the sessions' time was spent on what.
func pathInWords(s PathSums) string {
	var list []string
	for _, part := range []struct {
		sum  PathSum
		name string
	}{{s.Model, "model"}, {s.Tool, "tool"}, {s.Think, "think"}, {s.Pause, "pause"}, {s.Waiting, "waiting"}} {
		if share := float64(part.sum.Share); share > 0 {
			list = append(list, fmt.Sprintf("%s %.1f %%", part.name, 100*share))
		}
	}
	return strings.Join(list, ", ")
}

func (u *Reuse) inWords() string {
	text := fmt.Sprintf("%s %% of the prompt tokens to expect", Digits(float64(u.ExpectedPercent)))
	if u.LimitedPercent != nil {
		text += fmt.Sprintf(" (%s %% of a cache of %s tokens)", Digits(float64(*u.LimitedPercent)),
			plain.Grouped(fmt.Sprint(*u.CacheTokens), ","))
	}
	if u.Reported == 0 {
		return text + ", the server does not tell what it cached"
	}
	return text + fmt.Sprintf(", %s %% cached as the server tells", Digits(float64(u.CachedPercent)))
}

// sessionRows prints the figures of the sessions of each stage, and of all.
func (t *table) sessionRows(p *Report) {
	labels, rows := []string{}, []*SessionLifecycle{}
	for _, stage := range sortedKeys(p.SessionStages) {
		labels, rows = append(labels, fmt.Sprint(stage)), append(rows, p.SessionStages[stage])
	}
	if len(rows) > 1 {
		labels, rows = append(labels, "all"), append(rows, p.Sessions)
	}
	groups := []group{
		{heads: []string{"sessions/s"}}, {heads: []string{"sessions"}}, {heads: []string{"failed"}},
		{heads: []string{"cut"}}, {heads: []string{"calls", "done"}}, {heads: []string{"cancelled"}},
		{heads: []string{"substituted"}}, {heads: []string{"retries"}},
		{heads: []string{"seconds p50", "p90"}}, {heads: []string{"TFUT s p50", "p90"}}, {heads: []string{"no TFUT"}},
		{heads: []string{"calls p50", "p90"}}, {heads: []string{"prompt tokens p50", "p90"}},
		{heads: []string{"output tokens p50", "p90"}}, {heads: []string{"cached %"}}, {heads: []string{"expected %"}},
		{heads: []string{"fidelity"}},
	}
	for _, l := range rows {
		for i, cells := range sessionCells(l) {
			groups[i].cells = append(groups[i].cells, cells)
		}
	}
	t.line("\nsessions; calls and tokens of a session")
	t.grid("stage", labels, groups)
}

// sessionCells returns the cells of a row of sessions, group by group.
func sessionCells(l *SessionLifecycle) [][]string {
	a, expected := l.Additions, noFigure
	if a.Reuse != nil {
		expected = Digits(float64(a.Reuse.ExpectedPercent))
	}
	cells := [][]string{{Digits(float64(l.Rate))}}
	for _, n := range []int{l.Sessions, l.Failed, a.Unfinished.Sessions} {
		cells = append(cells, []string{fmt.Sprint(n)})
	}
	cells = append(cells, []string{fmt.Sprint(l.Events), fmt.Sprint(l.Completed)})
	for _, n := range []int{l.Cancelled, l.Substituted.Count, l.Retries} {
		cells = append(cells, []string{fmt.Sprint(n)})
	}
	return append(cells, percentileCells(l.Duration, 1, 50, 90), percentileCells(l.TFUT, 1, 50, 90),
		[]string{fmt.Sprint(l.Sessions - l.WithTFUT)}, percentileCells(l.Calls, 1, 50, 90),
		percentileCells(l.Input, 1, 50, 90), percentileCells(l.Output, 1, 50, 90), []string{maybeDigits(l.Hit)},
		[]string{expected}, []string{Digits(float64(a.Fidelity.Score))})
}

// sessionErrors prints how often each cause failed sessions in each stage.
func (t *table) sessionErrors(p *Report) {
	labels := []string{}
	for _, l := range p.Sessions.Failures.ByLabel {
		labels = append(labels, l.label)
	}
	if len(labels) == 0 {
		return
	}
	var stages []string
	groups := make([]group, len(labels))
	for _, stage := range sortedKeys(p.SessionStages) {
		stages = append(stages, fmt.Sprint(stage))
		counts := make([]int, len(labels))
		for _, l := range p.SessionStages[stage].Failures.ByLabel {
			counts[slices.Index(labels, l.label)] = l.Count
		}
		for i, n := range counts {
			groups[i].heads = []string{plain.Terminal(labels[i])}
			groups[i].cells = append(groups[i].cells, []string{fmt.Sprint(n)})
		}
	}
	t.grid("failed sessions", stages, groups)
	for _, l := range p.Sessions.Failures.ByLabel {
		for _, m := range l.Messages[:min(len(l.Messages), mostKinds)] {
			t.say("  failed: %d × %s: %s", len(m.Sessions), l.label, plain.OneLine(m.Text, shownRunes))
		}
	}
}
