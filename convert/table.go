package convert

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// WriteVerdict prints what a reader should know before the figures: verdict, warnings and what was left out.
func (p *Report) WriteVerdict(w io.Writer) error {
	t := &table{w: w}
	t.verdict(p.Summary.Additions)
	return t.err
}

// WriteTables prints the report for people: a summary of the run, then inference-perf's tables.
func (p *Report) WriteTables(w io.Writer) error {
	t := &table{w: w}
	t.facts(p.Summary)
	t.throughput(p.Stages)
	t.latencies(p)
	t.lengths(p.Stages)
	t.errors(p.Summary.Failures.ByLabel, p.Stages)
	return t.err
}

// table writes lines until one fails.
type table struct {
	w   io.Writer
	err error
}

func (t *table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", plain.Args(args)...)
	}
}

// grid writes a title, a head and rows of cells. Without rows it writes nothing.
func (t *table) grid(title string, head []string, rows [][]string) {
	if t.err != nil || len(rows) == 0 {
		return
	}
	t.line("\n%s", title)
	w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{head}, rows...) {
		for _, cell := range row {
			_, _ = fmt.Fprint(w, plain.Terminal(cell), "\t") // the writer keeps the error for Flush
		}
		_, _ = fmt.Fprintln(w)
	}
	t.err = w.Flush()
}

func (t *table) verdict(a *Additions) {
	t.line("client health: %s%s", a.Health.Verdict, unchecked(a.Health.Unchecked))
	for _, reason := range a.Health.Reasons {
		t.line("  %s", reason)
	}
	for _, warning := range a.Warnings {
		t.line("warning: %s", warning)
	}
	if a.Partial {
		t.line("PARTIAL: something of the run is missing, see the remarks")
	}
	if w := a.Window; w != nil && w.Left > 0 {
		t.line("left out: %d requests", w.Left)
	}
	if w := a.Window; w != nil && w.Late > 0 {
		t.line("left out of latencies: %d requests that may have been read late", w.Late)
	}
}

// unchecked names the rules that a verdict does not rest on.
func unchecked(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (not checked, for the input does not tell: " + strings.Join(list, ", ") + ")"
}

func (t *table) facts(all *Lifecycle) {
	c, tp := all.Additions.Requests, all.Successes.Throughput
	t.line("requests: %d sent, %d succeeded, %d failed (%d of them cut at the end); %d arrivals dropped", c.Sent,
		c.Succeeded, c.Failed, c.Canceled, c.Dropped)
	t.failures(all.Failures.ByLabel.kinds())
	t.line("throughput: %s requests/s, %s prompt tokens/s, %s output tokens/s (counted by: %s)", rate(tp.Requests, 2),
		rate(tp.InputTokens, 1), rate(tp.OutputTokens, 1), sourceNames(all.Additions.Tokens))
	if cached := all.Additions.Tokens.Cached; cached.Cached > 0 {
		t.line("prefix cache: %d of %d prompt tokens were cached by the server", cached.Cached, cached.Prompt)
	}
	if g := all.Successes.Goodput; g != nil {
		t.line("goodput: %.1f %% of the successes kept their bounds, %s requests/s", g.Percentage,
			rate(g.RequestRate, 2))
	}
	if r := all.Retries; r != nil {
		t.line("retries: %d requests were sent again, %d of them recovered", r.Requests, r.Recovered)
	}
}

// mostKinds is how many kinds of failure are listed, and how many labels have a column.
const mostKinds = 10

// failures lists how many requests failed, by label and kind of message.
func (t *table) failures(kinds []kind) {
	for _, k := range kinds[:min(len(kinds), mostKinds)] {
		t.line("  failed: %d × %s: %s", k.count, k.label, k.shown())
	}
	others := 0
	for _, k := range kinds[min(len(kinds), mostKinds):] {
		others += k.count
	}
	if others > 0 {
		t.line("  failed: and %d others, of %d kinds: requests.parquet has all", others, len(kinds)-mostKinds)
	}
}

// sourceNames lists where output tokens were counted.
func sourceNames(t TokenCounts) string {
	var names []string
	for _, source := range slices.Sorted(maps.Keys(t.Output)) {
		names = append(names, string(source))
	}
	if names == nil {
		return "nothing to count"
	}
	return strings.Join(names, ", ")
}

func (t *table) throughput(stages map[int]*Lifecycle) {
	head := []string{"stage", "requests", "req rate", "achieved rate", "error rate", "req/s", "in tokens/s",
		"out tokens/s", "tot tokens/s"}
	good := slices.ContainsFunc(slices.Collect(maps.Values(stages)), func(l *Lifecycle) bool {
		return l.Successes.Goodput != nil
	})
	if good {
		head = append(head, "goodput %", "req goodput", "token goodput")
	}
	var rows [][]string
	for _, stage := range sortedKeys(stages) {
		l := stages[stage]
		tp := l.Successes.Throughput
		row := []string{
			fmt.Sprint(stage), fmt.Sprint(l.Load.Count), requestedRate(l), sentRate(l),
			fmt.Sprintf("%.1f%%", 100*float64(l.Failures.Count)/float64(max(l.Load.Count, 1))), number(tp.Requests),
			number(tp.InputTokens), number(tp.OutputTokens), number(tp.TotalTokens),
		}
		switch g := l.Successes.Goodput; {
		case g != nil:
			row = append(row, number(Maybe(g.Percentage)), number(g.RequestRate), number(g.TokenRate))
		case good:
			row = append(row, "-", "-", "-")
		}
		rows = append(rows, row)
	}
	t.grid("Throughput and Goodput Summary", head, rows)
}

// requestedRate returns "-" if no rate was requested. For a closed loop it is the number of requests, as in
// inference-perf.
func requestedRate(l *Lifecycle) string {
	if l.Load.RequestedRate == l.Load.AchievedRate {
		return "-"
	}
	return number(*l.Load.RequestedRate)
}

func sentRate(l *Lifecycle) string {
	if l.Additions.Requests.SentRate == nil {
		return "-"
	}
	return number(Maybe(*l.Additions.Requests.SentRate))
}

// rate formats a number for a sentence.
func rate(f Maybe, decimals int) string {
	if math.IsNaN(float64(f)) {
		return "unknown"
	}
	return strconv.FormatFloat(float64(f), 'f', decimals, 64)
}

// number formats a number for a cell.
func number(f Maybe) string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(f))
}

// latencies prints the latencies of each stage.
func (t *table) latencies(p *Report) {
	t.perStage("Request & Token Latency (ms)", p.Stages, []column{
		{"req lat", func(l *Lifecycle) *Distribution { return l.Successes.Latency.Request }},
		{"TTFT", func(l *Lifecycle) *Distribution { return l.Additions.Latency.TTFT }},
		{"ITL", func(l *Lifecycle) *Distribution { return l.Successes.Latency.ITL }},
	}, 1000)
	t.perStage("Token Generation Speed (ms)", p.Stages, []column{
		{"TPOT", func(l *Lifecycle) *Distribution { return l.Additions.Latency.TPOT }},
		{"norm TPOT", func(l *Lifecycle) *Distribution { return l.Additions.Latency.NTPOT }},
		{"sched delay", func(l *Lifecycle) *Distribution { return l.Load.ScheduleDelay }},
	}, 1000)
}

func (t *table) lengths(stages map[int]*Lifecycle) {
	t.perStage("Token Length Aggregates", stages, []column{
		{"prompt", func(l *Lifecycle) *Distribution { return l.Successes.PromptLen }},
		{"out (client)", func(l *Lifecycle) *Distribution { return l.Successes.OutputLen }},
		{"out (server)", func(l *Lifecycle) *Distribution {
			if l.Successes.ClientFallback.Output == l.Successes.Count {
				return nil
			}
			return l.Successes.OutputTokens.PerRequest
		}},
	}, 1)
}

// column is a figure of a stage and the name of its columns.
type column struct {
	name         string
	distribution func(*Lifecycle) *Distribution
}

func (t *table) perStage(title string, stages map[int]*Lifecycle, columns []column, scale float64) {
	head := []string{"stage"}
	for _, c := range columns {
		head = append(head, c.name+" mean", "med", "p90", "p99")
	}
	var rows [][]string
	for _, stage := range sortedKeys(stages) {
		row := []string{fmt.Sprint(stage)}
		for _, c := range columns {
			row = append(row, cells(c.distribution(stages[stage]), scale)...)
		}
		rows = append(rows, row)
	}
	t.grid(title, head, rows)
}

// cells returns the cells of a distribution: mean, median, p90 and p99.
func cells(d *Distribution, scale float64) []string {
	if d == nil {
		return []string{"-", "-", "-", "-"}
	}
	list := []string{fmt.Sprintf("%.1f", d.Mean*scale)}
	for _, p := range tablePercentiles {
		v, _ := d.At(p)
		list = append(list, fmt.Sprintf("%.1f", v*scale))
	}
	return list
}

// errors prints how often each label of failures occurred, if any did.
func (t *table) errors(all labelCounts, stages map[int]*Lifecycle) {
	if len(all) == 0 {
		return
	}
	shown := all[:min(len(all), mostKinds)]
	head := []string{"stage", "successes"}
	column := map[string]int{}
	for _, l := range shown {
		column[l.label] = len(head)
		head = append(head, l.label)
	}
	if len(all) > len(shown) {
		head = append(head, fmt.Sprintf("%d other labels", len(all)-len(shown)))
	}
	var rows [][]string
	for _, stage := range sortedKeys(stages) {
		l := stages[stage]
		counts := make([]int, len(head))
		for _, c := range l.Failures.ByLabel {
			at, known := column[c.label]
			if !known {
				at = len(head) - 1
			}
			counts[at] += c.count
		}
		row := []string{fmt.Sprint(stage), fmt.Sprint(l.Successes.Count)}
		for _, n := range counts[len(row):] {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
	}
	t.grid("Request Error Summary", head, rows)
}
