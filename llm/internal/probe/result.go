package probe

import (
	"errors"
	"net/http"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// What a server does with its key.
const (
	KeyNotNeeded = "not needed"
	KeyAccepted  = "accepted" // one was sent
	KeyNeeded    = "needed"   // none was sent, and requests are refused
	KeyRefused   = "refused"
)

// What a server does with a field of the request. "" means that it was not asked.
const (
	Kept     = "kept"     // it does what the field asks for
	Accepted = "accepted" // whether it does could not be seen
	Ignored  = "ignored"  // it does something else
	Refused  = "refused"  // it answers with an error
)

// Result is what a probe found out.
type Result struct {
	Usable  bool   `json:"usable"`
	Problem string `json:"problem,omitempty"` // why the server cannot be used
	Fix     string `json:"fix,omitempty"`     // what to do about it

	Software  string   `json:"software,omitempty"` // of the server, such as vLLM
	Version   string   `json:"version,omitempty"`
	Simulator bool     `json:"simulator,omitempty"` // the built-in one
	Endpoint  string   `json:"endpoint,omitempty"`  // URL of requests, without its query
	Models    []string `json:"models,omitempty"`    // that the server lists
	Key       string   `json:"key,omitempty"`       // one of KeyNotNeeded, KeyAccepted, KeyNeeded, KeyRefused
	RoundTrip float64  `json:"round_trip_ms,omitempty"`

	Streams        bool    `json:"streams"`
	Events         int     `json:"events,omitempty"` // with output, of the streamed answer
	TokensPerEvent float64 `json:"tokens_per_event,omitempty"`
	// AtOnce reports that all events of an answer came in one moment, at its end: something on the way holds them back.
	AtOnce          bool `json:"at_once,omitempty"`
	Usage           bool `json:"usage"` // in a stream
	UsageUnstreamed bool `json:"usage_without_stream"`
	PromptTokens    int  `json:"prompt_tokens,omitempty"` // of the probe's prompt, by usage
	CachedTokens    *int `json:"cached_tokens,omitempty"` // of the same prompt sent twice; nil if not reported

	IgnoreEOS string `json:"ignore_eos,omitempty"` // one of Kept, Accepted, Ignored, Refused
	MaxTokens string `json:"max_tokens,omitempty"` // likewise
	MinTokens string `json:"min_tokens,omitempty"` // likewise; asked only if IgnoreEOS is Ignored or Refused
	// Stopped is the number of tokens after which the model stops by itself; 0 if it does not within the limit.
	Stopped int `json:"stopped_after,omitempty"`

	MetricsPage string `json:"metrics_page,omitempty"` // its URL if it can be read
	Engine      string `json:"metrics_of,omitempty"`   // the engine whose metrics it has
	Tokenize    string `json:"tokenize,omitempty"`     // URL that counts tokens

	Settings Settings `json:"settings"`
	Advice   []Advice `json:"advice,omitempty"`
	Requests int      `json:"requests"` // how many the probe sent
	Seconds  float64  `json:"seconds"`  // how long it took

	maker  string      // owned_by of the first model
	header http.Header // of the list of models
}

// Settings are those with which requests to the server work.
type Settings struct {
	// BaseURL is a client's base URL, with whatever secret the user's URL holds.
	BaseURL        string    `json:"-"`
	Endpoint       string    `json:"-"`   // of Options
	API            string    `json:"api"` // name of a dialect
	Model          string    `json:"model"`
	IgnoreEOS      bool      `json:"ignore_eos"`
	MaxTokensField string    `json:"max_tokens_field"`
	Body           api.Extra `json:"body,omitempty"` // fields to add to those of Options, such as stream_options: null
}

// Advice is a flag with which the server does what a load wants.
type Advice struct {
	Flag string `json:"flag"`
	Why  string `json:"why"`
	// Settled reports that Settings follow it already, for it changes no measurement.
	Settled bool `json:"settled"`
}

// Err returns the problem with what to do about it, or nil if the server can be used.
func (r *Result) Err() error {
	switch {
	case r.Usable:
		return nil
	case r.Fix == "":
		return errors.New(r.Problem)
	}
	return errors.New(r.Problem + ": " + r.Fix)
}

// fail notes why the server cannot be used, unless that is known already.
func (p *prober) fail(problem, fix string) {
	if r := p.result; r.Problem == "" {
		r.Problem, r.Fix = problem, fix
	}
}

// advise notes a flag.
func (p *prober) advise(flag, why string, settled bool) {
	p.result.Advice = append(p.result.Advice, Advice{Flag: flag, Why: why, Settled: settled})
}
