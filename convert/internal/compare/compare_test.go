package compare

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func mustCompare(t testing.TB, base, fresh Side, o Options, gates ...string) *Result {
	t.Helper()
	if len(gates) > 0 {
		parsed, err := ParseGates(gates...)
		if err != nil {
			t.Fatal(err)
		}
		o.Gates = parsed
	}
	r, err := Compare(base, fresh, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// defaultGates are what a CI job would ask for.
var defaultGates = []string{"p99(ttft)>+5%", "mean(itl)>+5%", "mean(request_latency)>+5%,requests_per_sec<-3%",
	"failures>+1pp"}

// falseAlarms is how often two equal runs fail.
func falseAlarms(t *testing.T, p process, runs int, gates ...string) float64 {
	t.Helper()
	failed := 0
	for i := range uint64(runs) {
		r := mustCompare(t, p.run(1000+2*i), p.run(1001+2*i), Options{Resamples: 200, Seed: i}, gates...)
		if !r.Passed {
			failed++
		}
	}
	return float64(failed) / float64(runs)
}

func TestEqualRunsPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		p    process
		runs int
		most float64
	}{
		// The overall verdict is one of twelve figures at 95 %, of which half of the errors are to the worse: 2.5 % are
		// expected.
		{"independent", process{n: 200, spread: 0.3, slower: 1, rate: 10, poisson: true, failureRate: 0.01}, 120, 0.06},
		{"dependent", process{n: 200, phi: 0.7, spread: 0.3, slower: 1, rate: 10, poisson: true, failureRate: 0.01},
			120, 0.07},
		{"dependent, longer", process{n: 1500, phi: 0.8, spread: 0.3, slower: 1, rate: 10, poisson: true,
			failureRate: 0.02}, 40, 0.1},
		{"hanging together for long", process{n: 200, phi: 0.97, spread: 0.3, slower: 1, rate: 10, poisson: true}, 60,
			0.1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := falseAlarms(t, tt.p, tt.runs); got > tt.most {
				t.Errorf("%.3f of equal runs were called worse, want at most %.3f", got, tt.most)
			}
			if got := falseAlarms(t, tt.p, tt.runs, defaultGates...); got > tt.most {
				t.Errorf("gates failed %.3f of equal runs, want at most %.3f", got, tt.most)
			}
		})
	}
}

func TestSlowerAndFewer(t *testing.T) {
	t.Parallel()
	for _, n := range []int{200, 5000} {
		slower, fewer := usual(n), usual(n)
		slower.slower, fewer.rate = 1.1, 9
		for _, tt := range []struct {
			name, gate, metric string
			fresh              process
		}{
			{"all latencies 10 % longer", "mean(ttft)>+5%", "mean(ttft)", slower},
			{"throughput 10 % lower", "requests_per_sec<-3%", "requests_per_sec", fewer},
		} {
			base := usual(n).run(7)
			r := mustCompare(t, base, tt.fresh.run(8), Options{Resamples: 300})
			if r.Passed || r.Verdict != Worse || r.metric(tt.metric).Verdict != Worse {
				t.Errorf("%s, %d requests: got %s, %s %s", tt.name, n, r.Verdict, tt.metric,
					r.metric(tt.metric).Verdict)
			}
			r = mustCompare(t, base, tt.fresh.run(8), Options{Resamples: 300}, tt.gate)
			if r.Passed || r.Gates[0].Status != GateFailed {
				t.Errorf("%s, %d requests: gate %+v", tt.name, n, r.Gates[0])
			}
			r = mustCompare(t, tt.fresh.run(8), base, Options{Resamples: 300})
			if !r.Passed || r.Verdict != Better {
				t.Errorf("%s, %d requests, the other way round: got %s", tt.name, n, r.Verdict)
			}
		}
	}
}

func TestPoissonArrivalsHideASmallFall(t *testing.T) {
	t.Parallel()
	p, fewer := usual(200), usual(200)
	p.poisson, fewer.poisson, fewer.rate = true, true, 9.5
	r := mustCompare(t, p.run(1), fewer.run(2), Options{})
	if m := r.metric("requests_per_sec"); m.Verdict != Unclear || m.Interval.High-m.Interval.Low < 1 {
		t.Errorf("200 Poisson arrivals vary by 10 %% of themselves: got %s", m.sentence(m.Verdict))
	}
	long, drop := usual(5000), usual(5000)
	long.poisson, drop.poisson, drop.rate = true, true, 9
	if r := mustCompare(t, long.run(1), drop.run(2), Options{}); r.metric("requests_per_sec").Verdict != Worse {
		t.Errorf("10 %% less of 5000: got %s", r.metric("requests_per_sec").sentence(""))
	}
}

func TestSameInputSameResult(t *testing.T) {
	t.Parallel()
	p := usual(300)
	p.phi, p.failureRate = 0.5, 0.05
	base, fresh := p.run(1), p.run(2)
	for i := range base.Requests { // equal starts must not make the order matter
		base.Requests[i].Start = float64(i / 10)
		base.Requests[i].Stage = i / 100
	}
	want := mustCompare(t, base, fresh, Options{Seed: 5})
	if got := mustCompare(t, base, fresh, Options{Seed: 5}); !reflect.DeepEqual(got, want) {
		t.Error("the same input and seed gave another result")
	}
	shuffled := Side{Name: base.Name, Seconds: base.Seconds, Requests: append([]Request(nil), base.Requests...)}
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(shuffled.Requests), func(i, j int) {
		shuffled.Requests[i], shuffled.Requests[j] = shuffled.Requests[j], shuffled.Requests[i]
	})
	if got := mustCompare(t, shuffled, fresh, Options{Seed: 5}); !reflect.DeepEqual(got, want) {
		t.Error("the order of the input changed the result")
	}
	other := mustCompare(t, base, fresh, Options{Seed: 6})
	if *other.metric("mean(ttft)").Interval == *want.metric("mean(ttft)").Interval {
		t.Error("another seed gave the same interval")
	}
}

func TestRunAgainstItself(t *testing.T) {
	t.Parallel()
	side := usual(5000).run(1)
	r := mustCompare(t, side, side, Options{})
	if r.Verdict != Same || !r.Passed {
		t.Errorf("got %s, %v", r.Verdict, r.Reasons)
	}
	for _, m := range r.Metrics {
		if *m.Change != 0 || m.Verdict != Same && m.Verdict != Unclear {
			t.Errorf("%s: got %s", m.Name, m.sentence(m.Verdict))
		}
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	base, fresh := usual(800).run(1), usual(800).run(2)
	for i := range base.Requests {
		stage := i / 400
		base.Requests[i].Stage, fresh.Requests[i].Stage = stage, stage
		// The second stage is ten times as slow in both runs; NEW is a fifth slower in it.
		if stage == 1 {
			base.Requests[i].Latency *= 10
			fresh.Requests[i].Latency *= 12
		}
	}
	r := mustCompare(t, base, fresh, Options{})
	if len(r.Stages) != 2 || r.Stages[1].Stage != 1 {
		t.Fatalf("got %d stages", len(r.Stages))
	}
	byStage := make([]Verdict, 2)
	for i, s := range r.Stages {
		for _, m := range s.Metrics {
			if m.Name == "mean(request_latency)" {
				byStage[i] = m.Verdict
			}
		}
	}
	if byStage[0] != Same || byStage[1] != Worse {
		t.Errorf("got %v", byStage)
	}
	// That stages differ by design is no dependence: blocks stay short, and the interval narrow.
	if m := r.metric("mean(request_latency)"); m.Verdict != Worse || m.BaseSample.Block > 40 {
		t.Errorf("got %s, blocks of %d", m.sentence(m.Verdict), m.BaseSample.Block)
	}
	fresh.Requests[0].Stage = 9
	if r := mustCompare(t, base, fresh, Options{}); r.Stages != nil || !strings.Contains(strings.Join(r.Notes, "\n"),
		"BASE has the stages [0 1], NEW [0 1 9]") {
		t.Errorf("got %d stages, notes %q", len(r.Stages), r.Notes)
	}
}

func TestOddRuns(t *testing.T) {
	t.Parallel()
	plain := usual(100).run(1)
	edit := func(f func(*Request)) Side {
		s := usual(100).run(2)
		for i := range s.Requests {
			f(&s.Requests[i])
		}
		return s
	}
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name        string
		base, fresh Side
		want        Verdict
		passed      bool
		reason      string // in reasons, notes or warnings
	}{
		{"both empty", Side{}, Side{}, Unclear, true, "BASE has no requests to compare with"},
		{"BASE empty", Side{}, plain, Unclear, true, "BASE has no requests"},
		{"NEW empty", plain, Side{Seconds: 10}, Worse, false, "NEW has no requests"},
		{"NEW all failed", plain, edit(func(q *Request) { q.Failed = true }), Worse, false,
			"all 100 requests of NEW failed"},
		{"BASE all failed", edit(func(q *Request) { q.Failed = true }), plain, Better, true,
			"all 100 requests of BASE failed"},
		{"no TTFT in NEW", plain, edit(func(q *Request) { q.TTFT = nan }), Unclear, true, "NEW does not have it"},
		{"infinite latencies", plain, edit(func(q *Request) { q.Latency, q.Output = inf, inf }), Worse, false,
			"NEW does not have it"},
		{"huge latencies", plain, edit(func(q *Request) { q.Latency = math.MaxFloat64 }), Unclear, true,
			"too large to compare"},
		{"no length", plain, Side{Requests: plain.Requests, Seconds: nan}, Same, true,
			"the length of a run was not given"},
		{"no times at all", plain, edit(func(q *Request) { q.Start, q.End = nan, nan }), Unclear, true, "mean(ttft)"},
		{"no start times, but a length", plain, untimed(plain, plain.Seconds), Same, true,
			"no headline figure changed"},
		{"no start times, and half the rate", plain, untimed(plain, 2*plain.Seconds), Unclear, true,
			"the times of its requests would be needed"},
		{"no start times in NEW, and no length", plain, untimed(plain, nan), Unclear, true, "requests_per_sec"},
		{"no start times in BASE, and no length", untimed(plain, nan), plain, Unclear, true, "BASE does not have it"},
		{"no count of tokens", plain, edit(func(q *Request) { q.Input, q.Output = nan, nan }), Unclear, true,
			"NEW does not have it"},
		{"few", usual(12).run(1), usual(12).run(2), Unclear, true, "too few requests: 12, where 30 are needed"},
		{"one", usual(1).run(1), usual(1).run(2), Unclear, true, "too few requests: 1, where 30 are needed"},
		{"from zero", edit(func(q *Request) { q.TTFT, q.ITL = 0, 0 }), plain, Worse, false, "mean(ttft) 0 ms → 1"},
	} {
		r := mustCompare(t, tt.base, tt.fresh, Options{Resamples: 100})
		said := strings.Join(append(append([]string{}, r.Reasons...), r.Notes...), "\n")
		for _, m := range r.Metrics {
			said += "\n" + m.sentence(m.Verdict) + " " + strings.Join(m.Warnings, "\n")
		}
		if r.Verdict != tt.want || r.Passed != tt.passed || !strings.Contains(said, tt.reason) {
			t.Errorf("%s: got %s, passed %t; want %s, %t and %q in\n%s", tt.name, r.Verdict, r.Passed, tt.want,
				tt.passed, tt.reason, said)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestTooFewForAPercentile(t *testing.T) {
	t.Parallel()
	slow := usual(200)
	slow.slower = 3
	r := mustCompare(t, usual(200).run(1), slow.run(2), Options{Percentiles: []float64{90, 99, 100}}, "p99(ttft)>+5%",
		"p99.9(ttft)>+5%", "p100(ttft)>+5%")
	for name, want := range map[string]string{
		"p99(ttft)":   "too few requests: 200, where 1000 are needed",
		"p99.9(ttft)": "too few requests: 200, where 10000 are needed",
		"p100(ttft)":  "an extreme depends on one request",
	} {
		if m := r.metric(name); m.Verdict != Unclear || !strings.Contains(strings.Join(m.Warnings, ""), want) {
			t.Errorf("%s: got %s with %q, want %q", name, m.Verdict, m.Warnings, want)
		}
	}
	if m := r.metric("p90(ttft)"); m.Verdict != Worse {
		t.Errorf("p90: got %s", m.sentence(m.Verdict))
	}
	// A gate is decided on less than a verdict, and says so.
	for i, want := range []struct {
		status Status
		reason string
	}{{GateFailed, "too few requests: 200, where 1000 are needed for a sure verdict"},
		{GateUndecided, "too few requests"}, {GateUndecided, "an extreme"}} {
		if g := r.Gates[i]; g.Status != want.status || !strings.Contains(g.Reason, want.reason) {
			t.Errorf("got %+v, want %s: %s", g, want.status, want.reason)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Level: 95}, "level must be from 0.5 to 0.999, got 95"},
		{Options{Resamples: 10}, "resamples must be from 100 to 100000, got 10"},
		{Options{Percentiles: []float64{101}}, "percentile must be from 0 to 100, got 101"},
		{Options{Margin: -1}, "margin must be positive, got -1"},
		{Options{TimeFloor: math.NaN()}, "a noise floor must be a number, got 0.02, NaN and 0.001"},
	} {
		if _, err := Compare(Side{}, Side{}, tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if got := (Options{Resamples: 1000}).resamplesFor(400_000); got != 500 {
		t.Errorf("400,000 requests: got %d resamples, want 500", got)
	}
	if got := (Options{Resamples: 1000}).resamplesFor(5_000_000); got != fewestResamples {
		t.Errorf("5,000,000 requests: got %d resamples", got)
	}
}

func TestNoiseFloor(t *testing.T) {
	t.Parallel()
	base, fresh := usual(5000), usual(5000)
	base.spread, fresh.spread, fresh.slower = 0.01, 0.01, 1.01
	for _, tt := range []struct {
		o    Options
		want Verdict
	}{{Options{}, Same}, {Options{RelativeFloor: 0.005}, Worse}, {Options{RelativeFloor: -1}, Worse},
		{Options{RelativeFloor: -1, TimeFloor: 0.1}, Same}} {
		r := mustCompare(t, base.run(1), fresh.run(2), tt.o)
		if m := r.metric("mean(ttft)"); m.Verdict != tt.want {
			t.Errorf("floors %v and %v: got %s, want %s", tt.o.RelativeFloor, tt.o.TimeFloor, m.sentence(m.Verdict),
				tt.want)
		}
	}
}

// untimed is a side of which only the order of the requests is known.
func untimed(s Side, seconds float64) Side {
	s.Requests = slices.Clone(s.Requests)
	for i := range s.Requests {
		s.Requests[i].Start, s.Requests[i].End = float64(i), float64(i)
	}
	s.Seconds, s.Untimed = seconds, true
	return s
}

// A gate on a rate that NEW does not have fails; one on a rate over a stated length goes by the change alone.
func TestGatesWithoutStartTimes(t *testing.T) {
	t.Parallel()
	base := usual(100).run(1)
	for _, tt := range []struct {
		fresh  Side
		gate   string
		status Status
		reason string
	}{
		{untimed(base, math.NaN()), "requests_per_sec<-5%", GateFailed, "NEW does not have requests_per_sec"},
		{untimed(base, math.NaN()), "output_tokens_per_sec<1", GateFailed, "NEW does not have output_tokens_per_sec"},
		{untimed(base, base.Seconds), "requests_per_sec<-5%", GatePassed, ""},
		{untimed(base, 2*base.Seconds), "requests_per_sec<-5%", GateFailed, "beyond the bound"},
	} {
		gates, err := ParseGates(tt.gate)
		if err != nil {
			t.Fatal(err)
		}
		r := mustCompare(t, base, tt.fresh, Options{Resamples: 100, Gates: gates})
		if g := r.Gates[0]; g.Status != tt.status || !strings.Contains(g.Reason, tt.reason) {
			t.Errorf("%s over %v s: got %s, %s; want %s, %s", tt.gate, tt.fresh.Seconds, g.Status, g.Reason, tt.status,
				tt.reason)
		}
		if known := r.New.Seconds != nil; known == math.IsNaN(tt.fresh.Seconds) {
			t.Errorf("the length of NEW is known: %t, of %v s", known, tt.fresh.Seconds)
		}
	}
}

// A quantity that is never negative cannot fall by more than itself, nor a share change by more than 1.
func TestIntervalsArePossible(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		slow, fast := usual(10), usual(20)
		slow.spread, slow.slower, slow.failureRate = 1.5, 17, 0.9
		r := mustCompare(t, slow.run(seed), fast.run(seed+100), Options{Resamples: 200})
		for _, m := range r.Metrics {
			if m.RelativeInterval != nil && m.Unit != Share &&
				(m.RelativeInterval.Low < -1 || m.RelativeInterval.High < *m.Relative) {
				t.Errorf("seed %d: %s changed by %s", seed, m.Name, m.change())
			}
			if m.Unit == Share && m.Interval != nil && (m.Interval.Low < -1 || m.Interval.High > 1) {
				t.Errorf("seed %d: the share %s changed by %s", seed, m.Name, m.change())
			}
		}
	}
}

// The interval of a change that excludes zero is shown, however wide it is.
func TestWideIntervalBesideAVerdict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		interval Interval
		want     string
	}{
		{Interval{-1, -0.8}, "-92.6 % [-100.0, -80.0]"},
		{Interval{-1, 0.1}, "-92.6 % [too few requests to tell]"},
	} {
		m := Metric{Unit: RequestsPerSec, Change: new(-4.08), Relative: new(-0.926), RelativeInterval: &tt.interval}
		if got := m.change(); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.interval, got, tt.want)
		}
	}
}
