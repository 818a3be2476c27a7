package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// figure is a distribution that reports contain for a run and for each of its parts.
type figure struct {
	key, name, meaning string
	paths              []string // the first that exists counts: this program's, then inference-perf's
	certainty          string   // where it is if the distribution does not have it
}

// The figures of requests, all in seconds.
var (
	requestLatency = figure{"request", "Request latency", "from sending to the end of the answer; successes",
		[]string{"successes.latency.request_latency"}, "xk6_llm.certainty.request_latency"}
	ttft = figure{"ttft", "TTFT", "time to first token: from sending to the first content chunk",
		[]string{"xk6_llm.latency.ttft", "successes.latency.time_to_first_token"}, ""}
	itl = figure{"itl", "ITL", "inter-token latency: gaps between consecutive tokens, of all answers together",
		[]string{"successes.latency.inter_token_latency"}, "xk6_llm.certainty.inter_token_latency"}
	tpot = figure{"tpot", "TPOT", "time per output token: (last token − first token) / (output tokens − 1)",
		[]string{"xk6_llm.latency.tpot", "successes.latency.time_per_output_token"}, ""}
	ntpot = figure{"ntpot", "NTPOT", "normalized time per output token: request latency / output tokens",
		[]string{"xk6_llm.latency.ntpot", "successes.latency.normalized_time_per_output_token"}, ""}
	firstAudio = figure{"first-audio", "First audio", "from sending to the first bytes of a sound, without its header",
		[]string{"xk6_llm.speech.time_to_first_audio"}, ""}
	afterSending = figure{"after-sending", "TTFT after sending", "time to first token less that of sending the body, " +
		"of requests with media", []string{"xk6_llm.media.time_to_first_token_after_sending"}, ""}
	bodySending = figure{"sending", "Sending the body", "from the connection until the system had taken the body, of " +
		"requests with media", []string{"xk6_llm.media.body_sending"}, ""}
	delay = figure{"delay", "Schedule delay", "sent − due, of the load generator itself",
		[]string{"load_summary.schedule_delay"}, ""}
	allFigures = []figure{ttft, afterSending, itl, tpot, ntpot, firstAudio, requestLatency, bodySending, delay}
)

// statistic returns a statistic of the figure, or NaN if the report lacks it. The names of percentiles are p50, p99.9
// and so on.
func (f figure) statistic(doc gjson.Result, name string) float64 {
	if name == "p50" {
		name = "median"
	}
	for _, path := range f.paths {
		if d := doc.Get(path); d.IsObject() {
			return number(d.Get(gjsonKey(name)))
		}
	}
	return math.NaN()
}

// gjsonKey escapes a key with a dot, such as p99.9, for a path.
func gjsonKey(key string) string { return strings.ReplaceAll(key, ".", `\.`) }

// number returns a value as a number, or NaN if it is not a number.
func number(v gjson.Result) float64 {
	if v.Type != gjson.Number {
		return math.NaN()
	}
	return v.Num
}

func texts(list gjson.Result) (out []string) {
	for _, v := range list.Array() {
		out = append(out, plain.Terminal(v.String()))
	}
	return out
}

// Rates of a part of a run.

// achieved returns the rate at which requests were sent. Reports of inference-perf have a rate that counts one request
// too many.
func achieved(doc gjson.Result) float64 {
	for _, path := range [...]string{"xk6_llm.requests.sent_rate", "load_summary.achieved_rate"} {
		if v := number(doc.Get(path)); !math.IsNaN(v) {
			return v
		}
	}
	return number(doc.Get("load_summary.count")) / number(doc.Get("benchmark_time_seconds"))
}

func throughput(doc gjson.Result, what string) float64 {
	return number(doc.Get("successes.throughput." + what + "_per_sec"))
}

// unfinished returns the number of requests that the end of the run cut off. They are no failures.
func unfinished(doc gjson.Result) float64 { return number(doc.Get("xk6_llm.requests.canceled")) }

// failedCount returns the number of requests that failed.
func failedCount(doc gjson.Result) float64 {
	failed := number(doc.Get("failures.count"))
	if cut := unfinished(doc); cut > 0 {
		failed -= cut
	}
	return failed
}

// failedShare returns the share of failed requests among all that ended, in percent.
func failedShare(doc gjson.Result) float64 {
	n := number(doc.Get("load_summary.count"))
	if math.IsNaN(n) {
		n = number(doc.Get("failures.count")) + number(doc.Get("successes.count"))
	}
	if cut := unfinished(doc); cut > 0 {
		n -= cut
	}
	return 100 * failedCount(doc) / n
}

func keptShare(doc gjson.Result) float64 {
	return number(doc.Get("successes.goodput_metrics.goodput_percentage"))
}

// missing stands in a table for a value that the report lacks.
const missing = "–"

// milliseconds formats seconds as milliseconds with about three digits.
func milliseconds(seconds float64) string { return digits(seconds * 1000) }

// digits formats a number with three digits, or with all digits before the point, in groups of three.
func digits(v float64) string {
	return plain.Digits(v, missing, groupSeparator)
}

// count formats a whole number of a report.
func count(v gjson.Result) string {
	if v.Type != gjson.Number {
		return missing
	}
	return whole(v.Num)
}

// whole formats a whole number.
func whole(v float64) string {
	if math.IsNaN(v) {
		return missing
	}
	return grouped(strconv.FormatFloat(v, 'f', 0, 64))
}

// groupSeparator is a narrow space, which no country reads as a decimal point.
const groupSeparator = "\u202f"

// grouped separates thousands.
func grouped(digits string) string { return plain.Grouped(digits, groupSeparator) }

func percent(v float64) string {
	switch {
	case math.IsNaN(v):
		return missing
	case v == 0 || v == 100:
		return fmt.Sprintf("%.0f %%", v)
	case v > 99.9:
		return ">99.9 %"
	case v < 0.1:
		return "<0.1 %"
	}
	return fmt.Sprintf("%.1f %%", v)
}
