package config

import "testing"

func TestSearchRules(t *testing.T) {
	t.Parallel()
	const search, closed = "x-llm: {search: {over: rate}}, ", "x-llm: {search: {over: concurrency}}, "
	testRules(t, "", []rule{
		{search, ``},
		{closed + "load: {type: concurrent}", ``},
		{search + "load: {stages: [{rate: 1, duration: 1}]}",
			`x-llm.search: takes the place of load.stages: leave one of them out`},
		{search + "load: {sweep: {type: linear}}",
			`x-llm.search: takes the place of load.sweep: leave one of them out`},
		{"x-llm: {warmup: 5, search: {over: rate}}", `x-llm.warmup: is for stages, and x-llm.search finds the ` +
			`transient of each probe by itself: leave it out`},
		{search + "load: {type: concurrent}",
			`load.type: "concurrent" does not go with an x-llm.search over rate: leave it out`},
		{closed + "load: {type: poisson}",
			`load.type: "poisson" does not go with an x-llm.search over concurrency: leave it out`},
		{"x-llm: {search: rate}", `x-llm.search: expected a mapping, got a string`},
	})
}

// A search over a rate has Poisson arrivals unless the configuration states load.type; that survives Redacted.
func TestSearchSettlesTheArrivals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]LoadType{
		"x-llm: {search: {over: rate}}":                            PoissonLoad,
		"x-llm: {search: {over: rate}}\nload: {interval: 0}":       PoissonLoad,
		"x-llm: {search: {over: rate}}\nload: {type: constant}":    Constant,
		"x-llm: {search: {over: concurrency}}":                     Constant,
		"x-llm: {search: {}}":                                      PoissonLoad,
		"x-llm: {search: {over: 5}}":                               Constant,
		"load: {stages: [{rate: 1, duration: 1}], type: constant}": Constant,
	} {
		c := mustParse(t, text)
		again, err := c.Redacted()
		if err != nil {
			t.Fatal(err)
		}
		if c.Load.Type != want || mustParse(t, string(again)).Load.Type != want {
			t.Errorf("%q: got %s, then %s, want %s", text, c.Load.Type, mustParse(t, string(again)).Load.Type, want)
		}
	}
}
