package quantile_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// seeded returns random numbers that have nothing to do with those of neighbouring numbers.
func seeded(n int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(n)*0x9e3779b97f4a7c15, uint64(n)^0xd1b54a32d192ed03))
}

// logNormal returns values in ascending order.
func logNormal(rng *rand.Rand, n int, sigma, factor float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = factor * math.Exp(sigma*rng.NormFloat64())
	}
	slices.Sort(x)
	return x
}

// Of the planned number of values the interval is as narrow as promised in four runs of five or more, and of half as
// many it is not.
func TestPlannedIntervalsAreAsNarrow(t *testing.T) {
	t.Parallel()
	const runs = 200
	for i, c := range []struct{ p, variation, share float64 }{
		{0.99, 1, 0.2}, {0.99, 0.5, 0.1}, {0.5, 1, 0.05}, {0.9, 0.3, 0.03}, {0.95, 2, 0.2}, {0.1, 1, 0.1},
	} {
		d := quantile.Design{Level: 0.95, Power: 0.8, Sigma: quantile.Sigma(c.variation), Effect: 1}
		n := d.Precise(c.p, c.share)
		narrow := func(n int) (count int) {
			for run := range runs {
				x := logNormal(seeded(1000*i+run), n, d.Sigma, 1)
				low, high := quantile.Ranks(n, c.p, 0.95, 1)
				if low >= 0 && high < n && x[high]-x[low] <= 2*c.share*x[int(c.p*float64(n))] {
					count++
				}
			}
			return count
		}
		enough, half := narrow(n), narrow(n/2)
		t.Logf("%+v: of %d values %d of %d intervals are as narrow, of %d %d", c, n, enough, runs, n/2, half)
		if enough < runs*8/10 || half > runs/2 {
			t.Errorf("%+v: of %d values %d of %d intervals are as narrow, of half as many %d", c, n, enough, runs, half)
		}
	}
}

// Of the planned number of values a change is found as often as the power says. The test compares the difference of the
// logarithms of the quantiles with its standard error, which the true distribution gives.
func TestPlannedChangesAreFound(t *testing.T) {
	t.Parallel()
	const runs = 200
	for i, c := range []struct{ p, variation, share, power float64 }{
		{0.99, 1, 0.3, 0.8}, {0.5, 1, 0.1, 0.8}, {0.9, 0.5, 0.1, 0.9},
	} {
		d := quantile.Design{Level: 0.95, Power: c.power, Sigma: quantile.Sigma(c.variation), Effect: 1}
		n := d.Change(c.p, c.share)
		at := int(math.Round(c.p*float64(n) - 0.5))
		difference := func(run int, factor float64) float64 {
			rng := seeded(1_000_000*(i+1) + run)
			return math.Log(logNormal(rng, n, d.Sigma, factor)[at] / logNormal(rng, n, d.Sigma, 1)[at])
		}
		var sum float64
		for run := range runs {
			sum += math.Pow(difference(run, 1), 2)
		}
		limit, found := 1.96*math.Sqrt(sum/runs), 0
		for run := range runs {
			if difference(runs+run, 1+c.share) > limit {
				found++
			}
		}
		t.Logf("%+v: of %d values the change is found in %d of %d runs", c, n, found, runs)
		if share := float64(found) / runs; math.Abs(share-c.power) > 0.1 {
			t.Errorf("%+v: of %d values the change is found in %.3f of the runs", c, n, share)
		}
	}
}

// The density near a quantile is found from a sample, of a log-normal distribution exactly and of others as well as
// that of the log-normal one that is like it there.
func TestLocalSigma(t *testing.T) {
	t.Parallel()
	x := logNormal(seeded(1), 20_000, 0.7, 3)
	for _, p := range []float64{0.5, 0.9, 0.99} {
		sigma, far, ok := quantile.LocalSigma(x, p)
		if math.Abs(sigma-0.7) > 0.1 || far || !ok {
			t.Errorf("p%v: got %v, %t, %t, want 0.7", 100*p, sigma, far, ok)
		}
	}
	if _, far, ok := quantile.LocalSigma(x[:500], 0.999); !far || !ok {
		t.Errorf("500 values tell of the p99.9: %t, %t", far, ok)
	}
	for _, few := range [][]float64{nil, x[:10], make([]float64, 100)} {
		if sigma, _, ok := quantile.LocalSigma(few, 0.9); ok {
			t.Errorf("%d values tell of the p90: %v", len(few), sigma)
		}
	}
}

// The numbers for shares are those of the textbook: the rule of three, and two proportions.
func TestSharesNeed(t *testing.T) {
	t.Parallel()
	d := quantile.Design{Level: 0.95, Power: 0.8, Effect: 1}
	if none, below, doubled := d.None(0.01), d.Below(0.01), d.Doubled(0.01); none != 368 || below != 2589 ||
		doubled != 4671 {
		t.Errorf("got %d, %d and %d", none, below, doubled)
	}
	d.Effect = 3
	if got := d.None(0.01); got != 3*368 {
		t.Errorf("with an effect of 3: got %d", got)
	}
	if got := (quantile.Design{Level: 0.999, Power: 0.99, Sigma: 50, Effect: 1e6}).Precise(0.9999, 1e-4); got !=
		quantile.Most {
		t.Errorf("beyond all: got %d", got)
	}
}
