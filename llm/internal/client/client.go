// Package client performs one request over an http.RoundTripper and returns its record: when it was sent, when each
// chunk of the answer arrived, how it ended. A chunk's time is taken when the read returns that brought its end, before
// anything is parsed. What the server does wrong is a field of the record, never a Go error.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// DefaultTimeout is how long a whole request may take unless an option says otherwise.
const DefaultTimeout = 300 * time.Second

// DefaultMaxTokens is the output limit of a request that names none; inference-perf sends the same.
const DefaultMaxTokens = 30

// DefaultRetryBackoff is the base of the waits before further attempts, inference-perf's.
const DefaultRetryBackoff = 500 * time.Millisecond

// Options is what all requests of a client share. DefaultOptions has the defaults.
type Options struct {
	// /v1 is added to a bare host; any other path is used as it stands, and may be an endpoint's
	BaseURL     string
	API         *api.Dialect  //
	Model       string        // "" to ask the server, see Discover
	Adapters    []string      // further names that requests will ask for
	Streaming   bool          // ask for a stream
	IgnoreEOS   bool          // ask for MaxTokens tokens whatever the model says
	Timeout     time.Duration // of a whole request; 0 means none
	IdleTimeout time.Duration // longest gap between chunks of a stream; 0 means none
	// sent as a bearer token; "" for the user and password of BaseURL, as Basic authentication
	APIKey     string
	Headers    map[string]string
	Format     json.RawMessage // response_format of the body, see api.Format; nil for none
	Extra      api.Extra       // further fields of the body
	Text       bool            // keep request and response bodies in the record
	EventLimit int             // largest event or whole answer, in bytes; 0 means sse.DefaultLimit

	// Retries is how often a request is sent again when its connection fails before an answer. Timeout is that of an
	// attempt.
	Retries int
	// RetryBackoff times 2^(k-1), times a random factor from 0.5 to 1.5, is the wait before attempt k of those, k from
	// 1.
	RetryBackoff time.Duration
	// Random gives numbers in [0, 1) for that factor. It is called concurrently; nil for the runtime's own.
	Random func() float64

	// MaxTokensField names the field that carries a request's limit; "" leaves the limit out.
	MaxTokensField string
	// RequestIDHeader names the request header that carries the request's id; "" for none. One in Headers goes before
	// it.
	RequestIDHeader string

	// SessionHeader names the request header that carries the session's id; "" for none.
	SessionHeader string
	// SessionTokenHeader names the response header that later requests of the session send back; "" for none.
	SessionTokenHeader string
	// Tokens keeps what came in that header, shared by the clients of a process; nil for one of the client's own.
	Tokens *Tokens

	// Count gives the tokens of a text by the model's tokenizer, without special ones; nil if there is none.
	Count func(text string) int
	// CountPrompt gives the tokens of a request's prompt as the server counts them. raw says that a chat could not be
	// written as the server writes it, so that only its texts were counted. Needed if Count is set.
	CountPrompt func(Request) (n int, raw bool)
}

// Defaults of names that a request carries.
const (
	DefaultMaxTokensField  = api.MaxTokensField
	DefaultRequestIDHeader = "X-Request-Id"
)

// DefaultOptions gives options in which only BaseURL is missing.
func DefaultOptions() Options {
	return Options{
		API: api.Chat, Streaming: true, IgnoreEOS: true, Timeout: DefaultTimeout, RetryBackoff: DefaultRetryBackoff,
		MaxTokensField: DefaultMaxTokensField, RequestIDHeader: DefaultRequestIDHeader,
	}
}

// Client sends requests. It may be used concurrently.
type Client struct {
	*address
	opts       Options
	header     http.Header
	credential string // what the header authorizes by, in words
	idHeader   string // that carries a request's id, "" for none
	secrets    secret.Set
	mask       *secret.Mask // of secrets
	readers    sync.Pool
}

// New checks the options, and names the faulty one.
func New(opts Options) (*Client, error) {
	address, err := parseAddress(opts.BaseURL, opts.API)
	if err != nil {
		return nil, err
	}
	if err := opts.checkNumbers(); err != nil {
		return nil, err
	}
	if err := api.CheckMaxTokensField(opts.MaxTokensField); err != nil {
		return nil, fmt.Errorf("maxTokensField: %w", err)
	}
	header, err := opts.header()
	if err != nil {
		return nil, err
	}
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	if opts.Tokens == nil {
		opts.Tokens = new(Tokens)
	}
	secrets := opts.secrets(header)
	c := &Client{
		secrets: secrets, mask: secrets.Mask(),
		address: address, opts: opts, header: header, credential: opts.credential(header),
		readers: sync.Pool{New: func() any { return new(sse.Reader) }},
	}
	if _, own := header[http.CanonicalHeaderKey(opts.RequestIDHeader)]; !own {
		c.idHeader = opts.RequestIDHeader
	}
	return c, nil
}

func (o *Options) checkNumbers() error {
	switch {
	case o.Timeout < 0:
		return fmt.Errorf("timeout must not be negative, got %v", o.Timeout)
	case o.IdleTimeout < 0:
		return fmt.Errorf("idleTimeout must not be negative, got %v", o.IdleTimeout)
	case o.Retries < 0:
		return fmt.Errorf("retries must not be negative, got %d", o.Retries)
	case o.RetryBackoff < 0:
		return fmt.Errorf("retryBackoff must not be negative, got %v", o.RetryBackoff)
	}
	return nil
}

// header checks the headers and gives those that all requests have.
func (o *Options) header() (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"xk6-llm"}}
	if !validValue(o.APIKey) {
		return nil, errors.New("apiKey holds a line break or another control character")
	}
	if value := o.Authorization(); value != "" {
		header.Set("Authorization", value)
	}
	given := make(map[string]string, len(o.Headers))
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		value := o.Headers[name]
		if !validName(name) || !validValue(value) {
			return nil, fmt.Errorf("headers: %q is not a valid header", name) // the value may be a secret
		}
		key := http.CanonicalHeaderKey(name)
		if twin, ok := given[key]; ok {
			return nil, fmt.Errorf("headers: %q and %q are the same header", twin, name)
		}
		given[key] = name
		header.Set(name, value)
	}
	for _, named := range [...]struct{ option, header string }{
		{"sessionHeader", o.SessionHeader}, {"sessionTokenHeader", o.SessionTokenHeader},
		{"requestIDHeader", o.RequestIDHeader},
	} {
		if named.header != "" && !validName(named.header) {
			return nil, fmt.Errorf("%s: %q is not the name of a header", named.option, named.header)
		}
	}
	return header, nil
}

// validName says whether a header can have the name: it must be a token of RFC 9110.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

// validValue says whether a header can have the value; net/http refuses to send others.
func validValue(value string) bool {
	return strings.IndexFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}

// Added says that the base URL was completed, and to what; "" if requests go where it says.
func (c *Client) Added() string {
	if !c.bare {
		return ""
	}
	return fmt.Sprintf("baseURL is a host alone: /v1 is added, so that requests go to %s", show(c.endpoint))
}

// URL is where requests go, without secrets.
func (c *Client) URL() string { return show(c.endpoint) }

// Request is one request.
type Request struct {
	ID        string          // sent in Options.RequestIDHeader unless empty
	Model     string          // "" for the client's
	Prompt    string          // of a completion
	Messages  json.RawMessage // of a chat: a JSON array
	MaxTokens int             // 0 for DefaultMaxTokens
	SessionID string          // of the conversation it belongs to, for Options.SessionHeader; "" for none

	// AddSpecial says whether the server is to add special tokens around the prompt; nil leaves it to the server.
	AddSpecial *bool
	// MaxTokensField goes before that of Options; nil for none.
	MaxTokensField *string
	// Extra are further fields of the body, in place of the client's of the same names; nil for none.
	Extra api.Extra
}

// Answer is a request's record, with the text that came. The record has no secret of the request, whatever the server
// repeated.
type Answer struct {
	Record *record.Request
	Text   string // as it came
	Shown  string // Text without secrets
}

// limit is the field that carries a request's limit, and the limit that is sent: 0 if it is left out.
func (c *Client) limit(req Request) (field string, tokens int) {
	field = c.opts.MaxTokensField
	if req.MaxTokensField != nil {
		field = *req.MaxTokensField
	}
	if field == "" {
		return "", 0
	}
	return field, req.MaxTokens
}

// extra are the fields of all requests with those of one put over them.
func (o *Options) extra(of api.Extra) api.Extra {
	if len(of) == 0 {
		return o.Extra
	}
	all := make(api.Extra, len(o.Extra)+len(of))
	maps.Copy(all, o.Extra)
	maps.Copy(all, of)
	return all
}

// Do sends one request and waits for its end. It returns an error only if the request could not be built; whatever
// happens from then on is in the record. The record's identity (scenario, stage, index …) and judgement are the
// caller's to fill in. When ctx ends the request is cut and recorded as canceled, with its chunks so far.
func (c *Client) Do(ctx context.Context, rt http.RoundTripper, req Request) (Answer, error) {
	if req.Model == "" {
		req.Model = c.opts.Model
	}
	if req.MaxTokens == 0 {
		req.MaxTokens = DefaultMaxTokens
	}
	field, limit := c.limit(req)
	ask := api.Request{
		Model: req.Model, Prompt: req.Prompt, Messages: req.Messages, MaxTokens: limit, MaxTokensField: field,
		IgnoreEOS: c.opts.IgnoreEOS, Stream: c.opts.Streaming, AddSpecial: req.AddSpecial, Format: c.opts.Format,
		Extra: c.opts.extra(req.Extra),
	}
	body, err := c.opts.API.Body(ask)
	if err != nil {
		return Answer{}, fmt.Errorf("request body: %w", err)
	}
	if c.opts.SessionHeader != "" && !validValue(req.SessionID) {
		return Answer{}, fmt.Errorf("session id %q holds a control character, and so cannot be sent as the header %q",
			req.SessionID, c.opts.SessionHeader)
	}
	x := newExchange(c, req, body)
	x.rec.RequestBody = c.requestBody(ask, body)
	x.rec.MaxTokens = limit
	x.run(ctx, rt)
	c.explain(x.rec)
	x.count(req)
	return x.answer(), nil
}
