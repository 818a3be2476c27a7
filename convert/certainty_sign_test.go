package convert

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// A percentile is at least the lower end of its interval only where so few requests have no upper bound at all, even
// if they are independent; where dependence or a width is in the way it is about what was seen.
func TestSignsOfPercentiles(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, tt := range []struct {
		requests  int
		p         float64
		low, high float64
		certified bool
		want      string
	}{
		{367, 99, 0.12, inf, false, "≥ 120"}, {368, 99, 0.12, inf, false, "~ 150"},
		{50, 99, -inf, inf, false, "~ 150"},
		{72, 90, 0.12, inf, false, "~ 150"}, {35, 90, 0.12, inf, false, "≥ 120"},
		{30, 50, 0.12, inf, false, "~ 150"}, {500, 99, 0.12, 0.2, true, "150"},
	} {
		c := &Certainty{Requests: tt.requests, Percentiles: []Certain{{tt.p,
			quantile.Interval{Low: -inf, High: tt.high, AtLeast: tt.low, Certified: tt.certified}}}}
		if got := c.signed(tt.p, 0.15, 1000); got != tt.want {
			t.Errorf("p%g of %d requests, from %g to %g: got %q, want %q", tt.p, tt.requests, tt.low, tt.high, got,
				tt.want)
		}
	}
	var none *Certainty
	if got := none.signed(99, 0.15, 1000); got != "150" {
		t.Errorf("of nothing told: got %q", got)
	}
}

// Requests that wait for each other count for few, but what tables print after ≥ is what as many independent ones tell,
// and no percentile of a row is below a lower one.
func TestAtLeastIsInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 8, 20, 40, 120, 300, 367} {
		values := make([]float64, n)
		for i := range values { // a queue that grows to the end
			if values[i] = 0.102; i > n*4/5 {
				values[i] += 0.3 * float64(i-n*4/5) / float64(n-n*4/5)
			}
		}
		s := quantile.NewSeries(slices.Clone(values), func(rank int) float64 { return values[rank] }, 1) // they ascend
		d := NewDistribution(slices.Clone(values), []float64{75, 95, 99})
		d.certain(n, s.Memory(), func(p, _ float64) quantile.Interval { return s.Interval(p, certaintyLevel) })
		least := math.Inf(-1)
		for _, cell := range percentileCells(d, 1000, 50, 90, 99) {
			v, err := strconv.ParseFloat(strings.TrimLeft(cell, "≥~ "), 64)
			if err != nil || v < least {
				t.Errorf("%d requests: %q after %g", n, cell, least)
			}
			least = v
		}
		p90, _ := d.At(90)
		of, _ := d.known(99)
		if n >= 40 && of.AtLeast < p90 || !(of.Low <= of.AtLeast) {
			t.Errorf("%d requests: the p99 is at least %g, with a p90 of %g and a low of %g", n, of.AtLeast, p90,
				of.Low)
		}
		if json, err := d.certainty.MarshalJSON(); err != nil || !strings.Contains(string(json), `"at_least":0.`) {
			t.Errorf("%s, %v", json, err)
		}
	}
}
