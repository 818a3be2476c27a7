package status

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Status is how the run goes. Rates are per second of the last interval; latencies are of the requests that ended in
// it.
type Status struct {
	Stage, Stages int           // which of how many, from 1; 0 before the first scenario
	Into          time.Duration // the stage
	Asked         float64       // mean of what the stages ask for in requests per second; only if HasAsked
	HasAsked      bool
	Places        int64 // what stages without a rate ask for: so many requests at a time; 0 if that is not known either
	Sent          float64
	InFlight      int64
	TTFT50        time.Duration // of successes; only if HasTTFT, as is TTFT99
	TTFT99        time.Duration
	HasTTFT       bool
	Tokens        float64 // output tokens of successes
	Failed        int64   // since the beginning
	NewlyFailed   int64
	Dropped       int64         // since the beginning
	Late99        time.Duration // sent after due; only if HasLate
	HasLate       bool
}

// String is the line, always in the same order, some 120 columns wide:
//
//	llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 tok/s  errors 0  late p99 0.4 ms
//
// What is not known is a dash; a count of dropped arrivals follows only if there are any.
func (s Status) String() string {
	p50, p99, late := "-", "-", "-"
	if s.HasTTFT {
		p50, p99 = millis(s.TTFT50), millis(s.TTFT99)
	}
	if s.HasLate {
		late = millis(s.Late99) + " ms"
	}
	// The widths are those of common figures, so that the lines of most runs stand in columns.
	line := fmt.Sprintf("llm  %s  asked %6s sent %4s/s  in flight %3s  TTFT p50 %3s p99 %4s ms  out %5s tok/s  "+
		"errors %s",
		s.stage(), s.asked(), rate(s.Sent), Grouped(s.InFlight), p50, p99, Grouped(int64(math.Round(s.Tokens))),
		Grouped(s.Failed))
	if s.NewlyFailed > 0 {
		line += fmt.Sprintf(" (+%s)", Grouped(s.NewlyFailed))
	}
	line += "  late p99 " + late
	if s.Dropped > 0 {
		line += "  dropped " + Grouped(s.Dropped)
	}
	return line
}

func (s Status) stage() string {
	if s.Stage == 0 {
		return "stage -"
	}
	return fmt.Sprintf("stage %d/%d %3v", s.Stage, s.Stages, s.Into.Truncate(time.Second))
}

func (s Status) asked() string {
	switch {
	case s.HasAsked:
		return rate(s.Asked) + "/s"
	case s.Places > 0:
		return Grouped(s.Places) + " at a time"
	}
	return "-"
}

// rate keeps one decimal as long as it says something.
func rate(x float64) string {
	if x >= 999.95 {
		return Grouped(int64(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// millis is a duration in milliseconds, with one decimal below ten.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 9.95 {
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return Grouped(int64(math.Round(ms)))
}

// Grouped is a number with a comma before each three digits, as the line has them.
func Grouped(n int64) string { return plain.Grouped(strconv.FormatInt(n, 10), ",") }

// Bounds of the interval.
const (
	DefaultInterval = 5 * time.Second
	minInterval     = 100 * time.Millisecond
)

// ParseInterval reads the setting: "" for the default, "off" for 0, which means no lines, else a duration such as 10s.
func ParseInterval(text string) (time.Duration, error) {
	switch text {
	case "":
		return DefaultInterval, nil
	case "off":
		return 0, nil
	}
	every, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("must be off, or an interval such as 10s, got %q", text)
	case every < minInterval:
		return 0, errors.New("must be off, or at least " + minInterval.String() + ", got " + strconv.Quote(text))
	}
	return every, nil
}
