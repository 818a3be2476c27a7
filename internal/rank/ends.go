package rank

import "slices"

// eighth is the part of a list at either end that Ends takes.
const eighth = 8

// Ends returns where values that change began and where they came to: the medians of the first and of the last eighth
// of them, the upper one of an even number. It returns false without values.
func Ends(values []float64) (first, last float64, known bool) {
	n := (len(values) + eighth - 1) / eighth
	if n == 0 {
		return 0, 0, false
	}
	return middle(values[:n]), middle(values[len(values)-n:]), true
}

// middle returns the median of values, the upper one of an even number.
func middle(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }
