package datasets

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Lengths are those of one request, in tokens, and the line of the file that has them.
type Lengths struct{ Prompt, Answer, Line int32 }

// The columns of a trace, as Azure's have them.
const (
	promptColumn = "ContextTokens"
	answerColumn = "GeneratedTokens"
)

// ReadLengths reads the lengths of the requests of a trace: a CSV file as Azure published them, with the columns
// TIMESTAMP, ContextTokens and GeneratedTokens. A head line may name them in another order; without one the lengths are in
// the second and the third. An answer of no token becomes one of a single token, as no server gives less. name is the
// file's, for errors, which also tell the line.
func ReadLengths(src io.Reader, name string) ([]Lengths, error) {
	r := csv.NewReader(src)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	var all []Lengths
	columns := [2]int{1, 2}
	for first := true; ; first = false {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		if first && isHead(fields) {
			if columns, err = findColumns(fields); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, line, err)
			}
			continue
		}
		l, err := readLengths(fields, columns)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		l.Line = int32(line) //nolint:gosec // files of more lines do not fit in memory
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no request in it", name)
	}
	return all, nil
}

// isHead reports whether a line has names: no field of it is a number.
func isHead(fields []string) bool {
	for _, field := range fields {
		if _, err := strconv.ParseFloat(field, 64); err == nil {
			return false
		}
	}
	return true
}

func findColumns(head []string) (columns [2]int, err error) {
	columns = [2]int{-1, -1}
	for i, name := range head {
		switch name = strings.TrimPrefix(strings.TrimSpace(name), "\ufeff"); {
		case strings.EqualFold(name, promptColumn):
			columns[0] = i
		case strings.EqualFold(name, answerColumn):
			columns[1] = i
		}
	}
	if columns[0] < 0 || columns[1] < 0 {
		return columns, fmt.Errorf("the head line names no %s and %s: %q", promptColumn, answerColumn, strings.Join(head, ","))
	}
	return columns, nil
}

func readLengths(fields []string, columns [2]int) (Lengths, error) {
	var lengths [2]int32
	for i, column := range columns {
		name := [...]string{promptColumn, answerColumn}[i]
		if column >= len(fields) {
			return Lengths{}, fmt.Errorf("the line has no %s", name)
		}
		text := strings.TrimSpace(fields[column])
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 || n > maxLength {
			return Lengths{}, fmt.Errorf("%s must be a whole number up to %d, got %q", name, maxLength, text)
		}
		lengths[i] = int32(n)
	}
	return Lengths{Prompt: lengths[0], Answer: max(1, lengths[1])}, nil
}
