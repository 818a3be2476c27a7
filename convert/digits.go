package convert

import (
	"math"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Digits formats a figure for people: three significant digits, thousands parted by commas, and "-" for NaN.
func Digits(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
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
	return plain.Grouped(strconv.FormatFloat(v, 'f', 0, 64), ",")
}
