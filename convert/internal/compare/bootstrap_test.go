package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// differShare is how often the interval of two equal runs excludes zero, for each figure.
func differShare(p process, pairs int, percentiles []float64) []float64 {
	count := make([]float64, 1+len(percentiles))
	q := quantities()[0]
	for i := range uint64(pairs) {
		a := latencyEstimates(source(i, "a"), newRun(p.run(2*i)).latencies(q), percentiles, 200)
		b := latencyEstimates(source(i, "b"), newRun(p.run(2*i+1)).latencies(q), percentiles, 200)
		for k := range count {
			if differ(a[k], b[k], 0.95).excludesZero() {
				count[k] += 1 / float64(pairs)
			}
		}
	}
	return count
}

// The intervals are at 95 %, so of equal runs 5 % should be called different. With 400 pairs the share is good to 2.2
// points; without blocks it would be a quarter to a half for the dependent ones.
func TestShareOfEqualRunsCalledDifferent(t *testing.T) {
	t.Parallel()
	percentiles := []float64{50, 90, 95}
	for phi, n := range map[float64]int{0: 200, 0.5: 300, 0.8: 600} {
		t.Run(fmt.Sprintf("phi %v, %d requests", phi, n), func(t *testing.T) {
			t.Parallel()
			p := usual(n)
			p.phi = phi
			for k, got := range differShare(p, 400, percentiles) {
				if got > 0.10 || got < 0.01 {
					t.Errorf("figure %d: %.3f of equal runs are called different, want about 0.05", k, got)
				}
			}
		})
	}
}

func TestSingleRequestsWouldBeTooNarrow(t *testing.T) {
	t.Parallel()
	p := usual(1000)
	p.phi = 0.8
	s := newRun(p.run(3)).latencies(quantities()[0])
	rng := source(1)
	n := float64(len(s.values))
	var single []float64
	c := cumulate(s.values)
	for range 300 {
		single = append(single, c.sum(resample(rng, s.ends, 1, nil))/n)
	}
	blocks := latencyEstimates(source(1), s, nil, 300)[0]
	// An AR(1) process has (1+φ)/(1−φ) = 9 times the variance of an independent one.
	if ratio := deviation(blocks.draws) / deviation(single); ratio < 2 || ratio > 4 {
		t.Errorf("blocks of %d give deviations of %.2f times those of single requests, want about 3",
			blocks.blocks.length, ratio)
	}
}

// The published formula for an AR(1) process: G = 2φ/(1−φ)², Σγ = (1+φ)/(1−φ) in units of the variance.
func TestBlockLength(t *testing.T) {
	t.Parallel()
	for _, phi := range []float64{0, 0.3, 0.7, 0.9} {
		const n = 20_000
		rng := rand.New(rand.NewPCG(9, 9))
		x := make([]float64, n)
		for i := 1; i < n; i++ {
			x[i] = phi*x[i-1] + rng.NormFloat64()
		}
		g, long := 2*phi/square(1-phi), (1+phi)/(1-phi)
		want := max(1, math.Cbrt(2*g*g/(4.0/3*long*long)*n))
		got := float64(dependenceOf(x, []int{n}).block)
		if got < want*0.7-2 || got > want*1.3+5 {
			t.Errorf("φ = %v: got blocks of %v, want about %.1f", phi, got, want)
		}
	}
}

func TestResampleKeepsStagesAndLength(t *testing.T) {
	t.Parallel()
	rng := source(4)
	ends := []int{7, 8, 50}
	drawn := make([]int, 50)
	for range 4000 {
		inStage := make([]int, len(ends))
		for _, p := range resample(rng, ends, 5, nil) {
			stage, _ := slices.BinarySearch(ends, p.from+1)
			if p.from >= p.end || p.end > ends[stage] {
				t.Fatalf("piece %+v is not within a stage", p)
			}
			inStage[stage] += p.end - p.from
			for i := p.from; i < p.end; i++ {
				drawn[i]++
			}
		}
		if !slices.Equal(inStage, []int{7, 1, 42}) {
			t.Fatalf("drew %v of the stages", inStage)
		}
	}
	for i, n := range drawn {
		if n < 3600 || n > 4400 {
			t.Errorf("value %d was drawn %d times of 4000", i, n)
		}
	}
}

// A percentile found by counting is that of the resample, sorted.
func TestRankFinder(t *testing.T) {
	t.Parallel()
	rng := source(6)
	for _, n := range []int{1, 2, 3, 10, 101} {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(below(rng, 20))
		}
		percentiles := []float64{0, 12.5, 50, 90, 99.9, 100}
		order := sortedOrder(values)
		sorted, times, drawn := make([]float64, n), make([]uint8, n), []float64{}
		for i, at := range order {
			sorted[i] = values[at]
		}
		for _, p := range resample(rng, []int{n}, 3, nil) {
			for i := p.from; i < p.end; i++ {
				times[i]++
				drawn = append(drawn, values[i])
			}
		}
		slices.Sort(drawn)
		p := newRankFinder(n, percentiles)
		p.find(sorted, order, times)
		for i, q := range percentiles {
			want := stats.Percentile(n, func(rank int) float64 { return drawn[rank] }, q)
			if got := p.value(i); got != want {
				t.Errorf("p%v of %v: got %v, want %v", q, drawn, got, want)
			}
		}
	}
}

// Expected values are numpy.percentile's.
func TestInterpolate(t *testing.T) {
	t.Parallel()
	x := []float64{1, 2, 4, 8}
	for p, want := range map[float64]float64{0: 1, 25: 1.75, 50: 3, 90: 6.8, 100: 8} {
		if got := stats.Percentile(len(x), func(rank int) float64 { return x[rank] }, p); math.Abs(got-want) > 1e-12 {
			t.Errorf("p%v: got %v, want %v", p, got, want)
		}
	}
}

// Quantiles from a table of Student's distribution.
func TestStudent(t *testing.T) {
	t.Parallel()
	for freedom, want := range map[float64]float64{3: 3.182, 5: 2.571, 10: 2.228, 30: 2.042, math.Inf(1): 1.960} {
		got := student(1.95996, freedom)
		if math.Abs(got-want) > 0.015*want {
			t.Errorf("%v degrees: got %.3f, want %.3f", freedom, got, want)
		}
		if back := unstudent(got, freedom); math.Abs(back-1.95996) > 1e-9 {
			t.Errorf("%v degrees: %v comes back as %v", freedom, 1.95996, back)
		}
	}
}

func TestHolm(t *testing.T) {
	t.Parallel()
	got := holm([]float64{0.04, 0.01, 0.03, 0.9})
	for i, want := range []float64{0.09, 0.04, 0.09, 0.9} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("got %v, want [0.09 0.04 0.09 0.9]", got)
		}
	}
}

// p is below 1 − level exactly when the interval excludes zero.
func TestPValueAgreesWithInterval(t *testing.T) {
	t.Parallel()
	for i := range uint64(300) {
		p := usual(60)
		p.slower = 1 + float64(i%20)/50
		q := quantities()[0]
		a := latencyEstimates(source(i, "a"), newRun(usual(60).run(i)).latencies(q), nil, 100)[0]
		b := latencyEstimates(source(i, "b"), newRun(p.run(i+1000)).latencies(q), nil, 100)[0]
		for _, level := range []float64{0.8, 0.95, 0.99} {
			if d := differ(a, b, level); d.excludesZero() != (d.p < 1-level) {
				t.Errorf("pair %d at %v: interval [%v, %v], p %v", i, level, d.low, d.high, d.p)
			}
		}
	}
}

func TestBurstIsPacedByItsEnds(t *testing.T) {
	t.Parallel()
	s := Side{Seconds: 20}
	for i := range 400 {
		s.Requests = append(s.Requests, Request{End: float64(i+1) / 20, TTFT: 1, Latency: float64(i+1) / 20})
	}
	series, rest, last := newRun(s).rates(quantities()[6])
	if got := stats.Sum(series.weights); math.Abs(got-20) > 1e-6 || math.Abs(rest) > 1e-6 || last != nil {
		t.Errorf("got gaps of %v s, %v s of rest; want the times between ends, 20 and 0", got, rest)
	}
}
