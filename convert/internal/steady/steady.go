// Package steady finds the longest stretch of a series of block means in which nothing changes but by chance. It is
// pure computation: it knows no run, and no clock.
//
// A stretch is stationary if no window of it has another level than the rest of it, and if it has no trend. Both tests
// allow for the dependence between neighbouring blocks, which queues have: a backlog lasts. Without that, a run at 95 %
// of the capacity never looks stationary; with it, a run is cut only for what chance does not explain.
package steady

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Series is one figure of a stage, block by block. Values are relative, so that a difference of 0.1 is one of about
// 10 %: logarithms, shares, or multiples of the median. A block without a value is NaN.
type Series struct {
	Name   string
	Values []float64
	Kind   Kind
	// Grows says that a rise which does not end makes the figure worthless, as that of a queue does.
	Grows bool
	// Bursts says that the figure stays low but for bursts, as TTFT does, which rises only while requests wait. Then a
	// single burst is nothing unusual in the middle of a stage, however high it is, and ranks take the place of values.
	Bursts bool
	// Unit is what one request more changes, where the figure is a number of requests.
	Unit float64
}

// Kind says what the values of a series are.
type Kind int8

// The kinds of values.
const (
	Multiple Kind = iota // of some number
	Logarithm
	Share // from 0 to 1
)

// Stretch is a part of the blocks, from one up to but not including another.
type Stretch struct{ From, To int }

// Len returns the number of blocks.
func (s Stretch) Len() int { return s.To - s.From }

// Finding is what Find returns.
type Finding struct {
	Stretch
	Found bool
	// Growth is the number of the series that grows from the beginning to the end, so that no part is steady; -1 if
	// none does.
	Growth int
	// Series is the number of the series which kept the whole from being stationary, -1 if the whole is.
	Series int
	// Moves are the parts in which a series goes one way.
	Moves []Stretch
}

const (
	// Least is the least number of blocks of which something can be said.
	Least = 16
	// Most is the greatest number of blocks that is of use: more of them cost time, and are noisier.
	Most = 64
	// LeastShare is the least part of the blocks that a stretch has.
	LeastShare = 0.2

	leastBlocks = 8
	// A difference of levels, and a change over a stretch, of less than relevant is not worth a cut.
	relevant = 0.1
	// slipped is how many requests of a window more or fewer are a matter of its edges.
	slipped = 2.5
	// farWindow is by how many standard errors a window has to differ. It is the largest of some hundreds of windows:
	// of 64 independent normal values, one in 20 series has a window further off than 3.4 (Olshen et al. 2004).
	farWindow = 3.6
	// trendError is the error of the tests for a trend.
	trendError = 0.01
	flatError  = 0.99
	// mostCorrelation bounds the correlation between neighbours for which the tests allow.
	mostCorrelation = 0.95
)

// Find returns the longest stretch of the blocks in which all series are stationary and that has no block of a silence
// or a move, the last of several. All series have as many values; with fewer than Least of them nothing is found.
func Find(series []Series, silences []Stretch) Finding {
	f := Finding{Growth: -1, Series: -1}
	if len(series) == 0 || len(series[0].Values) < Least {
		return f
	}
	n := len(series[0].Values)
	tests := make([]*tester, len(series))
	for i, s := range series {
		tests[i] = newSeriesTester(s)
		if f.Series < 0 && !tests[i].stationary(0, n, sides{}) {
			f.Series = i
		}
	}
	for _, t := range tests {
		if t.mayMove {
			f.Moves = append(f.Moves, t.moves()...)
		}
	}
	outs := slices.Concat(silences, f.Moves)
	if f.Series < 0 && len(outs) == 0 {
		f.Stretch, f.Found = Stretch{0, n}, true
		return f
	}
	f.Growth = growth(tests, n)
	shortest := max(leastBlocks, int(math.Ceil(LeastShare*float64(n))))
	for length := n - 1; length >= shortest; length-- {
		for from := n - length; from >= 0; from-- {
			if !crosses(outs, from, from+length) && (len(outs) == 0 || level(tests, from, from+length)) &&
				allStationary(tests, from, from+length, f.Growth, sidesOf(outs, from, from+length)) {
				f.Stretch, f.Found = Stretch{from, from + length}, true
				f.widen(series, tests, outs)
				return f
			}
		}
	}
	return f
}

// widen adds what nothing sets apart from the part: a level that is as good as the steady one is no reason to cut.
func (f *Finding) widen(series []Series, tests []*tester, outs []Stretch) {
	if f.Growth >= 0 {
		return
	}
	found := f.Stretch
	for _, part := range [...]Stretch{{0, found.From}, {found.To, len(tests[0].y)}} {
		from, to := min(f.From, part.From), max(f.To, part.To)
		if part.Len() > 0 && !crosses(outs, part.From, part.To) && (len(outs) == 0 || level(tests, from, to)) &&
			Explain(series, part, found).Len() == 0 {
			f.From, f.To = from, to
		}
	}
}

// crosses reports whether a part has a block of any silence.
func crosses(silences []Stretch, from, to int) bool {
	return slices.ContainsFunc(silences, func(s Stretch) bool { return s.From < to && s.To > from })
}

// sides says how many blocks at the beginning and at the end of a part may still be of an outage or a move.
type sides struct{ before, after int }

// sidesOf takes it that what remains of such a thing lasts as long as the thing.
func sidesOf(outs []Stretch, from, to int) (s sides) {
	for _, out := range outs {
		if out.To <= from {
			s.before = max(s.before, out.To+out.Len()-from)
		}
		if out.From >= to {
			s.after = max(s.after, to-out.From+out.Len())
		}
	}
	return s
}

func allStationary(tests []*tester, from, to, growing int, happened sides) bool {
	// A part of a growing queue is short enough for its own growth to drown in the noise. So it has to be flatter than
	// the whole for certain, and to last until the growth begins or from its end on.
	if growing >= 0 {
		n := len(tests[growing].y)
		if 3*(to-from) < n || from > n/8 && to < n-n/16 || !tests[growing].flatter(from, to) {
			return false
		}
	}
	for _, t := range tests {
		if !t.stationary(from, to, happened) {
			return false
		}
	}
	return true
}

// growth returns the number of a series that grows from the beginning to the end, -1 if none does.
func growth(tests []*tester, n int) int {
	for i, t := range tests {
		if t.grows && t.drift(0, n) > 0 {
			return i
		}
	}
	return -1
}

// tester tests parts of one series.
type tester struct {
	y             []float64
	sums, squares []float64 // of the values before each
	products      []float64 // of those values and the ones before them
	weighted      []float64 // of values and their numbers
	steps2        []float64 // of the squared differences of neighbours
	grows         bool
	mayMove       bool // it is looked for parts that move
	levelled      bool // quarters of a part have to be about as high
	logarithm     bool
	slope         float64 // of the whole
	unit          float64 // one request
	scores        *tester // of the values' ranks, where they take their place; else nil
	scratch       []float64
}

// newSeriesTester returns a tester of a series.
func newSeriesTester(s Series) *tester {
	t := newTester(filled(s.Values), s.Grows)
	t.unit, t.logarithm = s.Unit, s.Kind == Logarithm
	t.mayMove = s.Kind != Share && s.Name != Sent && s.Name != Ended
	t.levelled = s.Name == Latency || s.Name == InFlight
	if s.Bursts {
		t.scores = newTester(scores(t.y), false)
	}
	return t
}

func newTester(values []float64, grows bool) *tester {
	t := &tester{y: values, grows: grows}
	n := len(t.y)
	t.sums, t.weighted = make([]float64, n+1), make([]float64, n+1)
	t.steps2, t.squares, t.products = make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
	for i, v := range t.y {
		t.sums[i+1] = t.sums[i] + v
		t.weighted[i+1] = t.weighted[i] + v*float64(i)
		t.squares[i+1], t.products[i+1], t.steps2[i+1] = t.squares[i]+v*v, t.products[i], t.steps2[i]
		if i > 0 {
			t.products[i+1] += v * t.y[i-1]
			t.steps2[i+1] += (v - t.y[i-1]) * (v - t.y[i-1])
		}
	}
	t.slope = t.slopeOf(0, n)
	return t
}

// filled returns values in which each that is missing is that before it, or the first there is.
func filled(values []float64) []float64 {
	out := make([]float64, len(values))
	last := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) {
			last = v
			break
		}
	}
	if math.IsNaN(last) {
		return out
	}
	for i, v := range values {
		if !math.IsNaN(v) {
			last = v
		}
		out[i] = last
	}
	return out
}

func (t *tester) mean(from, to int) float64 { return (t.sums[to] - t.sums[from]) / float64(to-from) }

// stationary reports whether nothing in a part speaks against a level that stays.
func (t *tester) stationary(from, to int, happened sides) bool {
	if t.drift(from, to) != 0 || t.shiftsAtEnd(from, to, happened) {
		return false
	}
	inner := t
	if t.scores != nil {
		inner = t.scores
	}
	rises := math.Abs(t.slopeOf(from, to))*float64(to-from) > relevant && inner.trend(from, to)
	return !rises && !inner.shiftsInside(t, from, to)
}

// shiftsAtEnd reports whether a window at the beginning or at the end of the part has another level than the rest. What
// varies by chance is taken from the rest alone, lest a slow change be taken for dependence, unless the series is one
// of bursts: there the rest may lack them. But beside an outage or a move a burst is no chance.
func (t *tester) shiftsAtEnd(from, to int, happened sides) bool {
	whole := t.windows(from, to)
	for k := 1; k <= whole.n/2; k++ {
		first, last := whole, whole
		if t.scores == nil || k <= happened.before {
			first.scale, first.r = t.noise(from+k, to)
		}
		if t.scores == nil || k <= happened.after {
			last.scale, last.r = t.noise(from, to-k)
		}
		if first.differs(0, k) || last.differs(whole.n-k, k) {
			return true
		}
	}
	return false
}

// shiftsInside reports whether a window anywhere in the part, whose length is a power of two, has another level than
// the rest.
func (t *tester) shiftsInside(raw *tester, from, to int) bool {
	w, plain := t.windows(from, to), raw.windows(from, to)
	for k := 1; k <= w.n/2; k *= 2 {
		far := w.far(k)
		relevant := raw.relevantOf(k) * max(float64(w.n)/float64(8*k), 1)
		for at := 0; at+k <= w.n; at++ {
			if w.difference(at, k) > far && plain.difference(at, k) > relevant {
				return true
			}
		}
	}
	return false
}

// trend reports whether the part rises or falls by more than chance explains: by the slope of least squares, whose
// standard error and degrees of freedom are those of as many independent values as the dependent ones amount to (Santer
// et al. 2000).
func (t *tester) trend(from, to int) bool {
	slope, deviation, free := t.slopeError(from, to)
	if free < 1 {
		return false
	}
	// The quantile is that of the normal distribution at least, and costs time.
	return math.Abs(slope) > 2.5*deviation && math.Abs(slope) > student(1-trendError/2, free)*deviation
}

// slopeOf returns the slope of least squares per block.
func (t *tester) slopeOf(from, to int) float64 {
	n := float64(to - from)
	middle := float64(from+to-1) / 2
	return (t.weighted[to] - t.weighted[from] - middle*(t.sums[to]-t.sums[from])) / (n * (n*n - 1) / 12)
}

// slopeError returns the slope, its standard deviation and the degrees of freedom.
func (t *tester) slopeError(from, to int) (slope, deviation, free float64) {
	slope = t.slopeOf(from, to)
	mean, middle := t.mean(from, to), float64(from+to-1)/2
	t.scratch = t.scratch[:0]
	for i, v := range t.y[from:to] {
		t.scratch = append(t.scratch, v-mean-slope*(float64(from+i)-middle))
	}
	scale, r := moments(t.scratch)
	n := float64(to - from)
	effective := n * (1 - r) / (1 + r)
	if effective <= 2 {
		return slope, math.Inf(1), 0
	}
	variance := scale * scale * (n - 1) / (effective - 2) / (n * (n*n - 1) / 12)
	return slope, math.Sqrt(variance), effective - 2
}

// drift returns 1 if the part rises by more than a random walk whose steps vary as much would, -1 if it falls so, else
// 0. A queue near its limit is a random walk, reflected at zero, and goes far by chance. To the test for a trend a
// smooth curve is one of strong dependence, and no trend; to this one it is a walk of even steps.
func (t *tester) drift(from, to int) int {
	n := float64(to - from - 1)
	rise := t.y[to-1] - t.y[from]
	steps := t.steps2[to] - t.steps2[from+1]
	deviation := math.Sqrt(max(steps-rise*rise/n, 0) / (n - 1) * n)
	far := math.Abs(rise)
	switch {
	case far < relevant || far < 2.3*deviation || far < student(1-trendError, n-1)*deviation:
		return 0
	case rise < 0:
		return -1
	}
	return 1
}

// flatter reports whether a part of a growing series is for certain less than half as steep as the whole.
func (t *tester) flatter(from, to int) bool {
	slope, deviation, free := t.slopeError(from, to)
	return free >= 1 && slope+student(flatError, free)*deviation < t.slope/2
}

func student(p, free float64) float64 { return distuv.StudentsT{Sigma: 1, Nu: free}.Quantile(p) }
