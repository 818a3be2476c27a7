package quantile_test

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// The ranks are those of the tables for independent values, and the ends are missing where n is too small for them.
func TestRanks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n         int
		p, level  float64
		low, high int
	}{
		{100, 0.5, 0.95, 39, 60}, // the 40th and the 61st
		{50, 0.99, 0.95, 47, 50},
		{5, 0.5, 0.95, -1, 5},
		{6, 0.5, 0.95, 0, 5},
		{0, 0.5, 0.95, -1, 0},
	} {
		if low, high := quantile.Ranks(c.n, c.p, c.level, 1); low != c.low || high != c.high {
			t.Errorf("Ranks(%d, %v, %v) = %d, %d, want %d, %d", c.n, c.p, c.level, low, high, c.low, c.high)
		}
	}
}

// Both ends exist from Needs values on, and not before.
func TestNeeds(t *testing.T) {
	t.Parallel()
	for p, want := range map[float64]int{0.5: 6, 0.9: 36, 0.99: 368, 0.999: 3688} {
		n := quantile.Needs(p, 0.95, 1)
		if n != want {
			t.Errorf("Needs(%v) = %d, want %d", p, n, want)
		}
		if low, high := quantile.Ranks(n, p, 0.95, 1); low < 0 || high == n {
			t.Errorf("p%v of %d values lies between %d and %d, want both ends", 100*p, n, low, high)
		}
		if low, high := quantile.Ranks(n-1, p, 0.95, 1); low >= 0 && high < n-1 {
			t.Errorf("p%v of %d values lies between %d and %d, want one end missing", 100*p, n-1, low, high)
		}
	}
}
