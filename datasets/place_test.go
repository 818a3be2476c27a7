package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// written writes parts as their texts in brackets and the names of their media.
func written(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Media != nil {
			fmt.Fprintf(&b, "%s ", p.Media.Format)
		} else {
			fmt.Fprintf(&b, "[%s] ", p.Text)
		}
	}
	return strings.TrimSpace(b.String())
}

func TestWeave(t *testing.T) {
	t.Parallel()
	a, b, c := &Media{Format: "a"}, &Media{Format: "b"}, &Media{Format: "c"}
	for _, tt := range []struct {
		text  string
		media []placed
		want  string
	}{
		{"abcd", nil, "[abcd]"},
		{"abcd", []placed{{a, 0}}, "a [abcd]"},
		{"abcd", []placed{{a, 1}}, "[abcd] a"},
		{"abcd", []placed{{a, 0.5}}, "[ab] a [cd]"},
		{"abcd", []placed{{a, 0.49}}, "[a] a [bcd]"}, // cut off, not rounded
		{"abcd", []placed{{b, 1}, {a, 0.25}, {c, 0.25}}, "[a] a c [bcd] b"},
		{"abcd", []placed{{a, 0.25}, {b, 0.3}}, "[a] a b [bcd]"}, // at the same character
		{"éé😀é", []placed{{a, 0.75}}, "[éé😀] a [é]"},
		{"", []placed{{a, 0.5}, {b, 0.2}}, "b a"},
	} {
		if got := written(weave(tt.text, tt.media)); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestPlacesLieInTheText(t *testing.T) {
	t.Parallel()
	uniform := &Distribution{Type: Uniform, Min: 0, Max: 1}
	normal := &Distribution{Type: Normal, Mean: 0.5, StdDev: 0.2, Min: 0, Max: 1}
	for _, tt := range []struct {
		place        Place
		mean, stdDev float64
	}{
		{Place{}, 0, 0}, {Place{At: 0.25}, 0.25, 0}, {Place{Anywhere: true}, 0.5, 0.2887},
		{Place{Drawn: uniform}, 0.5, 0.2887}, {Place{Drawn: normal}, 0.5, 0.2},
	} {
		if err := tt.place.Validate(); err != nil {
			t.Errorf("%+v: %v", tt.place, err)
		}
		const n = 10_000
		rng, sum, squares := rand.New(rand.NewPCG(1, 2)), 0.0, 0.0
		for range n {
			x := tt.place.Draw(rng)
			if x < 0 || x > 1 {
				t.Fatalf("%+v: drew %v", tt.place, x)
			}
			sum, squares = sum+x, squares+x*x
		}
		mean := sum / n
		deviation := math.Sqrt(max(0, squares/n-mean*mean))
		if math.Abs(mean-tt.mean) > 0.01 || math.Abs(deviation-tt.stdDev) > 0.01 {
			t.Errorf("%+v: mean %v and deviation %v, want %v and %v", tt.place, mean, deviation, tt.mean, tt.stdDev)
		}
	}
	for _, p := range []Place{{At: -0.1}, {At: 1.1}, {At: math.NaN()}, {Drawn: &Distribution{Type: Uniform, Max: 2}}} {
		if err := p.Validate(); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
}
