package prometheus

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// window holds when a run or a stage ran, and when its last finished requests have been scraped.
type window struct {
	start, end time.Time
	settled    time.Time // when to read counters: end or later
	step       time.Duration
	restarted  bool // counters were reset in the window, so the difference of their values at its ends is wrong
}

func (w window) seconds() float64 { return w.end.Sub(w.start).Seconds() }

// exactly returns the queries for the exact figures of an engine. Counters and histograms are the difference of their
// values at the two ends of the window, which is exact where increase() extrapolates; after a restart of the server
// increase() is used. Gauges cover all series.
func exactly(e Engine, matchers string, w window) (list []named) {
	seen := map[string]bool{}
	for _, m := range e.metrics() {
		if seen[m.name] {
			continue
		}
		seen[m.name] = true
		for _, q := range m.exact(matchers, w) {
			at := w.settled
			if m.kind == gauge {
				at = w.end
			}
			list = append(list, named{strings.TrimSuffix(m.field, "_total") + "_" + q[0], question{q[1], at}})
		}
	}
	return list
}

func (m metric) exact(f string, w window) [][2]string {
	switch m.kind {
	case counter:
		return amounts(m.change(f, w), w)
	case gauge:
		return m.level(f, w)
	default:
		list := [][2]string{
			{"mean", fmt.Sprintf("(%s) / ((%s) > 0)", m.part("sum").change(f, w), m.part("count").change(f, w))}}
		for _, l := range levels {
			list = append(list,
				[2]string{l.name, fmt.Sprintf("histogram_quantile(%s, %s)", l.value, m.part("bucket").buckets(f, w))})
		}
		if m.field == "prompt_tokens" || m.field == "output_tokens" {
			list = append(list, amounts(m.part("sum").change(f, w), w)...)
		}
		return list
	}
}

// part returns one of the counters that make a histogram.
func (m metric) part(name string) metric { return metric{m.field, counter, m.name + "_" + name} }

func amounts(change string, w window) [][2]string {
	return [][2]string{
		{"total", change},
		{"per_second", fmt.Sprintf("(%s) / %s", change, strconv.FormatFloat(w.seconds(), 'f', -1, 64))},
	}
}

// change returns the query for the growth of a counter. A series that appeared within the window counts from 0.
func (m metric) change(f string, w window) string {
	back := milliseconds(w.settled.Sub(w.start))
	if w.restarted {
		return "sum(" + m.legs("increase(%s{%s}[%s])", f, back) + ")"
	}
	return fmt.Sprintf("sum(%s) - (sum(%s) or vector(0))", m.legs("%s{%s}", f), m.legs("%s{%s} offset %s", f, back))
}

// buckets returns the query for the growth of each bucket of a histogram.
func (m metric) buckets(f string, w window) string {
	back := milliseconds(w.settled.Sub(w.start))
	if w.restarted {
		return fmt.Sprintf("sum by (le) (increase(%s{%s}[%s]))", m.name, f, back)
	}
	now := fmt.Sprintf("sum by (le) (%s{%s})", m.name, f)
	return fmt.Sprintf("%s - (sum by (le) (%s{%s} offset %s) or %s * 0)", now, m.name, f, back, now)
}

// level returns the queries for a gauge over all series: numbers of requests are added up, shares of a cache are
// averaged.
func (m metric) level(f string, w window) [][2]string {
	over := "sum"
	if m.field == "kv_cache_usage" {
		over = "avg"
	}
	width := milliseconds(w.end.Sub(w.start))
	points := fmt.Sprintf("%s(%s{%s})[%s:%s]", over, m.name, f, width, milliseconds(w.step))
	list := [][2]string{{"mean", fmt.Sprintf("%s(avg_over_time(%s{%s}[%s]))", over, m.name, f, width)}}
	for _, l := range levels {
		list = append(list, [2]string{l.name, fmt.Sprintf("quantile_over_time(%s, %s)", l.value, points)})
	}
	return append(list, [2]string{"max", fmt.Sprintf("max_over_time(%s)", points)})
}

// restarts returns queries whose answer is above 0 if a server restarted within the window, because its counters fell
// or are gone.
func restarts(e Engine, f string, w window) []question {
	back := milliseconds(w.settled.Sub(w.start))
	for _, m := range e.metrics() {
		if m.field == "request_latency" {
			name := m.name + "_count"
			return []question{
				{fmt.Sprintf("sum(resets(%s{%s}[%s]))", name, f, back), w.settled},
				{fmt.Sprintf("count(%s{%s} offset %s unless %s{%s})", name, f, back, name, f), w.settled},
			}
		}
	}
	return nil
}

// present returns the query for all models, without matchers.
func present(e Engine, at time.Time) question {
	for _, m := range e.metrics() {
		if m.field == "request_latency" {
			return question{fmt.Sprintf("count by (model_name) (%s_count)", m.name), at}
		}
	}
	return question{}
}

// milliseconds returns a duration of PromQL of at least 1ms, because PromQL has no duration of 0.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10) + "ms"
}
