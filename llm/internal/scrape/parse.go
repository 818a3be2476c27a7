package scrape

import (
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxSeries bounds the series that are read of a page. A server has about a hundred.
const maxSeries = 10_000

// unsuccessful holds the values of the label finished_reason of requests that were not answered.
var unsuccessful = map[string]bool{"abort": true, "error": true}

// Sample is what a page shows.
type Sample struct {
	Engine string             // whose metrics are on the page; "" if only those of devices are
	Models []string           // that the engine's metrics name, sorted
	Values map[string]float64 // the figures by name
}

// Limits of the models of a page: their number, and the length of a name in bytes.
const maxModels, maxModel = 20, 200

// Parse reads a page in the text format or in OpenMetrics. It skips lines that it does not understand and values that
// are not finite, so any other text has no figures.
func Parse(page string) Sample {
	metrics := table()
	index, series := byName(metrics), make([]tally, len(metrics))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	models := map[string][]string{} // by engine
	left := maxSeries
	for line := range strings.Lines(page) {
		at := index[strings.TrimSuffix(line[:nameEnd(line)], "_total")]
		if len(at) == 0 {
			continue
		}
		if left--; left < 0 {
			break
		}
		value, model, failed, ok := read(&parser, line)
		if !ok {
			continue
		}
		for _, i := range at {
			if failed == (metrics[i].fold == undone) {
				series[i].add(value)
			}
		}
		known := models[metrics[at[0]].engine]
		if model != "" && len(model) <= maxModel && len(known) < maxModels && !slices.Contains(known, model) {
			models[metrics[at[0]].engine] = append(known, model)
		}
	}
	engine, values := gather(metrics, series)
	list := models[engine]
	slices.Sort(list)
	return Sample{engine, list, values}
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
	case sum, more, undone:
	}
	if m.scale != 0 {
		value *= m.scale
	}
	return value
}

// read returns the value of a line, the model that it is about, and whether it counts requests that were not
// answered. ok is false if the line has no value.
func read(parser *expfmt.TextParser, line string) (value float64, model string, failed, ok bool) {
	end := labelsEnd(line)
	rest := strings.Fields(line[end:])
	if len(rest) == 0 {
		return 0, "", false, false
	}
	// After the value OpenMetrics has times with fractions and exemplars, which the text format does not have.
	families, err := parser.TextToMetricFamilies(strings.NewReader(line[:end] + " " + rest[0] + "\n"))
	if err != nil {
		return 0, "", false, false
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			value = m.GetUntyped().GetValue()
			model = labelOf(m, "model_name") // of vLLM and SGLang
			return value, model, unsuccessful[labelOf(m, "finished_reason")], !math.IsNaN(value) &&
				!math.IsInf(value, 0)
		}
	}
	return 0, "", false, false
}

// labelOf returns the value of a label, "" if the metric has none of that name.
func labelOf(m *dto.Metric, name string) string {
	for _, label := range m.GetLabel() {
		if label.GetName() == name {
			return label.GetValue()
		}
	}
	return ""
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
