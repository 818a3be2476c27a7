package convert

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Screen is where a report is printed for people.
type Screen struct {
	W io.Writer
	// Columns is the width of the terminal. 0 means that W is none: then long sentences stay in one line, and tables
	// are at most 80 columns wide.
	Columns int
	// Ahead has lines on where the run bends and what to do next, which follow what it held.
	Ahead []string
}

// usualColumns is the width of a table if that of the terminal is unknown.
const usualColumns = 80

func (s Screen) table() *table {
	t := &table{w: s.W, columns: s.Columns, wraps: s.Columns > 0}
	if s.Columns <= 0 {
		t.columns = usualColumns
	}
	return t
}

// WriteVerdict prints what a reader should know before the figures: verdict, warnings, what was left out, and what
// became of the SLO and the gates.
func (p *Report) WriteVerdict(s Screen) error {
	t := s.table()
	a := p.Summary.Additions
	reasons := slices.Concat(a.Health.Reasons, p.doubts())
	t.verdict(a, reasons)
	t.objectives(a, len(p.run.Searches) > 0)
	for _, line := range s.Ahead {
		t.say("%s", line)
	}
	showLeft(t, a)
	t.searchReasons(p.run.Searches)
	return t.err
}

// WriteTables prints the report for people: a summary of the run, then tables with a row for each stage, scenario,
// adapter and group.
func (p *Report) WriteTables(s Screen) error {
	t := s.table()
	showMarks(t, p.Summary.Additions)
	t.searches(p.run.Searches)
	t.facts(p.Summary, len(p.run.Searches) > 0)
	showCosts(t, p)
	rows, adapters := p.stageRows(), p.adapterRows()
	label := "stage"
	if len(p.Scenarios) > 0 {
		label = "scenario"
	}
	if len(rows) > 0 {
		t.line("\n%s", unitsOf(rows))
		for _, signs := range signsOf(rows) {
			t.say("%s", signs)
		}
	}
	t.apis(p.APIs)
	t.results(label, rows)
	t.results("adapter", adapters)
	if others := len(p.Adapters) - len(adapters); others > 0 {
		t.line("and %d other adapters", others)
	}
	t.groups(p)
	t.batches(p.Summary.Additions.Inputs)
	t.answerSizes(&p.Summary.Additions.Answers)
	t.lengths(label, rows)
	t.sessions(p)
	t.errors(p.Summary.Failures.ByLabel, p.Stages)
	showRest(t, p.Summary.Additions, slices.Concat(p.Summary.Additions.Health.Reasons, p.doubts()))
	return t.err
}

// table writes lines until one fails.
type table struct {
	w       io.Writer
	columns int
	wraps   bool // sentences are broken at the width of the screen
	err     error
}

func (t *table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", plain.Args(args)...)
	}
}

// say prints a sentence, which may be longer than the screen is wide. What follows its first line is indented by two
// columns more than the first.
func (t *table) say(format string, args ...any) {
	text := fmt.Sprintf(format, plain.Args(args)...)
	indent := strings.Repeat(" ", len(text)-len(strings.TrimLeft(text, " "))+2)
	for t.wraps && len([]rune(text)) > t.columns {
		cut := lastSpace([]rune(text), t.columns, len(indent))
		if cut < 0 {
			break
		}
		t.line("%s", string([]rune(text)[:cut]))
		text = indent + string([]rune(text)[cut+1:])
	}
	t.line("%s", text)
}

// lastSpace returns where a text can be broken so that its beginning has at most so many columns, and -1 if it cannot.
func lastSpace(text []rune, columns, indent int) int {
	for i := columns; i > indent; i-- {
		if text[i] == ' ' {
			return i
		}
	}
	return -1
}

// verdict prints whether the figures can be trusted, with the first reason against it, or if there is none with the
// first warning. The others follow the tables.
func (t *table) verdict(a *Additions, reasons []string) {
	first, warnings := firstOf(a, reasons)
	t.say("client health: %s%s%s", a.Health.Verdict, Unchecked(a.Health.Unchecked),
		more(len(reasons)-len(first), len(a.Warnings)-len(warnings)))
	for _, reason := range first {
		t.say("  %s", reason)
	}
	for _, warning := range warnings {
		t.say("warning: %s", warning)
	}
	if a.Partial {
		t.say("PARTIAL: something of the run is missing, see the remarks")
	}
}

// firstOf returns the reason or the warning that stands above the tables.
func firstOf(a *Additions, reasons []string) (first, warnings []string) {
	if len(reasons) > 0 {
		return reasons[:1], nil
	}
	return nil, a.Warnings[:min(len(a.Warnings), 1)]
}

// more tells how many reasons and warnings follow the tables.
func more(reasons, warnings int) string {
	var list []string
	if reasons > 0 {
		list = append(list, plural(reasons, "more reason"))
	}
	if warnings > 0 {
		list = append(list, plural(warnings, "warning"))
	}
	if list == nil {
		return ""
	}
	return "; " + strings.Join(list, " and ") + " below the tables"
}

// showRest prints what of the verdict is not above the tables, and what else tells of the run.
func showRest(t *table, a *Additions, reasons []string) {
	first, warnings := firstOf(a, reasons)
	var lines []string
	for _, reason := range reasons[len(first):] {
		lines = append(lines, "client health, too: "+reason)
	}
	for _, warning := range a.Warnings[len(warnings):] {
		lines = append(lines, "warning: "+warning)
	}
	for _, g := range a.Gates {
		if g.could != "" {
			lines = append(lines, "gate "+g.Objective+": "+g.could)
		}
	}
	if len(lines) > 0 {
		t.line("")
	}
	for _, line := range lines {
		t.say("%s", line)
	}
}

// showLeft prints what of the run the figures leave out.
func showLeft(t *table, a *Additions) {
	showSteady(t, a.Steady)
	if w := a.Window; w != nil && w.Left > 0 {
		t.say("left out: %d requests", w.Left)
	}
	if w := a.Window; w != nil && w.Late > 0 {
		t.say("left out of latencies: %d requests that may have been read late", w.Late)
	}
}

// objectives prints up to where the SLO is kept, for how long it was not, and what became of each gate.
func (t *table) objectives(a *Additions, searched bool) {
	for _, answer := range a.SLOAnswers {
		t.say("%s", answer.Text)
	}
	if v := a.Violations; v != nil && !searched && v.Seconds > 0 {
		t.say("%s", v.sentence())
	}
	for _, g := range a.Gates {
		t.say("gate %s", g.Sentence())
	}
}

func (t *table) facts(all *Lifecycle, searched bool) {
	a := all.Additions
	t.say("%s", outcomes(a.Requests, searched))
	t.failures(all.Failures.ByLabel.kinds())
	if a.Abandoned != nil {
		for _, line := range a.Abandoned.Lines() {
			t.say("%s", line)
		}
	}
	t.say("throughput: %s", throughputOf(all))
	counts := a.Tokens.Output
	if !all.generates() {
		counts = a.Tokens.Input
	}
	// Few servers count the prompts of speech, pictures and videos.
	if all.generates() || len(a.Inputs) > 0 || slices.ContainsFunc(slices.Collect(maps.Keys(counts)), isCount) {
		t.say("tokens: %s", countedBy(counts))
	}
	t.inputs(a.Inputs)
	t.answers(a)
	if d := all.Load.ScheduleDelay; d != nil {
		t.say("schedule delay: p50 %s, p99 %s ms", percentileCells(d, 1000, 50)[0], percentileCells(d, 1000, 99)[0])
	}
	if cached := a.Tokens.Cached; cached.Cached > 0 {
		t.say("prefix cache: %d of %d prompt tokens were cached by the server", cached.Cached, cached.Prompt)
	}
	if r := all.Retries; r != nil {
		t.say("retries: %s sent again after the connection failed, %d recovered", plural(r.Requests, "request"),
			r.Recovered)
	}
}

// outcomes tells how many requests there were and how they ended. Those of a search are cut off when a probe is
// decided.
func outcomes(c RequestCounts, searched bool) string {
	failed := c.Failed - c.Canceled
	list := []string{plural(c.Sent, "request"), "none failed"}
	if failed > 0 {
		list[1] = fmt.Sprintf("%d failed (%s)", failed, percentOf(failed, c.Succeeded+failed))
	}
	if c.Canceled > 0 {
		why := "open at the end of the run"
		if searched {
			why = "cut off at the end of their probe"
		}
		list = append(list, fmt.Sprintf("%d unfinished (%s)", c.Canceled, why))
	}
	dropped := "none dropped"
	if c.Dropped > 0 {
		dropped = plural(int(c.Dropped), "arrival") + " dropped"
	}
	return strings.Join(append(list, dropped), ", ")
}

// plural returns a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return plain.Grouped(strconv.Itoa(n), ",") + " " + noun + "s"
}

// mostKinds is how many kinds of failure are listed, and how many labels have a column.
const mostKinds = 10

// failures lists how many requests failed, by label and kind of message.
func (t *table) failures(kinds []kind) {
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return k.label == record.ErrorCanceled })
	for _, k := range kinds[:min(len(kinds), mostKinds)] {
		t.say("  failed: %d × %s: %s", k.count, k.label, k.shown())
	}
	others := 0
	for _, k := range kinds[min(len(kinds), mostKinds):] {
		others += k.count
	}
	if others > 0 {
		t.say("  failed: and %d others, of %d kinds: requests.parquet has all", others, len(kinds)-mostKinds)
	}
}

func isCount(s record.Source) bool { return s != record.NoSource }

// countedBy tells who counted the output tokens.
func countedBy(counts map[record.Source]int) string {
	names := map[record.Source]string{record.ServerUsage: "the server's counts",
		record.ClientTokenizer: "the client's counts", record.ContentChunks: "chunks, for want of a count",
		record.NoSource: "not counted"}
	var list []string
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		name, known := names[source]
		if !known {
			name = string(source)
		}
		if len(counts) > 1 {
			name = fmt.Sprintf("%s (%d answers)", name, counts[source])
		}
		list = append(list, name)
	}
	if list == nil {
		return "nothing to count"
	}
	return strings.Join(list, "; ")
}

// rate formats a number for a sentence.
func rate(f Maybe, decimals int) string {
	if math.IsNaN(float64(f)) {
		return "unknown"
	}
	return strconv.FormatFloat(float64(f), 'f', decimals, 64)
}

// errors prints how often each label of failures occurred in each stage, if there are several.
func (t *table) errors(all labelCounts, stages map[int]*Lifecycle) {
	all = slices.DeleteFunc(slices.Clone(all), func(l labelCount) bool { return l.label == record.ErrorCanceled })
	if len(all) == 0 || len(stages) < 2 {
		return
	}
	shown := all[:min(len(all), mostKinds)]
	groups := make([]group, len(shown), len(shown)+1)
	column := map[string]int{}
	for i, l := range shown {
		column[l.label] = i
		groups[i].heads = []string{plain.Terminal(l.label)}
	}
	if others := len(all) - len(shown); others > 0 {
		groups = append(groups, group{heads: []string{fmt.Sprintf("%d other labels", others)}})
	}
	var labels []string
	for _, stage := range sortedKeys(stages) {
		labels = append(labels, fmt.Sprint(stage))
		counts := make([]int, len(groups))
		for _, c := range stages[stage].Failures.ByLabel {
			at, known := column[c.label]
			switch {
			case known:
				counts[at] += c.count
			case c.label != record.ErrorCanceled:
				counts[len(counts)-1] += c.count
			}
		}
		for i, n := range counts {
			groups[i].cells = append(groups[i].cells, []string{fmt.Sprint(n)})
		}
	}
	t.grid("stage", labels, groups)
}
