package config

import (
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Report chooses the reports to write.
type Report struct {
	Lifecycle  Lifecycle         `key:"request_lifecycle"`
	Prometheus *PrometheusReport `key:"prometheus" default:"{}"`
	Sessions   SessionReport     `key:"session_lifecycle"`
	Goodput    *Goodput          `key:"goodput" default:"null"`
}

// Lifecycle chooses the reports on requests. Null turns a switch off.
type Lifecycle struct {
	Summary          bool             `key:"summary,null" default:"true"`
	PerStage         bool             `key:"per_stage,null" default:"true"`
	PerRequest       bool             `key:"per_request,null" default:"false"`
	PerRequestFields PerRequestFields `key:"per_request_fields"`
	PerAdapter       bool             `key:"per_adapter,null" default:"true"`
	PerAdapterStage  bool             `key:"per_adapter_stage,null" default:"false"`

	// Percentiles are numbers from 0 to 100. inference-perf checks them only when it writes its reports.
	Percentiles []float64 `key:"percentiles" default:"[0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]" check:"from 0 to 100"`

	UseServerOutputTokens bool `key:"use_server_output_tokens" default:"false"`
	// distinct messages kept per label
	MaxErrorMessages int64 `key:"max_error_messages" default:"100" check:"at least 0"`
}

// PerRequestFields chooses the contents of the per-request report.
type PerRequestFields struct {
	Request         bool `key:"request" default:"true"`
	Response        bool `key:"response" default:"true"`
	Info            bool `key:"info" default:"true"`
	ResponseChunks  bool `key:"response_chunks" default:"true"`
	ComputedMetrics bool `key:"computed_metrics" default:"false"`
}

// PrometheusReport chooses the reports on the server's metrics. Null turns a switch off.
type PrometheusReport struct {
	Summary  bool `key:"summary,null" default:"true"`
	PerStage bool `key:"per_stage,null" default:"false"`
}

// SessionReport chooses the reports on sessions. Null turns a switch off.
type SessionReport struct {
	Summary    bool `key:"summary,null" default:"true"`
	PerStage   bool `key:"per_stage,null" default:"true"`
	PerSession bool `key:"per_session,null" default:"false"`
}

// Goodput holds upper bounds in seconds, by the name of the latency. inference-perf accepts unknown names and bounds
// that are not positive.
type Goodput struct {
	Constraints map[string]float64 `key:"constraints,null" default:"null" check:"seconds above 0"`
}

// Check applies the rules that hold between the keys.
func (g *Goodput) Check(at *tagged.Section) {
	for _, name := range slices.Sorted(maps.Keys(g.Constraints)) {
		if err := record.KnownLatency(name); err != nil {
			at.Fault("constraints."+name, "%v", err)
		}
	}
}

// Storage is where reports go. A nil field is not used.
type Storage struct {
	Local *LocalStorage `key:"local_storage" default:"{}"`
	GCS   *GCS          `key:"google_cloud_storage" default:"null"`
	S3    *S3           `key:"simple_storage_service" default:"null"`
}

// Target is a destination of reports.
type Target struct {
	// Path may hold {timestamp}, which [Config.Settle] replaces.
	Path   string `key:"path" default:"reports-{timestamp}"`
	Prefix string `key:"report_file_prefix,null" default:"null"` // of file names
}

// LocalStorage is a folder.
type LocalStorage struct {
	Target `key:",inline"`
}

// GCS is a bucket of Google Cloud Storage.
type GCS struct {
	Target `key:",inline"`
	Bucket string `key:"bucket_name,required"`
}

// S3 is a bucket of S3 or a server like it.
type S3 struct {
	Target     `key:",inline"`
	Bucket     string     `key:"bucket_name,required"`
	Endpoint   string     `key:"endpoint_url,null" default:"null"`
	Region     string     `key:"region_name,null" default:"null"`
	Addressing Addressing `key:"addressing_style,null" default:"null"` // empty: the client decides
}

// Addressing is the form in which a URL of S3 names the bucket.
type Addressing string

// Choices returns the values that the key accepts.
func (Addressing) Choices() []string { return []string{"auto", "virtual", "path"} }

// timestampPaths returns every path that may hold a timestamp.
func (s *Storage) timestampPaths() []*string {
	var paths []*string
	if s == nil {
		return paths
	}
	if s.Local != nil {
		paths = append(paths, &s.Local.Path)
	}
	if s.GCS != nil {
		paths = append(paths, &s.GCS.Path)
	}
	if s.S3 != nil {
		paths = append(paths, &s.S3.Path)
	}
	return paths
}
