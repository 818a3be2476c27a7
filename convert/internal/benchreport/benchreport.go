// Package benchreport writes the llm-d benchmark report, schema 0.2.1: whole, or only a stage's part of it, as
// inference-perf 0.7.0 does. Parts are meant to be merged with those of other producers (the host, the engine, the
// scenario). An unknown figure is left out and never null.
package benchreport

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v4"
)

// Version is the version of the schema.
const Version = "0.2.1"

// Report is the report on one stage. A part has neither a scenario nor other results than those of requests. Fields
// stand in the order of the schema.
type Report struct {
	Version  string    `yaml:"version"`
	Run      Run       `yaml:"run"`
	Scenario *Scenario `yaml:"scenario,omitempty"`
	Results  Results   `yaml:"results"`
}

// Run identifies the stage. In inference-perf UID is inference-perf-stage-<N>- and eight random hex
// digits, EID inference-perf-experiment- and eight, the same in all stages of a run.
type Run struct {
	UID         string `yaml:"uid"`
	EID         string `yaml:"eid"`
	Time        Window `yaml:"time"`
	Description string `yaml:"description,omitempty"`
}

// Window is the time in which the stage ran, by the wall clock. The file holds microseconds of Start and End, and
// milliseconds of Duration.
type Window struct {
	Start, End time.Time
	Duration   time.Duration
}

// Between returns the window from start to end.
func Between(start, end time.Time) Window { return Window{start, end, end.Sub(start)} }

// Results holds the measurements.
type Results struct {
	RequestPerformance RequestPerformance  `yaml:"request_performance"`
	SessionPerformance *SessionPerformance `yaml:"session_performance,omitempty"`
	Observability      *Observability      `yaml:"observability,omitempty"`
}

// RequestPerformance holds the measurements of requests.
type RequestPerformance struct {
	Aggregate  Aggregate   `yaml:"aggregate"`
	TimeSeries *TimeSeries `yaml:"time_series,omitempty"`
}

// Aggregate sums up the stage's requests. Blocks that are nil or empty are left out; inference-perf has no throughput
// without a success or without time.
type Aggregate struct {
	Requests   Requests    `yaml:"requests"`
	Latency    *Latency    `yaml:"latency,omitempty"`
	Throughput *Throughput `yaml:"throughput,omitempty"`
}

// Requests holds the numbers of requests, and the lengths of successes in tokens.
type Requests struct {
	Total        int         `yaml:"total"` // successes and failures
	Failures     int         `yaml:"failures"`
	Incomplete   *int        `yaml:"incomplete,omitempty"` // those of the failures that the end of the run cut off
	InputLength  *Statistics `yaml:"input_length,omitempty"`
	OutputLength *Statistics `yaml:"output_length,omitempty"`
	Size         *Statistics `yaml:"request_size,omitempty"`
}

// Latency holds the latencies of successes. NTPOT leaves out successes without a token, which count as 0 in the
// lifecycle reports.
type Latency struct {
	TTFT    *Statistics `yaml:"time_to_first_token,omitempty"`
	NTPOT   *Statistics `yaml:"normalized_time_per_output_token,omitempty"`
	TPOT    *Statistics `yaml:"time_per_output_token,omitempty"`
	ITL     *Statistics `yaml:"inter_token_latency,omitempty"`
	Request *Statistics `yaml:"request_latency,omitempty"`
}

// Throughput holds the rates of successes over the time of all requests; see [Rate].
type Throughput struct {
	InputTokens  *Statistics `yaml:"input_token_rate,omitempty"`
	OutputTokens *Statistics `yaml:"output_token_rate,omitempty"`
	TotalTokens  *Statistics `yaml:"total_token_rate,omitempty"`
	Requests     *Statistics `yaml:"request_rate,omitempty"`
}

// New returns a report of this version of the schema.
func New(run Run, a Aggregate) *Report {
	return &Report{Version: Version, Run: run, Results: Results{RequestPerformance: RequestPerformance{Aggregate: a}}}
}

// Aggregate returns the part of the report that holds the figures.
func (r *Report) Aggregate() *Aggregate { return &r.Results.RequestPerformance.Aggregate }

// Write writes the file: block style, keys in schema order, floats as Python shows them.
func (r *Report) Write(w io.Writer) error {
	out := *r
	a := out.Aggregate()
	if a.Latency != nil && *a.Latency == (Latency{}) {
		a.Latency = nil
	}
	if a.Throughput != nil && *a.Throughput == (Throughput{}) {
		a.Throughput = nil
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(&out); err != nil {
		return fmt.Errorf("benchmark report: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("benchmark report: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
}
