package steady

import (
	"math"
	"slices"
	"sync"
)

const (
	// leastSteps is how many steps from block to block show that a series moves.
	leastSteps = 4
	// movesError is the error of the test of one such window. A stage of 64 blocks has some 2,000 of them.
	movesError = 1e-4
	// stepsSpread allows for the steps of means over blocks of a random walk, neighbours of which have a correlation of
	// 1/4 (Working 1960): their sum varies 3/2 as much as that of independent ones, and the differences of neighbours
	// 3/4 as much.
	stepsSpread = math.Sqrt2
	// borrowed is how many steps of the stage are added to those of a part.
	borrowed = 4
	// unlevel is how many times as high one quarter of a part may be as another.
	unlevel = 1.5
)

// moves returns the parts in which the series goes one way, step by step: by more than steps add up to whose signs and
// sizes are chance, as those of a queue near its limit are. How much chance there is in steps is taken from how much
// neighbouring ones differ (von Neumann 1941), mostly in the part itself: to that an even way adds nothing, however
// steep it is.
//
// A drain, a server that gets warm or falls behind moves so. The dependence between neighbouring blocks, with which
// levels are judged, explains such moves away: a smooth curve is one of strong dependence.
func (t *tester) moves() (list []Stretch) {
	n := len(t.y)
	k := turns{squares: make([]float64, n+1)}
	var sizes []float64
	for i := range t.y {
		k.squares[i+1] = k.squares[i]
		if i > 1 {
			turn := t.y[i] - 2*t.y[i-1] + t.y[i-2]
			k.squares[i+1] += turn * turn
			sizes = append(sizes, math.Abs(turn))
		}
	}
	slices.Sort(sizes)
	k.usual = sizes[len(sizes)/2] / 0.6745 // half of normal values are nearer than so many standard deviations
	return t.steepest(&k, 0, n, list)
}

// turns are the differences of neighbouring steps.
type turns struct {
	squares []float64 // sums before each block
	usual   float64   // their standard deviation in the calmer parts of the stage
}

// scale returns the standard deviation of the steps of a part. The few of it are taken together with some of the stage.
func (k *turns) scale(first, last int) float64 {
	own := k.squares[last+1] - k.squares[first+2]
	return math.Sqrt((own + borrowed*k.usual*k.usual) / float64(2*(last-first-1+borrowed)))
}

// steepest adds the part that moves most clearly, and those beside it.
func (t *tester) steepest(k *turns, from, to int, list []Stretch) []Stretch {
	best := t.steepestPart(k, from, to)
	if best.Len() == 0 {
		return list
	}
	// The part that moves for certain may end in one that does not.
	best = t.steepestPart(nil, best.From, best.To+1)
	if t.y[best.To] > t.y[best.From] { // what rises has left its level after the first block
		best = Stretch{best.From + 1, best.To + 1}
	}
	list = t.steepest(k, from, best.From, append(list, best))
	return t.steepest(k, best.To, to, list)
}

// steepestPart returns the part that goes farthest for its number of steps, of those that move for certain, or of all
// without turns. It is empty if none does.
func (t *tester) steepestPart(k *turns, from, to int) (best Stretch) {
	most := 0.0
	for first := from; first < to; first++ {
		for last := first + leastSteps; last < to; last++ {
			steps := float64(last - first)
			way := math.Abs(t.y[last] - t.y[first])
			if way < relevant {
				continue
			}
			far := way / math.Sqrt(steps)
			if far <= most {
				continue
			}
			if k != nil {
				if far <= stepsSpread*k.scale(first, last)*farSteps(last-first) {
					continue
				}
			}
			most, best = far, Stretch{first, last}
		}
	}
	return best
}

// level reports whether the quarters of a part have about the same level in all series that could move. In a stage with
// an outage or a move, what is left of it may pass for chance; in others a queue near its limit wanders as far.
func level(tests []*tester, from, to int) bool {
	for _, t := range tests {
		if !t.levelled {
			continue
		}
		low, high := math.Inf(1), math.Inf(-1)
		for i := range 4 {
			quarter := slices.Sorted(slices.Values(t.y[from+i*(to-from)/4 : from+(i+1)*(to-from)/4]))
			middle := (quarter[(len(quarter)-1)/2] + quarter[len(quarter)/2]) / 2
			low, high = min(low, middle), max(high, middle)
		}
		if t.logarithm && high-low > math.Log(unlevel) || !t.logarithm && high > unlevel*low {
			return false
		}
	}
	return true
}

// farSteps returns the quantile for windows of so many steps.
func farSteps(steps int) float64 { return studentQuantiles()[min(steps, Most)] }

var studentQuantiles = sync.OnceValue(func() (list [Most + 1]float64) {
	for steps := leastSteps; steps <= Most; steps++ {
		list[steps] = student(1-movesError/2, float64(steps-1+borrowed))
	}
	return list
})
