// Package rank holds the percentile that this project takes of its own measurements: the nearest rank, which is always
// one of the values. Reports interpolate between values, as inference-perf does; see convert/internal/stats.
package rank

import "math"

// Nearest returns the smallest value that at least the given share of the values does not exceed. sorted is in
// ascending order and not empty; share is above 0 and at most 1.
func Nearest[T any](sorted []T, share float64) T {
	return sorted[int(math.Ceil(share*float64(len(sorted))))-1]
}
