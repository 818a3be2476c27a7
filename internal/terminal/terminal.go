// Package terminal tells whether a writer is a terminal, and how wide it is.
package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Writer is a writer that may lead to a terminal and does not show it, such as k6's standard output.
type Writer struct {
	io.Writer
	FD int  // the file descriptor that it writes to
	Is bool // it is a terminal
}

// usualColumns is the width of a terminal that does not tell its own.
const usualColumns = 80

// fewestColumns is the smallest width that output is made for.
const fewestColumns = 40

// Columns returns the width of the terminal that a *os.File or a Writer leads to, and 0 if it leads to none. The
// variable COLUMNS overrides the width that the terminal tells.
func Columns(w io.Writer) int {
	fd, is := 0, false
	switch w := w.(type) {
	case *os.File:
		fd = int(w.Fd())
		is = term.IsTerminal(fd)
	case Writer:
		fd, is = w.FD, w.Is
	}
	if !is {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return max(n, fewestColumns)
	}
	if n, _, err := term.GetSize(fd); err == nil && n > 0 {
		return max(n, fewestColumns)
	}
	return usualColumns
}
