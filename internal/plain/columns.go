package plain

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// usualColumns is the width of a terminal that does not say how wide it is.
const usualColumns = 80

// Columns returns how many columns the terminal has to which a file writes. For any other file it is the environment's
// COLUMNS, or else 80.
func Columns(file *os.File) int {
	if file != nil {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return usualColumns
}
