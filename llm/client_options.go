package llm

import (
	"fmt"
	"strings"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func (o *clientOptions) readRetries(v sobek.Value) error {
	var n int64
	err := integer(&n, 0)(v)
	o.Retries = int(n)
	return err
}

func (o *clientOptions) readFormat(rt *sobek.Runtime, v sobek.Value) (err error) {
	if absent(v) {
		return nil
	}
	var f api.Format
	if err := (fields{"type": text(&f.Type), "name": text(&f.Name), "jsonSchema": jsonObject(&f.Schema)}).read(rt,
		"responseFormat", v); err != nil {
		return err
	}
	o.Format, err = f.Encode()
	return err
}

func (o *clientOptions) readSLOHeaders(rt *sobek.Runtime, v sobek.Value) error {
	if absent(v) {
		return nil
	}
	var h record.SLOHeaders
	if err := (fields{"unit": text(&h.Unit), "ttft": text(&h.TTFT), "tpot": text(&h.TPOT)}).read(rt, "sloHeaders",
		v); err != nil {
		return err
	}
	h, err := h.Named()
	o.sloHeaders = &h
	return err
}

// withheld refuses the texts that replace secrets in reports and records. Options that were copied from there lack the
// secret.
func (o *clientOptions) withheld() error {
	stands := func(value string) bool { return value == redactedValue || value == "***" }
	const missing = "%s stands for a secret that was left out of a report or a record: give the secret itself"
	if stands(o.APIKey) {
		return invalid("Client", "apiKey", fmt.Errorf(missing, o.APIKey))
	}
	for name, value := range o.Headers {
		if stands(strings.TrimSpace(strings.TrimPrefix(value, "Bearer "))) {
			return invalid("Client", "headers", fmt.Errorf("%q: "+missing, name, value))
		}
	}
	return nil
}

// settleSLO reads the bounds in the headers. They replace the bounds of the option slo.
func (o *clientOptions) settleSLO() error {
	if o.sloHeaders == nil {
		return nil
	}
	var own record.Bounds
	if o.slo != nil {
		own = *o.slo
	}
	bounds, err := o.sloHeaders.Bounds(o.Headers, own)
	if bounds != own {
		o.headerSLO = &bounds
	}
	return err
}

// applyBounds sets the bounds of a request, and whether the request kept them. As in inference-perf, bounds in headers
// apply to streamed answers with content. They also apply to failures, so that failures count as not good.
func (o *clientOptions) applyBounds(r *record.Request) {
	bounds := o.slo
	if o.headerSLO != nil && r.Streaming && (r.Failed() || len(r.Chunks) > 0) {
		bounds = o.headerSLO
	}
	if bounds != nil {
		r.SLO, r.Good = bounds, new(r.Meets(*bounds))
	}
}

// redactOptions adds the options that this file reads to the options in the record file. It adds names of headers, but
// no values.
func (o *clientOptions) redactOptions(m map[string]any) {
	o.pages.redact(m)
	if o.Retries > 0 {
		m["retries"], m["retryBackoff"] = o.Retries, o.RetryBackoff.String()
	}
	if o.Format != nil {
		m["responseFormat"] = o.Format
	}
	if h := o.sloHeaders; h != nil {
		m["sloHeaders"] = map[string]string{"unit": h.Unit, "ttft": h.TTFT, "tpot": h.TPOT}
	}
	if o.MaxTokensField != client.DefaultMaxTokensField {
		m["maxTokensField"] = o.MaxTokensField
	}
	if o.RequestIDHeader != client.DefaultRequestIDHeader {
		m["requestIDHeader"] = o.RequestIDHeader
	}
	for name, value := range map[string]string{
		"sessionHeader": o.SessionHeader, "sessionTokenHeader": o.SessionTokenHeader, "certPath": o.files.cert,
		"keyPath": o.files.key, "caPath": o.files.ca,
	} {
		if value != "" {
			m[name] = value
		}
	}
}
