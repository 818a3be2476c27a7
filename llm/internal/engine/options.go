package engine

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// simScheme begins the base URL of the built-in simulator. Its options follow as a query.
const simScheme = "sim:"

// Options are the options of a Client. DefaultOptions returns the defaults.
type Options struct {
	client.Options
	Spread    Spread         // over several endpoints
	ExtraBody map[string]any // Extra as the script gave it
	Breakers  []*breaker.Circuit
	Split     []record.Adapter // adapters to choose from, by their shares
	SLO       *record.Bounds   // nil means no bounds
	ITL       samples.ITLMode
	Files     CredentialFiles
	Pages     scrape.Options // the pages of metrics to read

	// Class is what the client's requests have in common, and Classes what those with a label have, too.
	Class   traffic.Class
	Classes map[string]traffic.Class

	SLOHeaders  *record.SLOHeaders // headers that may carry bounds; nil means none
	Credentials *Credentials       // read from Files; nil means k6's own

	Tokenizer   string // file, folder or repository; "" means none
	ChatProblem error  // why chats are counted without a template

	headerSLO *record.Bounds // SLO with the bounds of the headers; nil if they carry none
}

// DefaultOptions returns the options of a Client for which none are given: it sends to the built-in simulator.
func DefaultOptions() Options {
	o := Options{Options: client.DefaultOptions(), ITL: samples.ITLRequest}
	o.BaseURL, o.Pages.Interval = simScheme, scrape.DefaultInterval
	return o
}

// Settle checks everything that can be checked without a server, and reads the base URLs, the simulators' options in
// them and the bounds in the headers. Its error names the option.
func (o *Options) Settle() error {
	if err := checkAllBounds(o); err != nil {
		return err
	}
	if err := o.Pages.Check(); err != nil {
		return invalid("serverMetricsInterval", err)
	}
	o.Endpoint = strings.TrimSpace(o.Endpoint)
	if err := settleClasses(o); err != nil {
		return err
	}
	if err := o.Spread.settle(o); err != nil {
		return err
	}
	if err := checkLeaving(o); err != nil {
		return err
	}
	if err := withheld(o); err != nil {
		return err
	}
	if err := o.settleSLO(); err != nil {
		return invalid("sloHeaders", err)
	}
	return nil
}

// invalid adds the name of an option to an error.
func invalid(option string, err error) error { return fmt.Errorf("Client option %q: %w", option, err) }

// withheld refuses the texts that replace secrets in reports and records. Options that were copied from there lack the
// secret.
func withheld(o *Options) error {
	stands := func(value string) bool { return value == redactedValue || value == "***" }
	const missing = "%s stands for a secret that was left out of a report or a record: give the secret itself"
	if stands(o.APIKey) {
		return invalid("apiKey", fmt.Errorf(missing, o.APIKey))
	}
	lacks := func(option string, headers map[string]string) error {
		for name, value := range headers {
			if stands(strings.TrimSpace(strings.TrimPrefix(value, "Bearer "))) {
				return invalid(option, fmt.Errorf("%q: "+missing, name, value))
			}
		}
		return nil
	}
	for label, c := range o.Classes {
		if err := lacks("classes", c.Headers); err != nil {
			return fmt.Errorf("class %q: %w", label, err)
		}
	}
	return lacks("headers", o.Headers)
}

// redacted returns the options for the record file. It has names of headers, but neither their values nor keys, which
// may be secrets.
func (o *Options) redacted() map[string]any {
	m := map[string]any{
		"api": o.API.Name(), "model": o.Model, "streaming": o.Streaming,
		"ignoreEOS": o.IgnoreEOS && o.API.IgnoresEOS(),
		"timeout":   o.Timeout.String(), "idleTimeout": o.IdleTimeout.String(), "text": o.Text, "itl": o.ITL,
	}
	o.Spread.redact(m)
	if o.APIKey != "" {
		m["apiKey"] = redactedValue
	}
	if len(o.Headers) > 0 {
		m["headers"] = redactHeaders(o.Headers)
	}
	if len(o.Split) > 0 {
		m["adapters"] = o.Split
	}
	if len(o.ExtraBody) > 0 {
		m["extraBody"] = o.ExtraBody
		if shown, found := secret.Redact(o.Extra); found {
			m["extraBody"] = shown
		}
	}
	redactRare(o, m)
	return m
}

// redactRare adds the options that few clients have.
func redactRare(o *Options, m map[string]any) {
	o.redactPages(m)
	redactClasses(o, m)
	if o.Retries > 0 {
		m["retries"], m["retryBackoff"] = o.Retries, o.RetryBackoff.String()
	}
	if o.Chain {
		m["chainResponses"] = true
	}
	showInputs(m, &o.Vectors, &o.Ranking)
	showSound(m, &o.Sound)
	showVisual(m, &o.Options)
	if o.Format != nil {
		m["responseFormat"] = o.Format
	}
	if h := o.SLOHeaders; h != nil {
		m["sloHeaders"] = map[string]string{"unit": h.Unit, "ttft": h.TTFT, "tpot": h.TPOT}
	}
	if o.MaxTokensField != client.DefaultMaxTokensField {
		m["maxTokensField"] = o.MaxTokensField
	}
	if o.RequestIDHeader != client.DefaultRequestIDHeader {
		m["requestIDHeader"] = o.RequestIDHeader
	}
	for name, value := range map[string]string{
		"endpoint": redactURL(o.Endpoint), "apiKeyHeader": o.APIKeyHeader,
		"tokenizer": o.Tokenizer, "sessionHeader": o.SessionHeader, "sessionTokenHeader": o.SessionTokenHeader,
		"certPath": o.Files.Cert, "keyPath": o.Files.Key, "caPath": o.Files.CA,
	} {
		if value != "" {
			m[name] = value
		}
	}
}

// showInputs adds the options of requests for vectors and for rankings.
func showInputs(m map[string]any, v *api.VectorOptions, r *api.RankingOptions) {
	for name, number := range map[string]int{"dimensions": v.Dimensions, "topN": r.TopN} {
		if number > 0 {
			m[name] = number
		}
	}
	for name, text := range map[string]string{
		"encodingFormat": v.EncodingFormat, "queryField": r.QueryField, "documentsField": r.DocumentsField,
	} {
		if text != "" {
			m[name] = text
		}
	}
}

const redactedValue = "(redacted)"

// redactURL removes the password and the values of the query from a base URL, because gateways accept keys there. It
// keeps the simulator's query, except for its key.
func redactURL(base string) string {
	head, query, ok := strings.Cut(secret.WithoutPassword(base), "?")
	if !ok {
		return head
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(base, simScheme) || name == "api-key" {
			pairs[i] = name + "=" + redactedValue
		}
	}
	return head + "?" + strings.Join(pairs, "&")
}
