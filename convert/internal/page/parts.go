package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// failure is a kind of failure in a run, as its report labels it.
type failure struct {
	run      int
	label    string
	count    float64
	messages []string
	byStage  []float64
}

// errorTable returns a table of the kinds of failure and their numbers, or nil if nothing failed.
func errorTable(runs []Run) *table {
	var list []failure
	stages := 0
	for i := range runs {
		list = append(list, failuresOf(i, &runs[i])...)
		stages = max(stages, len(runs[i].stages))
	}
	if len(list) == 0 {
		return nil
	}
	t := &table{ID: "errors", Title: "Errors", Note: "Failed requests by label, the most frequent first.",
		Head: []column{{Name: "label"}, {Name: "requests"}}}
	perStage := stages > 1 && stages <= maxNames && len(runs) == 1
	if perStage {
		for _, s := range runs[0].stages {
			t.Head = append(t.Head, column{Name: s.name})
		}
	}
	t.Head = append(t.Head, column{"messages", "different messages that came with it"})
	largest := 0.0
	for _, f := range list {
		largest = max(largest, f.count)
	}
	for _, f := range list {
		line := row{Name: f.label, Run: -1,
			Cells: []cell{{Text: whole(f.count), Class: "n bar", Bar: share(f.count, largest)}}}
		if len(runs) > 1 {
			line.Name, line.Run = runs[f.run].Name+": "+f.label, f.run
		}
		if perStage {
			for _, n := range f.byStage {
				line.Cells = append(line.Cells, numeric(whole(n))...)
			}
		}
		line.Cells = append(line.Cells, cell{Text: sample(f.messages), Class: "m"})
		t.Rows = append(t.Rows, line)
	}
	return t
}

func failuresOf(number int, r *Run) (list []failure) {
	byStage := make([]map[string]float64, len(r.stages))
	for i, s := range r.stages {
		byStage[i] = map[string]float64{}
		s.doc.Get("failures.by_label").ForEach(func(label, value gjson.Result) bool {
			byStage[i][label.String()] = value.Get("count").Float()
			return true
		})
	}
	r.summary.Get("failures.by_label").ForEach(func(label, value gjson.Result) bool {
		f := failure{run: number, label: plain.OneLine(label.String(), labelRunes), count: value.Get("count").Float()}
		for _, m := range value.Get("messages").Array() {
			f.messages = append(f.messages, m.Get("message").String())
		}
		for _, counts := range byStage {
			f.byStage = append(f.byStage, counts[label.String()])
		}
		list = append(list, f)
		return true
	})
	slices.SortStableFunc(list, func(a, b failure) int { return cmp.Compare(b.count, a.count) })
	return bounded(list)
}

// mostFailures bounds the number of a run's labels of failures that the page lists.
const mostFailures = 50

// bounded sums failures that do not fit into a table up in a last row.
func bounded(list []failure) []failure {
	if len(list) <= mostFailures {
		return list
	}
	rest := failure{run: list[0].run, label: fmt.Sprintf("%d other labels", len(list)-mostFailures),
		byStage: make([]float64, len(list[0].byStage))}
	for _, f := range list[mostFailures:] {
		rest.count += f.count
		for i, n := range f.byStage {
			rest.byStage[i] += n
		}
		rest.messages = append(rest.messages, f.messages...)
	}
	return append(list[:mostFailures:mostFailures], rest)
}

// The bounds of the messages in the page.
const (
	shownMessages = 3
	messageRunes  = 200
	labelRunes    = 80
)

func sample(messages []string) string {
	var parts []string
	for _, m := range messages[:min(len(messages), shownMessages)] {
		if m = plain.OneLine(m, messageRunes); m != "" {
			parts = append(parts, m)
		}
	}
	if more := len(messages) - shownMessages; more > 0 {
		parts = append(parts, fmt.Sprintf("(and %d more)", more))
	}
	return strings.Join(parts, " · ")
}

// adapterColumns are the columns of the table of adapters. They have bars, so that a reader can compare adapters.
var adapterColumns = []struct {
	column
	value func(gjson.Result) float64
	text  func(float64) string
}{
	{column{"requests", "requests sent"}, func(d gjson.Result) float64 { return number(d.Get("load_summary.count")) },
		whole},
	{column{"failed", "share of the requests that failed"}, failedShare, percent},
	{column{"SLO kept", "share of the successes that kept all bounds"}, keptShare, percent},
	{column{"TTFT p50", ttft.meaning + "; median, ms"}, func(d gjson.Result) float64 {
		return 1000 * ttft.statistic(d, "p50")
	}, digits},
	{column{"TTFT p99", ttft.meaning + "; 99th percentile, ms"}, func(d gjson.Result) float64 {
		return 1000 * ttft.statistic(d, "p99")
	}, digits},
	{column{"ITL p50", itl.meaning + "; median, ms"}, func(d gjson.Result) float64 {
		return 1000 * itl.statistic(d, "p50")
	},
		digits},
	{column{"ITL p99", itl.meaning + "; 99th percentile, ms"}, func(d gjson.Result) float64 {
		return 1000 * itl.statistic(d, "p99")
	}, digits},
	{column{"NTPOT p50", ntpot.meaning + "; median, ms"}, func(d gjson.Result) float64 {
		return 1000 * ntpot.statistic(d, "p50")
	}, digits},
	{column{"out tok/s", "output tokens of the successes per second"}, func(d gjson.Result) float64 {
		return throughput(d, "output_tokens")
	}, digits},
}

// mostAdapters bounds the number of a run's adapters that the page lists.
const mostAdapters = 100

// adapterTable returns a table of the adapters, or nil if there are none.
func adapterTable(runs []Run) *table {
	t := &table{ID: "adapters", Title: "Adapters",
		Note: "LoRA adapters side by side; latencies in ms. Bars are in proportion to the largest of their column.",
		Head: []column{{Name: "adapter"}}}
	for _, c := range adapterColumns {
		t.Head = append(t.Head, c.column)
	}
	var docs []gjson.Result
	for i, r := range runs {
		if more := len(r.adapters) - mostAdapters; more > 0 {
			t.Note += fmt.Sprintf(" Of %d more adapters of %s see the JSON files.", more, r.Name)
		}
		for _, a := range r.adapters[:min(len(r.adapters), mostAdapters)] {
			line := row{Name: a.name, Run: -1, Cells: make([]cell, len(adapterColumns))}
			if len(runs) > 1 {
				line.Name, line.Run = r.Name+": "+a.name, i
			}
			t.Rows = append(t.Rows, line)
			docs = append(docs, a.doc)
		}
	}
	if docs == nil {
		return nil
	}
	for c, column := range adapterColumns {
		largest := math.Inf(-1)
		for _, d := range docs {
			if v := column.value(d); !math.IsNaN(v) {
				largest = max(largest, v)
			}
		}
		for i, d := range docs {
			v := column.value(d)
			t.Rows[i].Cells[c] = cell{Text: column.text(v), Class: "n bar", Bar: share(v, largest)}
		}
	}
	t.dropEmpty()
	return t
}
