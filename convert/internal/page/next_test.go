package page

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// What to do next comes with the flags for it.
func TestStepsHaveFlags(t *testing.T) {
	t.Parallel()
	stage := func(index int, rate float64, outcome string) part {
		return part{index: index, name: "stage", plan: constant(rate, 10), doc: gjson.Parse(`{"successes": {"count": 30},
			"xk6_llm": {"slo": [{"objective": "p99(ttft)<1s", "outcome": "` + outcome + `"}], "latency": {"ttft": {"p99": 0.5,
			"certainty": {"requests": 30, "percentiles": {"p99": {"certified": false, "needs": 368}}}}}}}`)}
	}
	for want, all := range map[string]stages{
		"above 4/s, until the SLO breaks: --rate 6,8\nthe p99 of stage takes 400 requests or more to be sure of, not " +
			"30: --duration 100s": {
			stage(0, 4, "kept")},
		"until the SLO is kept: --rate 1,2": {stage(0, 4, "broken")},
		"more closely: --search rate --search-min 4 --search-max 8\nthe p99 of stage takes 400 requests or more to " +
			"be " +
			"sure of, not 30: --duration 100s": {stage(0, 4, "kept"), stage(1, 8, "broken")},
	} {
		if got := strings.Join(steps(&Run{stages: all}), "\n"); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q at its end", got, want)
		}
	}
}
