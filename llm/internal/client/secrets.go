package client

import (
	"net/http"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// secrets returns the secrets that all requests of a client carry, which no server may bring into a record by repeating
// them.
func (o *Options) secrets(header http.Header, classes []sharedParts) secret.Set {
	var s secret.Set
	s.Add(o.APIKey)
	s.Add(bareKey(o.APIKey)) // whatever its header is named
	s.Headers(header)
	for i := range classes {
		s.Headers(classes[i].header)
	}
	s.URL(o.BaseURL)
	s.URL(o.Endpoint)
	s.Fields(o.Extra)
	s.Proxies()
	return s
}

// Hide replaces the client's secrets in a text that came from the server.
func (c *Client) Hide(text string) string { return c.mask.Text(text) }

// requestBody returns the request's body as a record keeps it: "" unless bodies are kept, and without the further
// fields whose names are those of credentials.
func (x *exchange) requestBody() string {
	if !x.c.opts.Text {
		return ""
	}
	if fields, found := secret.Redact(x.ask.Extra); found {
		ask := x.ask
		ask.Extra = fields
		text, _ := x.c.opts.API.Body(&ask) // cannot fail: the body was built with the original fields
		return shownBody(text, x.body.blobs)
	}
	return shownBody(x.body.text, x.body.blobs)
}

// answer gives a the record and the text. It comes last, because the verdict and the counts need both as they came.
func (x *exchange) answer(a *Answer) {
	mask, r, text := x.mask(), x.outcome.rec, string(x.stream.reply.transcript.text)
	r.Error, r.FinishReason, r.Model = mask.Text(r.Error), mask.Text(r.FinishReason), mask.Text(r.Model)
	r.Usage = mask.JSON(r.Usage)
	r.RequestBody, r.ResponseBody = mask.Body(r.RequestBody), mask.Body(r.ResponseBody)
	a.Record, a.Text, a.Shown = r, text, mask.Text(text)
	if x.asked.KeepCalls {
		a.Reasoning, a.ToolCalls = x.stream.reply.kept.assemble()
	}
}

// mask returns the client's mask, or a mask of the client's secrets and the request's own.
func (x *exchange) mask() *secret.Mask {
	if x.token == "" && len(x.asked.Extra) == 0 && len(x.header) == 0 {
		return x.c.mask
	}
	all := x.c.secrets.Clone()
	all.Fields(x.asked.Extra)
	all.Headers(x.header)
	if secret.Named(x.c.opts.SessionTokenHeader) {
		all.Add(x.token)
	}
	if all.Len() == x.c.secrets.Len() {
		return x.c.mask
	}
	return all.Mask()
}
