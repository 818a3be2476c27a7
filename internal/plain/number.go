package plain

import (
	"math"
	"strconv"
	"strings"
)

// Grouped separates the thousands of a whole number in decimal digits, which may have a sign.
func Grouped(number, separator string) string {
	first := strings.IndexAny(number, "0123456789")
	for i := len(number) - 3; i > first; i -= 3 {
		number = number[:i] + separator + number[i:]
	}
	return number
}

// Digits formats a figure for people: three significant digits, or all of those before the point, in groups of three.
// NaN and infinities are none.
func Digits(v float64, none, separator string) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case a == 0:
		return "0"
	case a < 0.0005:
		return "<0.001"
	case a < 0.9995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Grouped(strconv.FormatFloat(v, 'f', 0, 64), separator)
}
