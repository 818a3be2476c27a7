package instant

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Date is an instant written as 11/16/2023 18:17:03, in which either the month or the day may come first.
type Date struct {
	Text          string
	First, Second int    // the first two numbers
	suffix        string // the time, with a blank before it
	year          string
}

var dateForm = regexp.MustCompile(`^([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4}),?([ T].+)$`)

// ParseDate splits a date into its parts, and reports false for text of any other form.
func ParseDate(text string) (Date, bool) {
	if at := strings.IndexAny(text, "/-"); at != 1 && at != 2 {
		return Date{}, false // most texts, which the pattern takes long to refuse
	}
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return Date{}, false
	}
	a, _ := strconv.Atoi(m[1]) // the pattern matches digits only
	b, _ := strconv.Atoi(m[2])
	return Date{
		Text: text, First: a, Second: b, year: m[3], suffix: strings.ToUpper(" " + strings.TrimSpace(m[4][1:])),
	}, true
}

// order returns the month and the day.
func (d Date) order(dayFirst bool) (month, day int) {
	if dayFirst {
		return d.Second, d.First
	}
	return d.First, d.Second
}

// ISO returns the date in a form that Parse reads.
func (d Date) ISO(dayFirst bool) string {
	month, day := d.order(dayFirst)
	return fmt.Sprintf("%s-%02d-%02d%s", d.year, month, day, d.suffix)
}

// Ambiguous returns the error for a date of a column that does not tell the order of day and month.
func (d Date) Ambiguous() error {
	return fmt.Errorf("%q can be %s and %s, and the column does not tell which: write dates as %s",
		d.Text, d.spell(false), d.spell(true), "2023-11-16 18:17:03")
}

// spell returns the day and the month as words, such as 4 March.
func (d Date) spell(dayFirst bool) string {
	month, day := d.order(dayFirst)
	return fmt.Sprintf("%d %s", day, time.Month(month))
}
