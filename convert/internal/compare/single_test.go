package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The intervals of single figures hold the truth about as often as they say.
func TestSinglesHoldTheTruth(t *testing.T) {
	t.Parallel()
	const runs, requests = 400, 300
	// The latencies are log-normal about 0.5 s; requests come at 10 a second.
	truth := map[string]float64{"p50(request_latency)": 0.5, "mean(request_latency)": 0.5 * math.Exp(0.045),
		"p50(tpot)": 0.005}
	held, logs := map[string]int{}, map[string]int{}
	for seed := range uint64(runs) {
		list, err := Singles(usual(requests).run(seed), Options{Percentiles: []float64{50, 99}, Resamples: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			want, has := truth[f.Name]
			if f.Name == "p99(request_latency)" && !math.IsNaN(f.Low) {
				t.Fatalf("%d requests have an interval of p99: %+v", requests, f)
			}
			if has && f.Low <= want && want <= f.High {
				held[f.Name]++
			}
			if has && math.Abs(math.Log(f.Value/want)) < 1.97*f.LogError {
				logs[f.Name]++
			}
		}
	}
	for name := range truth {
		for what, n := range map[string]int{"interval": held[name], "standard error": logs[name]} {
			if share := float64(n) / runs; share < 0.91 || share > 0.985 {
				t.Errorf("%s: the %s holds the truth in %.3f of the runs", name, what, share)
			}
		}
	}
}

// Whatever the latencies are, no interval of a time or a rate reaches below zero, and the value lies in it: of few
// requests, of two kinds of them, of queues that grow, and of those over many orders of magnitude.
func TestSinglesLieInTheirIntervals(t *testing.T) {
	t.Parallel()
	told := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := usual(5 + rng.IntN(200)).run(seed)
		kind, spread := rng.IntN(4), 3*rng.Float64()
		for i := range s.Requests {
			q, factor := &s.Requests[i], 1.0
			switch kind {
			case 1: // half of them wait
				factor = []float64{1, 40}[rng.IntN(2)]
			case 2: // a queue grows
				factor = 1 + float64(i)
			case 3:
				factor = math.Exp(spread * rng.NormFloat64())
			}
			q.Latency, q.TTFT, q.TPOT = q.Latency*factor, q.TTFT*factor, q.TPOT*factor
			q.End = q.Start + q.Latency
		}
		list, err := Singles(s, Options{Percentiles: []float64{50, 99}, Resamples: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if math.IsNaN(f.Low) && math.IsNaN(f.High) {
				continue
			}
			told++
			inside := 0 <= f.Low && f.Low <= f.Value && f.Value <= f.High
			if !inside || f.Value > 0 && f.Unit == Seconds && f.Low == 0 {
				t.Errorf("seed %d: %+v", seed, f)
			}
		}
	}
	if told < 1000 {
		t.Errorf("%d intervals", told)
	}
}

// A run without times has values alone, and one without successes no latencies.
func TestSinglesOfLittle(t *testing.T) {
	t.Parallel()
	s := usual(100).run(1)
	s.Untimed = true
	list, err := Singles(s, Options{})
	if err != nil || len(list) == 0 {
		t.Fatalf("%d figures, %v", len(list), err)
	}
	for _, f := range list {
		if !math.IsNaN(f.Low) || !math.IsNaN(f.LogError) {
			t.Errorf("%+v has an interval", f)
		}
	}
	for i := range s.Requests {
		s.Requests[i].Failed = true
		s.Requests[i].Latency, s.Requests[i].TTFT, s.Requests[i].ITL = math.NaN(), math.NaN(), math.NaN()
		s.Requests[i].TPOT, s.Requests[i].NTPOT = math.NaN(), math.NaN()
	}
	s.Untimed = false
	for _, of := range []Side{s, {}} {
		if list, err = Singles(of, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.Unit == Seconds || f.Value < 0 {
				t.Errorf("%+v", f)
			}
		}
	}
}
