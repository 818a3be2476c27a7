package page

import (
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// sizeTables returns, for each run and API of pictures or of videos, a table of the latency by size if requests differ
// in it.
func sizeTables(runs []Run) (list []*table) {
	for i, r := range runs {
		for _, api := range []string{record.APIImage, record.APIVideo} {
			sizes := r.summary.Get("xk6_llm." + api + ".by_size").Array()
			if len(sizes) < 2 {
				continue
			}
			t := &table{ID: fmt.Sprintf("sizes-%d-%s", i, api), Title: "Request latency of " + api + " by size"}
			if len(runs) > 1 {
				t.Title += ", " + r.Name
			}
			t.Head = append([]column{{Name: "size"}, {Name: "requests"}}, latencyStatistics...)
			for _, s := range sizes {
				t.Rows = append(t.Rows, sizeRow(s))
			}
			t.dropEmpty()
			list = append(list, t)
		}
	}
	return list
}

func sizeRow(s gjson.Result) row {
	line := row{Name: s.Get("size").Str, Run: -1, Cells: numeric(count(s.Get("requests")))}
	of := figure{paths: []string{"request_latency"}}
	for _, each := range latencyStatistics {
		line.Cells = append(line.Cells, numeric(milliseconds(of.statistic(s, each.Name)))...)
	}
	return line
}
