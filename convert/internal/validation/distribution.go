package validation

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
)

// Figures that must agree may differ by this much, since sums in another order differ in their last digits.
const (
	relative = 1e-6
	absolute = 1e-9
)

// leastDelay is how early a request may go unnoticed, in seconds. Sleeping clients wake up to a millisecond before
// their time, so that the least schedule delay of nearly every run of inference-perf is negative.
const leastDelay = -0.005

func slack(a, b float64) float64 { return absolute + relative*max(math.Abs(a), math.Abs(b)) }

func equal(a, b float64) bool { return math.Abs(a-b) <= slack(a, b) }

func above(a, b float64) bool { return a > b+slack(a, b) }

// finite returns the number in a JSON value, and false if the value is not a number or is too large for a float64.
func finite(v gjson.Result) (float64, bool) {
	return v.Num, v.Type == gjson.Number && !math.IsInf(v.Num, 0) && !math.IsNaN(v.Num)
}

// distribution is the summary of a list of figures as a report has it.
type distribution struct {
	mean, min, max float64
	percentiles    []percentile // ascending
}

type percentile struct {
	key      string
	p, value float64
}

// sound checks that the figures can belong together: percentiles ascend from the minimum to the maximum, and the mean
// lies between these.
func (d distribution) sound(s scope, path string) {
	if above(d.min, d.mean) {
		s.errorf("distributions", "%s: minimum %v is above the mean %v", path, d.min, d.mean)
	}
	if above(d.mean, d.max) {
		s.errorf("distributions", "%s: mean %v is above the maximum %v", path, d.mean, d.max)
	}
	last := percentile{"the minimum", 0, d.min}
	for _, q := range d.percentiles {
		if above(last.value, q.value) {
			s.errorf("distributions", "%s: %s %v is below %s %v", path, q.key, q.value, last.key, last.value)
		}
		last = q
	}
	if above(last.value, d.max) {
		s.errorf("distributions", "%s: %s %v is above the maximum %v", path, last.key, last.value, d.max)
	}
}

// distributionPaths are the places of distributions in a lifecycle report. Older versions and this program also write
// prompt_len.
var distributionPaths = [...]string{
	"load_summary.schedule_delay",
	"successes.latency.request_latency", "successes.latency.normalized_time_per_output_token",
	"successes.latency.time_per_output_token", "successes.latency.time_to_first_token",
	"successes.latency.inter_token_latency",
	"successes.request_size_bytes",
	"successes.image.count", "successes.image.pixels", "successes.image.bytes", "successes.image.aspect_ratio",
	"successes.video.count", "successes.video.frames", "successes.video.pixels", "successes.video.bytes",
	"successes.video.aspect_ratio",
	"successes.audio.count", "successes.audio.seconds", "successes.audio.bytes",
	"successes.prompt_tokens", "successes.prompt_len", "successes.output_len", "successes.output_tokens",
	"failures.request_latency", "failures.prompt_tokens", "failures.prompt_len",
	"retries.wasted_sec",
}

// distributions checks every distribution of a report.
func (l lifecycle) distributions() {
	for _, path := range distributionPaths {
		v := l.doc.Get(path)
		if !v.Exists() || v.Type == gjson.Null {
			continue
		}
		d, fault := readDistribution(v)
		switch {
		case fault != "":
			l.errorf("distributions", "%s: %s", path, fault)
		case d == nil: // totals without a request
		default:
			d.sound(l.scope, path)
			l.minimum(path, v.Get("min"))
		}
	}
}

// minimum checks that no figure is negative; a schedule delay may be.
func (l lifecycle) minimum(path string, least gjson.Result) {
	delay := path == "load_summary.schedule_delay"
	switch {
	case delay && least.Num < leastDelay:
		l.warnf("distributions", "%s: negative minimum %s", path, least.Raw)
	case !delay && least.Num < 0:
		l.errorf("distributions", "%s: negative minimum %s", path, least.Raw)
	}
}

// readDistribution reads a distribution from its object, which may hold other keys. nil means that there is no
// distribution.
func readDistribution(v gjson.Result) (d *distribution, fault string) {
	if !v.IsObject() {
		return nil, "neither an object nor null"
	}
	d = new(distribution)
	known := 0
	v.ForEach(func(key, value gjson.Result) bool {
		p, is := rank(key.Str)
		to := map[string]*float64{"mean": &d.mean, "min": &d.min, "max": &d.max}[key.Str]
		if to == nil && !is {
			return true
		}
		number, ok := finite(value)
		switch {
		case !ok:
			fault = strconv.QuoteToASCII(key.Str) + " is not a number"
		case to != nil:
			known++
			*to = number
		default:
			d.percentiles = append(d.percentiles, percentile{key.Str, p, number})
		}
		return ok
	})
	switch {
	case fault != "":
		return nil, fault
	case known == 0 && len(d.percentiles) == 0:
		return nil, ""
	case known != 3:
		return nil, "mean, min and max must be there, each once"
	}
	slices.SortFunc(d.percentiles, byRank)
	return d, ""
}

func byRank(a, b percentile) int { return cmp.Compare(a.p, b.p) }

// rank returns the percentile that a key stands for, such as median or p99.9.
func rank(key string) (float64, bool) {
	if key == "median" {
		return 50, true
	}
	digits, is := strings.CutPrefix(key, "p")
	p, err := strconv.ParseFloat(digits, 64)
	return p, is && err == nil && p >= 0 && p <= 100
}

// ofStatistics returns the distribution of a statistics block of a partial report, and false if the block has only a
// mean.
func ofStatistics(s *benchreport.Statistics) (d distribution, ok bool) {
	if s.Min == nil || s.Max == nil {
		return d, false
	}
	d = distribution{mean: s.Mean, min: *s.Min, max: *s.Max}
	for _, q := range s.Percentiles {
		d.percentiles = append(d.percentiles, percentile{"percentile " + strconv.FormatFloat(q.P, 'g', -1, 64), q.P,
			q.Value})
	}
	return d, true
}
