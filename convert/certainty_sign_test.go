package convert

import (
	"math"
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
		{50, 99, 0.12, 0.2, false, "~ 150"}, {50, 99, -inf, inf, false, "~ 150"},
		{72, 90, 0.12, inf, false, "~ 150"}, {35, 90, 0.12, inf, false, "≥ 120"},
		{30, 50, 0.12, inf, false, "~ 150"}, {500, 99, 0.12, 0.2, true, "150"},
	} {
		c := &Certainty{Requests: tt.requests, Percentiles: []Certain{{tt.p,
			quantile.Interval{Low: tt.low, High: tt.high, Certified: tt.certified}}}}
		if got := c.signed(tt.p, 0.15, 1000); got != tt.want {
			t.Errorf("p%g of %d requests, from %g to %g: got %q, want %q", tt.p, tt.requests, tt.low, tt.high, got, tt.want)
		}
	}
	var none *Certainty
	if got := none.signed(99, 0.15, 1000); got != "150" {
		t.Errorf("of nothing told: got %q", got)
	}
}
