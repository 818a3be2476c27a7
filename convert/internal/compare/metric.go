package compare

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Unit is the unit of a figure.
type Unit string

// The units.
const (
	Seconds        Unit = "s"
	RequestsPerSec Unit = "requests/s"
	TokensPerSec   Unit = "tokens/s"
	InputsPerSec   Unit = "inputs/s"
	Share          Unit = "share" // from 0 to 1
	Factor         Unit = "factor"
)

// Direction is the direction in which a figure should go.
type Direction string

// The directions.
const (
	LowerIsBetter  Direction = "lower_is_better"
	HigherIsBetter Direction = "higher_is_better"
)

// quantity is a property of a run that has figures: a latency has a mean and percentiles, the others have one figure
// each.
type quantity struct {
	name       string
	unit       Unit
	direction  Direction
	headline   bool
	ofSessions bool // of the sessions of a replay, not of requests

	// A latency is a number of a request.
	latency   func(*Request) float64
	ofFailed  bool // failed requests count too
	perSecond func(*Request) float64
	// A share is of the requests for which it is a number, 0 or 1.
	share func(*Request) float64
}

// worse reports whether more of the quantity is worse. More capacity is better, which the table has no direction of.
func (q *quantity) worse() bool { return q.direction == LowerIsBetter }

// of names what the quantity is measured on.
func (q *quantity) of() string {
	if q.ofSessions {
		return "sessions"
	}
	return "requests"
}

// quantities returns all quantities, in the order of reports. Latencies cover the requests that succeeded, the schedule
// delay covers all. Rates count successes alone.
func quantities() []quantity {
	return slices.Concat([]quantity{
		{name: "ttft", unit: Seconds, direction: LowerIsBetter, headline: true, latency: func(q *Request) float64 {
			return q.TTFT
		}},
		{name: "tpot", unit: Seconds, direction: LowerIsBetter, latency: func(q *Request) float64 { return q.TPOT }},
		{name: "ntpot", unit: Seconds, direction: LowerIsBetter, latency: func(q *Request) float64 { return q.NTPOT }},
		{name: "itl", unit: Seconds, direction: LowerIsBetter, headline: true, latency: func(q *Request) float64 {
			return q.ITL
		}},
		{name: "request_latency", unit: Seconds, direction: LowerIsBetter, headline: true,
			latency: func(q *Request) float64 { return q.Latency }},
		{name: "schedule_delay", unit: Seconds, direction: LowerIsBetter, ofFailed: true,
			latency: func(q *Request) float64 { return q.ScheduleDelay }},
		{name: "requests_per_sec", unit: RequestsPerSec, direction: HigherIsBetter, headline: true,
			perSecond: succeeded},
		{name: "inputs_per_sec", unit: InputsPerSec, direction: HigherIsBetter, headline: true, perSecond: inputs},
		{name: "output_tokens_per_sec", unit: TokensPerSec, direction: HigherIsBetter, headline: true,
			perSecond: outputTokens},
		{name: "total_tokens_per_sec", unit: TokensPerSec, direction: HigherIsBetter, perSecond: totalTokens},
	}, mediaQuantities(), []quantity{
		{name: "goodput", unit: RequestsPerSec, direction: HigherIsBetter, headline: true, perSecond: good},
		{name: "failures", unit: Share, direction: LowerIsBetter, headline: true, share: failed},
		{name: "good", unit: Share, direction: HigherIsBetter, share: good},
		{name: "session_duration", unit: Seconds, direction: LowerIsBetter, headline: true, ofSessions: true,
			latency: func(s *Request) float64 { return s.Latency }},
		{name: "tfut", unit: Seconds, direction: LowerIsBetter, ofSessions: true,
			latency: func(s *Request) float64 { return s.TTFT }},
		{name: "session_failures", unit: Share, direction: LowerIsBetter, headline: true, ofSessions: true,
			share: failed},
	}, arrivalQuantities())
}

func succeeded(q *Request) float64 { return 1 - failed(q) }

func failed(q *Request) float64 {
	if q.Failed {
		return 1
	}
	return 0
}

func outputTokens(q *Request) float64 { return succeeded(q) * tokens(q.Output) }

// totalTokens counts the tokens of the input alone for a request that generates no text.
func totalTokens(q *Request) float64 {
	input := succeeded(q) * tokens(q.Input)
	if q.Inputs > 0 {
		return input
	}
	return outputTokens(q) + input
}

// inputs returns NaN for a request without inputs.
func inputs(q *Request) float64 {
	if !(q.Inputs > 0) {
		return math.NaN()
	}
	return succeeded(q) * tokens(q.Inputs)
}

// tokens returns a count, 0 for an infinite count, and NaN for an unknown one.
func tokens(n float64) float64 {
	if math.IsInf(n, 0) {
		return 0
	}
	return n
}

// good returns NaN for a request that was not judged.
func good(q *Request) float64 {
	switch {
	case q.Good == NotJudged:
		return math.NaN()
	case q.Good == Good && !q.Failed:
		return 1
	}
	return 0
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// metricID identifies one figure: a quantity, and for a latency the statistic.
type metricID struct {
	quantity   string
	statistic  statistic
	percentile float64
}

// statistic is the way to make a figure from the values of a quantity.
type statistic int8

const (
	only       statistic = iota // the quantity has just one figure
	mean                        // of a latency
	percentile                  // likewise
)

func (m metricID) isCapacity() bool { return strings.HasPrefix(m.quantity, capacityName) }

func (m metricID) isPercentile() bool { return m.statistic == percentile }

// String returns the name that gates use: p99(ttft), mean(ttft), goodput.
func (m metricID) String() string {
	switch m.statistic {
	case mean:
		return "mean(" + m.quantity + ")"
	case percentile:
		return "p" + strconv.FormatFloat(m.percentile, 'f', -1, 64) + "(" + m.quantity + ")"
	}
	return m.quantity
}

// headline reports whether the figure takes part in the overall verdict: the mean and the p99 of a headline latency,
// and the headline rates and shares. Fewer figures need less correction, and the others add little.
func (m metricID) headline(q quantity) bool {
	return q.headline && (m.statistic != percentile || m.percentile == 99)
}
