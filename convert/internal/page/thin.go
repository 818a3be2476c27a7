package page

import (
	"math"
	"slices"
)

const (
	// maxDots is the number of requests up to which each is a dot in the charts over time.
	maxDots = 5000
	// maxSpans is the number of spans of a longer list. Of each span the lowest and the highest value are kept.
	maxSpans = 1200
	// curvePoints is the approximate number of points of a distribution. They are denser at its ends than in its
	// middle.
	curvePoints = 400
)

// xy holds the points of a series.
type xy struct{ X, Y []float64 }

func (p *xy) add(x, y float64) { p.X, p.Y = append(p.X, x), append(p.Y, y) }

// extremes thins points that are in the order of x: of each of spans equal spans of x it keeps the lowest and the
// highest point, in their order, so that no peak is lost and the minimum and the maximum are exact. It keeps all points
// if there are at most limit. It ignores points whose y is NaN; no x may be NaN.
func extremes(p xy, limit, spans int) xy {
	if len(p.X) <= limit {
		return p
	}
	first, width := p.X[0], (p.X[len(p.X)-1]-p.X[0])/float64(spans)
	var out xy
	for i := 0; i < len(p.X); {
		span := spanOf(p.X[i]-first, width, spans)
		low, high := -1, -1
		for ; i < len(p.X) && spanOf(p.X[i]-first, width, spans) == span; i++ {
			if math.IsNaN(p.Y[i]) {
				continue
			}
			if low < 0 || p.Y[i] < p.Y[low] {
				low = i
			}
			if high < 0 || p.Y[i] > p.Y[high] {
				high = i
			}
		}
		for _, k := range slices.Compact([]int{min(low, high), max(low, high)}) {
			if k >= 0 {
				out.add(p.X[k], p.Y[k])
			}
		}
	}
	return out
}

func spanOf(x, width float64, spans int) int {
	if width <= 0 {
		return 0
	}
	return min(int(x/width), spans-1)
}

// curve returns the empirical distribution of n numbers, where at returns the number of rank k from 0: x is a number, y
// the share of numbers that are no larger, in percent. Of more than about 400 numbers it keeps ranks at equal
// distances, the ranks 1, 2, 4, 8 … from both ends, so that rare values are there, and always the smallest and the
// largest.
func curve(n int, at func(k int) float64) (out xy) {
	for _, k := range ranks(n) {
		x, y := at(k), 100*float64(k+1)/float64(n)
		if last := len(out.X) - 1; last >= 0 && out.X[last] == x {
			out.Y[last] = y
			continue
		}
		out.add(x, y)
	}
	return out
}

// ranks returns the ranks that a curve of n numbers keeps.
func ranks(n int) (list []int) {
	if n <= curvePoints {
		for k := range n {
			list = append(list, k)
		}
		return list
	}
	for i := range curvePoints {
		list = append(list, i*(n-1)/(curvePoints-1))
	}
	for far := 1; far <= n; far *= 2 {
		list = append(list, far-1, n-far)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
