// Package instant reads instants as traces and logs write them: times, dates and numbers of any unit.
package instant

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Instant is either a time or a number.
type Instant struct {
	time   time.Time
	number float64
	whole  int64 // the exact number, because a float64 may round it; 0 if it is not whole
}

// IsTime reports whether it is a time, and not a number.
func (i Instant) IsTime() bool { return !i.time.IsZero() }

// Seconds returns the seconds between first and i. If both are numbers, unit of them make a second.
func (i Instant) Seconds(first Instant, unit float64) float64 {
	switch {
	case i.IsTime():
		return i.time.Sub(first.time).Seconds()
	case i.whole > 0 && first.whole > 0:
		return float64(i.whole-first.whole) / unit
	}
	return (i.number - first.number) / unit
}

// EpochUnit returns the number of units in a second if the instant is a number that is an epoch between 1973 and 5138
// in seconds, milliseconds, microseconds or nanoseconds; otherwise 0.
func (i Instant) EpochUnit() float64 {
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if n := i.number / unit; 1e8 <= n && n < 1e11 {
			return unit
		}
	}
	return 0
}

// layouts lists the accepted forms of times, with a blank between date and time. Fractions of a second may follow.
var layouts = [...]string{
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 UTC", "2006/01/02 15:04:05", "2006-01-02 15:04",
	"2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2.1.2006 15:04:05", "2.1.2006 15:04",
}

// Parse reads a time such as "2023-11-16 18:17:03.9799600", with or without a T and a zone, a time such as
// "16.11.2023 18:17:03", or a number.
func Parse(text string) (Instant, error) {
	if t, ok := usualTime(text); ok {
		return Instant{time: t}, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		whole, _ := strconv.ParseInt(text, 10, 64)
		return Instant{number: n, whole: whole}, nil
	}
	return parseTime(text)
}

// parseTime tries all layouts.
func parseTime(text string) (Instant, error) {
	const date = len("2006-01-02")
	plain := text
	if len(text) > date && text[date] == 'T' {
		plain = text[:date] + " " + text[date+1:]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, plain); err == nil {
			return Instant{time: t}, nil
		}
	}
	return Instant{}, fmt.Errorf("%q is neither a time such as 2023-11-16 18:17:03.97996 nor a number", plain)
}

// usualTime reads the form in which most traces have times, which is that of the first two layouts, and which trying
// them takes several times as long to read. It reports false for all others.
func usualTime(text string) (t time.Time, ok bool) {
	const seconds = len("2006-01-02 15:04:05")
	if len(text) < seconds || text[10] != ' ' && text[10] != 'T' ||
		text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' {
		return t, false
	}
	nanos, length := fraction(text[seconds:])
	zone, valid := offset(text[seconds+length:])
	century, year, month, day := pair(text), pair(text[2:]), pair(text[5:]), pair(text[8:])
	hour, minute, second := pair(text[11:]), pair(text[14:]), pair(text[17:])
	if !valid || min(century, year, hour, minute, second) < 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	t = time.Date(100*century+year, time.Month(month), day, hour, minute, second-zone, nanos, time.UTC)
	return t, day <= 28 || time.Date(100*century+year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// fraction returns the nanoseconds of the fraction of a second that a text begins with, and its length; 0 without one.
func fraction(text string) (nanos, length int) {
	if len(text) < 2 || text[0] != '.' || text[1] < '0' || text[1] > '9' {
		return 0, 0
	}
	scale := int(time.Second)
	for length = 1; length < len(text) && '0' <= text[length] && text[length] <= '9' && scale > 1; length++ {
		scale /= 10
		nanos += int(text[length]-'0') * scale
	}
	return nanos, length
}

// offset returns the seconds by which a zone is east of Greenwich: of Z, of +01:00 or of none.
func offset(zone string) (seconds int, ok bool) {
	if zone == "" || zone == "Z" {
		return 0, true
	}
	if len(zone) != len("+01:00") || zone[0] != '+' && zone[0] != '-' || zone[3] != ':' {
		return 0, false
	}
	hours, minutes := pair(zone[1:]), pair(zone[4:])
	seconds = hours*3600 + minutes*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59
}

// pair returns the number that two digits at the beginning of a text make; below 0 if they are none.
func pair(text string) int {
	tens, ones := text[0]-'0', text[1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return 10*int(tens) + int(ones)
}

// Bare removes blanks and quotation marks around a text, as of fields that were quoted twice.
func Bare(text string) string { return strings.Trim(strings.TrimSpace(text), `"'`) }

// units maps the endings of names to the number of such units in a second.
var units = map[string]float64{
	"s": 1, "sec": 1, "secs": 1, "seconds": 1, "ms": 1e3, "millis": 1e3, "milliseconds": 1e3,
	"us": 1e6, "µs": 1e6, "micros": 1e6, "microseconds": 1e6, "ns": 1e9, "nanos": 1e9, "nanoseconds": 1e9,
}

// UnitName returns the name of a unit of which a second has so many.
func UnitName(unit float64) string {
	return map[float64]string{1: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}[unit]
}

// SplitName splits the name of a column into the name proper, in lower case and without separators, and the unit at its
// end as a number to a second; unit is 0 if there is none.
func SplitName(name string) (known string, unit float64) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	if n := len(words); n > 0 && units[words[n-1]] > 0 {
		unit, words = units[words[n-1]], words[:n-1]
	}
	return strings.Join(words, ""), unit
}

// Names lists the names of columns of instants, as SplitName returns them. The first one that a file has is used. A
// unit may follow the name, or be the whole name.
var Names = []string{
	"timestamp", "arrivaltime", "arrivaltimestamp", "arrivedat", "arrival", "starttime", "starttimestamp", "start",
	"requesttime", "requesttimestamp", "createdat", "time", "datetime", "date", "ts", "t", "at", "",
}
