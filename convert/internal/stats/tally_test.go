package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The figures of a tally are the figures of the list of its numbers.
func TestTallyIsAList(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, ticks := range []float64{microseconds, 1 << 44} {
		for _, n := range []int{1, 2, 100, 5000} {
			tally, values := NewTally(ticks), []float64{}
			for range n {
				x := rng.Int64N(3 * countedBelow / 2)
				if rng.IntN(3) == 0 {
					x %= 7
				}
				tally.Add(x)
				values = append(values, float64(x)/ticks)
			}
			sameSample(t, tally, NewList(values))
		}
	}
}

func sameSample(t *testing.T, got, want Ordered) {
	t.Helper()
	n := want.Len()
	if got.Len() != n || got.At(0) != want.At(0) || got.At(n-1) != want.At(n-1) {
		t.Errorf("%d numbers: got %d from %v to %v, want %v to %v", n, got.Len(), got.At(0), got.At(n-1), want.At(0),
			want.At(n-1))
	}
	for _, p := range DefaultPercentiles() {
		if got, want := Percentile(n, got.At, p), Percentile(n, want.At, p); got != want {
			t.Errorf("%d numbers: percentile %v is %v, want %v", n, p, got, want)
		}
	}
	near := func(got, want float64) bool {
		return math.Abs(got-want) <= 1e-12*want || math.IsNaN(got) && math.IsNaN(want)
	}
	if !near(got.Mean(), want.Mean()) || !near(got.StdDev(), want.StdDev()) {
		t.Errorf("%d numbers: got the mean %v and the deviation %v, want %v and %v", n, got.Mean(), got.StdDev(),
			want.Mean(), want.StdDev())
	}
}

// A sample of no numbers has no mean, a sample of one no deviation.
func TestFewNumbers(t *testing.T) {
	t.Parallel()
	for _, s := range []Ordered{NewTally(microseconds), NewList(nil)} {
		if s.Len() != 0 || !math.IsNaN(s.Mean()) || !math.IsNaN(s.StdDev()) {
			t.Errorf("%T without numbers: got %d, the mean %v and the deviation %v", s, s.Len(), s.Mean(), s.StdDev())
		}
	}
	if s := NewList([]float64{5}); s.Mean() != 5 || !math.IsNaN(s.StdDev()) {
		t.Errorf("one number: got the mean %v and the deviation %v", s.Mean(), s.StdDev())
	}
}
