package datasets

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Drawn numbers have the moments asked for where the bounds cut nothing away.
func TestDistributionMoments(t *testing.T) {
	t.Parallel()
	for _, d := range []Distribution{
		{Type: Normal, Mean: 500, StdDev: 50, Max: 1000},
		{Type: SkewNormal, Mean: 500, StdDev: 50, Skew: 4, Max: 1000},
		{Type: SkewNormal, Mean: 500, StdDev: 50, Skew: -2, Max: 1000},
		{Type: Lognormal, Mean: 500, StdDev: 150, Max: maxLength},
		{Type: Uniform, Mean: 55, StdDev: math.Sqrt((91*91 - 1) / 12.0), Min: 10, Max: 100},
		{Type: Poisson, Mean: 100, StdDev: 10, Max: 1000},
		{Type: Poisson, Mean: 3, StdDev: math.Sqrt(3), Max: 1000},
		{Type: Fixed, Mean: 42, Max: 100},
	} {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
		const n = 200_000
		rng := stream(1, "", "test", 0)
		var sum, squares, cubes float64
		for range n {
			x := float64(d.Draw(rng))
			if x < float64(d.Min) || x > float64(d.Max) {
				t.Fatalf("%+v: drew %v", d, x)
			}
			x -= d.Mean
			sum, squares, cubes = sum+x, squares+x*x, cubes+x*x*x
		}
		bias, deviation := sum/n, math.Sqrt(squares/n)
		if slack := 5 * max(d.StdDev, 1e-9) / math.Sqrt(n); math.Abs(bias) > slack+0.02 {
			t.Errorf("%+v: mean is off by %v", d, bias)
		}
		if math.Abs(deviation-d.StdDev) > 0.02*d.StdDev+0.05 {
			t.Errorf("%+v: standard deviation %v", d, deviation)
		}
		if d.Skew != 0 && d.Skew*cubes < 0 {
			t.Errorf("%+v: the skew has the wrong sign", d)
		}
	}
}

func TestUniformReachesItsEnds(t *testing.T) {
	t.Parallel()
	counts := map[int]int{}
	rng := stream(1, "", "test", 1)
	for range 40_000 {
		counts[Distribution{Type: Uniform, Min: 3, Max: 6}.Draw(rng)]++
	}
	for n := 3; n <= 6; n++ {
		if counts[n] < 9_500 || counts[n] > 10_500 {
			t.Errorf("drew %d %d times in 40000 draws", n, counts[n])
		}
	}
}

func TestDistributionRefusals(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Distribution{
		`unknown type "gauss"`:              {Type: "gauss"},
		"mean 5 is outside of min 10":       {Type: Normal, Mean: 5, Min: 10, Max: 20},
		"mean 25 is outside":                {Type: Fixed, Mean: 25, Min: 10, Max: 20},
		"mean NaN is outside":               {Type: Poisson, Mean: math.NaN(), Max: 20},
		"min 3 is above max 2":              {Type: Uniform, Min: 3, Max: 2},
		"must be from 0 to":                 {Type: Uniform, Min: -1, Max: 2},
		"standard deviation must not":       {Type: Normal, Mean: 1, StdDev: -1, Max: 2},
		"skew must be a number":             {Type: SkewNormal, Mean: 1, Skew: math.Inf(1), Max: 2},
		"lognormal distribution must be po": {Type: Lognormal, Max: 2},
	} {
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", d, err, want)
		}
	}
}

// Drawn numbers must never change: it must be possible to repeat a run of today with a later version.
func TestDrawsAreFixed(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]string{
		Normal:     "[515 545 262 639 491 541 396 634]",
		SkewNormal: "[428 797 417 600 625 459 417 521]",
		Lognormal:  "[505 536 306 646 482 531 399 640]",
		Uniform:    "[753 782 80 803 849 548 302 221]",
		Poisson:    "[480 493 503 483 519 513 489 497]",
		Fixed:      "[500 500 500 500 500 500 500 500]",
	} {
		rng := stream(1, "", "test", 2)
		var got []int
		for range 8 {
			got = append(got, Distribution{Type: typ, Mean: 500, StdDev: 100, Skew: 3, Min: 1, Max: 1000}.Draw(rng))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", typ, got, want)
		}
	}
}

// Streams must never change: it must be possible to repeat a run of today with a later version.
func TestStreamsAreFixed(t *testing.T) {
	t.Parallel()
	if a, b := stream(1, "", "x", 2).Uint64(), stream(1, "x", "", 2).Uint64(); a == b {
		t.Errorf("salt and purpose run together: %d", a)
	}
	if got, want := stream(1, "salt", "random", 7).Uint64(), uint64(1548906325093982720); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
