package datasets

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Lengths are drawn as inference-perf draws them, with its reading of the moments and the ends.
func TestOriginalLengths(t *testing.T) {
	t.Parallel()
	const n = 200_000
	normal := func(kind string) Distribution {
		return Distribution{Type: kind, Mean: 100, StdDev: 20, Skew: 4, Min: 10, Max: 100_000}
	}
	delta := 4 / math.Sqrt(17)
	tests := map[string]struct {
		d            Distribution
		unshared     bool
		mean, stdDev float64
	}{
		"normal":               {normal(Normal), true, 100, 20},
		"normal, shared":       {normal(Normal), false, 100, 20},
		"lognormal":            {normal(Lognormal), true, 100, 20},
		"lognormal, shared":    {normal(Lognormal), false, 100, 20},
		"lognormal at its min": {Distribution{Type: Lognormal, Mean: 10, StdDev: 0, Min: 10, Max: 100}, true, 11, 0},
		"skewed, shared": {normal(SkewNormal), false, 100 + 20*delta*math.Sqrt(2/math.Pi),
			20 * math.Sqrt(1-2*delta*delta/math.Pi)},
		"poisson, shared": {normal(Poisson), false, 100, 10},
		"poisson of 0":    {Distribution{Type: Poisson, Min: 0, Max: 9}, false, 1, 1},
		"fixed":           {Distribution{Type: Fixed, Mean: 12.9, Min: 1, Max: 20}, true, 12, 0},
		"cut":             {Distribution{Type: Normal, Mean: 100, StdDev: 20, Min: 100, Max: 100}, false, 100, 0},
	}
	for name, tt := range tests {
		rng := stream(1, "", name, 0)
		var sum, squares float64
		for range n {
			x := float64(tt.d.drawOriginal(rng, tt.unshared))
			sum += x
			squares += x * x
		}
		mean := sum / n
		stdDev := math.Sqrt(max(0, squares/n-mean*mean))
		if math.Abs(mean-tt.mean) > 0.01+5*tt.stdDev/math.Sqrt(n) || math.Abs(stdDev-tt.stdDev) > 0.02+tt.stdDev*0.02 {
			t.Errorf("%s: mean %.3f and deviation %.3f, want %.3f and %.3f", name, mean, stdDev, tt.mean, tt.stdDev)
		}
	}
}

// The ends of uniform lengths have half the weight of the rest. For shared prefixes the lower end has half the weight,
// and the upper end has three halves.
func TestOriginalUniformEnds(t *testing.T) {
	t.Parallel()
	const n = 400_000
	for unshared, want := range map[bool][]float64{true: {0.5 / 4, 1. / 4, 1. / 4, 1. / 4, 0.5 / 4},
		false: {0.5 / 5, 1. / 5, 1. / 5, 1. / 5, 1.5 / 5}} {
		rng, got := stream(1, "", fmt.Sprint(unshared), 0), make([]float64, 5)
		for range n {
			got[Distribution{Type: Uniform, Min: 10, Max: 14}.drawOriginal(rng, unshared)-10] += 1. / n
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 0.004 {
				t.Errorf("unshared %t: weights %.3f, want %.3f", unshared, got, want)
				break
			}
		}
	}
}

// letters is a vocabulary in which each id is a letter.
type letters struct{ Vocabulary }

func (letters) Plain() []int32                    { return []int32{1, 2} }
func (letters) Decode(ids []int32, _ bool) string { return strings.Repeat("x", len(ids)) }
func (letters) CountSpecial(text string) int      { return len(text) }

// When mending does not help, ids are drawn again, so that no item is lost. A length that is never reached is an error.
func TestOriginalDrawsAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fail int // number of counts that are one too many
		want string
	}{{0, ""}, {tries, ""}, {2*tries + 3, ""},
		{draws * tries, "no prompt of 5 tokens came about in 100 draws of ids"}} {
		o, err := newOriginal(letters{})
		if err != nil {
			t.Fatal(err)
		}
		counts := 0
		o.count = func(text string) int {
			if counts++; counts <= tt.fail {
				return 6
			}
			return len(text)
		}
		text, ids, err := o.randomText(stream(1, "", "", 0), 5)
		if got := fmt.Sprint(err); (tt.want != "" || err != nil || text != "xxxxx" || len(ids) != 5) && got != tt.want {
			t.Errorf("%d counts that fail: %q of ids %v, error %v, want %q", tt.fail, text, ids, err, tt.want)
		}
	}
}
