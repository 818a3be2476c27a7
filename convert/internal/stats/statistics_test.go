package stats

import (
	"math"
	"testing"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sorted []float64
		p      float64
		want   float64
	}{
		{[]float64{7}, 99, 7}, {[]float64{1, 2, 3}, 50, 2}, {[]float64{1, 2, 3, 4}, 50, 2.5},
		{[]float64{1, 2, 3, 4}, 90, 3.7},
		{[]float64{1, 2}, 0, 1}, {[]float64{1, 2}, 100, 2}, {[]float64{0, 10}, 0.1, 0.01},
	} {
		got := Percentile(len(tt.sorted), func(k int) float64 { return tt.sorted[k] }, tt.p)
		if math.Abs(got-tt.want) > 1e-15*math.Abs(tt.want) {
			t.Errorf("percentile %v of %v: got %v, want %v", tt.p, tt.sorted, got, tt.want)
		}
	}
}

// Ten million tenths add up to a million, which one after the other they do not.
func TestSum(t *testing.T) {
	t.Parallel()
	values := make([]float64, 10_000_000)
	inTurn := 0.0
	for i := range values {
		values[i] = 0.1
		inTurn += 0.1
	}
	if got := Sum(values); math.Abs(got-1e6) > 1e-8 || math.Abs(inTurn-1e6) < 1e-6 {
		t.Errorf("got %v, one after the other %v", got, inTurn)
	}
	if got := Sum(nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
