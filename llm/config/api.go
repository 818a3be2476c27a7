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

	// the request header that carries the session's id
	SessionIDHeader string `key:"session_id_header_key,null" default:"null"`
	// the response header whose value later requests of the session send back
	SessionTokenHeader string `key:"session_token_header_key,null" default:"null"`
}

// Check applies the rules on the bounds in headers. inference-perf takes an unknown unit for seconds, and ignores
// headers in another unit.
func (a *API) Check(at *tagged.Section) {
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

// APIType is the dialect of the server.
type APIType string

// The dialects of inference-perf; those of package api are accepted, too.
const (
	Completion        APIType = "completion"
	Chat              APIType = "chat"
	AnthropicMessages APIType = "anthropic_messages"
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
