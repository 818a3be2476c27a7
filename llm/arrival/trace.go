package arrival

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/instant"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// TraceFile holds the arrival times that a trace file contains.
type TraceFile struct {
	Seconds []float64 // after the first instant, which is 0
	Column  string    // the column they were read from; "" if the file has no head line
	Unit    string    // how they were read, such as "times" or "epochs in milliseconds"
}

// ReadTrace reads the instants of a trace: a table (CSV, also with semicolons or tabs) with a column of times, as in
// the traces that Azure published (TIMESTAMP,ContextTokens,GeneratedTokens), or of numbers. The head line names the
// column; a table without a head line has it first. Numbers are seconds, or epochs in the unit that puts them between
// 1973 and 5138; a column name that ends in a unit, such as time_ms, states the unit. name is the name of the file in
// errors, which also state the line.
func ReadTrace(src io.Reader, name string) (TraceFile, error) {
	r, err := textfile.NewCSV(src)
	if err != nil {
		return TraceFile{}, fmt.Errorf("%s: %w", name, err)
	}
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, r.Comma != '\t', true
	t := tracer{csv: r}
	for {
		line, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if line > 0 && err != nil {
			return TraceFile{}, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if err != nil {
			return TraceFile{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(t.dates) > 0 {
		if line, err := t.settleDates(); err != nil {
			return TraceFile{}, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if len(t.Seconds) == 0 {
		return TraceFile{}, fmt.Errorf("%s: no instant in it", name)
	}
	return t.TraceFile, nil
}

// tracer reads a trace line by line.
type tracer struct {
	TraceFile
	csv   *csv.Reader
	begun bool
	at    int     // the column of the instants
	unit  float64 // units to a second, if the instants are numbers; 0 until known
	first instant.Instant
	dates []date // such as 11/16/2023; they wait for the end of the column
}

// next reads a line, and returns io.EOF after the last. The line number is 0 with errors that state it themselves.
func (t *tracer) next() (line int, err error) {
	fields, err := t.csv.Read()
	if err != nil {
		return 0, err
	}
	line, _ = t.csv.FieldPos(0)
	for i, field := range fields {
		fields[i] = textfile.Decimal(field, t.csv.Comma)
	}
	if textfile.Blank(fields) {
		return line, nil
	}
	if !t.begun {
		t.begun = true
		if isHead(fields) {
			return line, t.readHead(fields)
		}
	}
	if t.at >= len(fields) {
		return line, fmt.Errorf("the line has no field %d, the column %s", t.at+1, t.Column)
	}
	text := instant.Bare(fields[t.at])
	if d, ok := instant.ParseDate(text); ok {
		t.dates = append(t.dates, date{d, line})
		return line, nil
	}
	return line, t.add(text)
}

// isHead reports whether a line holds names: no field of it is a number or a time.
func isHead(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool {
		text := instant.Bare(field)
		_, isDate := instant.ParseDate(text)
		_, err := instant.Parse(text)
		return isDate || err == nil
	})
}

// readHead finds the column of the instants. If there is only one column, its name does not matter.
func (t *tracer) readHead(head []string) error {
	best := len(instant.Names)
	for i, name := range head {
		known, unit := instant.SplitName(name)
		if rank := slices.Index(instant.Names, known); rank >= 0 && rank < best && (known != "" || unit > 0) {
			best, t.at, t.unit, t.Column = rank, i, unit, strings.TrimSpace(name)
		}
	}
	if best == len(instant.Names) && len(head) > 1 {
		return fmt.Errorf("no column has the times of requests (timestamp, time, arrival_time, start_time …); "+
			"the columns are %.300s", strings.Join(head, ", "))
	}
	if best == len(instant.Names) {
		_, t.unit = instant.SplitName(head[0])
		t.Column = strings.TrimSpace(head[0])
	}
	return nil
}

// add appends the next instant.
func (t *tracer) add(text string) error {
	at, err := instant.Parse(text)
	if err != nil {
		return err
	}
	if len(t.Seconds) == 0 {
		t.first = at
		t.settle()
	}
	if at.IsTime() != t.first.IsTime() {
		return fmt.Errorf("%q is not of the kind of the first instant: a file has either times or numbers", text)
	}
	after := at.Seconds(t.first, t.unit)
	if n := len(t.Seconds); n > 0 && after < t.Seconds[n-1] {
		return fmt.Errorf("%q comes before the line ahead of it: sort the file by time", text)
	}
	t.Seconds = append(t.Seconds, after)
	return nil
}

// settle decides by the first instant how all instants are read.
func (t *tracer) settle() {
	if t.first.IsTime() {
		t.Unit = "times"
		return
	}
	epoch := t.first.EpochUnit()
	switch {
	case t.unit > 0:
		t.Unit = instant.UnitName(t.unit)
	case epoch > 0:
		t.unit, t.Unit = epoch, "epochs in "+instant.UnitName(epoch)
	default:
		t.unit, t.Unit = 1, instant.UnitName(1)
	}
}
