// Package timespan reads durations that users write: numbers of seconds or milliseconds, and texts such as 1.5s. A
// number that a time.Duration cannot hold is an error, and never wraps around.
package timespan

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Max is the longest duration that may be given, 114 years. Two of them can be added.
const Max = 1_000_000 * time.Hour

// ErrNone reports that a value is no duration at all.
var ErrNone = errors.New("is no duration such as 1.5s")

// Seconds returns a number of seconds, which may be negative, as a duration.
func Seconds(x float64) (time.Duration, error) { return scaled(x, time.Second, "s") }

// Milliseconds returns a number of milliseconds, which may be negative, as a duration.
func Milliseconds(x float64) (time.Duration, error) { return scaled(x, time.Millisecond, "ms") }

func scaled(x float64, unit time.Duration, name string) (time.Duration, error) {
	ns := x * float64(unit)
	if math.IsNaN(x) {
		return 0, fmt.Errorf("NaN %w", ErrNone)
	}
	if math.Abs(ns) > float64(Max) {
		form := byte('f')
		if math.Abs(x) >= 1e15 {
			form = 'g'
		}
		return 0, tooLong(strconv.FormatFloat(x, form, -1, 64) + name)
	}
	return time.Duration(ns), nil
}

func tooLong(given string) error {
	return fmt.Errorf("must not be longer than 1000000h, which is 114 years, got %s", given)
}

// textForm matches a number of days, as k6 allows it, followed by what time.ParseDuration reads.
var textForm = regexp.MustCompile(`^([-+]?)(?:(\d+)d)?((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*)$`)

// Parse reads a text such as 1.5s, 1h30m or 2d12h, which may be negative. Every number but 0 needs a unit.
func Parse(text string) (time.Duration, error) {
	parts := textForm.FindStringSubmatch(text)
	if text == "0" {
		return 0, nil
	}
	if parts == nil || parts[2] == "" && parts[3] == "" {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return 0, fmt.Errorf("%q %w: it has no unit", text, ErrNone)
		}
		return 0, fmt.Errorf("%q %w", text, ErrNone)
	}
	var days, rest time.Duration
	var errDays, errRest error
	if parts[2] != "" {
		n, _ := strconv.ParseFloat(parts[2], 64) // digits only; too many give an infinity
		days, errDays = scaled(n, 24*time.Hour, "d")
	}
	if parts[3] != "" {
		rest, errRest = time.ParseDuration(parts[3])
	}
	sum := days + rest
	if errDays != nil || errRest != nil || rest > Max || sum > Max {
		return 0, tooLong(text)
	}
	if parts[1] == "-" {
		return -sum, nil
	}
	return sum, nil
}

// Value converts a value of JavaScript or JSON: a number of milliseconds, a text that holds one, or a text with units.
func Value(given any) (time.Duration, error) {
	switch x := given.(type) {
	case time.Duration:
		return x, nil
	case int64:
		return Milliseconds(float64(x))
	case float64:
		return Milliseconds(x)
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(x), 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return Milliseconds(n)
		}
		return Parse(x)
	}
	return 0, ErrNone
}
