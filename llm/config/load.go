package config

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// LoadPlan says when requests are sent, how many at once, and what ends them.
type LoadPlan struct {
	Type LoadType `key:"type" default:"constant"`
	// of rest after each stage, the last too
	Interval float64 `key:"interval" default:"1.0" check:"seconds at least 0"`
	Stages   Stages  `key:"stages" default:"[]"`
	Sweep    *Sweep  `key:"sweep" default:"null"` // its stages replace those given

	// 0: a single process; nil until [Config.Settle]
	NumWorkers *int64 `key:"num_workers,omit" auto:"number of CPUs"`
	// requests in flight per worker
	WorkerConcurrency int64 `key:"worker_max_concurrency" default:"100" check:"at least 0"`
	WorkerConnections int64 `key:"worker_max_tcp_connections" default:"2500" check:"at least 0"` // per worker

	Trace           *Trace   `key:"trace" default:"null"`          // when requests are due, for trace_replay
	CircuitBreakers []string `key:"circuit_breakers" default:"[]"` // names of those that may end the run

	// Timeout nil or 0 is 300. inference-perf takes one below 0 for none.
	Timeout *float64 `key:"request_timeout" default:"null" check:"seconds at least 0"`
	// after faults of the connection
	Retries int64 `key:"request_retries" default:"0" check:"at least 0"`
	// doubled each time
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

func (LoadType) Choices() []string {
	return []string{string(Constant), string(PoissonLoad), string(TraceReplay), string(Concurrent),
		string(TraceSessionReplay)}
}

// Prepare tells the stages their class: it follows from the text of load.type alone, as in the original.
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

func (l *LoadPlan) Check(at *tagged.Section) {
	if at.Valid("type", "sweep") && l.Sweep != nil && (l.Type == Concurrent || l.Type == TraceSessionReplay) {
		at.Fault("sweep", "does not go with load.type %q", l.Type)
	}
	if at.Valid("stages", "sweep") && l.Sweep == nil && l.Stages.Len() == 0 {
		at.Fault("stages", "is missing: give stages, or a sweep")
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

// Adapter is a LoRA adapter and its share of the requests. inference-perf wants the shares to add up to 1 to the last
// bit, which ten times 0.1 does not; here 1e-9 more or less will do.
type Adapter struct {
	Name  string  `key:"name,required"`
	Split float64 `key:"split,required" check:"from 0 to 1"`
}

// Trace is a file of requests.
type Trace struct {
	File   string      `key:"file,required"`
	Format TraceFormat `key:"format" default:"AzurePublicDataset"`
}

// TraceFormat is the format of a trace.
type TraceFormat string

// AzurePublicDataset is CSV of a timestamp, prompt tokens and completion tokens.
const AzurePublicDataset TraceFormat = "AzurePublicDataset"

func (TraceFormat) Choices() []string { return []string{string(AzurePublicDataset)} }

// Sweep finds a range of rates by a burst of requests.
type Sweep struct {
	Type       SweepType `key:"type,required"`
	Requests   int64     `key:"num_requests" default:"2000" check:"above 0"`          // of the burst
	Timeout    float64   `key:"timeout" default:"60.0" check:"seconds above 0"`       // of the burst
	Stages     int64     `key:"num_stages" default:"5" check:"from 1 to 10000"`       // to make
	Duration   int64     `key:"stage_duration" default:"180" check:"seconds above 0"` // each
	Percentile float64   `key:"saturation_percentile" default:"95" check:"from 0 to 100"`
}

// SweepType is the spacing of a sweep's rates.
type SweepType string

// The spacings.
const (
	Geometric SweepType = "geometric"
	Linear    SweepType = "linear"
)

func (SweepType) Choices() []string { return []string{string(Geometric), string(Linear)} }
