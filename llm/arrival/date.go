package arrival

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// date is an instant written as 11/16/2023 18:17:03, in which either the month or the day may come first.
type date struct {
	text   string
	line   int
	a, b   int    // the first two numbers
	suffix string // the time, with a blank before it
	year   string
}

var dateForm = regexp.MustCompile(`^([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4}),?([ T].+)$`)

// readDate splits a date into its parts, and reports false for text of any other form.
func readDate(text string) (date, bool) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return date{}, false
	}
	a, _ := strconv.Atoi(m[1]) // the pattern matches digits only
	b, _ := strconv.Atoi(m[2])
	return date{text: text, a: a, b: b, year: m[3], suffix: strings.ToUpper(" " + strings.TrimSpace(m[4][1:]))}, true
}

// iso returns the date in a form that parseInstant reads.
func (d date) iso(dayFirst bool) string {
	month, day := d.a, d.b
	if dayFirst {
		month, day = d.b, d.a
	}
	return fmt.Sprintf("%s-%02d-%02d%s", d.year, month, day, d.suffix)
}

// settleDates reads the dates in the order of day and month that the column makes certain: because a number is above
// 12, because the other order goes back in time, or because both orders yield the same seconds.
func (t *tracer) settleDates() (line int, err error) {
	if first := t.dates[0]; len(t.Seconds) > 0 {
		return first.line, fmt.Errorf("%q is not of the kind of the other instants", first.text)
	}
	byMonth, monthLine, monthErr := t.readDates(false)
	byDay, dayLine, dayErr := t.readDates(true)
	switch {
	case monthErr == nil && dayErr == nil && !slices.Equal(byMonth.Seconds, byDay.Seconds):
		d := t.dates[slices.IndexFunc(t.dates, func(d date) bool { return d.a != d.b })]
		return d.line, fmt.Errorf("%q can be %s and %s, and the column does not tell which: write dates as %s",
			d.text, d.spell(false), d.spell(true), "2023-11-16 18:17:03")
	case monthErr == nil:
		t.TraceFile = byMonth
	case dayErr == nil:
		t.TraceFile = byDay
	case dayLine > monthLine: // the order that fails later is the likelier one
		return dayLine, dayErr
	default:
		return monthLine, monthErr
	}
	return 0, nil
}

// readDates reads the dates in the given order of day and month.
func (t *tracer) readDates(dayFirst bool) (TraceFile, int, error) {
	in := tracer{TraceFile: TraceFile{Column: t.Column}}
	for _, d := range t.dates {
		if err := in.add(d.iso(dayFirst)); err != nil {
			return TraceFile{}, d.line,
				fmt.Errorf("%q, read as %s: %w", d.text,
					map[bool]string{false: "month/day", true: "day/month"}[dayFirst], err)
		}
	}
	return in.TraceFile, 0, nil
}

// spell returns the day and the month as words, such as 4 March.
func (d date) spell(dayFirst bool) string {
	month, day := d.a, d.b
	if dayFirst {
		month, day = d.b, d.a
	}
	return fmt.Sprintf("%d %s", day, time.Month(month))
}
