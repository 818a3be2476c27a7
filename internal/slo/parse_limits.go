package slo

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// latencyOf returns the name of a latency in package record.
func latencyOf(name string) (string, error) {
	if whole, found := shortNames[name]; found {
		return whole, nil
	}
	if slices.Contains(ofSessions, name) {
		return "", fmt.Errorf("an objective is about requests, and %s is of sessions: llmconv compare has "+
			"gates on it, and k6 thresholds on llm_session_duration and llm_session_failed", name)
	}
	return name, record.KnownLatency(name, latency)
}

// example returns a limit of a latency, for messages.
func example(latency string) string {
	if IsFactor(latency) {
		return "1"
	}
	return "500ms"
}

// mostFactor bounds the limits of factors, as durations have their own.
const mostFactor = 1e6

// factorLimit reads the limit of a factor.
func factorLimit(name, text string) (time.Duration, error) {
	x, err := strconv.ParseFloat(text, 64)
	d := time.Duration(math.Round(min(x, mostFactor) * float64(time.Second)))
	switch {
	case err != nil || math.IsNaN(x):
		return 0, fmt.Errorf("%q is no number such as 1: %s is latency / seconds of sound", text, name)
	case d <= 0 || x > mostFactor:
		return 0, fmt.Errorf("the bound on %s must be above 0 and at most %v, got %s", name, mostFactor, text)
	}
	return d, nil
}

// limit reads the value of a bound on a latency that is written as name.
func limit(latency, name, text string) (d time.Duration, err error) {
	if IsFactor(latency) {
		return factorLimit(name, text)
	}
	d, err = timespan.Parse(text)
	switch {
	case errors.Is(err, timespan.ErrNone) && isNumber(text):
		return 0, fmt.Errorf("%s has no unit: write %sms or %ss", text, text, text)
	case errors.Is(err, timespan.ErrNone):
		return 0, fmt.Errorf("%q is no duration such as 500ms", text)
	case err != nil:
		return 0, fmt.Errorf("the bound on %s %w", name, err)
	case d <= 0:
		return 0, fmt.Errorf("the bound on %s must be positive, got %v", name, d)
	}
	return d, nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// number matches the digits of a share.
var number = regexp.MustCompile(`^(\d{1,3}(?:\.\d{0,9})?|\.\d{1,9})(%?)$`)

// Share reads a share such as 5% or 0.05, and reports whether the text is one from 0 to 1.
func Share(text string) (share float64, ok bool) {
	m := number.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	share, _ = strconv.ParseFloat(m[1], 64) // digits
	if m[2] == "%" {
		share /= 100
	}
	return share, share <= 1
}

// shareOf reads a share of the requests such as 1% or 0.01.
func shareOf(name, text, example string) (float64, error) {
	m := number.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no share of the requests such as %s", text, example)
	}
	v, _ := strconv.ParseFloat(m[1], 64) // digits
	switch {
	case m[2] == "" && v >= 1:
		return 0, fmt.Errorf("the share of %s has no unit: write %s%%", name, text)
	case m[2] == "%":
		v /= 100
	}
	if v > 1 {
		return 0, fmt.Errorf("the share of %s must not be above 100%%, got %s", name, text)
	}
	return v, nil
}
