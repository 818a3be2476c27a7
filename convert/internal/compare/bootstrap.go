package compare

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// estimate is one figure of one side and its resampled values.
type estimate struct {
	value  float64
	draws  []float64 // the figure of each resample
	n      int       // number of requests that the figure is made of
	events int       // for a share: number of requests that count
	blocks blocks
	growth growth

	runs       int     // that it is made of
	replicates float64 // degrees of freedom of the deviation between runs of a side; 0 if there is none
}

// source returns the random numbers of one series. Each series has its own, so that an additional figure does not
// change the others.
func source(seed uint64, parts ...string) *rand.PCG {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	return rand.NewPCG(seed, h.Sum64())
}

// below returns a number in [0, n). It is uniform to a negligible error for any n that fits into memory.
func below(rng *rand.PCG, n int) int {
	high, _ := bits.Mul64(rng.Uint64(), uint64(n)) // n is a length
	return int(high)                               // less than n
}

// piece is a run of neighbours in a series, from the first to before the end.
type piece struct{ from, end int }

// resample draws blocks with replacement until there are as many values as before, in each stage for itself. Blocks
// start anywhere and go round from the end of their stage to its beginning, so that every value is drawn as often: the
// circular block bootstrap of Politis and Romano (1992).
func resample(rng *rand.PCG, ends []int, length int, pieces []piece) []piece {
	pieces = pieces[:0]
	from := 0
	for _, end := range ends {
		for left := end - from; left > 0; {
			start := from + below(rng, end-from)
			take := min(length, left, end-from)
			left -= take
			if over := start + take - end; over > 0 {
				pieces = append(pieces, piece{start, end}, piece{from, from + over})
			} else {
				pieces = append(pieces, piece{start, start + take})
			}
		}
		from = end
	}
	return pieces
}

// widenBy multiplies the distance of the draws from the value by a factor.
func (e *estimate) widenBy(factor float64) {
	for i, d := range e.draws {
		e.draws[i] = e.value + factor*(d-e.value)
	}
}

// latencyEstimates returns the mean and the percentiles of a series, all from the same resamples.
func latencyEstimates(rng *rand.PCG, s series, percentiles []float64, resamples int) []estimate {
	n := len(s.values)
	order := sortedOrder(s.values)
	cut := chooseBlocks(s, order)
	out := make([]estimate, 1+len(percentiles))
	sorted := make([]float64, n)
	for i, at := range order {
		sorted[i] = s.values[at]
	}
	for i := range out {
		out[i] = estimate{n: n, blocks: cut, draws: make([]float64, resamples)}
	}
	out[0].value = average(s.values)
	for i, p := range percentiles {
		out[i+1].value = stats.Percentile(n, func(rank int) float64 { return sorted[rank] }, p)
	}
	sums := cumulate(s.values)
	times := make([]uint8, n) // how often each value was drawn; more than 255 times does not happen
	finder := newRankFinder(n, percentiles)
	var pieces []piece
	for r := range resamples {
		pieces = resample(rng, s.ends, cut.length, pieces)
		out[0].draws[r] = out[0].value + sums.sum(pieces)/float64(n)
		clear(times)
		for _, p := range pieces {
			for i := p.from; i < p.end; i++ {
				times[i]++
			}
		}
		finder.find(sorted, order, times)
		for i := range percentiles {
			out[i+1].draws[r] = finder.value(i)
		}
	}
	cut = cut.allowFor(centred(s.values, s.ends))
	for i := range out {
		if out[i].blocks, out[i].growth = cut, growthOf(s); i > 0 {
			out[i].blocks = cut.allowFor(above(s, sorted, percentiles[i-1]))
		}
		out[i].widenBy(out[i].blocks.widen)
	}
	return out
}

// rankFinder finds the values at some ranks of a resample without sorting it: it walks over the values, which are
// sorted once, and counts how often each was drawn.
type rankFinder struct {
	n           int
	percentiles []float64
	ranks       []int // wanted, ascending
	found       map[int]int
	values      []float64
}

func newRankFinder(n int, percentiles []float64) *rankFinder {
	p := &rankFinder{n: n, percentiles: percentiles, found: map[int]int{}}
	for _, q := range percentiles {
		stats.Percentile(n, func(rank int) float64 {
			p.ranks = append(p.ranks, rank)
			return 0
		}, q)
	}
	slices.Sort(p.ranks)
	p.ranks = slices.Compact(p.ranks)
	p.values = make([]float64, len(p.ranks))
	for i, rank := range p.ranks {
		p.found[rank] = i
	}
	return p
}

// find finds the wanted ranks in the resample in which value order[i] was drawn times[order[i]] times.
func (p *rankFinder) find(sorted []float64, order []int32, times []uint8) {
	i, passed := 0, 0
	for k, rank := range p.ranks {
		for i < len(order) && passed <= rank {
			passed += int(times[order[i]])
			i++
		}
		p.values[k] = sorted[i-1]
	}
}

// value returns percentile number i.
func (p *rankFinder) value(i int) float64 {
	return stats.Percentile(p.n, func(rank int) float64 { return p.values[p.found[rank]] }, p.percentiles[i])
}

// cumulated holds cumulative sums of a series about its mean, so that the sum of any piece is one difference. The mean
// is subtracted so that a series that does not vary has sums of exactly zero.
type cumulated []float64

func cumulate(values []float64) cumulated {
	m := average(values)
	c := make(cumulated, len(values)+1)
	for i, v := range values {
		c[i+1] = c[i] + (v - m)
	}
	return c
}

func (c cumulated) sum(pieces []piece) (total float64) {
	for _, p := range pieces {
		total += c[p.end] - c[p.from]
	}
	return total
}

// ratioEstimate returns the estimate of a sum of values over a sum of weights and a rest, which depends on the last
// answers.
func ratioEstimate(rng *rand.PCG, s series, rest float64, last *lastAnswers, resamples int) estimate {
	total, weight := stats.Sum(s.values), stats.Sum(s.weights)
	e := estimate{n: len(s.values), value: total / (weight + rest), draws: make([]float64, resamples)}
	// The ratio changes as its linear part does: value − ratio × weight.
	linear := series{values: make([]float64, len(s.values)), ends: s.ends}
	for i, v := range s.values {
		linear.values[i] = v - e.value*s.weights[i]
	}
	e.growth = growthOf(linear)
	e.blocks = chooseBlocks(linear, nil).allowFor(centred(linear.values, s.ends))
	values, weights := cumulate(s.values), cumulate(s.weights)
	var pieces []piece
	late := last.deviations(rng, resamples)
	for r := range e.draws {
		pieces = resample(rng, s.ends, e.blocks.length, pieces)
		time := weight + weights.sum(pieces) + rest + late[r]
		e.draws[r] = (total + values.sum(pieces)) / max(time, (weight+rest)/10)
	}
	e.widenBy(e.blocks.widen)
	return e
}

// shareEstimate returns the estimate of a share of ones.
func shareEstimate(rng *rand.PCG, s series, resamples int) estimate {
	e := estimate{n: len(s.values), events: int(stats.Sum(s.values)), value: average(s.values),
		draws: make([]float64, resamples), blocks: chooseBlocks(s, nil).allowFor(centred(s.values, s.ends))}
	e.growth = growthOf(s)
	sums := cumulate(s.values)
	var pieces []piece
	for r := range e.draws {
		pieces = resample(rng, s.ends, e.blocks.length, pieces)
		e.draws[r] = e.value + sums.sum(pieces)/float64(e.n)
	}
	e.widenBy(e.blocks.widen)
	return e
}
