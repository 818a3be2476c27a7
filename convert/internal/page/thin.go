package page

import (
	"math"
	"slices"
)

const (
	// maxDots is up to how many requests each is a dot in the charts over time.
	maxDots = 5000
	// maxSpans is in how many spans longer lists are cut, of which the lowest and the highest are kept.
	maxSpans = 1200
	// curvePoints is about how many points a distribution keeps, its ends more closely than its middle.
	curvePoints = 400
)

// xy are the points of a series.
type xy struct{ X, Y []float64 }

func (p *xy) add(x, y float64) { p.X, p.Y = append(p.X, x), append(p.Y, y) }

// extremes thins points in order of x: of each of so many equal spans of x the lowest and the highest are kept, in
// their order, so that no peak is lost and the minimum and the maximum are exact. Up to limit points it keeps all.
// Points whose y is NaN count for nothing, and there must be none whose x is.
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

// curve is the empirical distribution of n numbers of which at gives the one of rank k from 0: x a number, y the share
// of the numbers, in percent, that are no larger. Of more than some 400 numbers it keeps ranks at equal distances, and
// towards both ends ranks of 1, 2, 4, 8 … from them, so that the rare ones are there, and the smallest and the largest
// always.
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

// ranks are those that a curve of n numbers keeps.
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
