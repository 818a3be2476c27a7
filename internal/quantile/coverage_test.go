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

// server is a simulated server: it returns the latency and the wait of each of n requests, of a load in parts of its
// capacity. The state it begins with is one of those that it has under this load.
type server struct {
	name  string
	serve func(load float64, n int, rng *rand.Rand) (latencies, waits []float64)
	truth func(load, p float64) float64
}

var servers = []server{
	{"M/M/1", func(load float64, n int, rng *rand.Rand) (l, w []float64) { return places(1, load, n, rng) },
		func(load, p float64) float64 { return placesTruth(1, load, p) }},
	{"M/M/8", func(load float64, n int, rng *rand.Rand) (l, w []float64) { return places(8, load, n, rng) },
		func(load, p float64) float64 { return placesTruth(8, load, p) }},
	{"batches", batches, batchesTruth},
}

// places is a queue in front of some places, each of which takes 1 for a request on average (M/M/c).
func places(count int, load float64, n int, rng *rand.Rand) (latencies, waits []float64) {
	rate, work := load*float64(count), make([]float64, count)
	least := func() int {
		first := 0
		for i := range work {
			if work[i] < work[first] {
				first = i
			}
		}
		return first
	}
	// The number of requests that it begins with is drawn as the chain of births and deaths has it.
	chances, sum := []float64{}, 0.0
	for chance, k := 1.0, 1; chance > 1e-12*sum || k <= count; k++ {
		chances, sum = append(chances, chance), sum+chance
		chance *= rate / float64(min(k, count))
	}
	for u, k := rng.Float64()*sum, 0; k < len(chances)-1 && u > chances[k]; k++ {
		u -= chances[k]
		work[least()] += rng.ExpFloat64()
	}
	for range n {
		place, takes := least(), rng.ExpFloat64()
		waits, latencies = append(waits, work[place]), append(latencies, work[place]+takes)
		work[place] += takes
		gap := rng.ExpFloat64() / rate
		for i := range work {
			work[i] = max(0, work[i]-gap)
		}
	}
	return latencies, waits
}

// placesTruth returns the quantile of the latency of [places]: the wait is none, or by Erlang's C exponential, and the
// service follows.
func placesTruth(count int, load, p float64) float64 {
	offered, blocked := load*float64(count), 1.0
	for k := 1; k <= count; k++ {
		blocked = offered * blocked / (float64(k) + offered*blocked)
	}
	waits, drain := blocked/(1-load*(1-blocked)), float64(count)*(1-load)
	above := func(t float64) float64 {
		late := t * math.Exp(-t) // if both rates are 1
		if math.Abs(drain-1) > 1e-9 {
			late = (math.Exp(-drain*t) - math.Exp(-t)) / (1 - drain)
		}
		return math.Exp(-t) + waits*late
	}
	low, high := 0.0, 1e5
	for range 100 {
		if middle := (low + high) / 2; above(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// batches is a server that takes all who wait, but 16 at most, at once, and needs the longer the more they are.
func batches(load float64, n int, rng *rand.Rand) (latencies, waits []float64) {
	const most = 16
	takes := func(k int) float64 { return 1 + 0.05*float64(k) }
	rate := load * most / takes(most)
	now, next, first := 0.0, 0.0, 20_000
	var queue []float64
	for len(latencies) < n+first {
		for next <= now {
			queue = append(queue, next)
			next += rng.ExpFloat64() / rate
		}
		if len(queue) == 0 {
			now = next
			continue
		}
		k := min(len(queue), most)
		for _, came := range queue[:k] {
			waits, latencies = append(waits, now-came), append(latencies, now+takes(k)-came)
		}
		now += takes(k)
		queue = queue[k:]
	}
	return latencies[first : n+first], waits[first : n+first]
}

// batchesTruth returns the quantile of the latency of [batches], from 20 million requests each.
func batchesTruth(load, p float64) float64 {
	return map[[2]float64]float64{
		{0.5, 0.5}: 1.9781, {0.5, 0.9}: 2.5296, {0.5, 0.99}: 2.8582,
		{0.8, 0.5}: 2.4053, {0.8, 0.9}: 3.1304, {0.8, 0.99}: 3.8080,
		{0.95, 0.5}: 3.1430, {0.95, 0.9}: 4.9575, {0.95, 0.99}: 7.4942,
	}[[2]float64{load, p}]
}

func source(run int) *rand.Rand {
	i := uint64(run)
	return rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, i^0xd1b54a32d192ed03))
}

// covered counts the runs of which an interval holds the truth.
type covered struct{ runs, hold, tooHigh, certified, holdCertified int }

func (c *covered) count(in quantile.Interval, truth float64) {
	c.runs++
	holds := in.Low <= truth && truth <= in.High
	if holds {
		c.hold++
	}
	if in.Low > truth {
		c.tooHigh++
	}
	if in.Certified {
		c.certified++
		if holds {
			c.holdCertified++
		}
	}
}

func (c covered) String() string {
	of := func(n, all int) string {
		if all == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(all))
	}
	return fmt.Sprintf("%s | %s | %s | %s", of(c.certified, c.runs), of(c.holdCertified, c.certified),
		of(c.hold, c.runs),
		of(c.tooHigh, c.runs))
}

var levels = []float64{0.5, 0.9, 0.99}

// coverage runs a server often, and returns what became of the intervals of each quantile of the latency.
func coverage(s server, load float64, n, runs int) []covered {
	return coverageFrom(0, s, load, n, runs)
}

// coverageFrom is [coverage] of the runs from one on.
func coverageFrom(first int, s server, load float64, n, runs int) []covered {
	counts := make([]covered, len(levels))
	for run := first; run < first+runs; run++ {
		latencies, waits := s.serve(load, n, source(run))
		byRank := func(values []float64) func(int) float64 {
			sorted := slices.Sorted(slices.Values(values))
			return func(rank int) float64 { return sorted[rank] }
		}
		series := quantile.NewSeries(latencies, byRank(latencies), quantile.Memory(waits))
		for i, p := range levels {
			counts[i].count(series.Interval(p, 0.95), s.truth(load, p))
		}
	}
	return counts
}

// An interval holds the truth in as many runs as its level says, if the sample suffices. If it does not, the quantile
// is not certified, and its lower end is too high in few runs.
//
// LLM_TEST_TRUTH=all takes 1,000 runs of more samples, which are minutes, and prints the table of docs/statistics.md.
func TestCoverage(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		for _, load := range []float64{0.5, 0.8, 0.95} {
			t.Run(fmt.Sprintf("%s at %v", s.name, load), func(t *testing.T) {
				t.Parallel()
				if os.Getenv("LLM_TEST_TRUTH") != "all" {
					check(t, s, load, 12_000, 100, 0.9, 0.99)
					return
				}
				for _, n := range []int{1000, 10_000, 50_000} {
					check(t, s, load, n, 1000, 0.93, 0.97)
				}
			})
		}
	}
}

// check fails if an interval of a sample that suffices in nearly all runs holds the truth in too few or too many, or
// that of another does so in very few.
func check(t *testing.T, s server, load float64, n, runs int, least, most float64) {
	t.Helper()
	for i, c := range coverage(s, load, n, runs) {
		t.Logf("| %s | %.0f %% | %d | p%.0f | %v |", s.name, 100*load, n, 100*levels[i], c)
		holds, share := float64(c.hold)/float64(c.runs), float64(c.certified)/float64(c.runs)
		if share > 0.95 && (holds < least || holds > most) {
			t.Errorf("%s at a load of %v: p%v of %d lies in %.1f %% of its intervals", s.name, load, 100*levels[i], n,
				100*holds)
		}
		if tooHigh := float64(c.tooHigh) / float64(c.runs); holds < 0.9 || tooHigh > 0.05 {
			t.Errorf("%s at a load of %v: p%v of %d lies in %.1f %% of its intervals, and below %.1f %%", s.name, load,
				100*levels[i], n, 100*holds, 100*tooHigh)
		}
	}
}

// What is certified needs no more than there is, and what is not needs more.
func TestSeriesNeeds(t *testing.T) {
	t.Parallel()
	rng := source(1)
	for _, n := range []int{1, 2, 9, 50, 300, 1000, 3000} {
		values := make([]float64, n)
		for i := range values {
			values[i] = rng.ExpFloat64()
		}
		sorted := slices.Sorted(slices.Values(values))
		series := quantile.NewSeries(values, func(rank int) float64 { return sorted[rank] }, 1)
		for _, p := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
			in := series.Interval(p, 0.95)
			if in.Certified != (in.Needs <= n) || in.Certified == math.IsInf(in.High, 1) || !(in.Low <= in.High) {
				t.Errorf("p%v of %d: %+v", 100*p, n, in)
			}
			if n < quantile.Telling && in.Needs != quantile.Least(p, 0.95) {
				t.Errorf("p%v of %d values, which tell nothing, needs %d", 100*p, n, in.Needs)
			}
			if p == 0.99 && in.Certified != (n >= 3000) {
				t.Errorf("p99 of %d independent values: %+v", n, in)
			}
		}
	}
	if in := quantile.NewSeries([]float64{1, 2}, func(int) float64 { return 1 }, 1).Interval(1, 0.95); in.Certified ||
		in.Needs != 0 {
		t.Errorf("no number of values certifies the largest, got %+v", in)
	}
}

// The values of clusters count for fewer, and what is needed is a number of clusters.
func TestClustered(t *testing.T) {
	t.Parallel()
	at := func(rank int) float64 { return float64(rank) }
	alone := quantile.Clustered(100_000, 1000, at, 0.99, 0.95, 1, 1)
	alike := quantile.Clustered(100_000, 1000, at, 0.99, 0.95, 10, 1)
	whole := quantile.Clustered(100_000, 1000, at, 0.99, 0.95, 100, 1)
	if !alone.Certified || !alike.Certified || alone.High-alone.Low >= alike.High-alike.Low {
		t.Errorf("got %+v, and %+v of values that are alike", alone, alike)
	}
	if whole.Certified || whole.Needs <= 1000 {
		t.Errorf("1,000 clusters of one value each: got %+v", whole)
	}
}
