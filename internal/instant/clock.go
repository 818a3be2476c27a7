package instant

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Clock reads the instants of one trace in any order. It reads all as it read the first: as times, or as numbers of one
// unit. The zero value is ready.
type Clock struct {
	begun bool
	times bool
	unit  float64 // numbers to a second
	month *Date   // a date that must begin with the month
	day   *Date   // a date that must begin with the day
	doubt *Date   // a date that may begin with either
}

// Reading is an instant as the time since an origin that all instants of a clock share.
type Reading struct {
	At time.Duration
	// Swapped is At if a date such as 3/4/2023 begins with the day, and At is for the month; otherwise they are equal.
	Swapped time.Duration
}

// Learn reads the next instant of a trace. Unit is how many of its numbers make a second; 0 finds out by the first.
func (c *Clock) Learn(text string, unit float64) (Reading, error) {
	text = Bare(text)
	if d, ok := ParseDate(text); ok {
		return c.learnDate(d)
	}
	at, err := Parse(text)
	if err != nil {
		return Reading{}, err
	}
	if !c.begun {
		c.begin(at, unit)
	}
	after, err := c.since(at)
	return Reading{after, after}, err
}

// begin decides by the first instant how all are read.
func (c *Clock) begin(first Instant, unit float64) {
	c.begun, c.times, c.unit = true, first.IsTime(), unit
	if c.unit == 0 {
		c.unit = first.EpochUnit()
	}
	if c.unit == 0 {
		c.unit = 1
	}
}

// learnDate reads a date in both orders, as far as its numbers allow.
func (c *Clock) learnDate(d Date) (r Reading, err error) {
	month, monthErr := Parse(d.ISO(false))
	day, dayErr := Parse(d.ISO(true))
	switch {
	case monthErr != nil && dayErr != nil:
		return r, monthErr
	case monthErr != nil:
		c.day, month = &d, day
	case dayErr != nil:
		c.month, day = &d, month
	case c.doubt == nil && d.First != d.Second:
		c.doubt = &d
	}
	if c.day != nil && c.month != nil {
		return r, fmt.Errorf("%q and %q differ in the order of day and month", c.day.Text, c.month.Text)
	}
	if !c.begun {
		c.begin(month, 0)
	}
	if r.At, err = c.since(month); err == nil {
		r.Swapped, err = c.since(day)
	}
	return r, err
}

// most limits instants, so that the time between any two is a time.Duration.
const most = math.MaxInt64 / 2

// since returns the time since the origin of the clock, which is 1970 for times and epochs.
func (c *Clock) since(at Instant) (time.Duration, error) {
	if at.IsTime() != c.times {
		return 0, errors.New("the instant is not of the kind of the first: a trace has either times or numbers")
	}
	after := at.time.Sub(time.Unix(0, 0)) // which limits itself to about 292 years
	if !c.times {
		if math.Abs(at.number/c.unit) > most/float64(time.Second) {
			return 0, fmt.Errorf("%v is too large for an instant in %s", at.number, UnitName(c.unit))
		}
		whole, part := math.Modf(at.number / c.unit)
		after = time.Duration(whole)*time.Second + time.Duration(math.Round(part*float64(time.Second)))
		if at.whole != 0 {
			after = time.Duration(at.whole) * time.Duration(float64(time.Second)/c.unit)
		}
	}
	if after > most || after < -most {
		return 0, errors.New("the instant is not of this age: years are from 1824 to 2116")
	}
	return after, nil
}

// Settle decides the order of day and month once all instants were learned. Neither is certain by the numbers of the
// dates if all are up to 12; then inOrder tells whether the instants are in order if the days come first, or not. It
// reports whether the swapped readings are the right ones.
func (c *Clock) Settle(inOrder func(dayFirst bool) bool) (dayFirst bool, err error) {
	switch {
	case c.day != nil:
		return true, nil
	case c.month == nil && c.doubt != nil:
		byMonth, byDay := inOrder(false), inOrder(true)
		if byMonth == byDay {
			return false, c.doubt.Ambiguous()
		}
		return byDay, nil
	}
	return false, nil
}
