package page

import (
	"testing"

	"github.com/tidwall/gjson"
)

// Cost and energy of several stages are a table, with their intervals; of one they are a line of the first screen.
func TestCostTable(t *testing.T) {
	t.Parallel()
	of := func(value string) gjson.Result {
		return gjson.Parse(`{"xk6_llm": {"cost": {"currency": "USD", "per_million_tokens": {"total": {"value": ` + value +
			`, "low": 1.5, "high": 2.5}, "cached": null}}, "energy": {"watts_mean": 500, "joules_per_token": null}}}`)
	}
	r := Run{summary: gjson.Parse(`{"xk6_llm": {"energy": {"watts_mean": 450}}}`), stages: stages{
		{index: 0, name: "stage 0", doc: of("2")}, {index: 1, name: "stage 1", doc: of("3")}}}
	table := costTable([]Run{r})
	if table == nil || len(table.Rows) != 3 || len(table.Head) != 3 {
		t.Fatalf("got %+v", table)
	}
	for i, want := range [][]string{{"stage 0", "2.00 [1.50, 2.50]", "500"}, {"stage 1", "3.00 [1.50, 2.50]", "500"},
		{"whole run", missing, "450"}} {
		line := table.Rows[i]
		if line.Name != want[0] || line.Cells[0].Text != want[1] || line.Cells[1].Text != want[2] {
			t.Errorf("got %+v, want %q", line, want)
		}
	}
	r.stages = r.stages[:1]
	if table := costTable([]Run{r}); table != nil {
		t.Errorf("of one stage: got %+v", table)
	}
	if table := costTable([]Run{{}}); table != nil {
		t.Errorf("of nothing known: got %+v", table)
	}
}
