package arrival

import (
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/internal/instant"
)

// date is a date with its line.
type date struct {
	instant.Date
	line int
}

// settleDates reads the dates in the order of day and month that the column makes certain: because a number is above
// 12, because the other order goes back in time, or because both orders yield the same seconds.
func (t *tracer) settleDates() (line int, err error) {
	if first := t.dates[0]; len(t.Seconds) > 0 {
		return first.line, fmt.Errorf("%q is not of the kind of the other instants", first.Text)
	}
	byMonth, monthLine, monthErr := t.readDates(false)
	byDay, dayLine, dayErr := t.readDates(true)
	switch {
	case monthErr == nil && dayErr == nil && !slices.Equal(byMonth.Seconds, byDay.Seconds):
		d := t.dates[slices.IndexFunc(t.dates, func(d date) bool { return d.First != d.Second })]
		return d.line, d.Ambiguous()
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
		if err := in.add(d.ISO(dayFirst)); err != nil {
			return TraceFile{}, d.line,
				fmt.Errorf("%q, read as %s: %w", d.Text,
					map[bool]string{false: "month/day", true: "day/month"}[dayFirst], err)
		}
	}
	return in.TraceFile, 0, nil
}
