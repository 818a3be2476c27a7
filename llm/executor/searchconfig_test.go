package executor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
)

func TestSearchOptions(t *testing.T) {
	t.Parallel()
	const slo = `"slo": "p99(ttft)<500ms"`
	for options, want := range map[string]string{
		`{"search": {` + slo + `}}`: "",
		`{"search": {` + slo + `}, "startTime": "5s", "arrival": "gamma", "burstiness": 2, "interval": "2s"}`: "",
		`{"search": {}}`:                                                                  "search.slo is missing",
		`{"search": {"slo": "p99(tfft)<500ms"}}`:                                          "search.slo: column",
		`{"search": {` + slo + `, "min": 9, "max": 8}}`:                                   "search.min (9) must not be above search.max (8)",
		`{"search": {` + slo + `}, "stages": [{"rate": 1, "duration": "1s"}]}`:            "a search takes the place of stages",
		`{"search": {` + slo + `}, "trace": [0, 1]}`:                                      "leave trace or search out",
		`{"search": {` + slo + `}, "warmup": "5s"}`:                                       "leave warmup out",
		`{"search": {` + slo + `}, "drain": false}`:                                       "leave drain out",
		`{"search": {` + slo + `}, "timeUnit": "1m"}`:                                     "per second: leave startRate and timeUnit out",
		`{"search": {` + slo + `}, "arrival": "inference-perf"}`:                          "takes poisson, constant or gamma",
		`{"search": {` + slo + `, "over": "concurrency", "max": 64}, "maxVUs": 32}`:       "search.max is 64 requests at a time, which take a VU each, and maxVUs is 32",
		`{"search": {` + slo + `}, "preAllocatedVUs": 9, "maxVUs": 8}`:                    "maxVUs (8) must be at least 1",
		`{"search": {` + slo + `, "hold": "18446744074000000s"}}`:                         "search.hold: ",
		`{"search": {` + slo + `, "probe": "0.5s"}}`:                                      "search.probe must be at least 1s",
		`{"search": {` + slo + `}, "interval": "-1s"}`:                                    "interval and expectedLatency must not be negative",
		`{"search": {"tiers": [{"name": "a", ` + slo + `}, {"name": "a", ` + slo + `}]}}`: `"a" is the name of tiers[0] too`,
	} {
		c, err := NewConfig("load", []byte(options))
		if err == nil {
			err = errors.Join(c.Validate()...)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", options, err, want)
		}
	}
}

// A search is one load, which other instances cannot share.
func TestSearchRunsInOneProcess(t *testing.T) {
	t.Parallel()
	c := parse(t, waitsLittle)
	sequence, err := lib.NewExecutionSegmentSequenceFromString("0,1/2,1")
	if err != nil {
		t.Fatal(err)
	}
	half, err := lib.NewExecutionTuple(sequence[0], &sequence)
	if err != nil {
		t.Fatal(err)
	}
	if !c.HasWork(half) {
		t.Error("the half has no work, so nobody is told why")
	}
	_, err = newSearch(c, lib.NewExecutionState(new(lib.TestRunState), half, 0, 0))
	if err == nil || !strings.Contains(err.Error(), "send stages of a ladder on several instances") {
		t.Errorf("got %v", err)
	}
}

func TestSearchRequirements(t *testing.T) {
	t.Parallel()
	whole, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		options   string
		pre, most uint64
		text      string
	}{
		{waitsLittle, 20, 1600, "searches for the highest rate that keeps p90(ttft)<100ms, arrivals poisson"},
		{`{"search": {"slo": "failures<1%", "over": "concurrency", "max": 3000}}`, 20, 3000,
			"searches for the highest concurrency that keeps failures<1%"},
		{`{"search": {"slo": "failures<1%"}, "preAllocatedVUs": 2000, "arrival": "constant"}`, 2000, 2000,
			"searches for the highest rate that keeps failures<1%, arrivals constant"},
		{`{"search": {"slo": "failures<1%"}, "maxVUs": 5}`, 5, 5, "arrivals poisson"},
		{`{"search": {"slo": "failures<1%"}, "exec": {"client": 0, "data": 0}}`, 8, 20_000, "by exec {client, data}"},
	} {
		c := parse(t, tt.options)
		steps := c.GetExecutionRequirements(whole)
		if got := steps[0]; got.PlannedVUs != tt.pre || got.PlannedVUs+got.MaxUnplannedVUs != tt.most ||
			!strings.Contains(c.GetDescription(whole), tt.text) {
			t.Errorf("%s: %+v, %s", tt.options, got, c.GetDescription(whole))
		}
	}
	c := parse(t, `{"gracefulStop": "10s", "interval": "1s", "search": {"slo": "failures<1%", "maxProbes": 5}}`)
	o, err := search.Check(*c.Search)
	if err != nil {
		t.Fatal(err)
	}
	longest := o.Longest() + time.Duration(o.MostProbes())*time.Second + 10*time.Second
	if got := c.GetExecutionRequirements(whole)[1].TimeOffset; got != longest || got < 5*time.Minute {
		t.Errorf("at most %v, want %v", got, longest)
	}
}

// Probes have numbers that no planned stage has, and no other search.
func TestNumbersOfProbes(t *testing.T) {
	t.Parallel()
	configs := lib.ScenarioConfigs{}
	for name, options := range map[string]string{
		"a": waitsLittle, "b": `{"stages": [{"rate": 1, "duration": "1s"}, {"rate": 2, "duration": "1s"}]}`,
		"c": `{"startTime": "1h", "search": {"slo": "failures<1%"}}`,
	} {
		c, err := NewConfig(name, []byte(options))
		if err != nil {
			t.Fatal(err)
		}
		configs[name] = c
	}
	first, second := samples.FirstProbe(configs, "a"), samples.FirstProbe(configs, "c")
	if first != 2 || second != 2+configs["a"].(*Config).MostProbes() || second == first {
		t.Errorf("the first probes are %d and %d", first, second)
	}
	for _, s := range samples.Scenarios(configs) {
		if s.Name != "b" && len(s.Stages) != 0 || s.Stages == nil {
			t.Errorf("scenario %s has stages %+v", s.Name, s.Stages)
		}
	}
}
