package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// table is a table of the page. The first cell of each row is its head.
type table struct {
	ID, Title, Note string
	Head            []column
	Rows            []row
}

// tallFrom is the number of rows from which on a table scrolls, so that it does not take up the page.
const tallFrom = 26

// Tall reports whether the table scrolls.
func (t *table) Tall() bool { return len(t.Rows) >= tallFrom }

// column is the head of a column. The page shows its meaning on hover and on focus, and its unit below its name.
type column struct{ Name, Unit, Meaning string }

type row struct {
	Name, Meaning string
	Class         string
	Run           int // number of the run whose colour the column has; -1 means none
	Cells         []cell
}

// cell is one value. Meaning is shown on hover and on focus. Bar is the length of the bar behind the value in percent;
// 0 means no bar.
type cell struct {
	Text, Meaning string
	Class         string
	Bar           float64
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

// maxAdapterRows bounds the number of a run's adapters that have a row, and of its groups.
const maxAdapterRows = 100

// longestName is how many bytes of the name of a group are shown: more would push the figures out of sight.
const longestName = 48

// glance returns a table with a row for each stage, for each scenario and adapter if there are several, for each group,
// and for the whole run unless it is a search. It leaves out empty columns.
func glance(runs []Run) *table {
	t := &table{ID: "glance", Title: "At a glance",
		Note: "Point at a heading, or go to it with the tab key, to read what it means."}
	for i, r := range runs {
		add := func(p part, class string) {
			line := glanceRow(p)
			line.Name, line.Class, line.Run = p.title(), class, -1
			if len(runs) > 1 {
				line.Name, line.Run = r.Name+", "+line.Name, i
			}
			t.Rows = append(t.Rows, line)
		}
		for _, s := range r.stages {
			add(s, "")
		}
		for k, s := range r.groups {
			add(part{name: s.name + ", all stages", doc: s.doc}, map[bool]string{true: "first"}[k == 0])
		}
		for k, a := range r.adapters[:min(len(r.adapters), maxAdapterRows)] {
			add(part{name: "adapter " + a.name, doc: a.doc}, map[bool]string{true: "first"}[k == 0])
		}
		if more := len(r.adapters) - maxAdapterRows; more > 0 {
			t.Note += fmt.Sprintf(" %d more adapters of %s have JSON files.", more, r.Name)
		}
		last := ""
		for _, g := range r.keyed[:min(len(r.keyed), maxAdapterRows)] {
			first := map[bool]string{true: "first"}[g.by != last]
			last, g.name = g.by, plain.Clip(g.name, longestName)
			add(g, first)
		}
		if more := len(r.keyed) - maxAdapterRows; more > 0 {
			t.Note += fmt.Sprintf(" %d more groups of requests of %s have JSON files.", more, r.Name)
		}
		parts := len(r.adapters) + len(r.keyed)
		if r.summary.Exists() && len(r.searches) == 0 && (len(r.stages) != 1 || parts > 0 || len(runs) > 1) {
			add(part{name: wholeRun, doc: r.summary, loops: slices.ContainsFunc(r.stages, part.isLoop)}, "whole")
		}
	}
	t.Head = append(t.Head, column{Name: ""})
	for _, c := range glanceColumns {
		t.Head = append(t.Head, c.column)
	}
	t.joinLoads()
	t.dropEmpty()
	if slices.ContainsFunc(t.Rows, func(r row) bool { return slices.ContainsFunc(r.Cells, cell.unsure) }) {
		t.Note += " " + convert.SignsMeaning()
	}
	return t
}

// joinLoads puts the rates and the requests at a time, the first columns of the table, into one column with their units
// if it has both: each would be empty where the other is not.
func (t *table) joinLoads() {
	filled := [2]bool{}
	for _, line := range t.Rows {
		for i := range filled {
			filled[i] = filled[i] || line.Cells[i].Text != missing
		}
	}
	if !filled[0] || !filled[1] {
		return
	}
	for i, line := range t.Rows {
		load := line.Cells[1]
		if rate := line.Cells[0].Text; rate != missing {
			load.Text = rate + "/s"
		} else if load.Text != missing {
			load.Text += " at a time"
		}
		t.Rows[i].Cells = append([]cell{load}, line.Cells[2:]...)
	}
	load := column{Name: "asked", Meaning: "requests per second that the stage was to send, or requests that it kept " +
		"open at a time; sessions of a replay"}
	t.Head = append([]column{t.Head[0], load}, t.Head[3:]...)
}

func glanceRow(p part) (line row) {
	for _, c := range glanceColumns {
		line.Cells = append(line.Cells, c.cell(p))
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
	{"p50", "", "median: half of the values are no larger"}, {"p90", "", "90 % of the values are no larger"},
	{"p95", "", "95 % of the values are no larger"}, {"p99", "", "99 % of the values are no larger"},
	{"mean", "", "arithmetic mean"}, {"min", "", "the smallest"}, {"max", "", "the largest"},
}

// latencyTables returns, for each run, a table of the whole run and a table of each stage.
func latencyTables(runs []Run) (whole, stages []*table) {
	for i, r := range runs {
		of := ""
		if len(runs) > 1 {
			of = " of " + r.Name
		}
		if r.summary.Exists() {
			t := latencyTable(r.summary)
			t.ID, t.Title = fmt.Sprintf("latency-%d", i), "Whole run"+of
			whole = append(whole, t)
		}
		for _, s := range r.stages {
			if len(r.stages) == 1 && r.summary.Exists() {
				break // it is the whole run
			}
			t := latencyTable(s.doc)
			t.ID, t.Title = fmt.Sprintf("latency-%d-stage-%d", i, s.index), s.title()+of
			if load := s.load(); load != "" {
				t.Title += ", " + load
			}
			stages = append(stages, t)
		}
	}
	return whole, stages
}

func latencyTable(doc gjson.Result) *table {
	t := &table{Head: append([]column{{Name: "ms"}}, latencyStatistics...)}
	for _, f := range allFigures {
		line := row{Name: f.name, Meaning: f.meaning, Run: -1}
		for _, s := range latencyStatistics {
			line.Cells = append(line.Cells, f.cell(doc, s.Name))
		}
		if slices.ContainsFunc(line.Cells, func(c cell) bool { return c.Text != missing }) {
			t.Rows = append(t.Rows, line)
		}
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
