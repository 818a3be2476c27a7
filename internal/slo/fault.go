package slo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SyntaxError is what is wrong with a text of objectives.
type SyntaxError struct {
	Column int    // of the fault in the text, in characters from 1
	Part   string // the objective that has it, without spaces, or the whole text
	Err    error
}

// Error names the part, and not the column.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%q: %v", e.Part, e.Err) }

// Unwrap returns the fault alone.
func (e *SyntaxError) Unwrap() error { return e.Err }

// dense returns a text without its spaces, and the column that each of its bytes, and its end, had before.
func dense(text string) (string, []int) {
	var b strings.Builder
	var columns []int
	column := 1
	for _, r := range text {
		if !strings.ContainsRune(" \t\r\n", r) {
			before := b.Len()
			b.WriteRune(r)
			columns = append(columns, slices.Repeat([]int{column}, b.Len()-before)...)
		}
		column++
	}
	return b.String(), append(columns, column)
}

// fault is an error with its offset in the text of an objective.
type fault struct {
	error
	at int
}

func (f fault) Unwrap() error { return f.error }

// faultAt adds an offset to an error, and to that which it has.
func faultAt(at int, err error) error {
	if err == nil {
		return nil
	}
	var f fault
	if errors.As(err, &f) {
		return fault{f.error, at + f.at}
	}
	return fault{err, at}
}
