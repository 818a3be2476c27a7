package plain

import "strings"

// Grouped separates the thousands of a whole number in decimal digits, which may have a sign.
func Grouped(number, separator string) string {
	first := strings.IndexAny(number, "0123456789")
	for i := len(number) - 3; i > first; i -= 3 {
		number = number[:i] + separator + number[i:]
	}
	return number
}
