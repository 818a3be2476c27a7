package scrape

import (
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxSeries bounds what of a page is read; a server has a hundred.
const maxSeries = 10_000

// unsuccessful are the values of the label finished_reason that are of no answer.
var unsuccessful = map[string]bool{"abort": true, "error": true}

// Parse reads a page, in the text format or in OpenMetrics. It gives the engine whose names are on it ("" if only
// devices are) and the figures by name. Lines that are not understood, and values that are no finite number, are passed
// over: a page of anything gives no figures.
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

// gather makes figures of what the series came to.
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

// tally adds the series of one metric up.
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

// read gives the value of a line, and false if it has none that counts.
func read(parser *expfmt.TextParser, line string) (float64, bool) {
	end := labelsEnd(line)
	rest := strings.Fields(line[end:])
	if len(rest) == 0 {
		return 0, false
	}
	// What OpenMetrics has after the value, times with fractions and exemplars, is not of the text format.
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

// nameEnd is where the name of a line's metric ends.
func nameEnd(line string) int {
	if end := strings.IndexAny(line, "{ \t\r\n"); end >= 0 {
		return end
	}
	return len(line)
}

// labelsEnd is where its labels end: at the brace outside of quotes.
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
