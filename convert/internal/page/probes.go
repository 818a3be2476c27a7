package page

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// probeTables returns a table of the probes of each search, in the order of their loads.
func probeTables(runs []Run) (list []*table) {
	for i, r := range runs {
		for k, s := range r.searches {
			if len(s.Probes) == 0 {
				continue
			}
			t := probeTable(s)
			t.ID, t.Title = fmt.Sprintf("probes-%d-%d", i, k), "The probes by load"
			if len(r.searches) > 1 {
				t.Title += ", " + plain.Terminal(s.Scenario)
			}
			if len(runs) > 1 {
				t.Title += ", " + r.Name
			}
			list = append(list, t)
		}
	}
	return list
}

func probeTable(s *record.Search) *table {
	loads, columns := convert.ProbeTable(s)
	t := &table{Head: []column{{Name: "load"}}}
	for _, load := range loads {
		t.Rows = append(t.Rows, row{Name: load, Run: -1})
	}
	for _, c := range columns {
		t.Head = append(t.Head, column{Name: plain.Terminal(c.Name), Meaning: plain.Terminal(c.Meaning)})
		for i, text := range c.Cells {
			t.Rows[i].Cells = append(t.Rows[i].Cells, cell{Text: plain.Terminal(text), Class: "n"})
			if c.Words {
				t.Rows[i].Cells[len(t.Rows[i].Cells)-1].Class = "v"
			}
		}
	}
	for i, p := range convert.ProbesByLoad(s) {
		if outcome := &t.Rows[i].Cells[0]; p.Outcome != record.ProbeRefused {
			outcome.Class += " " + news(p.Outcome == record.ProbePassed)
		}
	}
	return t
}
