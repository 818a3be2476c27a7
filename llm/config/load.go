package config

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// LoadPlan is the schedule of the requests: when they are sent, how many at once, and what ends the run.
type LoadPlan struct {
	Type LoadType `key:"type" default:"constant"`
	// the rest after each stage, including the last
	Interval float64 `key:"interval" default:"1.0" check:"seconds at least 0"`
	Stages   Stages  `key:"stages" default:"[]"`
	Sweep    *Sweep  `key:"sweep" default:"null"` // the stages it makes replace Stages

	// 0 means a single process; nil until [Config.Settle]
	NumWorkers *int64 `key:"num_workers,omit" auto:"number of CPUs"`
	// limit of requests in flight per worker
	WorkerConcurrency int64 `key:"worker_max_concurrency" default:"100" check:"at least 0"`
	WorkerConnections int64 `key:"worker_max_tcp_connections" default:"2500" check:"at least 0"` // per worker

	Trace           *Trace   `key:"trace" default:"null"`          // when requests are due, for trace_replay
	CircuitBreakers []string `key:"circuit_breakers" default:"[]"` // names of the breakers that may end the run

	// Timeout limits a request; nil or 0 means 300. inference-perf reads a negative timeout as no limit.
	Timeout *float64 `key:"request_timeout" default:"null" check:"seconds at least 0"`
	// how often a request is repeated after a fault of the connection
	Retries int64 `key:"request_retries" default:"0" check:"at least 0"`
	// the pause before the first retry, doubled before each further one
	RetryBackoff float64 `key:"request_retry_backoff_sec" default:"0.5" check:"seconds at least 0"`
	Grace        float64 `key:"stage_teardown_grace_seconds" default:"120.0" check:"seconds at least 0"`

	Adapters []Adapter `key:"lora_traffic_split,null" default:"null"`
	// nil until [Config.Settle]
	BaseSeed *int64 `key:"base_seed,omit" auto:"milliseconds since 1970" check:"at least 0"`
}

// LoadType is a kind of load.
type LoadType string

// The kinds of load.
const (
	Constant           LoadType = "constant"
	PoissonLoad        LoadType = "poisson"
	TraceReplay        LoadType = "trace_replay"
	Concurrent         LoadType = "concurrent"
	TraceSessionReplay LoadType = "trace_session_replay"
)

// Choices returns the values that the key accepts.
func (LoadType) Choices() []string {
	return []string{string(Constant), string(PoissonLoad), string(TraceReplay), string(Concurrent),
		string(TraceSessionReplay)}
}

// Prepare sets the class of the stages. It follows from the text of load.type alone, as in inference-perf.
func (l *LoadPlan) Prepare(v *tagged.Value) {
	l.Stages = Stages{class: standardClass}
	kind := v.Member("type")
	switch {
	case kind == nil || kind.Kind != tagged.TextKind:
	case kind.Text == string(Concurrent):
		l.Stages.class = concurrentClass
	case kind.Text == string(TraceSessionReplay):
		l.Stages.class = sessionClass
	}
}

// Check applies the rules that hold between the keys.
func (l *LoadPlan) Check(at *tagged.Section) {
	if at.Valid("type", "sweep") && l.Sweep != nil && (l.Type == Concurrent || l.Type == TraceSessionReplay) {
		at.Fault("sweep", "does not go with load.type %q", l.Type)
	}
	if at.Valid("type", "trace") && l.Type == TraceReplay && l.Trace == nil {
		at.Fault("trace", "is required by load.type %q", l.Type)
	}
	if at.Valid("lora_traffic_split") && l.Adapters != nil {
		l.checkSplit(at)
	}
}

func (l *LoadPlan) checkSplit(at *tagged.Section) {
	if len(l.Adapters) == 0 {
		at.Fault("lora_traffic_split", "must not be empty: leave it out for no adapters")
		return
	}
	var sum float64
	for _, a := range l.Adapters {
		sum += a.Split
	}
	if !(math.Abs(sum-1) <= 1e-9) {
		at.Fault("lora_traffic_split", "must add up to 1, got %v", sum)
	}
}

// Adapter is a LoRA adapter and its share of the requests. inference-perf demands that the shares add up to 1 to the
// last bit, which ten times 0.1 does not; here a difference of 1e-9 is accepted.
type Adapter struct {
	Name  string  `key:"name,required"`
	Split float64 `key:"split,required" check:"from 0 to 1"`
}

// Trace is a file that describes requests.
type Trace struct {
	File   string      `key:"file,required"`
	Format TraceFormat `key:"format" default:"AzurePublicDataset"`
}

// TraceFormat is the format of a trace.
type TraceFormat string

// AzurePublicDataset is CSV with the columns timestamp, prompt tokens and completion tokens.
const AzurePublicDataset TraceFormat = "AzurePublicDataset"

// Choices returns the values that the key accepts.
func (TraceFormat) Choices() []string { return []string{string(AzurePublicDataset)} }

// Sweep finds a range of rates by a burst of requests and runs a stage at each.
type Sweep struct {
	Type       SweepType `key:"type,required"`
	Requests   int64     `key:"num_requests" default:"2000" check:"above 0"`          // of the burst
	Timeout    float64   `key:"timeout" default:"60.0" check:"seconds above 0"`       // of the burst
	Stages     int64     `key:"num_stages" default:"5" check:"from 1 to 10000"`       // how many stages to make
	Duration   int64     `key:"stage_duration" default:"180" check:"seconds above 0"` // of each stage
	Percentile float64   `key:"saturation_percentile" default:"95" check:"from 0 to 100"`
}

// SweepType is the spacing of the rates of a sweep.
type SweepType string

// The spacings.
const (
	Geometric SweepType = "geometric"
	Linear    SweepType = "linear"
)

// Choices returns the values that the key accepts.
func (SweepType) Choices() []string { return []string{string(Geometric), string(Linear)} }
