package tradeoff

import "math"

// shares returns which part of the variance of the figure a factor explains by itself, and which part it has a hand in.
// All combinations must be there: then the sums of squares of the factors and of their interactions add up to the whole
// (analysis of variance of a full factorial design without repeats: Jain 1991, chapter 23; Montgomery, Design and
// Analysis of Experiments, chapter 5). The rest of what is not by the factor alone is by its interactions: the sum of
// squares within the contexts of the factor.
func (d Design) shares(i int) (alone, total float64) {
	whole, middle, n := 0.0, d.mean(), 0.0
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, s := range d.Settings {
		whole += (s.Figure.Log - middle) * (s.Figure.Log - middle)
		sums[s.Levels[i]] += s.Figure.Log
		counts[s.Levels[i]]++
		n++
	}
	if !(whole > 1e-18*n) {
		return math.NaN(), math.NaN()
	}
	levels := d.Factors[i].Levels // in their order, so that sums are the same each time
	for _, level := range levels {
		n, off := counts[level], sums[level]/counts[level]-middle
		alone += n * off * off
	}
	for _, c := range d.contexts(i) {
		sum := 0.0
		for _, level := range levels {
			sum += c.at(level).Figure.Log
		}
		for _, level := range levels {
			off := c.at(level).Figure.Log - sum/float64(len(levels))
			total += off * off
		}
	}
	return alone / whole, total / whole
}

func (d Design) mean() float64 {
	sum := 0.0
	for _, s := range d.Settings {
		sum += s.Figure.Log
	}
	return sum / float64(len(d.Settings))
}

// Noise returns which part of the variance of the figure the noise of the settings explains; NaN if it is unknown, or
// the figure is everywhere the same.
func (d Design) Noise() float64 {
	n, whole, own := 0.0, 0.0, 0.0
	middle := d.mean()
	for _, s := range d.Settings {
		if !s.Figure.Known() {
			return math.NaN()
		}
		whole += (s.Figure.Log - middle) * (s.Figure.Log - middle)
		own += s.Figure.Error * s.Figure.Error
		n++
	}
	if !(whole > 1e-18*n) {
		return math.NaN()
	}
	return min(1, own*(n-1)/n/whole)
}
