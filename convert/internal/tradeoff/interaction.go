package tradeoff

import (
	"cmp"
	"math"
	"slices"
)

// Interaction tells that what a factor does depends on another one: that the change from From to To is another at one
// level of On than at others.
type Interaction struct {
	Factor   int
	From, To string
	On       int
	// Strong is the level of On where the change is largest, and Weak where it is smallest, or goes the other way.
	// Their changes are means over the same settings: those that have all four combinations.
	Strong, Weak AtLevel
	Quads        int // matched quadruples of settings that the difference is a mean of
	// Difference is that of the changes at the two levels.
	Difference Change
	// P is how likely such a difference is without an interaction, corrected for all that were looked at.
	P float64
}

// AtLevel is the change at a level of the other factor.
type AtLevel struct {
	Level  string
	Change Change
}

const (
	// leastInteraction is the difference of two changes that is worth a word: a tenth.
	leastInteraction = 0.1
	// fewQuads are too few to tell by how much they vary.
	fewQuads = 3
)

// Interactions returns the interactions that are beyond noise, the largest first. The first of the two factors is the
// one that comes first in the design. P-values are corrected by the number of pairs of levels, and by Holm's method for
// the number of pairs of factors.
func (d Design) Interactions() []Interaction {
	var all []Interaction
	for i, f := range d.Factors {
		for on := i + 1; on < len(d.Factors); on++ {
			if len(f.Levels) < 2 {
				continue
			}
			groups := d.contexts(i, on)
			from, to := d.widest(i)
			if x, found := d.interaction(groups, i, on, from, to); found {
				all = append(all, x)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Interaction) int { return cmp.Compare(a.P, b.P) })
	least := 0.0
	var kept []Interaction
	for i := range all {
		least = max(least, min(1, all[i].P*float64(len(all)-i)))
		if all[i].P = least; least < 1-Level && math.Abs(all[i].Difference.Log) >= leastInteraction {
			kept = append(kept, all[i])
		}
	}
	slices.SortStableFunc(kept, func(a, b Interaction) int {
		return cmp.Compare(math.Abs(b.Difference.Log), math.Abs(a.Difference.Log))
	})
	return kept
}

// widest returns the two levels of a factor between which the figure changes most in the mean.
func (d Design) widest(i int) (from, to string) {
	levels, groups := d.Factors[i].Levels, d.contexts(i)
	from, to = levels[0], levels[len(levels)-1]
	most := -1.0
	for a, x := range levels {
		for _, y := range levels[a+1:] {
			if e := effect(groups, x, y); e.Pairs > 0 && math.Abs(e.Change.Log) > most {
				most, from, to = math.Abs(e.Change.Log), x, y
			}
		}
	}
	return from, to
}

// interaction compares the effect of a factor at the two levels of another where it differs most. The groups are the
// settings that differ in the two factors alone.
func (d Design) interaction(groups []context, i, on int, from, to string) (x Interaction, found bool) {
	x = Interaction{Factor: i, From: from, To: to, On: on}
	var best quadruples
	most, looked := -1.0, 0
	levels := d.Factors[on].Levels
	for a, one := range levels {
		for _, other := range levels[:a] {
			q := quads(groups, from, to, one, other)
			if len(q.differences) == 0 {
				continue
			}
			looked++
			if c, _ := mean(q.differences, q.of); math.Abs(c.Log) > most {
				most, best = math.Abs(c.Log), q
				x.Strong.Level, x.Weak.Level = one, other
			}
		}
	}
	if looked == 0 {
		return x, false
	}
	x.Quads, x.Difference = len(best.differences), certainty(best.differences, best.of)
	x.P = min(1, pOf(best.differences, best.of)*float64(looked))
	x.Strong.Change, x.Weak.Change = certainty(best.one, best.ofOne), certainty(best.other, best.ofOther)
	if math.Abs(x.Strong.Change.Log) < math.Abs(x.Weak.Change.Log) {
		x.Strong, x.Weak = x.Weak, x.Strong
		x.Difference = Change{-x.Difference.Log, -x.Difference.High, -x.Difference.Low}
	}
	return x, !math.IsNaN(x.P)
}

// quadruples are the changes of a factor at one level of a second one and at another, by how much they differ, and
// what all that is made of.
type quadruples struct {
	one, other, differences []float64
	ofOne, ofOther, of      []Estimate
}

// quads returns the changes in each group that has all four settings.
func quads(groups []context, from, to, one, other string) (q quadruples) {
	for _, c := range groups {
		a, b, x, y := c.at(from, one), c.at(to, one), c.at(from, other), c.at(to, other)
		if a == nil || b == nil || x == nil || y == nil {
			continue
		}
		q.one = append(q.one, b.Figure.Log-a.Figure.Log)
		q.other = append(q.other, y.Figure.Log-x.Figure.Log)
		q.differences = append(q.differences, b.Figure.Log-a.Figure.Log-(y.Figure.Log-x.Figure.Log))
		q.ofOne, q.ofOther = append(q.ofOne, a.Figure, b.Figure), append(q.ofOther, x.Figure, y.Figure)
	}
	q.of = slices.Concat(q.ofOne, q.ofOther)
	return q
}

// certainty returns the mean of differences with its interval. Of few it is by the noise of the settings, as they do
// not show by how much they vary.
func certainty(differences []float64, of []Estimate) Change {
	c, _ := mean(differences, of)
	if len(differences) < fewQuads {
		return around(c.Log, noise(of)/float64(len(differences)), freedomOf(of))
	}
	return c
}

// pOf returns how likely a mean as far from zero is without an interaction, by the interval of [certainty].
func pOf(differences []float64, of []Estimate) float64 {
	n := float64(len(differences))
	c, ofPairs := mean(differences, of)
	if len(differences) < fewQuads || !ofPairs {
		return chance(c.Log, noise(of)/n, freedomOf(of))
	}
	return chance(c.Log, (c.High-c.Log)/quantile(n-1), n-1)
}
