package status

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Status holds the figures of one interval of a run. Rates are per second of the interval. Latencies are of the
// requests that ended in the interval.
type Status struct {
	Stage, Stages int           // number of the stage, from 1 to Stages; 0 before the first scenario
	Probe         bool          // the stage is a probe of a search, and nobody knows how many follow
	Warmup        bool          // all of the stage is a warm-up, which is not among the Stages
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
	Inputs        float64 // texts or documents of successes that generate no text; shown if HasInputs
	HasInputs     bool    // no request generates text
	Made          float64 // images, videos or audios of such successes
	MadeOf        string  // what these are; "" without any
	Failed        int64   // since the start of the run
	NewlyFailed   int64
	Left          int64         // users, since the start of the run
	Dropped       int64         // since the start of the run
	Delay99       time.Duration // schedule delay; only if HasDelay
	HasDelay      bool
	Sessions      SessionCounts // of replayed sessions; only if HasSessions
	HasSessions   bool
}

// Legend names the figures of the lines that follow it.
const Legend = "llm  stage, time in it  sent/asked  open  TTFT p50/p99  output  failed"

// narrow is the width of a terminal that does not say how wide it is.
const narrow = 80

// Line returns a line of less than the given number of columns. Its figures have a fixed order:
//
//	llm  2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  1,240 tok/s  0 failed
//
// Answers that are no text have no TTFT and no tokens: the inputs of the requests take their place, as in 320 inputs/s,
// or what they made, as in 2.5 images/s.
// A figure that is unknown is left out, or is a dash beside one that is not. The counts of users who left and of
// dropped arrivals follow if there are any, the sessions if some are replayed, and the schedule delay if there is room.
// Where the figures are too long, the last ones give way but for the failures and the sessions.
func (s Status) Line(width int) string {
	parts := []string{"llm", s.stage(), fmt.Sprintf("%9s", s.rates()), fmt.Sprintf("%7s", s.open())}
	late := s.answers()
	figures := len(late)
	late = append(late, s.failures())
	if s.Left > 0 {
		late = append(late, Grouped(s.Left)+" left")
	}
	if s.Dropped > 0 {
		late = append(late, Grouped(s.Dropped)+" dropped")
	}
	if s.HasSessions {
		late = append(late, s.Sessions.String())
	}
	if s.HasDelay {
		late = append(late, "schedule delay p99 "+millis(s.Delay99)+" ms")
	}
	line := strings.Join(append(parts, late...), "  ")
	for _, shorten := range []func(string) string{
		func(line string) string { line, _, _ = strings.Cut(line, "  schedule delay"); return line },
		func(line string) string { return padding.Replace(strings.Replace(line, "llm  ", "llm ", 1)) },
		func(line string) string { return strings.Replace(line, "  "+strings.TrimSpace(late[figures-1]), "", 1) },
		func(line string) string { return strings.Replace(line, "  "+late[0], "", 1) },
		func(line string) string { return strings.Replace(line, s.failures(), Grouped(s.Failed)+" failed", 1) },
		func(line string) string { return strings.Replace(line, "  "+s.Sessions.String(), "", 1) },
	} {
		if utf8.RuneCountInString(line) < width {
			break
		}
		line = shorten(line)
	}
	return line
}

// padding makes runs of spaces short.
var padding = strings.NewReplacer("      ", "  ", "     ", "  ", "    ", "  ", "   ", "  ")

func (s Status) stage() string {
	switch {
	case s.Stage == 0:
		return "-"
	case s.Warmup:
		return fmt.Sprintf("warm-up %3v", s.Into.Truncate(time.Second))
	case s.Probe:
		return fmt.Sprintf("probe %d %3v", s.Stage-1, s.Into.Truncate(time.Second))
	}
	return fmt.Sprintf("%d/%d %3v", s.Stage, s.Stages, s.Into.Truncate(time.Second))
}

// rates returns the rate sent, and the rate asked for if there is one.
func (s Status) rates() string {
	if s.HasAsked && !s.HasSessions { // else sessions are asked for
		return rate(s.Sent) + "/" + rate(s.Asked) + "/s"
	}
	return rate(s.Sent) + "/s"
}

// open returns how many requests are open, and how many are to be open at a time if that is what is asked for.
func (s Status) open() string {
	if !s.HasAsked && s.Concurrency > 0 && !s.HasSessions {
		return Grouped(s.InFlight) + "/" + Grouped(s.Concurrency) + " open"
	}
	return Grouped(s.InFlight) + " open"
}

// answers returns the figures of the answers.
func (s Status) answers() []string {
	if s.HasInputs && s.MadeOf != "" {
		return []string{rate(s.Made) + " " + s.MadeOf + "/s"}
	}
	if s.HasInputs {
		return []string{Grouped(int64(math.Round(s.Inputs))) + " inputs/s"}
	}
	return []string{s.ttft(), fmt.Sprintf("%11s", Grouped(int64(math.Round(s.Tokens)))+" tok/s")}
}

func (s Status) ttft() string {
	if !s.HasTTFT {
		return "TTFT -"
	}
	return "TTFT " + millis(s.TTFT50) + "/" + millis(s.TTFT99) + " ms"
}

func (s Status) failures() string {
	text := Grouped(s.Failed) + " failed"
	if s.NewlyFailed > 0 {
		text += fmt.Sprintf(" (+%s)", Grouped(s.NewlyFailed))
	}
	return text
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
