package config

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// API is the way to ask the server.
type API struct {
	Type      APIType           `key:"type" default:"completion"`
	Streaming bool              `key:"streaming" default:"false"`
	Headers   map[string]string `key:"headers,null" default:"null"` // added to every request

	// SLOUnit is the unit of the bounds in the SLO headers: s, ms or us. Empty means ms.
	SLOUnit       string `key:"slo_unit,null" default:"null"`
	SLOTPOTHeader string `key:"slo_tpot_header,null" default:"null"` // empty: x-slo-tpot-<unit>
	SLOTTFTHeader string `key:"slo_ttft_header,null" default:"null"` // empty: x-slo-ttft-<unit>

	ResponseFormat *ResponseFormat `key:"response_format" default:"null"`
	Embeddings     *Embeddings     `key:"embeddings,omit" default:"null"` // nil: the defaults
	Rerank         *Rerank         `key:"rerank,omit" default:"null"`     // nil: the defaults

	// the request header that carries the session's id
	SessionIDHeader string `key:"session_id_header_key,null" default:"null"`
	// the response header whose value later requests of the session send back
	SessionTokenHeader string `key:"session_token_header_key,null" default:"null"`
}

// Check applies the rules on the bounds in headers. inference-perf takes an unknown unit for seconds, and ignores
// headers in another unit.
func (a *API) Check(at *tagged.Section) {
	if at.Valid("type", "streaming", "response_format") {
		if a.Type == Speech && !at.Given("streaming") { // heard while it is made: only a stream tells when it begins
			a.Streaming = true
		}
		a.checkWhole(at)
	}
	if !at.Valid("headers", "slo_unit", "slo_tpot_header", "slo_ttft_header") {
		return
	}
	h, err := record.SLOHeaders{Unit: a.SLOUnit, TTFT: a.SLOTTFTHeader, TPOT: a.SLOTPOTHeader}.Named()
	if err != nil {
		at.Fault("slo_unit", "%v", err)
		return
	}
	if err := h.Check(a.Headers); err != nil {
		at.Fault("headers", "%v", err)
	}
}

// checkWhole refuses what answers that are no text cannot have.
func (a *API) checkWhole(at *tagged.Section) {
	dialect, err := api.ByName(string(a.Type))
	if err != nil || dialect.Input().Generates() {
		return
	}
	if a.Streaming && !dialect.Input().Streams() {
		at.Fault("streaming", "must be false: the answers of api.type %q come whole", a.Type)
	}
	if a.ResponseFormat != nil {
		at.Fault("response_format", "must be left out: the answers of api.type %q are no text", a.Type)
	}
}

// Embeddings holds the options of requests for vectors, of inference-perf after 0.7.0.
type Embeddings struct {
	BatchSize      int64  `key:"batch_size" default:"1" check:"above 0"` // texts of a request
	Dimensions     *int64 `key:"dimensions" default:"null" check:"above 0"`
	EncodingFormat Packed `key:"encoding_format,null" default:"null"`
}

// Packed is the form in which vectors come.
type Packed string

// The forms. The empty one leaves the form to the server.
const (
	Floats Packed = "float"
	Base64 Packed = "base64"
)

// Choices returns the values that the key accepts.
func (Packed) Choices() []string { return []string{string(Floats), string(Base64)} }

// Rerank holds the options of requests for rankings, of inference-perf after 0.7.0.
type Rerank struct {
	DocumentCount  int64  `key:"document_count" default:"10" check:"above 0"`
	Route          string `key:"route" default:"/v1/rerank"` // follows server.base_url
	QueryField     string `key:"query_field" default:"query"`
	DocumentsField string `key:"documents_field" default:"documents"`
	TopN           *int64 `key:"top_n" default:"null" check:"at least 0"`
}

// RerankRoute is the route of most servers.
const RerankRoute = "/v1/rerank"

// APIType is the dialect of the server.
type APIType string

// The dialects of inference-perf; those of package api are accepted, too.
const (
	Completion        APIType = "completion"
	Chat              APIType = "chat"
	AnthropicMessages APIType = "anthropic_messages"
)

// The dialects of sound. inference-perf has none.
const (
	Speech        APIType = "speech"
	Transcription APIType = "transcription"
)

// Choices returns the values that the key accepts, those of inference-perf in its order first.
func (APIType) Choices() []string {
	choices := []string{string(Completion), string(Chat), string(AnthropicMessages)}
	for _, name := range api.Names() {
		if !slices.Contains(choices, name) {
			choices = append(choices, name)
		}
	}
	return choices
}

// ResponseFormat asks for structured output.
type ResponseFormat struct {
	Type       FormatType `key:"type" default:"json_schema"`
	Name       string     `key:"name" default:"structured_output"`
	JSONSchema Object     `key:"json_schema,null" default:"null"`
}

// FormatType is a kind of structured output.
type FormatType string

// The kinds of structured output.
const (
	JSONSchema FormatType = "json_schema"
	JSONObject FormatType = "json_object"
)

// Choices returns the values that the key accepts.
func (FormatType) Choices() []string { return []string{string(JSONSchema), string(JSONObject)} }
