package config

import "github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"

// Server is the server under test.
type Server struct {
	Type      ServerType `key:"type" default:"vllm"`
	ModelName string     `key:"model_name,null" default:"null"` // empty: the first that the server lists
	// used unchanged: a slash at its end is doubled in requests
	BaseURL   string `key:"base_url,required"`
	IgnoreEOS bool   `key:"ignore_eos" default:"true"`
	APIKey    string `key:"api_key,null,secret" default:"null"`

	// CertPath and KeyPath are files of a client certificate and both needed. inference-perf uses them for vllm only.
	CertPath string `key:"cert_path,null" default:"null"`
	KeyPath  string `key:"key_path,null" default:"null"`
}

// ServerType is the kind of server.
type ServerType string

// The kinds of servers.
const (
	VLLM       ServerType = "vllm"
	SGLang     ServerType = "sglang"
	TGI        ServerType = "tgi"
	MockServer ServerType = "mock"
)

// Choices returns the values that the key accepts.
func (ServerType) Choices() []string {
	return []string{string(VLLM), string(SGLang), string(TGI), string(MockServer)}
}

// Tokenizer counts tokens. The presence of the section changes the meaning of reports: token times are then rebuilt for
// each token.
type Tokenizer struct {
	Name            string   `key:"pretrained_model_name_or_path,null" default:"null"` // empty: the model's name
	TrustRemoteCode *bool    `key:"trust_remote_code" default:"null"`
	Token           string   `key:"token,null,secret" default:"null"`                     // of the Hugging Face hub
	LoadTimeout     *float64 `key:"load_timeout" default:"300.0" check:"seconds above 0"` // nil: no limit
}

// Metrics is the source of the server's own metrics.
type Metrics struct {
	Type       MetricsType `key:"type,required"`
	Prometheus *Prometheus `key:"prometheus" default:"null"`
}

// MetricsType is a source of the server's metrics.
type MetricsType string

// The sources of metrics.
const (
	PrometheusMetrics MetricsType = "prometheus"
	DefaultMetrics    MetricsType = "default" // none
)

// Choices returns the values that the key accepts.
func (MetricsType) Choices() []string {
	return []string{string(PrometheusMetrics), string(DefaultMetrics)}
}

// Prometheus is a Prometheus server: one at a URL, or the one that Google manages.
type Prometheus struct {
	ScrapeInterval int64    `key:"scrape_interval" default:"15" check:"seconds at least 0"` // 0 acts as 30
	URL            URL      `key:"url,null" default:"null"`
	Filters        []string `key:"filters" default:"[]"` // label matchers of PromQL, passed on unchanged
	GoogleManaged  bool     `key:"google_managed" default:"false"`
}

// Check applies the rules that hold between the keys.
func (p *Prometheus) Check(at *tagged.Section) {
	switch {
	case !at.Valid("url", "google_managed"):
	case p.URL == "" && !p.GoogleManaged:
		at.Fault("", "needs either a url or google_managed: true")
	case p.URL != "" && p.GoogleManaged:
		at.Fault("google_managed", "is true although a url is given: leave one out")
	}
}

// CircuitBreaker ends a run when the records look bad. Its unknown keys are ignored, with a warning.
type CircuitBreaker struct {
	Name     string         `key:"name,required"`
	Metrics  BreakerMetrics `key:"metrics,required"`
	Triggers []Trigger      `key:"triggers,required"` // each of them opens the breaker
}

// IgnoresUnknown turns unknown keys into warnings.
func (CircuitBreaker) IgnoresUnknown() {}

// BreakerMetrics chooses what a breaker counts, by JMESPath over the record of a request.
type BreakerMetrics struct {
	Matches []string `key:"matches,required"`   // each of them selects records
	Rules   []string `key:"rules" default:"[]"` // each of them makes a record a hit; none: every record is a hit
}

// IgnoresUnknown turns unknown keys into warnings.
func (BreakerMetrics) IgnoresUnknown() {}

// Check applies the rules that hold between the keys.
func (m *BreakerMetrics) Check(at *tagged.Section) {
	if at.Valid("matches") && len(m.Matches) == 0 {
		at.Fault("matches", "must name at least one expression")
	}
}

// Trigger opens a breaker. Exactly one of its fields is set.
type Trigger struct {
	Consecutive *Consecutive
	Rate        *RateOverWindow
}

// Consecutive triggers on a number of hits in a row.
type Consecutive struct {
	Type      consecutiveType `key:"type,required"`
	Threshold int64           `key:"threshold,required" check:"at least 1"`
}

// IgnoresUnknown turns unknown keys into warnings.
func (Consecutive) IgnoresUnknown() {}

type consecutiveType string

// Choices returns the values that the key accepts.
func (consecutiveType) Choices() []string { return []string{"consecutive"} }

// RateOverWindow triggers on the share of hits among the latest records.
type RateOverWindow struct {
	Type       rateType `key:"type,required"`
	Window     float64  `key:"window_sec,required" check:"seconds above 0"`
	Threshold  float64  `key:"threshold,required" check:"from 0 to 1"`
	MinSamples int64    `key:"min_samples" default:"0" check:"at least 0"`
}

// IgnoresUnknown turns unknown keys into warnings.
func (RateOverWindow) IgnoresUnknown() {}

type rateType string

// Choices returns the values that the key accepts.
func (rateType) Choices() []string { return []string{"rate_over_window"} }

// Decode reads the value of a key.
func (t *Trigger) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		d.Faults.AddType(v, path, "a mapping", true)
		return
	}
	name := v.Member("type")
	switch {
	case name == nil:
		d.Faults.Add(v, path+".type", "is required: consecutive or rate_over_window")
	case name.Kind == tagged.TextKind && name.Text == "consecutive":
		t.Consecutive = new(Consecutive)
		d.Object(v, t.Consecutive, path)
	case name.Kind == tagged.TextKind && name.Text == "rate_over_window":
		t.Rate = new(RateOverWindow)
		d.Object(v, t.Rate, path)
	default:
		d.Faults.AddType(name, path+".type", "consecutive or rate_over_window", false)
	}
}

// Encode returns the value to write.
func (t Trigger) Encode(w *tagged.Writer) *tagged.Value {
	if t.Consecutive != nil {
		return w.Object(t.Consecutive)
	}
	return w.Object(t.Rate)
}

// TypeText names the type in the list of keys.
func (Trigger) TypeText() string { return "consecutive or rate_over_window trigger" }
