package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// table is a table of the page. The first cell of each row is its head.
type table struct {
	ID, Title, Note string
	Open            bool // shown without a click
	Head            []column
	Rows            []row
}

// column is the head of a column. The page shows its meaning on hover and on focus.
type column struct{ Name, Meaning string }

type row struct {
	Name, Meaning string
	Class         string
	Run           int // number of the run whose colour the column has; -1 means none
	Cells         []cell
}

// cell is one value. Bar is the length of the bar behind the value in percent; 0 means no bar.
type cell struct {
	Text  string
	Class string
	Bar   float64
}

func numeric(values ...string) (cells []cell) {
	for _, v := range values {
		cells = append(cells, cell{Text: v, Class: "n"})
	}
	return cells
}

// everDifferent are the facts whose differences are not marked, because runs always differ in them.
var everDifferent = []string{"Started (UTC)", "Took", "Run"}

// factTable returns a table of the facts, with a column for each run. It marks rows in which the runs differ.
func factTable(runs []Run) *table {
	t := &table{ID: "facts", Head: []column{{}}}
	for _, r := range runs {
		t.Head = append(t.Head, column{Name: r.Name})
	}
	for _, name := range factOrder {
		values, line := map[string]bool{}, row{Name: name, Run: -1}
		for i := range runs {
			v := runs[i].fact(name)
			values[v] = true
			if v == "" {
				v = missing
			}
			line.Cells = append(line.Cells, cell{Text: v})
		}
		if len(values) == 1 && values[""] {
			continue
		}
		if len(values) > 1 && !slices.Contains(everDifferent, name) {
			line.Class = "differs"
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// sloColumn is the index of the column that is marked as good or bad.
const sloColumn = "SLO kept"

// glanceColumns are the figures that readers look for first.
var glanceColumns = []struct {
	column
	value func(gjson.Result) string
}{
	{column{"asked /s", "requests per second that the stage was to send"}, func(d gjson.Result) string {
		return digits(asked(d))
	}},
	{column{"sent /s",
		"requests sent per second: one less than there are, over the time from the first start to the last; the " +
			"mean of a stage whose rate changes"}, func(d gjson.Result) string { return digits(achieved(d)) }},
	{column{"requests", "requests sent"}, func(d gjson.Result) string { return count(d.Get("load_summary.count")) }},
	{column{"failed", "share of the requests that failed, whatever the cause"}, func(d gjson.Result) string {
		return percent(failedShare(d))
	}},
	{column{sloColumn,
		"share of the successes that kept all bounds; ✗ if that is below 99 %, or more than 1 % of the requests " +
			"failed"}, func(d gjson.Result) string { return percent(keptShare(d)) }},
	{column{"TTFT p50", ttft.meaning + "; median, ms"}, func(d gjson.Result) string {
		return milliseconds(ttft.statistic(d, "p50"))
	}},
	{column{"p99", ttft.meaning + "; 99th percentile, ms"}, func(d gjson.Result) string {
		return milliseconds(ttft.statistic(d, "p99"))
	}},
	{column{"ITL p50", itl.meaning + "; median, ms"}, func(d gjson.Result) string {
		return milliseconds(itl.statistic(d, "p50"))
	}},
	{column{"p99", itl.meaning + "; 99th percentile, ms"}, func(d gjson.Result) string {
		return milliseconds(itl.statistic(d, "p99"))
	}},
	{column{"NTPOT p50", ntpot.meaning + "; median, ms"}, func(d gjson.Result) string {
		return milliseconds(ntpot.statistic(d, "p50"))
	}},
	{column{"latency p50", requestLatency.meaning + "; median, ms"}, func(d gjson.Result) string {
		return milliseconds(requestLatency.statistic(d, "p50"))
	}},
	{column{"p99", requestLatency.meaning + "; 99th percentile, ms"}, func(d gjson.Result) string {
		return milliseconds(requestLatency.statistic(d, "p99"))
	}},
	{column{"in tok/s", "prompt tokens of the successes per second"}, func(d gjson.Result) string {
		return digits(throughput(d, "input_tokens"))
	}},
	{column{"out tok/s", "output tokens of the successes per second"}, func(d gjson.Result) string {
		return digits(throughput(d, "output_tokens"))
	}},
	{column{"client", "did the load generator keep up in this part of the run?"}, func(d gjson.Result) string {
		if v := d.Get("xk6_llm.client_health.verdict").String(); v != "" {
			return plain.Terminal(v)
		}
		return missing
	}},
}

// glance returns a table with a row for each stage and one for the whole run. It leaves out empty columns.
func glance(runs []Run) *table {
	t := &table{ID: "glance", Title: "At a glance",
		Note: "Latencies in ms. Point at a heading, or go to it with the tab key, to read what it means."}
	for i, r := range runs {
		for _, s := range r.stages {
			t.Rows = append(t.Rows, glanceRow(i, runs, s.name, s.doc))
		}
		if r.summary.Exists() {
			whole := glanceRow(i, runs, "whole run", r.summary)
			whole.Class = "whole"
			t.Rows = append(t.Rows, whole)
		}
	}
	t.Head = append(t.Head, column{Name: ""})
	for _, c := range glanceColumns {
		t.Head = append(t.Head, c.column)
	}
	t.dropEmpty()
	return t
}

func glanceRow(run int, runs []Run, name string, doc gjson.Result) row {
	line := row{Name: name, Run: -1}
	if len(runs) > 1 {
		line.Name, line.Run = runs[run].Name+", "+name, run
	}
	for _, c := range glanceColumns {
		v := c.value(doc)
		class := "n"
		if word, isVerdict := verdicts[v]; isVerdict {
			class = "v " + word[0]
		}
		if c.Name == sloColumn && v != missing {
			class += " " + news(keepsSLO(doc))
		}
		line.Cells = append(line.Cells, cell{Text: v, Class: class})
	}
	return line
}

// dropEmpty removes the columns in which no row has a value.
func (t *table) dropEmpty() {
	for c := len(t.Head) - 1; c > 0; c-- {
		empty := true
		for _, line := range t.Rows {
			empty = empty && line.Cells[c-1].Text == missing
		}
		if !empty {
			continue
		}
		t.Head = append(t.Head[:c:c], t.Head[c+1:]...)
		for i, line := range t.Rows {
			t.Rows[i].Cells = append(line.Cells[:c-1:c-1], line.Cells[c:]...)
		}
	}
}

var latencyStatistics = []column{
	{"mean", "arithmetic mean"}, {"min", "the smallest"}, {"p50", "median: half of the values are no larger"},
	{"p90", "90 % of the values are no larger"},
	{"p95", "95 % of the values are no larger"}, {"p99", "99 % of the values are no larger"}, {"max", "the largest"},
}

// latencyTables returns, for each run, a table of the whole run and a table of each stage.
func latencyTables(runs []Run) (list []*table) {
	for i, r := range runs {
		of := ""
		if len(runs) > 1 {
			of = " of " + r.Name
		}
		add := func(name string, doc gjson.Result, open bool) {
			t := latencyTable(doc)
			t.ID, t.Title, t.Open = fmt.Sprintf("latency-%d-%s", i, strings.ReplaceAll(name, " ", "-")), name+of, open
			list = append(list, t)
		}
		if r.summary.Exists() {
			add("whole run", r.summary, len(runs) == 1)
		}
		for _, s := range r.stages {
			add(s.name, s.doc, false)
		}
	}
	return list
}

func latencyTable(doc gjson.Result) *table {
	t := &table{Head: append([]column{{Name: "ms"}}, latencyStatistics...)}
	for _, f := range allFigures {
		line := row{Name: f.name, Meaning: f.meaning, Run: -1}
		for _, s := range latencyStatistics {
			line.Cells = append(line.Cells, numeric(milliseconds(f.statistic(doc, s.Name)))...)
		}
		t.Rows = append(t.Rows, line)
	}
	t.dropEmpty()
	return t
}

// share returns the length of a bar in percent of the largest value.
func share(v, largest float64) float64 {
	if math.IsNaN(v) || largest <= 0 {
		return 0
	}
	return math.Round(1000*v/largest) / 10
}
