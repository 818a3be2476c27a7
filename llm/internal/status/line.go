package status

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Status holds the figures of one interval of a run. Rates are per second of the interval. Latencies are of the
// requests that ended in the interval.
type Status struct {
	Stage, Stages int           // number of the stage, from 1 to Stages; 0 before the first scenario
	Into          time.Duration // time since the start of the stage
	Asked         float64       // mean rate that the stages ask for, in requests per second; only if HasAsked
	HasAsked      bool
	Concurrency   int64 // requests at a time that stages without a rate ask for; 0 if unknown
	Sent          float64
	InFlight      int64
	TTFT50        time.Duration // of successes; TTFT50 and TTFT99 are set only if HasTTFT
	TTFT99        time.Duration
	HasTTFT       bool
	Tokens        float64 // output tokens of successes
	Failed        int64   // since the start of the run
	NewlyFailed   int64
	Dropped       int64         // since the start of the run
	Late99        time.Duration // schedule delay; only if HasLate
	HasLate       bool
}

// String returns the line, about 120 columns wide, with its figures in a fixed order:
//
//	llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 tok/s  errors 0  late p99 0.4 ms
//
// A dash stands for an unknown figure. The count of dropped arrivals follows only if there are any.
func (s Status) String() string {
	p50, p99, late := "-", "-", "-"
	if s.HasTTFT {
		p50, p99 = millis(s.TTFT50), millis(s.TTFT99)
	}
	if s.HasLate {
		late = millis(s.Late99) + " ms"
	}
	// The widths fit common figures, so that the lines of most runs align in columns.
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
	case s.Concurrency > 0:
		return Grouped(s.Concurrency) + " at a time"
	}
	return "-"
}

// rate formats a rate, with one decimal below 1,000.
func rate(x float64) string {
	if x >= 999.95 {
		return Grouped(int64(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// millis formats a duration in milliseconds, with one decimal below ten.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 9.95 {
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return Grouped(int64(math.Round(ms)))
}

// Grouped formats a number with a comma before each group of three digits.
func Grouped(n int64) string { return plain.Grouped(strconv.FormatInt(n, 10), ",") }

// The default and the shortest interval between two lines.
const (
	DefaultInterval = 5 * time.Second
	minInterval     = 100 * time.Millisecond
)

// ParseInterval parses the interval between two lines: a duration such as 10s, "" for DefaultInterval, or "off" for 0,
// which means no lines.
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
