package arrival

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	first instant
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
	text := bareField(fields[t.at])
	if d, ok := readDate(text); ok {
		d.line = line
		t.dates = append(t.dates, d)
		return line, nil
	}
	return line, t.add(text)
}

// bareField removes blanks and quotation marks around a field, as of fields that were quoted twice.
func bareField(field string) string { return strings.Trim(strings.TrimSpace(field), `"'`) }

// isHead reports whether a line holds names: no field of it is a number or a time.
func isHead(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool {
		text := bareField(field)
		_, isDate := readDate(text)
		_, err := parseInstant(text)
		return isDate || err == nil
	})
}

// units maps the endings of column names to the number of such units in a second.
var units = map[string]float64{
	"s": 1, "sec": 1, "secs": 1, "seconds": 1, "ms": 1e3, "millis": 1e3, "milliseconds": 1e3,
	"us": 1e6, "µs": 1e6, "micros": 1e6, "microseconds": 1e6, "ns": 1e9, "nanos": 1e9, "nanoseconds": 1e9,
}

// unitNames maps the number of units in a second to the name of the unit.
var unitNames = map[float64]string{1: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}

// columns lists the names of columns of instants, in lower case and without separators between words. The first one
// that a file has is used. A unit may follow the name, or be the whole name.
var columns = []string{
	"timestamp", "arrivaltime", "arrivaltimestamp", "arrivedat", "arrival", "starttime", "starttimestamp", "start",
	"requesttime", "requesttimestamp", "createdat", "time", "datetime", "date", "ts", "t", "at", "",
}

// readHead finds the column of the instants. If there is only one column, its name does not matter.
func (t *tracer) readHead(head []string) error {
	best := len(columns)
	for i, name := range head {
		known, unit := readName(name)
		if rank := slices.Index(columns, known); rank >= 0 && rank < best && (known != "" || unit > 0) {
			best, t.at, t.unit, t.Column = rank, i, unit, strings.TrimSpace(name)
		}
	}
	if best == len(columns) && len(head) > 1 {
		return fmt.Errorf("no column has the times of requests (timestamp, time, arrival_time, start_time …); "+
			"the columns are %.300s", strings.Join(head, ", "))
	}
	if best == len(columns) {
		_, t.unit = readName(head[0])
		t.Column = strings.TrimSpace(head[0])
	}
	return nil
}

// readName splits a column's name into the name proper and the unit at its end; unit is 0 if there is none.
func readName(name string) (known string, unit float64) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	if n := len(words); n > 0 && units[words[n-1]] > 0 {
		unit, words = units[words[n-1]], words[:n-1]
	}
	return strings.Join(words, ""), unit
}

// add appends the next instant.
func (t *tracer) add(text string) error {
	at, err := parseInstant(text)
	if err != nil {
		return err
	}
	if len(t.Seconds) == 0 {
		t.first = at
		t.settle()
	}
	if at.isTime() != t.first.isTime() {
		return fmt.Errorf("%q is not of the kind of the first instant: a file has either times or numbers", text)
	}
	after := at.since(t.first, t.unit)
	if n := len(t.Seconds); n > 0 && after < t.Seconds[n-1] {
		return fmt.Errorf("%q comes before the line ahead of it: sort the file by time", text)
	}
	t.Seconds = append(t.Seconds, after)
	return nil
}

// settle decides by the first instant how all instants are read.
func (t *tracer) settle() {
	if t.first.isTime() {
		t.Unit = "times"
		return
	}
	epoch := 0.0
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if first := t.first.number / unit; epoch == 0 && 1e8 <= first && first < 1e11 {
			epoch = unit
		}
	}
	switch {
	case t.unit > 0:
		t.Unit = unitNames[t.unit]
	case epoch > 0:
		t.unit, t.Unit = epoch, "epochs in "+unitNames[epoch]
	default:
		t.unit, t.Unit = 1, unitNames[1]
	}
}

// instant is either a time or a number.
type instant struct {
	time   time.Time
	number float64
	whole  int64 // the exact number, because a float64 may round it; 0 if it is not whole
}

func (i instant) isTime() bool { return !i.time.IsZero() }

// since returns the seconds between first and i. If both are numbers, unit of them make a second.
func (i instant) since(first instant, unit float64) float64 {
	switch {
	case i.isTime():
		return i.time.Sub(first.time).Seconds()
	case i.whole > 0 && first.whole > 0:
		return float64(i.whole-first.whole) / unit
	}
	return (i.number - first.number) / unit
}

// layouts lists the accepted forms of times, with a blank between date and time. Fractions of a second may follow.
var layouts = [...]string{
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 UTC", "2006/01/02 15:04:05", "2006-01-02 15:04",
	"2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2.1.2006 15:04:05", "2.1.2006 15:04",
}

// parseInstant reads a time such as "2023-11-16 18:17:03.9799600", with or without a T and a zone, a time such as
// "16.11.2023 18:17:03", or a number.
func parseInstant(text string) (instant, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		whole, _ := strconv.ParseInt(text, 10, 64)
		return instant{number: n, whole: whole}, nil
	}
	const date = len("2006-01-02")
	if len(text) > date && text[date] == 'T' {
		text = text[:date] + " " + text[date+1:]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return instant{time: t}, nil
		}
	}
	return instant{}, fmt.Errorf("%q is neither a time such as 2023-11-16 18:17:03.97996 nor a number", text)
}
