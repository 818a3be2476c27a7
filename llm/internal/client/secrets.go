package client

import (
	"net/http"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// secrets are what all requests of a client carry and no server may bring into a record, by repeating it.
func (o *Options) secrets(header http.Header) secret.Set {
	var s secret.Set
	s.Add(o.APIKey)
	s.Headers(header)
	s.URL(o.BaseURL)
	s.Fields(o.Extra)
	s.Proxies()
	return s
}

// Hide replaces the client's secrets in a text of the server.
func (c *Client) Hide(text string) string { return c.mask.Text(text) }

// requestBody is a body as a record keeps it: "" unless bodies are kept, and without the further fields that have the
// name of a credential.
func (c *Client) requestBody(ask api.Request, body []byte) string {
	if !c.opts.Text {
		return ""
	}
	if fields, found := secret.Redact(ask.Extra); found {
		ask.Extra = fields
		body, _ = c.opts.API.Body(ask) // could be made with the fields as they are
	}
	return string(body)
}

// answer gives the record and the text when all that needs them as they came is done: the verdict and the counts.
func (x *exchange) answer() Answer {
	mask, r, text := x.mask(), x.rec, string(x.transcript.text)
	r.Error, r.FinishReason, r.Model = mask.Text(r.Error), mask.Text(r.FinishReason), mask.Text(r.Model)
	r.Usage = mask.JSON(r.Usage)
	r.RequestBody, r.ResponseBody = mask.Body(r.RequestBody), mask.Body(r.ResponseBody)
	return Answer{Record: r, Text: text, Shown: mask.Text(text)}
}

// mask is the client's, or one of the client's secrets and the request's own.
func (x *exchange) mask() *secret.Mask {
	if x.token == "" && len(x.extra) == 0 {
		return x.c.mask
	}
	all := x.c.secrets.Clone()
	all.Fields(x.extra)
	if secret.Named(x.c.opts.SessionTokenHeader) {
		all.Add(x.token)
	}
	if all.Len() == x.c.secrets.Len() {
		return x.c.mask
	}
	return all.Mask()
}
