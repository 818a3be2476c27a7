package datasets

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Lengths holds the lengths of one request, in tokens, and the line of the file that has them.
type Lengths struct{ Prompt, Answer, Line int32 }

// The columns of a trace by the names in Azure's traces.
const (
	promptColumn = "ContextTokens"
	answerColumn = "GeneratedTokens"
)

// missingColumn describes either column in the error for a file without it.
var missingColumn = [2]string{
	"lengths of prompts (ContextTokens, prompt_tokens, input_tokens, request_tokens, num_prefill_tokens …)",
	"lengths of answers (GeneratedTokens, completion_tokens, output_tokens, response_tokens, num_decode_tokens …)",
}

// ReadLengths reads the lengths of the requests of a trace: a table (CSV, also with semicolons or tabs) as Azure
// published them, with the columns TIMESTAMP, ContextTokens and GeneratedTokens. A head line may name them in another
// order and by the names of other traces, such as input_tokens and output_tokens; without a head line the lengths are
// in the second and the third column. An answer of no token becomes an answer of one token, because no server returns
// fewer. Errors mention the file by name, and the line.
func ReadLengths(src io.Reader, name string) ([]Lengths, error) {
	r, err := textfile.NewCSV(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, r.Comma != '\t', true
	var all []Lengths
	columns, begun := [2]int{1, 2}, false
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if textfile.Blank(fields) {
			continue
		}
		for i, field := range fields {
			fields[i] = textfile.Decimal(field, r.Comma)
		}
		head := !begun && isHead(fields)
		begun = true
		var l Lengths
		if head {
			columns, err = findColumns(fields)
		} else {
			l, err = readLengths(fields, columns)
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if l.Line = int32(line); !head { // a file of more lines would not fit in memory
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no request in it", name)
	}
	return all, nil
}

// isHead reports whether a line has names: none of its fields is a number.
func isHead(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool {
		_, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		return err == nil
	})
}

func findColumns(head []string) (columns [2]int, err error) {
	for i, known := range trace.LengthNames {
		best := len(known)
		for at, name := range head {
			if rank := slices.Index(known, lettersOnly(name)); rank >= 0 && rank < best {
				best, columns[i] = rank, at
			}
		}
		if best == len(known) {
			return columns, fmt.Errorf("no column has the %s; the columns are %.300s: rename one, or remove the head "+
				"line if the lengths are the second and the third", missingColumn[i], strings.Join(head, ", "))
		}
	}
	return columns, nil
}

// lettersOnly returns the letters of a name, in lower case.
func lettersOnly(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) }),
		"")
}

func readLengths(fields []string, columns [2]int) (Lengths, error) {
	var lengths [2]int32
	for i, column := range columns {
		name := [...]string{promptColumn, answerColumn}[i]
		if column >= len(fields) {
			return Lengths{}, fmt.Errorf("the line has no %s", name)
		}
		n, ok := wholeNumber(fields[column])
		if !ok || n < 0 || n > maxLength {
			return Lengths{}, fmt.Errorf("%s must be a whole number up to %d, got %.40q%s", name, maxLength,
				fields[column], textAdvice(fields[column]))
		}
		lengths[i] = int32(n) // n is at most maxLength
	}
	return Lengths{Prompt: lengths[0], Answer: max(1, lengths[1])}, nil
}

// textAdvice returns what to do with a log that has a text in place of a length.
func textAdvice(field string) string {
	if strings.ContainsAny(field, "0123456789") || field == "" {
		return ""
	}
	return ": scripts/replay.js replays a log of texts"
}
