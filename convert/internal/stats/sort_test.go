package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Values are sorted whatever their number, their range and the capacity of their slice.
func TestSort(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, fewValues, fewValues + 1, 10_000} {
		for name, draw := range map[string]func() float64{
			"latencies":  func() float64 { return 0.05 * math.Exp(rng.NormFloat64()) },
			"both signs": func() float64 { return rng.NormFloat64() },
			"any":        func() float64 { return math.Ldexp(rng.NormFloat64(), rng.IntN(600)-300) },
			"equal":      func() float64 { return 3 }, "few": func() float64 { return float64(rng.IntN(3)) - 1 },
			"infinite": func() float64 { return 1 / (rng.Float64() - 0.5) / float64(rng.IntN(2)) },
		} {
			for _, capacity := range []int{n, 2 * n} {
				values := make([]float64, n, capacity)
				for i := range values {
					values[i] = draw()
				}
				want := slices.Sorted(slices.Values(values))
				if Sort(values); !slices.Equal(values, want) {
					t.Errorf("%d values, %s, capacity %d: not sorted", n, name, capacity)
				}
			}
		}
	}
}

func BenchmarkSort(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	unsorted := make([]float64, 1_000_000)
	for i := range unsorted {
		unsorted[i] = math.Round(0.05*math.Exp(rng.NormFloat64())*1e6) / 1e6
	}
	for name, capacity := range map[string]int{"compared": len(unsorted), "distributed": 2 * len(unsorted)} {
		b.Run(name, func(b *testing.B) {
			values := make([]float64, len(unsorted), capacity)
			for b.Loop() {
				copy(values, unsorted)
				Sort(values)
			}
		})
	}
}
