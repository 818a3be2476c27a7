// Package samples turns records into k6 samples. It registers the metrics, and has a sample container that carries the
// whole record, so that one push feeds both k6's metrics and the record output.
package samples

import (
	"fmt"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Metrics holds the handles of the extension's metrics, which docs/metrics.md defines.
type Metrics struct {
	TTFT, ITL, TPOT, NTPOT, Duration, ScheduleDelay *metrics.Metric
	PromptTokens, CompletionTokens                  *metrics.Metric
	TokensIn, TokensOut, Requests, Events           *metrics.Metric
	Failed, Good                                    *metrics.Metric
	SessionDuration, SessionFailed                  *metrics.Metric
	FirstAudio, RealTimeFactor, AudioSeconds        *metrics.Metric

	builtin *metrics.BuiltinMetrics
	outputs outputs
	tags    tagSets
}

// Register registers all metrics. A second registration in the same registry returns the same handles. Samples have
// metadata only if an output of the test reads it.
func Register(test *lib.TestPreInitState) (*Metrics, error) {
	m := &Metrics{builtin: test.BuiltinMetrics}
	if test.Usage != nil {
		m.outputs.usage = test.Usage
	}
	for _, def := range []struct {
		handle   **metrics.Metric
		name     string
		kind     metrics.MetricType
		contains metrics.ValueType
	}{
		{&m.TTFT, record.MetricTTFT, metrics.Trend, metrics.Time},
		{&m.ITL, record.MetricITL, metrics.Trend, metrics.Time},
		{&m.TPOT, record.MetricTPOT, metrics.Trend, metrics.Time},
		{&m.NTPOT, record.MetricNTPOT, metrics.Trend, metrics.Time},
		{&m.Duration, record.MetricDuration, metrics.Trend, metrics.Time},
		{&m.ScheduleDelay, record.MetricScheduleDelay, metrics.Trend, metrics.Time},
		{&m.PromptTokens, record.MetricPromptTokens, metrics.Trend, metrics.Default},
		{&m.CompletionTokens, record.MetricCompletionTokens, metrics.Trend, metrics.Default},
		{&m.TokensIn, record.MetricTokensIn, metrics.Counter, metrics.Default},
		{&m.TokensOut, record.MetricTokensOut, metrics.Counter, metrics.Default},
		{&m.Requests, record.MetricRequests, metrics.Counter, metrics.Default},
		{&m.Events, record.MetricEvents, metrics.Counter, metrics.Default},
		{&m.Failed, record.MetricFailed, metrics.Rate, metrics.Default},
		{&m.Good, record.MetricGood, metrics.Rate, metrics.Default},
		{&m.SessionDuration, record.MetricSessionDuration, metrics.Trend, metrics.Time},
		{&m.SessionFailed, record.MetricSessionFailed, metrics.Rate, metrics.Default},
		{&m.FirstAudio, record.MetricFirstAudio, metrics.Trend, metrics.Time},
		{&m.RealTimeFactor, record.MetricRealTimeFactor, metrics.Trend, metrics.Default},
		{&m.AudioSeconds, record.MetricAudioSeconds, metrics.Counter, metrics.Default},
	} {
		metric, err := test.Registry.NewMetric(def.name, def.kind, def.contains)
		if err != nil {
			return nil, fmt.Errorf("registering %s: %w", def.name, err)
		}
		*def.handle = metric
	}
	return m, nil
}
