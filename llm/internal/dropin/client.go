package dropin

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
)

// client returns the options of Client.
func (m mapping) client() Map {
	c := m.config
	o := Map{
		"api": m.api(), "streaming": c.API.Streaming, "ignoreEOS": c.Server.IgnoreEOS, "baseURL": m.baseURL(),
		"text": c.Report.Lifecycle.PerRequest && (c.Report.Lifecycle.PerRequestFields.Request ||
			c.Report.Lifecycle.PerRequestFields.Response),
	}
	o.set("model", c.Server.ModelName, c.Server.ModelName != "" && c.Server.Type != config.MockServer)
	o.set("apiKey", c.Server.APIKey, c.Server.APIKey != "")
	o.set("headers", c.API.Headers, len(c.API.Headers) > 0)
	o.set("tokenizer", m.tokenizer(), m.tokenizer() != "" && c.Tokenizer != nil)
	o.set("retries", c.Load.Retries, c.Load.Retries > 0)
	o.set("retryBackoff", milliseconds(c.Load.RetryBackoff), c.Load.Retries > 0)
	o.set("certPath", m.path(c.Server.CertPath), c.Server.CertPath != "")
	o.set("keyPath", m.path(c.Server.KeyPath), c.Server.KeyPath != "")
	o.set("sessionHeader", c.API.SessionIDHeader, c.API.SessionIDHeader != "")
	o.set("sessionTokenHeader", c.API.SessionTokenHeader, c.API.SessionTokenHeader != "")
	if t := c.Load.Timeout; t != nil && *t > 0 {
		o["timeout"] = milliseconds(*t)
	}
	if f := c.API.ResponseFormat; f != nil && takesFormat(c) {
		format := Map{"type": string(f.Type)}
		format.set("name", f.Name, f.Type == config.JSONSchema)
		if f.JSONSchema != nil && f.Type == config.JSONSchema {
			format["jsonSchema"] = json.RawMessage(f.JSONSchema)
		}
		o["responseFormat"] = format
	}
	m.vectors(o)
	m.ranking(o)
	m.bounds(o)
	var adapters []any
	for _, a := range c.Load.Adapters {
		adapters = append(adapters, Map{"name": a.Name, "split": a.Split})
	}
	o.set("adapters", adapters, adapters != nil)
	o.set("circuitBreaker", m.breakers(), len(c.Load.CircuitBreakers) > 0)
	return o
}

// baseURL returns the addresses of the servers, or the simulator's for the server type mock.
func (m mapping) baseURL() string {
	if m.config.Own.Client["endpoint"] != nil || m.route() != "" && m.config.Server.Type != config.MockServer {
		return strings.TrimSpace(m.config.Server.BaseURL) // the endpoint follows it as it is
	}
	if m.config.Server.Type != config.MockServer {
		return client.ServerURLs(m.config.Server.BaseURL)
	}
	settings := url.Values{}
	if t := m.tokenizer(); t != "" && m.config.Tokenizer != nil {
		settings.Set("tokenizer", t)
	}
	var adapters []string
	for _, a := range m.config.Load.Adapters {
		adapters = append(adapters, a.Name)
	}
	if adapters != nil {
		settings.Set("lora", strings.Join(adapters, ","))
	}
	if len(settings) == 0 {
		return "sim:"
	}
	return "sim:?" + settings.Encode()
}

// vectors sets the options of requests for vectors.
func (m mapping) vectors(o Map) {
	if e := m.config.API.Embeddings; e != nil {
		o.set("encodingFormat", string(e.EncodingFormat), e.EncodingFormat != "")
		if e.Dimensions != nil {
			o["dimensions"] = *e.Dimensions
		}
	}
}

// ranking sets the options of requests for rankings.
func (m mapping) ranking(o Map) {
	r := m.config.API.Rerank
	if r == nil {
		return
	}
	o.set("endpoint", m.route(), m.route() != "")
	o.set("queryField", r.QueryField, r.QueryField != api.DefaultQueryField)
	o.set("documentsField", r.DocumentsField, r.DocumentsField != api.DefaultDocumentsField)
	if r.TopN != nil {
		o["topN"] = *r.TopN
	}
}

// route returns the path of requests for rankings, "" for the usual one.
func (m mapping) route() string {
	if r := m.config.API.Rerank; m.api() == api.Rerank.Name() && r != nil && r.Route != config.RerankRoute {
		return r.Route
	}
	return ""
}

// bounds sets the bounds of goodput, in ms, and the headers that bound single requests. Requests that generate no
// tokens are judged by their latency alone: inference-perf takes the other bounds, too.
func (m mapping) bounds(o Map) {
	slo := Map{}
	if g := m.config.Report.Goodput; g != nil {
		for name, seconds := range g.Constraints {
			if name != "request_latency" && !m.generates() {
				continue
			}
			slo[name] = milliseconds(seconds)
		}
	}
	o.set("slo", slo, len(slo) > 0)
	a := m.config.API
	if a.SLOUnit == "" && a.SLOTTFTHeader == "" && a.SLOTPOTHeader == "" && !slices.ContainsFunc(headerNames(a.Headers),
		func(name string) bool { return strings.HasPrefix(name, "x-slo-") }) {
		return
	}
	headers := Map{}
	headers.set("unit", a.SLOUnit, a.SLOUnit != "")
	headers.set("ttft", a.SLOTTFTHeader, a.SLOTTFTHeader != "")
	headers.set("tpot", a.SLOTPOTHeader, a.SLOTPOTHeader != "")
	o["sloHeaders"] = headers
}

// generates reports whether the answers of the API are text.
func (m mapping) generates() bool {
	return m.api() != api.Embeddings.Name() && m.api() != api.Rerank.Name()
}

func headerNames(headers map[string]string) (names []string) {
	for name := range headers {
		names = append(names, strings.ToLower(name))
	}
	return names
}

// breakers returns the configuration's breakers that may end the run.
func (m mapping) breakers() (list []any) {
	for _, b := range m.config.CircuitBreakers {
		if !slices.Contains(m.config.Load.CircuitBreakers, b.Name) {
			continue
		}
		var triggers []any
		for _, t := range b.Triggers {
			if t.Consecutive != nil {
				triggers = append(triggers, Map{"consecutive": t.Consecutive.Threshold})
			} else {
				triggers = append(triggers, Map{"rate": t.Rate.Threshold, "window": milliseconds(t.Rate.Window),
					"minSamples": t.Rate.MinSamples})
			}
		}
		o := Map{"name": b.Name, "matches": anyList(b.Metrics.Matches), "triggers": triggers}
		o.set("rules", anyList(b.Metrics.Rules), len(b.Metrics.Rules) > 0)
		list = append(list, o)
	}
	return list
}
