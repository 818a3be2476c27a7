package convert

import "github.com/seed-307b789f/xk6-llm/internal/plain"

// Digits formats a figure for people: three significant digits, thousands parted by commas, and "-" for NaN.
func Digits(v float64) string {
	return plain.Digits(v, "-", ",")
}
