package page

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// For any points, thinning keeps the extremes of all points and of each part, in the order of x.
func TestExtremesKeepsExtremes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var p xy
		x := 0.0
		for range 1 + rng.IntN(3000) {
			x += rng.ExpFloat64() * float64(rng.IntN(3)) // some points have the same x
			y := math.Exp(4 * rng.NormFloat64())
			if rng.IntN(10) == 0 {
				y = math.NaN()
			}
			p.add(x, y)
		}
		const limit, spans = 100, 40
		got := extremes(p, limit, spans)
		if len(p.X) > limit && len(got.X) > 2*spans {
			t.Fatalf("seed %d: %d points became %d, want %d at most", seed, len(p.X), len(got.X), 2*spans)
		}
		if !slices.IsSorted(got.X) {
			t.Fatalf("seed %d: points are out of order", seed)
		}
		low, high := known(p)
		gotLow, gotHigh := known(got)
		if low != gotLow || high != gotHigh {
			t.Fatalf("seed %d: got %v to %v, want %v to %v", seed, gotLow, gotHigh, low, high)
		}
	}
}

func known(p xy) (low, high float64) {
	return bounds(slices.DeleteFunc(slices.Clone(p.Y), math.IsNaN))
}

// A curve goes from the exact minimum to the exact maximum, and each of its points is exact.
func TestCurveIsTrue(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 400, 401, 1000, 123_456} {
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Round(1000*rng.ExpFloat64()) / 1000 // some values occur twice
		}
		got := distribution(values)
		if n == 0 {
			if len(got.X) != 0 {
				t.Errorf("no values gave %d points", len(got.X))
			}
			continue
		}
		if last := len(got.X) - 1; got.X[0] != values[0] || got.X[last] != values[n-1] || got.Y[last] != 100 {
			t.Errorf("%d values: got %v to %v at %v %%, want %v to %v at 100 %%", n, got.X[0], got.X[last], got.Y[last],
				values[0], values[n-1])
		}
		if len(got.X) > curvePoints+100 {
			t.Errorf("%d values: got %d points", n, len(got.X))
		}
		for i, x := range got.X {
			at, _ := slices.BinarySearch(values, x)
			after, _ := slices.BinarySearch(values, math.Nextafter(x, 9e9))
			if rank := got.Y[i] * float64(n) / 100; rank < float64(at)+1-1e-6 || rank > float64(after)+1e-6 {
				t.Fatalf("%d values: %v is the one of rank %v, want %d to %d", n, x, rank, at+1, after)
			}
		}
	}
}

func TestKnee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		throughput, latency []float64
		want                int
	}{
		{"a queue that grows", []float64{1, 2, 3, 4, 4.2}, []float64{10, 10, 11, 14, 90}, 3},
		{"a curve that turns back", []float64{1, 2, 4, 3.5}, []float64{10, 11, 15, 200}, 2},
		{"two stages", []float64{1, 2}, []float64{10, 90}, -1},
		{"a straight line", []float64{1, 2, 3, 4}, []float64{10, 20, 30, 40}, -1},
		{"noise", []float64{1, 2, 3, 4}, []float64{10, 9.8, 10.1, 10.3}, -1},
		{"no throughput gained", []float64{2, 2, 2}, []float64{10, 20, 90}, -1},
		{"unknown", []float64{1, 2, 3}, []float64{10, math.NaN(), 90}, -1},
		{"latency falls", []float64{1, 2, 3}, []float64{90, 20, 10}, -1},
	} {
		if got := knee(tt.throughput, tt.latency); got != tt.want {
			t.Errorf("%s: got stage %d, want %d", tt.name, got, tt.want)
		}
	}
}
