package scrape

import (
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxSeries bounds the series that are read of a page. A server has about a hundred.
const maxSeries = 10_000

// unsuccessful holds the values of the label finished_reason of requests that were not answered.
var unsuccessful = map[string]bool{"abort": true, "error": true}

// Parse reads a page in the text format or in OpenMetrics. It returns the engine whose metrics are on the page ("" if
// only those of devices are) and the figures by name. It skips lines that it does not understand and values that are
// not finite, so any other text has no figures.
func Parse(page string) (engine string, values map[string]float64) {
	metrics := table()
	index, series := byName(metrics), make([]tally, len(metrics))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	left := maxSeries
	for line := range strings.Lines(page) {
		at := index[strings.TrimSuffix(line[:nameEnd(line)], "_total")]
		if len(at) == 0 {
			continue
		}
		if left--; left < 0 {
			break
		}
		if value, ok := read(&parser, line); ok {
			for _, i := range at {
				series[i].add(value)
			}
		}
	}
	return gather(metrics, series)
}

// gather makes figures of the tallies of all metrics.
func gather(metrics []metric, series []tally) (engine string, values map[string]float64) {
	values = map[string]float64{}
	for i, m := range metrics {
		shared := m.engine == dcgm || m.engine == process && engine != ""
		if series[i].n == 0 || !shared && (m.engine == process || engine != "" && m.engine != engine) {
			continue
		}
		if !shared {
			engine = m.engine
		}
		value := series[i].fold(m)
		before, there := values[m.figure]
		if m.fold == more {
			value += before
		}
		if (!there || m.fold == more) && !math.IsInf(value, 0) {
			values[m.figure] = value
		}
	}
	return engine, values
}

// tally adds up the series of one metric.
type tally struct{ n, sum, most float64 }

func (t *tally) add(value float64) {
	if t.n == 0 || value > t.most {
		t.most = value
	}
	t.n++
	t.sum += value
}

func (t *tally) fold(m metric) float64 {
	value := t.sum
	switch m.fold {
	case mean:
		value /= t.n
	case most:
		value = t.most
	case number:
		value = t.n
	case sum, more:
	}
	if m.scale != 0 {
		value *= m.scale
	}
	return value
}

// read returns the value of a line, and false if it has none or if it does not count.
func read(parser *expfmt.TextParser, line string) (float64, bool) {
	end := labelsEnd(line)
	rest := strings.Fields(line[end:])
	if len(rest) == 0 {
		return 0, false
	}
	// After the value OpenMetrics has times with fractions and exemplars, which the text format does not have.
	families, err := parser.TextToMetricFamilies(strings.NewReader(line[:end] + " " + rest[0] + "\n"))
	if err != nil {
		return 0, false
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			value := m.GetUntyped().GetValue()
			return value, succeeded(m) && !math.IsNaN(value) && !math.IsInf(value, 0)
		}
	}
	return 0, false
}

func succeeded(m *dto.Metric) bool {
	for _, label := range m.GetLabel() {
		if label.GetName() == "finished_reason" && unsuccessful[label.GetValue()] {
			return false
		}
	}
	return true
}

// nameEnd returns the offset at which the metric's name ends.
func nameEnd(line string) int {
	if end := strings.IndexAny(line, "{ \t\r\n"); end >= 0 {
		return end
	}
	return len(line)
}

// labelsEnd returns the offset at which the metric's labels end: after the first closing brace outside quotes.
func labelsEnd(line string) int {
	start := nameEnd(line)
	if start == len(line) || line[start] != '{' {
		return start
	}
	quoted := false
	for i := start; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '}' && !quoted:
			return i + 1
		}
	}
	return len(line)
}
