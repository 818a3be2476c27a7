package convert

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// replied returns a request that starts at a second, whose first token takes ttft milliseconds and each further one 10,
// n tokens in all. A ttft of 0 is a failure.
func replied(at float64, ttft, n int64) *record.Request {
	r := &record.Request{Scenario: "s", Streaming: true, Start: 1 + int64(at*1e9), Chunks: []int64{}}
	if r.End = r.Start + 1e8; ttft == 0 {
		r.ErrorType = record.ErrorReset
		return r
	}
	for i := range n {
		r.Chunks = append(r.Chunks, 1000*(ttft+10*i))
	}
	r.End = r.Start + 1e6*(ttft+10*n)
	return r
}

// several returns n requests alike, a tenth of a second apart.
func several(n int, ttft, tokens int64) (list []*record.Request) {
	for i := range n {
		list = append(list, replied(float64(i)/10, ttft, tokens))
	}
	return list
}

func TestJudgements(t *testing.T) {
	t.Parallel()
	join := func(lists ...[]*record.Request) (all []*record.Request) {
		for _, list := range lists {
			all = append(all, list...)
		}
		return all
	}
	cut := replied(5, 0, 0)
	cut.ErrorType = record.ErrorCanceled
	empty := replied(6, 100, 0)
	for _, tt := range []struct {
		name     string
		requests []*record.Request
		slo      string
		outcome  slo.Outcome
		judged   int
		observed string
	}{
		{"an answer of one token has a TTFT", join(several(95, 100, 3), several(5, 100, 1)), "p99(ttft)<500ms",
			slo.Kept, 100, "p99 TTFT 100 ms"},
		{"and as a bound on each", join(several(95, 100, 3), several(5, 100, 1)), "ttft=500ms", slo.Kept, 100,
			"p99 TTFT 100 ms"},
		{"but no TPOT", join(several(9, 100, 3), several(5, 100, 1)), "p99(tpot)<20ms", slo.Kept, 9,
			"p99 TPOT 10.0 ms"},
		{"nor one to break", join(several(9, 100, 3), several(5, 100, 1)), "ttft=500ms,tpot=20ms", slo.Kept, 14,
			"100 % keep it"},
		{"over", join(several(98, 100, 3), several(2, 612, 3)), "p99(ttft)<500ms", slo.Broken, 100,
			"p99 TTFT 612 ms"},
		{"at the bound", several(10, 100, 3), "p99(ttft)<100ms", slo.Broken, 10, "p99 TTFT 100 ms"},
		{"at the bound on each", several(10, 100, 3), "ttft=100ms", slo.Kept, 10, "p99 TTFT 100 ms"},
		{"failures are over", join(several(97, 100, 3), several(3, 0, 0)), "p99(ttft)<500ms", slo.Broken, 100,
			"3.0 % failed"},
		{"few failures", join(several(99, 100, 3), several(1, 0, 0)), "p99(ttft)<500ms", slo.Kept, 100,
			"p99 TTFT 100 ms"},
		{"failures alone", join(several(97, 100, 3), several(3, 0, 0)), "failures<1%", slo.Broken, 100,
			"3.0 % failed"},
		{"none failed", several(9, 100, 3), "failures<=0", slo.Kept, 9, "none failed"},
		{"the end of the run is no failure", join(several(9, 100, 3), []*record.Request{cut}), "failures<=0", slo.Kept,
			9, "none failed"},
		{"nor over a bound", join(several(9, 100, 3), []*record.Request{cut}), "p100(ttft)<1s", slo.Kept, 9,
			"p100 TTFT 100 ms"},
		{"an empty answer is over", join(several(9, 100, 3), []*record.Request{empty}), "p99(ttft)<1s", slo.Broken,
			10, "10.0 % without a token"},
		{"goodput", join(several(90, 100, 3), several(10, 600, 3)), "goodput(ttft<500ms,itl<50ms)>=95%", slo.Broken,
			100, "90.0 % keep it"},
		{"goodput of failures", join(several(90, 100, 3), several(10, 0, 0)), "goodput(ttft<500ms,itl<50ms)>=95%",
			slo.Broken, 100, "10.0 % failed"},
		{"latency", several(9, 100, 10), "p50(latency)<1s", slo.Kept, 9, "p50 latency 200 ms"},
		{"nothing to judge by", several(9, 100, 1), "p99(itl)<1s", slo.NoRequests, 0, "no requests to judge by"},
	} {
		r := runOf(t, tt.requests...)
		o := objectives(tt.slo)
		g := judge{newSubset(r, r.Requests, o, nil)}
		got := g.judgements(g.objectives())
		if len(got) != 1 || got[0].Outcome != tt.outcome || got[0].Requests != tt.judged ||
			got[0].Observed != tt.observed || got[0].Objective != tt.slo {
			t.Errorf("%s: got %+v, want %s of %d, %s", tt.name, got, tt.outcome, tt.judged, tt.observed)
		}
	}
}

func TestDroppedArrivalsAreOverEveryBound(t *testing.T) {
	t.Parallel()
	r := runOf(t, several(9, 100, 3)...)
	r.Dropped = append(r.Dropped, &record.Dropped{Scenario: "s", Stage: 0, Count: 1})
	report := NewReport(r, objectives("p99(ttft)<1s,failures<1%"))
	got := report.Summary.Additions.SLO
	if got[0].Outcome != slo.Broken || got[0].Observed != "10.0 % dropped" || got[0].Dropped != 1 {
		t.Errorf("got %+v, want the drop to break it", got[0])
	}
	if got[1].Outcome != slo.Kept || got[1].Requests != 9 {
		t.Errorf("got %+v, want a drop to be no failure", got[1])
	}
}

// planned returns a run of stages in scenarios; each stage has requests with a TTFT.
func planned(t *testing.T, scenarios []record.Scenario, ttfts map[int]int64, bounds map[string]record.Bounds) *run.Run {
	t.Helper()
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Instance: "i", Scenarios: scenarios}}
	for _, s := range scenarios {
		index := int64(0)
		for _, stage := range s.Stages {
			rate := 2.0
			if stage.Rate != nil {
				rate = *stage.Rate
			}
			for i := range 20 {
				r := replied(float64(100*stage.Index)+float64(i)/rate, ttfts[stage.Index], 3)
				r.Scenario, r.Stage, r.Index, r.Due = s.Name, stage.Index, index, new(r.Start)
				if b, has := bounds[s.Name]; has {
					r.SLO = &b
				}
				index++
				lines = append(lines, r)
			}
		}
	}
	made, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// scenario returns a scenario whose stages have the rates, or the concurrencies if closed is set.
func scenario(name string, first int, closed bool, loads ...int64) record.Scenario {
	s := record.Scenario{Name: name, Executor: record.ExecutorName}
	for i, load := range loads {
		stage := record.Stage{Index: first + i, Rate: new(float64(load)), Duration: new(20 / float64(load))}
		if closed {
			stage = record.Stage{Index: first + i, Requests: new(int64(20)), Concurrency: &load}
		}
		s.Stages = append(s.Stages, stage)
	}
	return s
}

func TestSLOAnswers(t *testing.T) {
	t.Parallel()
	const asked = "p99(ttft)<500ms"
	rates, users := scenario("load", 0, false, 2, 4, 8), scenario("load", 0, true, 4, 16, 64)
	for _, tt := range []struct {
		name      string
		scenarios []record.Scenario
		ttfts     map[int]int64
		bounds    map[string]record.Bounds
		slo       string
		want      []string
		outcome   slo.Outcome
	}{
		{"up to a rate", []record.Scenario{rates}, map[int]int64{0: 100, 1: 300, 2: 612}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept up to 4.00/s (stage 1), broken at 8.00/s (p99 TTFT 612 ms)"},
			Partly},
		{"up to a concurrency", []record.Scenario{users}, map[int]int64{0: 100, 1: 300, 2: 612}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept up to 16 at a time (stage 1), broken at 64 at a time " +
				"(p99 TTFT 612 ms)"}, Partly},
		{"by all", []record.Scenario{rates}, map[int]int64{0: 100, 1: 300, 2: 400}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept by all 3 stages, up to 8.00/s"}, slo.Kept},
		{"by none", []record.Scenario{rates}, map[int]int64{0: 700, 1: 300, 2: 0}, nil, "p99(ttft)<200ms",
			[]string{"SLO p99(ttft)<200ms: broken by all 3 stages, from 2.00/s on (p99 TTFT 700 ms)"}, slo.Broken},
		{"not monotonic", []record.Scenario{rates}, map[int]int64{0: 700, 1: 300, 2: 400}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept by 2 of 3 stages, broken first at 2.00/s (p99 TTFT 700 ms)"}, Partly},
		{"and again", []record.Scenario{rates}, map[int]int64{0: 100, 1: 700, 2: 400}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept up to 2.00/s (stage 0), broken at 4.00/s " +
				"(p99 TTFT 700 ms), kept again at 8.00/s"}, Partly},
		{"one stage", []record.Scenario{scenario("load", 0, false, 4)}, map[int]int64{0: 279}, nil, asked,
			[]string{"SLO p99(ttft)<500ms: kept at 4.00/s (p99 TTFT 279 ms)"}, slo.Kept},
		{"several objectives", []record.Scenario{rates}, map[int]int64{0: 100, 1: 300, 2: 0}, nil,
			"failures<1%," + asked, []string{"SLO failures<1%,p99(ttft)<500ms: kept up to 4.00/s " +
				"(stage 1), broken at 8.00/s (100 % failed)"}, Partly},
		{"several scenarios", []record.Scenario{scenario("chat", 0, false, 5, 8), scenario("batch", 2, true, 3)},
			map[int]int64{0: 100, 1: 300, 2: 700}, nil, asked, []string{"SLO p99(ttft)<500ms: batch broken at " +
				"3 at a time (p99 TTFT 700 ms); chat kept by both stages, up to 8.00/s"}, Partly},
		{"of each client", []record.Scenario{scenario("chat", 0, false, 5, 8), scenario("batch", 2, true, 3)},
			map[int]int64{0: 100, 1: 300, 2: 700}, map[string]record.Bounds{"chat": {TTFT: 200}, "batch": {TTFT: 900}},
			"", []string{"SLO ttft=200ms: chat kept up to 5.00/s (stage 0), broken at 8.00/s " +
				"(p99 TTFT 300 ms)", "SLO ttft=900ms: batch kept at 3 at a time (p99 TTFT 700 ms)"}, Partly},
	} {
		report := NewReport(planned(t, tt.scenarios, tt.ttfts, tt.bounds), objectives(tt.slo))
		got := report.Summary.Additions.SLOAnswers
		var texts []string
		for _, a := range got {
			texts = append(texts, a.Text)
		}
		if strings.Join(texts, "\n") != strings.Join(tt.want, "\n") || got[0].Outcome != tt.outcome {
			t.Errorf("%s: got %s\n%s\nwant %s\n%s", tt.name, got[0].Outcome, strings.Join(texts, "\n"), tt.outcome,
				strings.Join(tt.want, "\n"))
		}
	}
}

// Many different bounds, as headers of requests can set them, are one objective.
func TestManyOwnBounds(t *testing.T) {
	t.Parallel()
	var list []*record.Request
	for i := range 40 {
		r := replied(float64(i), 100, 3)
		r.SLO = &record.Bounds{TTFT: float64(50 + 10*i)}
		list = append(list, r)
	}
	got := NewReport(runOf(t, list...), Options{}).Summary.Additions.SLO
	if len(got) != 1 || got[0].Objective != "the bounds of each request" || got[0].Kept != 35 ||
		got[0].Observed != "87.5 % keep it" {
		t.Errorf("got %+v", got)
	}
}

func TestGatesAreOfTheWholeRun(t *testing.T) {
	t.Parallel()
	o := objectives("")
	var err error
	if o.Gates, err = slo.Parse("p50(ttft)<500ms,p99(ttft)<500ms"); err != nil {
		t.Fatal(err)
	}
	report := NewReport(planned(t, []record.Scenario{scenario("load", 0, false, 2, 4)}, map[int]int64{0: 100, 1: 700},
		nil), o)
	gates := report.Summary.Additions.Gates
	if len(gates) != 2 || gates[0].Outcome != slo.Kept || gates[1].Outcome != slo.Broken ||
		len(report.Stages[0].Additions.Gates) > 0 || len(report.Summary.Additions.SLO) > 0 {
		t.Errorf("got %+v", gates)
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.0001: "<0.001", 0.25: "0.250", 0.9996: "1.00", 9.996: "10.0",
		14.62: "14.6", 99.96: "100", 612.4: "612", 1234.5: "1,234", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := Digits(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
