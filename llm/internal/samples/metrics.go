// Package samples turns records into k6 samples: the names of the metrics, their registration, and a sample container
// that carries the whole record, so that one push feeds k6's metrics and our record output alike.
package samples

import (
	"fmt"

	"go.k6.io/k6/v2/metrics"
)

// Names of the metrics that carry records in their metadata, under RecordKey.
const (
	RequestsName = "llm_requests"
	EventsName   = "llm_events"
	RecordKey    = "llm_record"
)

// Metrics are the handles of our metrics. docs/metrics.md defines them.
type Metrics struct {
	TTFT, ITL, TPOT, NTPOT, Duration, ScheduleDelay *metrics.Metric
	PromptTokens, CompletionTokens                  *metrics.Metric
	TokensIn, TokensOut, Requests, Events           *metrics.Metric
	Failed, Good                                    *metrics.Metric
}

// Register registers all metrics. A second registration in the same registry gives the same handles.
func Register(registry *metrics.Registry) (*Metrics, error) {
	m := new(Metrics)
	for _, def := range []struct {
		handle   **metrics.Metric
		name     string
		kind     metrics.MetricType
		contains metrics.ValueType
	}{
		{&m.TTFT, "llm_ttft", metrics.Trend, metrics.Time},
		{&m.ITL, "llm_itl", metrics.Trend, metrics.Time},
		{&m.TPOT, "llm_tpot", metrics.Trend, metrics.Time},
		{&m.NTPOT, "llm_ntpot", metrics.Trend, metrics.Time},
		{&m.Duration, "llm_request_duration", metrics.Trend, metrics.Time},
		{&m.ScheduleDelay, "llm_schedule_delay", metrics.Trend, metrics.Time},
		{&m.PromptTokens, "llm_prompt_tokens", metrics.Trend, metrics.Default},
		{&m.CompletionTokens, "llm_completion_tokens", metrics.Trend, metrics.Default},
		{&m.TokensIn, "llm_tokens_in", metrics.Counter, metrics.Default},
		{&m.TokensOut, "llm_tokens_out", metrics.Counter, metrics.Default},
		{&m.Requests, RequestsName, metrics.Counter, metrics.Default},
		{&m.Events, EventsName, metrics.Counter, metrics.Default},
		{&m.Failed, "llm_request_failed", metrics.Rate, metrics.Default},
		{&m.Good, "llm_good", metrics.Rate, metrics.Default},
	} {
		metric, err := registry.NewMetric(def.name, def.kind, def.contains)
		if err != nil {
			return nil, fmt.Errorf("registering %s: %w", def.name, err)
		}
		*def.handle = metric
	}
	return m, nil
}
