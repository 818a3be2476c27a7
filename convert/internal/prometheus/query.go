package prometheus

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// question is a query and the time of its evaluation. The zero time means the server's own now.
type question struct {
	text string
	at   time.Time
}

// named is a question and the name of its figure, such as prompt_tokens.total.
type named struct {
	name string
	question
}

// levels lists the quantiles that are asked for, by their names in a report.
var levels = []struct{ name, value string }{{"median", "0.5"}, {"p90", "0.9"}, {"p99", "0.99"}}

// originals returns inference-perf's own questions about an engine, in its order: the statistics of each metric over a
// range that ends at the time of evaluation.
func originals(e Engine, matchers string, span time.Duration, at time.Time) (list []named) {
	width := rangeSeconds(span)
	for _, m := range e.metrics() {
		for _, q := range m.original(matchers, strconv.FormatInt(width, 10)+"s") {
			list = append(list, named{m.field + "." + q[0], question{q[1], at}})
		}
	}
	return list
}

// rangeSeconds returns a span as inference-perf asks for it: in whole seconds, a half rounded to the even number.
func rangeSeconds(span time.Duration) int64 { return int64(math.RoundToEven(span.Seconds())) }

// original returns the statistics of a metric and their queries.
func (m metric) original(f, d string) [][2]string {
	switch m.kind {
	case counter:
		increase, rate := m.legs("increase(%s{%s}[%s])", f, d), m.legs("rate(%s{%s}[%s])", f, d)
		return [][2]string{
			{"total", "sum(" + increase + ")"},
			{"avg", fmt.Sprintf("avg_over_time((%s)[%s:%s])", rate, d, d)},
			{"per_second", "sum(" + rate + ")"},
		}
	case gauge:
		list := [][2]string{{"avg", fmt.Sprintf("avg_over_time(%s{%s}[%s])", m.name, f, d)}}
		for _, l := range levels {
			list = append(list,
				[2]string{l.name, fmt.Sprintf("quantile_over_time(%s, %s{%s}[%s])", l.value, m.name, f, d)})
		}
		return list
	default:
		rate := func(part string) string { return fmt.Sprintf("sum(rate(%s_%s{%s}[%s]))", m.name, part, f, d) }
		list := [][2]string{{"avg", fmt.Sprintf("%s / (%s > 0)", rate("sum"), rate("count"))}}
		for _, l := range levels {
			list = append(list,
				[2]string{l.name, fmt.Sprintf("histogram_quantile(%s, %s by (le))", l.value, rate("bucket"))})
		}
		return append(list, [2]string{"per_second", rate("count")})
	}
}

// legs joins the term for both spellings of a counter's name; Prometheus uses the one that exists.
func (m metric) legs(term string, f string, rest ...any) string {
	base := strings.TrimSuffix(m.name, "_total")
	leg := func(name string) string { return fmt.Sprintf(term, append([]any{name, f}, rest...)...) }
	for _, part := range []string{"_count", "_sum", "_bucket"} {
		if strings.HasSuffix(m.name, part) {
			return leg(m.name)
		}
	}
	return leg(base+"_total") + " or " + leg(base)
}
