package tradeoff

import "math"

// Point is a setting with two figures, of both of which more is better. Of a figure of which less is better, give the
// reciprocal: Estimate.Reciprocal.
type Point struct{ X, Y Estimate }

// Reciprocal returns the estimate of one over the figure.
func (e Estimate) Reciprocal() Estimate {
	e.Log = -e.Log
	return e
}

// Place is where a point lies.
type Place string

// The places. A point is dominated by another that is at least as good in both figures and better in one.
const (
	// OnFront means that no point dominates it, and that it is better than each other in one figure at least, beyond
	// noise.
	OnFront Place = "front"
	// WithinNoise means that the noise is too large to tell, or unknown: no point dominates it beyond noise, but it is
	// not on the front for certain.
	WithinNoise Place = "front_within_noise"
	// Dominated means that a point dominates it, beyond noise in one figure at least, or by the values where noise is
	// unknown.
	Dominated Place = "dominated"
	// Missing means that one of its figures is unknown.
	Missing Place = "missing"
)

// Placed is the place of a point.
type Placed struct {
	Place Place
	// Best reports whether no point dominates it by the values alone.
	Best bool
	// By is the number of a point that dominates it by the values, the one that is furthest above it, or -1.
	By int
}

// Front finds the places of points, in time quadratic in their number.
func Front(points []Point) []Placed {
	out := make([]Placed, len(points))
	for i, p := range points {
		out[i] = place(points, i, p)
	}
	return out
}

func place(points []Point, i int, p Point) Placed {
	at := Placed{Place: OnFront, Best: true, By: -1}
	if !p.X.Known() || !p.Y.Known() {
		return Placed{Place: Missing, By: -1}
	}
	certain, apart, most := true, false, math.Inf(-1)
	for k, q := range points {
		if k == i || !q.X.Known() || !q.Y.Known() {
			continue
		}
		if certain && !beats(p, q, false) {
			certain = false
		}
		if !dominates(q, p) {
			continue
		}
		at.Best = false
		if above := min(q.X.Log-p.X.Log, q.Y.Log-p.Y.Log); above > most {
			most, at.By = above, k
		}
		apart = apart || beats(q, p, true)
	}
	switch {
	case apart:
		at.Place = Dominated
	case !certain || !at.Best:
		at.Place = WithinNoise
	}
	return at
}

// dominates reports whether q is at least as good as p in both figures and better in one, by the values.
func dominates(q, p Point) bool {
	return q.X.Log >= p.X.Log && q.Y.Log >= p.Y.Log && (q.X.Log > p.X.Log || q.Y.Log > p.Y.Log)
}

// beats reports whether p is better than q in one figure beyond noise. If the noise is unknown, values that differ are
// beyond it or not, as the caller says.
func beats(p, q Point, unknown bool) bool {
	return above(q.X, p.X, unknown) || above(q.Y, p.Y, unknown)
}

func above(low, high Estimate, unknown bool) bool {
	if !(high.Log > low.Log) {
		return false
	}
	c := Ratio(low, high)
	return c.Low > 0 || unknown && math.IsNaN(c.Low)
}
