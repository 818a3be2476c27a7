package quantile_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// lead is how many requests come before those that count, where no formula says in which state a queue begins.
const lead = 30_000

// uneven is a queue with one place whose service has a log-normal time with a coefficient of variation of 1 (M/G/1).
func uneven(load float64, n int, rng *rand.Rand) (latencies, waits []float64) {
	latencies, waits = make([]float64, 0, n), make([]float64, 0, n)
	sigma := quantile.Sigma(1)
	work := 0.0
	for i := range n + lead {
		takes := math.Exp(sigma*rng.NormFloat64() - sigma*sigma/2)
		if i >= lead {
			waits, latencies = append(waits, work), append(latencies, work+takes)
		}
		work = max(0, work+takes-rng.ExpFloat64()/load)
	}
	return latencies, waits
}

// regular is a queue with four places and exponential service to which requests come at equal distances (D/M/4).
func regular(load float64, n int, rng *rand.Rand) (latencies, waits []float64) {
	latencies, waits = make([]float64, 0, n), make([]float64, 0, n)
	var free [4]float64 // when each place is, the first of them first
	for i := range n + lead {
		now := float64(i) / (4 * load)
		wait, takes := max(free[0]-now, 0), rng.ExpFloat64()
		if i >= lead {
			waits, latencies = append(waits, wait), append(latencies, wait+takes)
		}
		end := now + wait + takes
		k := 1
		for ; k < len(free) && free[k] < end; k++ {
			free[k-1] = free[k]
		}
		free[k-1] = end
	}
	return latencies, waits
}

// Queues and runs on which no constant of the intervals was chosen: the interval of a sample that suffices holds the
// truth in nearly as many as its level says.
//
// LLM_TEST_TRUTH=fresh takes the runs of docs/statistics.md, which are many minutes, and prints its table.
func TestCoverageOfFreshQueues(t *testing.T) {
	for _, tt := range []struct {
		server
		load    float64
		n, runs int // of the table
	}{
		{servers[0], 0.5, 50_000, 1000},
		{servers[0], 0.8, 100_000, 1000},
		{server{"D/M/4", regular, nil}, 0.5, 50_000, 1000},
		{server{"D/M/4", regular, nil}, 0.8, 100_000, 1000},
		{server{"M/G/1", uneven, nil}, 0.5, 50_000, 1000},
		{server{"M/G/1", uneven, nil}, 0.8, 100_000, 1000},
		{servers[0], 0.95, 1_500_000, 250},
		{server{"D/M/4", regular, nil}, 0.95, 800_000, 250},
	} {
		n, runs, long := 12_000, 100, 2_000_000
		if os.Getenv("LLM_TEST_TRUTH") == "fresh" {
			n, runs, long = tt.n, tt.runs, 20_000_000
		} else if tt.load != 0.5 {
			continue // which takes longer runs
		}
		t.Run(fmt.Sprintf("%s at %v", tt.name, tt.load), func(t *testing.T) {
			truth := tt.truth
			if truth == nil {
				sorted, _ := tt.serve(tt.load, long, source(-1))
				slices.Sort(sorted)
				truth = func(_, p float64) float64 { return sorted[int(p*float64(len(sorted)))] }
			}
			tt.truth = truth
			for i, c := range coverageFrom(1_000_000, tt.server, tt.load, n, runs) {
				holds := float64(c.hold) / float64(c.runs)
				t.Logf("| %s | %.0f %% | %d | p%.0f | %v |", tt.name, 100*tt.load, n, 100*levels[i], c)
				if holds < 0.95-4*math.Sqrt(0.05*0.95/100) {
					t.Errorf("p%v lies in %.1f %% of %d intervals", 100*levels[i], 100*holds, runs)
				}
			}
		})
	}
}
