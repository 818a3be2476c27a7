package benchreport

import "time"

// TimeSeries holds figures over the time of the stage.
type TimeSeries struct {
	Latency    *SeriesLatency    `yaml:"latency,omitempty"`
	Throughput *SeriesThroughput `yaml:"throughput,omitempty"`
}

// SeriesLatency holds latencies over time.
type SeriesLatency struct {
	TTFT *Series `yaml:"time_to_first_token,omitempty"`
}

// SeriesThroughput holds rates over time.
type SeriesThroughput struct {
	Requests *Series `yaml:"request_rate,omitempty"` // of the successes
}

// Series is a figure over time.
type Series struct {
	Units  string  `yaml:"units"`
	Points []Point `yaml:"series"`
}

// Point is a figure at the beginning of an interval: a value, or percentiles.
type Point struct {
	Time  time.Time `yaml:"ts"`
	Value *float64  `yaml:"value,omitempty"`
	P50   *float64  `yaml:"p50,omitempty"`
	P99   *float64  `yaml:"p99,omitempty"`
}

// SessionPerformance holds the measurements of sessions.
type SessionPerformance struct {
	Sessions Sessions `yaml:"sessions"`
}

// Sessions sums up the sessions of a stage.
type Sessions struct {
	Total     int         `yaml:"total"`
	Succeeded int         `yaml:"succeeded"`
	Failed    int         `yaml:"failed"`
	Events    int         `yaml:"total_events"`
	Completed int         `yaml:"total_events_completed"`
	Cancelled int         `yaml:"total_events_cancelled"`
	Rate      *Statistics `yaml:"session_rate,omitempty"`
	Duration  *Statistics `yaml:"session_duration,omitempty"`
	Calls     *Statistics `yaml:"events_per_session,omitempty"`
	CallsLeft *Statistics `yaml:"events_cancelled_per_session,omitempty"`
	Input     *Statistics `yaml:"input_tokens_per_session,omitempty"`
	Output    *Statistics `yaml:"output_tokens_per_session,omitempty"`
}

// Observability holds what was seen of the server beside its answers.
type Observability struct {
	Components []ComponentMetrics `yaml:"components,omitempty"`
	DropRate   *Statistics        `yaml:"drop_rate,omitempty"` // share of the arrivals that were never sent
}

// ComponentMetrics holds what the pages of a component of the stack showed.
type ComponentMetrics struct {
	Label     string    `yaml:"component_label"`
	Aggregate Resources `yaml:"aggregate"`
}

// Resources sums up gauges of a component.
type Resources struct {
	KVCache     *Statistics `yaml:"kv_cache_usage,omitempty"`
	HitRate     *Statistics `yaml:"cache_hit_rate,omitempty"`
	GPUMemory   *Statistics `yaml:"gpu_memory_usage,omitempty"`
	GPU         *Statistics `yaml:"gpu_utilization,omitempty"`
	Power       *Statistics `yaml:"power_consumption,omitempty"`
	Running     *Statistics `yaml:"running_requests,omitempty"`
	Waiting     *Statistics `yaml:"waiting_requests,omitempty"`
	Preemptions *Statistics `yaml:"preemptions,omitempty"`
}
