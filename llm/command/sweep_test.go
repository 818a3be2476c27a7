package command

import (
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// The rates are the same as inference-perf's.
func TestSweepRates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind       config.SweepType
		saturation float64
		stages     int
		want       []float64
	}{
		{config.Linear, 50, 5, []float64{1, 13.25, 25.5, 37.75, 50}},
		{config.Geometric, 50, 5, []float64{1, 32.2, 43.93, 48.34, 50}},
		{config.Linear, 17.67, 3, []float64{1, 9.34, 17.67}},
		{config.Linear, 0.5, 2, []float64{1, 0.5}},
		{config.Linear, 8, 1, []float64{1}},
	} {
		if got := sweepRates(tt.kind, tt.saturation, tt.stages); !slices.Equal(got, tt.want) {
			t.Errorf("%s to %v in %d: got %v, want %v", tt.kind, tt.saturation, tt.stages, got, tt.want)
		}
	}
}
