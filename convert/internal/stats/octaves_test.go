package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOctavesAreCloseToTheExactPercentiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 0x9e3779b97f4a7c15))
	for _, scale := range []float64{3, 12, 16, 30} {
		var o Octaves
		var exact []int64
		for range 5001 {
			x := int64(math.Exp(scale + rng.NormFloat64()))
			o.Add(x)
			exact = append(exact, x)
		}
		slices.Sort(exact)
		for i, got := range o.Percentiles(0, 50, 90, 99, 100) {
			want := float64(exact[[]int{0, 2500, 4500, 4950, 5000}[i]])
			if math.Abs(got-want) > 0.016*want {
				t.Errorf("around e^%v: percentile %d is %v, want %v within 1.6 %%", scale, i, got, want)
			}
		}
	}
}

func TestOctavesOfFewNumbers(t *testing.T) {
	t.Parallel()
	var o Octaves
	if got := o.Percentiles(50)[0]; !math.IsNaN(got) {
		t.Errorf("of nothing: got %v, want NaN", got)
	}
	o.Add(-5)
	o.AddTimes(31, 2)
	o.Add(math.MaxInt64)
	got := o.Percentiles(0, 50, 60, 100)
	if got[0] != 0 || got[1] != 31 || got[2] != 31 || math.Abs(got[3]-math.MaxInt64) > 0.016*math.MaxInt64 {
		t.Errorf("got %v", got)
	}
	if o.Len() != 4 {
		t.Errorf("got %d numbers, want 4", o.Len())
	}
}

func TestOctavesOfGaps(t *testing.T) {
	t.Parallel()
	var gaps, single Octaves
	numbers := []int64{5, 5, 36, 1000, 31_000, 31_001, 2_000_000}
	gaps.AddGaps(numbers)
	gaps.AddGaps(numbers[:1])
	gaps.AddGaps(nil)
	for i, x := range numbers[1:] {
		single.Add(x - numbers[i])
	}
	ranks := []float64{0, 20, 40, 60, 80, 100}
	if got, want := gaps.Percentiles(ranks...), single.Percentiles(ranks...); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func BenchmarkOctaves(b *testing.B) {
	var o Octaves
	for i := range int64(b.N) {
		o.Add(10_000 + i&4095)
	}
}
