// Package client performs one request over an http.RoundTripper and returns its record: when it was sent, when each chunk
// of the answer arrived, how it ended. A chunk's time is taken when the read returns that brought its end, before anything
// is parsed. What the server does wrong is a field of the record, never a Go error.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sse"
)

// DefaultTimeout is how long a whole request may take unless an option says otherwise.
const DefaultTimeout = 300 * time.Second

// DefaultMaxTokens is the output limit of a request that names none; inference-perf sends the same.
const DefaultMaxTokens = 30

// DefaultRetryBackoff is the base of the waits before further attempts, inference-perf's.
const DefaultRetryBackoff = 500 * time.Millisecond

// Options is what all requests of a client share. DefaultOptions has the defaults.
type Options struct {
	BaseURL     string        // http or https, with or without /v1 at the end
	API         api.Dialect   //
	Model       string        // "" to ask the server, see Discover
	Adapters    []string      // further names that requests will ask for
	Streaming   bool          // ask for a stream
	IgnoreEOS   bool          // ask for MaxTokens tokens whatever the model says
	Timeout     time.Duration // of a whole request; 0 means none
	IdleTimeout time.Duration // longest gap between chunks of a stream; 0 means none
	APIKey      string        // sent as a bearer token
	Headers     map[string]string
	Format      json.RawMessage // response_format of the body, see api.Format; nil for none
	Extra       api.Extra       // further fields of the body
	Text        bool            // keep request and response bodies in the record
	EventLimit  int             // largest event or whole answer, in bytes; 0 means sse.DefaultLimit

	// Retries is how often a request is sent again when its connection fails before an answer. Timeout is that of an attempt.
	Retries int
	// RetryBackoff times 2^(k-1), times a random factor from 0.5 to 1.5, is the wait before attempt k of those, k from 1.
	RetryBackoff time.Duration
	// Random gives numbers in [0, 1) for that factor. It is called concurrently; nil for the runtime's own.
	Random func() float64

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

// DefaultOptions gives options in which only BaseURL is missing.
func DefaultOptions() Options {
	return Options{API: api.Chat, Streaming: true, IgnoreEOS: true, Timeout: DefaultTimeout, RetryBackoff: DefaultRetryBackoff}
}

// Client sends requests. It may be used concurrently.
type Client struct {
	opts    Options
	base    *url.URL // ends in /v1
	url     *url.URL // of the endpoint
	header  http.Header
	readers sync.Pool
}

// New checks the options, and names the faulty one.
func New(opts Options) (*Client, error) {
	base, err := parseBase(opts.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := opts.checkNumbers(); err != nil {
		return nil, err
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
	return &Client{
		opts: opts, base: base, url: base.JoinPath(opts.API.Path()), header: header,
		readers: sync.Pool{New: func() any { return new(sse.Reader) }},
	}, nil
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
	if o.APIKey != "" {
		header.Set("Authorization", "Bearer "+o.APIKey)
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
	if name := o.SessionHeader; name != "" && !validName(name) {
		return nil, fmt.Errorf("sessionHeader: %q is not the name of a header", name)
	}
	if name := o.SessionTokenHeader; name != "" && !validName(name) {
		return nil, fmt.Errorf("sessionTokenHeader: %q is not the name of a header", name)
	}
	return header, nil
}

func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf(`baseURL %q is not a URL such as "http://localhost:8000/v1"`, Redact(text))
	}
	base.Path = strings.TrimRight(base.Path, "/")
	if !strings.HasSuffix(base.Path, "/v1") {
		base.Path += "/v1"
	}
	base.RawPath = ""
	return base, nil
}

// Redact takes the password out of a URL's user part, for messages and files.
func Redact(text string) string {
	if base, err := url.Parse(text); err == nil {
		return base.Redacted()
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
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

// URL is where requests go, without a password.
func (c *Client) URL() string { return c.url.Redacted() }

// Request is one request.
type Request struct {
	ID        string          // sent as X-Request-Id unless empty
	Model     string          // "" for the client's
	Prompt    string          // of a completion
	Messages  json.RawMessage // of a chat: a JSON array
	MaxTokens int             // 0 for DefaultMaxTokens
	SessionID string          // of the conversation it belongs to, for Options.SessionHeader; "" for none

	// AddSpecial says whether the server is to add special tokens around the prompt; nil leaves it to the server.
	AddSpecial *bool
}

// Answer is a request's record, with the text that came.
type Answer struct {
	Record *record.Request
	Text   string
}

// Do sends one request and waits for its end. It returns an error only if the request could not be built; whatever happens
// from then on is in the record. The record's identity (scenario, stage, index …) and judgement are the caller's to fill in.
// When ctx ends the request is cut and recorded as canceled, with its chunks so far.
func (c *Client) Do(ctx context.Context, rt http.RoundTripper, req Request) (Answer, error) {
	if req.Model == "" {
		req.Model = c.opts.Model
	}
	if req.MaxTokens == 0 {
		req.MaxTokens = DefaultMaxTokens
	}
	body, err := c.opts.API.Body(api.Request{
		Model: req.Model, Prompt: req.Prompt, Messages: req.Messages, MaxTokens: req.MaxTokens,
		IgnoreEOS: c.opts.IgnoreEOS, Stream: c.opts.Streaming, AddSpecial: req.AddSpecial, Format: c.opts.Format, Extra: c.opts.Extra,
	})
	if err != nil {
		return Answer{}, fmt.Errorf("request body: %w", err)
	}
	if c.opts.SessionHeader != "" && !validValue(req.SessionID) {
		return Answer{}, fmt.Errorf("session id %q holds a control character, and so cannot be sent as the header %q", req.SessionID, c.opts.SessionHeader)
	}
	x := newExchange(c, req, body)
	x.run(ctx, rt)
	x.count(req)
	return Answer{Record: x.rec, Text: string(x.transcript.text)}, nil
}
