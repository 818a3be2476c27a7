package convert

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A tally's figures are those of the list of its numbers.
func TestTallyIsAList(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, ticks := range []float64{repeated, 1 << 44} {
		for _, n := range []int{0, 1, 2, 100, 5000} {
			tally, values := newTally(ticks), []float64{}
			for range n {
				x := rng.Int64N(3 * tallied / 2)
				if rng.IntN(3) == 0 {
					x %= 7
				}
				tally.add(x)
				values = append(values, float64(x)/ticks)
			}
			got, want := tally.distribution(DefaultPercentiles), NewDistribution(values, DefaultPercentiles)
			if (got == nil) != (want == nil) {
				t.Fatalf("%d numbers: %v, %v", n, got, want)
			}
			if got == nil {
				continue
			}
			if got.Min != want.Min || got.Max != want.Max || !slices.Equal(got.Percentiles, want.Percentiles) ||
				math.Abs(got.Mean-want.Mean) > 1e-12*want.Mean {
				t.Errorf("%d numbers: got %+v, want %+v", n, got, want)
			}
		}
	}
}
