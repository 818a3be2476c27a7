package api

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/tidwall/gjson"
)

// Results is what an answer holds in place of a text: a vector for each input, or a score for each document.
type Results struct {
	Count   int   // of the vectors or scores
	Length  int   // of each vector
	Fault   error // what is wrong with the first that is; nil if none is
	indexes []int // of the inputs that they are for; noIndex where none is told
}

// noIndex stands for an index that is missing, or is not a number.
const noIndex = -1

// fail keeps the first fault.
func (r *Results) fail(format string, args ...any) {
	if r.Fault == nil {
		r.Fault = fmt.Errorf(format, args...)
	}
}

// check returns what is wrong with results of which there must be want, each for another one of n inputs. noun and of
// name one result and one input.
func (r *Results) check(want, n int, noun, of string) error {
	switch {
	case r.Fault != nil:
		return r.Fault
	case r.Count != want && want != n:
		return fmt.Errorf("%s, and the top %d of %s were asked for", many(r.Count, noun), want, many(n, of))
	case r.Count != want:
		return fmt.Errorf("%s for %s", many(r.Count, noun), many(n, of))
	}
	seen := make([]bool, n)
	for k, index := range r.indexes {
		switch {
		case index == noIndex:
		case index >= n:
			return fmt.Errorf("%s %d has index %d, and there is no such %s among %d", noun, k, index, of, n)
		case seen[index]:
			return fmt.Errorf("two %ss have index %d", noun, index)
		default:
			seen[index] = true
		}
	}
	return nil
}

// many returns a number with its noun.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// readResults reads a list of objects, each by read, which reports the index that it found.
func readResults(s *scanner, d *Delta, read func(s *scanner, d *Delta) (index int)) {
	if !s.open('[') {
		s.skip()
		return
	}
	d.Choices = 1
	for first := true; s.more(']', first); first = false {
		index := noIndex
		if s.peek() == '{' {
			index = read(s, d)
		} else {
			d.Results.fail("result %d is %.50q, not an object", d.Results.Count, s.skip())
		}
		d.Results.indexes = append(d.Results.indexes, index)
		d.Results.Count++
	}
}

// readIndex reads the place of an input.
func readIndex(s *scanner) int {
	n, err := strconv.ParseUint(string(s.skip()), 10, 31)
	if err != nil {
		return noIndex
	}
	return int(n)
}

// isFinite reports whether a value is a number that a float64 can hold. Python's NaN and Infinity are no numbers.
func isFinite(value []byte) bool {
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') || !gjson.ValidBytes(value) {
		return false
	}
	if len(value) < 300 && !bytes.ContainsAny(value, "eE") { // nearly all
		return true
	}
	x, err := strconv.ParseFloat(string(value), 64)
	return err == nil && !math.IsInf(x, 0)
}
