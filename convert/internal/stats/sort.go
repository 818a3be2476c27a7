package stats

import (
	"math"
	"slices"
)

// fewValues is the number of values up to which comparing them is faster than distributing them.
const fewValues = 2048

// Sort sorts values, none of which may be NaN. Many values are sorted in time proportional to their number if their
// slice has the capacity for as many again; Sort overwrites that.
func Sort(values []float64) {
	n := len(values)
	if n <= fewValues || cap(values) < 2*n || slices.IsSorted(values) {
		slices.Sort(values)
		return
	}
	from, to := values, values[n:2*n]
	for shift := 0; shift < 64; shift += digitBits {
		if distribute(to, from, shift) {
			from, to = to, from
		}
	}
	copy(values, from)
}

// digitBits is the number of bits by which a pass distributes values. Their counts fit into the first cache.
const digitBits = 11

// distribute copies values in the order of one digit of their bits, those of equal digits in the order that they had.
// It returns false, and copies nothing, if all have the same digit.
func distribute(to, from []float64, shift int) bool {
	var at [1 << digitBits]int
	for _, v := range from {
		at[digit(v, shift)]++
	}
	if at[digit(from[0], shift)] == len(from) {
		return false
	}
	sum := 0
	for d, n := range at {
		at[d] = sum
		sum += n
	}
	for _, v := range from {
		d := digit(v, shift)
		to[at[d]] = v
		at[d]++
	}
	return true
}

// digit returns a digit of the number whose order, as one without a sign, is the order of the value: negative values
// have all bits turned over, the others the sign alone.
func digit(v float64, shift int) uint64 {
	b := math.Float64bits(v)
	b ^= uint64(int64(b)>>63) | 1<<63
	return b >> shift & (1<<digitBits - 1)
}
