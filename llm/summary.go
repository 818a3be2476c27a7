package llm

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// summary makes a short text for standard output of the data of handleSummary, in the form that handleSummary returns.
func (m *ModuleInstance) summary(data sobek.Value) (map[string]any, error) {
	if absent(data) {
		return nil, errors.New("summary takes the data that handleSummary gets")
	}
	// The data is converted by JSON because it holds Go maps of k6's own types.
	figures, err := data.ToObject(m.vu.Runtime()).MarshalJSON()
	if err != nil {
		return nil, err
	}
	_, reportFollows := m.lookupEnv(record.OverridesEnv) // the command that sets it makes the report itself
	m.root.process.Told()
	text, err := status.Summary{
		Board:       m.root.process.Board(),
		Nothing:     m.root.process.Nothing(),
		Interrupted: m.root.process.Interrupted(),
		Simulated:   m.root.process.Simulated(),
		Failures:    &m.root.process.Failures,
		Remarks:     m.remarks(),
		Searches:    m.root.process.Searches(),
		Lost:        samples.LostRecords(),
		Records:     commandline.RecordsPath(os.Args, m.lookupEnv),
		HideRecords: reportFollows,
		Paired:      engine.Paired(&m.root.process),
		Width:       plain.Columns(os.Stdout),
		Measured:    m.measured,
	}.Text(figures)
	if err != nil {
		return nil, err
	}
	return map[string]any{"stdout": text}, nil
}

// remarks returns the lines below the totals.
func (m *ModuleInstance) remarks() []string {
	list := append(m.root.process.Endpoints.Lines(), m.root.process.Oddities.Lines()...)
	if text := m.root.process.Inputs.Fetched(m.root.process.Board().ByURL()); text != "" {
		list = append(list, text)
	}
	return list
}

// measured returns the value with which k6 compared a threshold's expression. k6 gives handleSummary the statistics of
// summaryTrendStats alone; the rest is in the metric, or in that of its tags.
func (m *ModuleInstance) measured(name, expression string) (float64, bool) {
	parent, _, tagged := strings.Cut(name, "{")
	metric := m.registry.Get(parent)
	if metric == nil {
		return 0, false
	}
	if !tagged {
		return statisticOf(metric.Sink, status.Statistic(expression))
	}
	for _, sub := range metric.Submetrics {
		if sub.Name == name {
			return statisticOf(sub.Metric.Sink, status.Statistic(expression))
		}
	}
	return 0, false
}

// statisticOf returns a statistic of a trend. handleSummary has those of all other kinds.
func statisticOf(sink metrics.Sink, name string) (float64, bool) {
	trend, ok := sink.(*metrics.TrendSink)
	if !ok || trend.IsEmpty() {
		return 0, false
	}
	if p, isPercentile := strings.CutPrefix(name, "p("); isPercentile {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(p, ")"), 64)
		return trend.P(percent / 100), err == nil
	}
	switch name {
	case "avg":
		return trend.Avg(), true
	case "min":
		return trend.Min(), true
	case "max":
		return trend.Max(), true
	case "med":
		return trend.P(0.5), true
	case "count":
		return float64(trend.Count()), true
	}
	return 0, false
}
