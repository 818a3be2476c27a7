package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
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
	t := &table{ID: "errors", Title: "Errors", Note: "Failed requests by kind, the most frequent first.",
		Head: []column{{Name: "kind"}, {Name: "requests"}}}
	perStage := stages > 1 && stages <= maxNames && len(runs) == 1
	if perStage {
		for _, s := range runs[0].stages {
			t.Head = append(t.Head, column{Name: s.title()})
		}
	}
	t.Head = append(t.Head, column{Name: "messages", Meaning: "different messages that came with it"})
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
	cut := unfinished(r.summary) > 0
	r.summary.Get("failures.by_label").ForEach(func(label, value gjson.Result) bool {
		if cut && label.String() == record.ErrorCanceled {
			return true // unfinished, not failed
		}
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
	rest := failure{run: list[0].run, label: fmt.Sprintf("%d other kinds", len(list)-mostFailures),
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
