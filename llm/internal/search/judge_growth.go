package search

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	growthBlocks = 32
	// Before a load can be called unstable, this share of the arrivals has to pile up, and so many.
	leastGrowth = 0.05
	leastRise   = 10
)

// unstable reports whether requests in flight grow without bound, with error alpha. They grow for a while in a stable
// queue, too. Near its limit they behave like a random walk that is reflected at zero, whose rise over a time is that
// of a walk without drift, or less, in absolute value. So the rise is compared with that of a walk whose steps vary as
// much as those that were observed.
func (w window) unstable(alpha float64) bool {
	if w.filling() {
		return false
	}
	levels := w.levels(growthBlocks)
	steps := make([]float64, len(levels)-1)
	for i := range steps {
		steps[i] = float64(levels[i+1] - levels[i])
	}
	rise := float64(levels[len(levels)-1] - levels[0])
	mean, variance := moments(steps)
	if rise < leastGrowth*float64(w.due()) || rise < leastRise {
		return false
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(steps) - 1)}
	return mean > t.Quantile(1-alpha/2)*math.Sqrt(variance/float64(len(steps)))
}

// filling reports whether the server may still be filling, because its first requests took so long: their number then
// grows by itself.
func (w window) filling() bool {
	slowest, all := slowestOf(w.all[:min(len(w.all), firstRequests)])
	return !all && !w.last || w.until < settling*slowest || w.until <= w.from
}

// due counts the arrivals due in the window.
func (w window) due() (n int) {
	for _, q := range w.all {
		if q.due >= w.from && q.due <= w.until {
			n++
		}
	}
	return n
}

// levels returns how many requests were in flight at equal distances, from the beginning of the window to its end.
func (w window) levels(blocks int) []int {
	span := w.until - w.from
	var starts, ends []time.Duration
	for _, q := range w.all {
		if q.fate == dropped {
			continue
		}
		starts = append(starts, q.due)
		if q.fate != inFlight {
			ends = append(ends, q.end)
		}
	}
	slices.Sort(starts)
	slices.Sort(ends)
	levels := make([]int, blocks+1)
	for i := range levels {
		at := w.from + span*time.Duration(i)/time.Duration(blocks)
		begun, _ := slices.BinarySearch(starts, at)
		over, _ := slices.BinarySearch(ends, at)
		levels[i] = begun - over
	}
	return levels
}

// moments returns the mean of the values and their variance.
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(max(len(values)-1, 1))
}
