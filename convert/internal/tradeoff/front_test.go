package tradeoff

import (
	"math"
	"math/rand/v2"
	"testing"
)

func exactly(v float64) Estimate { return Estimate{Log: v, Error: 0, Freedom: math.Inf(1)} }

// bruteFront is the definition of the front without noise, word for word.
func bruteFront(points []Point, i int) bool {
	for _, q := range points {
		atLeast := q.X.Log >= points[i].X.Log && q.Y.Log >= points[i].Y.Log
		better := q.X.Log > points[i].X.Log || q.Y.Log > points[i].Y.Log
		if atLeast && better {
			return false
		}
	}
	return true
}

// Without noise a point is on the front or dominated, as the definition says; equal points are both on it, and what is
// unknown is nowhere and dominates nothing.
func TestFrontIsTheDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		points := make([]Point, 1+rng.IntN(12))
		for i := range points {
			points[i] = Point{exactly(float64(rng.IntN(5))), exactly(float64(rng.IntN(5)))} // many ties
			if rng.IntN(8) == 0 {
				points[i].X = Unknown()
			}
			if rng.IntN(20) == 0 {
				points[i].Y.Log = math.Inf(-1)
			}
		}
		var known []Point
		for _, p := range points {
			if p.X.Known() && p.Y.Known() {
				known = append(known, p)
			}
		}
		at := 0
		for i, placed := range Front(points) {
			if !points[i].X.Known() || !points[i].Y.Known() {
				if placed.Place != Missing || placed.By != -1 || placed.Best {
					t.Fatalf("%v of %v: %+v", points[i], points, placed)
				}
				continue
			}
			best := bruteFront(known, at)
			at++
			if placed.Best != best || best == (placed.Place == Dominated) {
				t.Fatalf("%v of %v: %+v, want best %v", points[i], points, placed, best)
			}
			if !best && !dominates(points[placed.By], points[i]) {
				t.Fatalf("%v of %v: %+v does not dominate it", points[i], points, placed)
			}
		}
	}
}

func TestFrontKnowsNoise(t *testing.T) {
	t.Parallel()
	const large = 1000
	about := func(v float64) Estimate { return Estimate{Log: v, Error: 0.1, Freedom: large} }
	for _, c := range []struct {
		name   string
		points []Point
		want   []Place
	}{
		{"alone", []Point{{about(1), about(1)}}, []Place{OnFront}},
		{"far apart", []Point{{about(1), about(3)}, {about(3), about(1)}}, []Place{OnFront, OnFront}},
		{"dominated by far", []Point{{about(1), about(1)}, {about(3), about(3)}}, []Place{Dominated, OnFront}},
		{"dominated within noise", []Point{{about(1), about(1)}, {about(1.1), about(1.1)}}, []Place{WithinNoise,
			WithinNoise}},
		{"better within noise only", []Point{{about(1.05), about(1)}, {about(1), about(3)}}, []Place{WithinNoise,
			OnFront}},
		{"equal", []Point{{about(1), about(1)}, {about(1), about(1)}}, []Place{WithinNoise, WithinNoise}},
		{"noise unknown", []Point{{Estimate{Log: 1, Error: math.NaN(), Freedom: math.NaN()}, about(1)},
			{about(3), about(1)}},
			[]Place{Dominated, WithinNoise}},
	} {
		for i, placed := range Front(c.points) {
			if placed.Place != c.want[i] {
				t.Errorf("%s: point %d is %q, want %q", c.name, i, placed.Place, c.want[i])
			}
		}
	}
}

// A thousand points take no longer than a second, whatever their degrees of freedom.
func BenchmarkFront(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	points := make([]Point, 1000)
	for i := range points {
		points[i] = Point{Estimate{Log: rng.NormFloat64(), Error: 0.01, Freedom: 1 + 99*rng.Float64()},
			Estimate{Log: rng.NormFloat64(), Error: 0.01, Freedom: 1 + 99*rng.Float64()}}
	}
	for b.Loop() {
		Front(points)
	}
}
