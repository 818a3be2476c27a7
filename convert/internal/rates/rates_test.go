package rates_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/rates"
)

// The interval of a ratio holds the truth in 95 % of the samples, give or take three standard errors, and fewer spans
// than Least have none.
func TestRatio(t *testing.T) {
	t.Parallel()
	const runs, truth = 1000, 2.5
	held := 0
	for i := range uint64(runs) {
		rng := rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, i^0xd1b54a32d192ed03))
		above, below := make([]float64, 60), make([]float64, 60)
		for k := range above {
			below[k] = 5 + rng.Float64()
			above[k] = truth*below[k] + rng.NormFloat64()
		}
		if e, ok := rates.Ratio(above, below); ok && e.Low <= truth && truth <= e.High {
			held++
		}
	}
	if share := float64(held) / runs; share < 0.929 || share > 0.971 {
		t.Errorf("%.1f %% of the intervals hold the truth, want 95 %%", 100*share)
	}
	if e, ok := rates.Ratio([]float64{1, 2, 3, 4}, []float64{1, 1, 1, 1}); !ok || e.Value != 2.5 || !math.IsNaN(e.Low) {
		t.Errorf("four spans have %+v, %t", e, ok)
	}
	for name, pair := range map[string][2][]float64{"nothing below": {{1}, {0}}, "unknown above": {{math.NaN()}, {1}},
		"unknown below": {{1}, {math.NaN()}}, "no span": {nil, nil}} {
		if e, ok := rates.Ratio(pair[0], pair[1]); ok {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
