package gate_test

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// queue returns the latencies and the waits of requests to a server with one place (M/M/1), which takes 1 for a request
// on average. It begins in a state that it has under the load.
func queue(load float64, n int, rng *rand.Rand) (latencies, waits []float64) {
	wait := 0.0
	if rng.Float64() < load {
		wait = rng.ExpFloat64() / (1 - load)
	}
	for range n {
		latency := wait + rng.ExpFloat64()
		latencies, waits = append(latencies, latency), append(waits, wait)
		wait = max(0, latency-rng.ExpFloat64()/load)
	}
	return latencies, waits
}

// answersOfQueue returns the shares of runs with each answer of a gate on the p90 whose bound is a multiple of the
// true one, and in which share of runs the p90 is certified.
func answersOfQueue(load float64, n, runs int, times float64) (found map[gate.Status]float64, certified float64) {
	bound := times * math.Log(10) / (1 - load) // the latency of M/M/1 is exponential
	found = map[gate.Status]float64{}
	for i := range uint64(runs) {
		latencies, waits := queue(load, n, rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, uint64(n)^0xd1b54a32d192ed03)))
		sorted := slices.Sorted(slices.Values(latencies))
		at := func(rank int) float64 { return sorted[rank] }
		p := gate.Percentile{Series: quantile.NewSeries(latencies, at, quantile.Memory(waits)), Share: 0.9}
		found[p.Status(func(v float64) bool { return v < bound }, gate.Level)] += 1 / float64(runs)
		if p.Series.Interval(0.9, gate.Level).Certified {
			certified += 1 / float64(runs)
		}
	}
	return found, certified
}

// A gate on a percentile whose bound is the truth itself fails in at most 2.5 % of runs, although requests depend on
// each other, and passes in 5 % at the most: a run that saw few queues saw little of how much they vary, too. Runs that
// are too short are inconclusive.
//
// LLM_TEST_TRUTH=all takes 1,000 runs of more lengths, and prints the table of docs/statistics.md.
func TestPercentileOfKnownTruth(t *testing.T) {
	t.Parallel()
	lengths, runs := map[float64][]int{0.5: {1000, 12_000}, 0.8: {1000, 60_000}}, 200
	if os.Getenv("LLM_TEST_TRUTH") == "all" {
		lengths, runs = map[float64][]int{0.5: {1000, 10_000, 50_000}, 0.8: {1000, 10_000, 50_000}}, 1000
	}
	for _, load := range []float64{0.5, 0.8} {
		for _, n := range lengths[load] {
			got, certified := answersOfQueue(load, n, runs, 1)
			slower, _ := answersOfQueue(load, n, runs/4, 0.8)
			faster, _ := answersOfQueue(load, n, runs/4, 1.25)
			t.Logf("| %.0f %% | %d | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% |", 100*load, n, 100*certified,
				100*got[gate.Pass], 100*got[gate.Fail], 100*faster[gate.Pass], 100*slower[gate.Fail])
			if got[gate.Pass] > most(0.05, runs) || got[gate.Fail] > most(0.025, runs) {
				t.Errorf("load %v, %d requests at the bound: %v", load, n, got)
			}
			if certified < 0.5 && got[gate.Inconclusive] < 0.9 {
				t.Errorf("load %v, %d requests: certified in %v, and %v", load, n, certified, got)
			}
			if certified > 0.95 && (faster[gate.Pass] < 0.5 || faster[gate.Fail] > 0 || slower[gate.Pass] > 0) {
				t.Errorf("load %v, %d requests: %v of a bound above the truth, and %v below", load, n, faster, slower)
			}
		}
	}
}

// most is the share of runs that a chance explains.
func most(chance float64, runs int) float64 {
	return chance + 3*math.Sqrt(chance*(1-chance)/float64(runs))
}
