package page

import (
	"testing"

	"github.com/tidwall/gjson"
)

// Pictures of several sizes have a table of their latencies, those of one size have none.
func TestSizesHaveATable(t *testing.T) {
	t.Parallel()
	const group = `{"size":"%","requests":3,"request_latency":{"mean":0.5,"min":0.1,"max":0.9,"median":0.5,"p90":0.8,` +
		`"p99":0.9}}`
	of := func(text string) []Run { return []Run{{summary: gjson.Parse(text)}} }
	one := `{"xk6_llm":{"image":{"by_size":[` + group + `]}}}`
	two := `{"xk6_llm":{"video":{"by_size":[` + group + "," + group + `]}}}`
	if list := sizeTables(of(one)); len(list) != 0 {
		t.Errorf("got %d tables of one size", len(list))
	}
	list := sizeTables(of(two))
	if len(list) != 1 || len(list[0].Rows) != 2 || list[0].ID != "sizes-0-video" {
		t.Fatalf("got %+v", list)
	}
	if row := list[0].Rows[0]; row.Name != "%" || len(row.Cells) != len(list[0].Head)-1 {
		t.Errorf("got %+v under %+v", row, list[0].Head)
	}
}
