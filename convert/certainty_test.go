package convert

import (
	"math"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Percentiles of several loads are those of none: of stages that ask for different ones, of a ramp, and of scenarios
// that follow each other. Stages of one load, and scenarios at one time, are of one.
func TestSeveralLoads(t *testing.T) {
	t.Parallel()
	rate := func(index int, rate float64) record.Stage {
		return record.Stage{Index: index, Rate: &rate, Duration: new(10.0)}
	}
	ramp, closed := rate(0, 4), record.Stage{Index: 1, Concurrency: new(int64(4)), Requests: new(int64(9))}
	ramp.From = new(1.0)
	one := func(stages ...record.Stage) []record.Scenario { return []record.Scenario{{Name: "a", Stages: stages}} }
	two := func(a, b record.Stage) []record.Scenario {
		return []record.Scenario{{Name: "a", Stages: []record.Stage{a}}, {Name: "b", Stages: []record.Stage{b}}}
	}
	type sent struct {
		scenario string
		stage    int32
		start    int64
	}
	for name, tt := range map[string]struct {
		plan []record.Scenario
		sent []sent
		want bool
	}{
		"a stage":                     {one(rate(0, 1), rate(1, 2)), []sent{{"a", 1, 1}, {"a", 1, 2}}, false},
		"two rates":                   {one(rate(0, 1), rate(1, 2)), []sent{{"a", 0, 1}, {"a", 1, 2}}, true},
		"the same rate twice":         {one(rate(0, 2), rate(1, 2)), []sent{{"a", 0, 1}, {"a", 1, 2}}, false},
		"a rate and a closed loop":    {one(rate(0, 2), closed), []sent{{"a", 0, 1}, {"a", 1, 2}}, true},
		"a ramp":                      {one(ramp), []sent{{"a", 0, 1}, {"a", 0, 2}}, true},
		"stages that nobody planned":  {nil, []sent{{"", 0, 1}, {"", 1, 2}}, true},
		"a stage that nobody planned": {nil, []sent{{"", 0, 1}, {"", 0, 2}}, false},
		"scenarios at one time": {two(rate(0, 2), rate(1, 3)),
			[]sent{{"a", 0, 1}, {"b", 1, 2}, {"a", 0, 3}, {"b", 1, 4}}, false},
		"scenarios after each other": {two(rate(0, 2), rate(1, 3)),
			[]sent{{"a", 0, 1}, {"a", 0, 2}, {"b", 1, 3}, {"b", 1, 4}}, true},
		"no request": {nil, nil, false},
	} {
		g := &subset{run: &run.Run{Runs: []*record.Run{{Scenarios: tt.plan}}}}
		for _, s := range tt.sent {
			g.ok = append(g.ok, &run.Request{Traits: &run.Traits{Scenario: s.scenario}, Stage: s.stage, Start: s.start})
		}
		if got := severalLoads(g); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Tables say how many independent requests a p99 needs, whatever is estimated of these, and nothing of a row of several
// loads.
func TestSignsOfRows(t *testing.T) {
	t.Parallel()
	of := func(requests, needs int, mixed bool) row {
		d := &Distribution{certainty: &Certainty{Requests: requests, Mixed: mixed,
			inTables: []Certain{{99, quantile.Interval{Low: 1, High: math.Inf(1), Needs: needs,
				Certified: needs == 0}}}}}
		l := &Lifecycle{Additions: new(Additions)}
		l.Successes.Latency.Request = d
		return row{of: l}
	}
	few, some, enough, mixed := of(63, 368, false), of(64, 1200, false), of(5000, 0, false), of(5000, 0, true)
	mixed.of.Successes.Latency.Request.certainty.inTables[0].Certified = false
	const needs = "A p99 needs 368 requests a row, more where requests depend on one another."
	for _, tt := range []struct {
		rows []row
		want string
	}{
		{[]row{enough}, ""},
		{[]row{few, enough}, needs},
		{[]row{some, enough}, needs},
		{[]row{some, few}, needs},
		{[]row{enough, mixed}, "~ in a row of several loads: percentiles of the mixture, which are those of no load"},
	} {
		if got := strings.Join(signsOf(tt.rows), "|"); !strings.HasSuffix(got, tt.want) ||
			(got == "") != (tt.want == "") {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
