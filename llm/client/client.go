// Package client performs one request over an http.RoundTripper and returns its record: when it was sent, when each chunk
// of the answer arrived, how it ended. A chunk's time is taken when the read returns that brought its end, before anything
// is parsed. What the server does wrong is a field of the record, never a Go error.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	Extra       api.Extra // further fields of the body
	Text        bool      // keep request and response bodies in the record
	EventLimit  int       // largest event or whole answer, in bytes; 0 means sse.DefaultLimit

	// Count gives the tokens of a text by the model's tokenizer, without special ones; nil if there is none.
	Count func(text string) int
	// CountPrompt gives the tokens of a request's prompt as the server counts them. raw says that a chat could not be
	// written as the server writes it, so that only its texts were counted. Needed if Count is set.
	CountPrompt func(Request) (n int, raw bool)
}

// DefaultOptions gives options in which only BaseURL is missing.
func DefaultOptions() Options {
	return Options{API: api.Chat, Streaming: true, IgnoreEOS: true, Timeout: DefaultTimeout}
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
	if opts.Timeout < 0 {
		return nil, fmt.Errorf("timeout must not be negative, got %v", opts.Timeout)
	}
	if opts.IdleTimeout < 0 {
		return nil, fmt.Errorf("idleTimeout must not be negative, got %v", opts.IdleTimeout)
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"xk6-llm"}}
	if opts.APIKey != "" {
		header.Set("Authorization", "Bearer "+opts.APIKey)
	}
	for name, value := range opts.Headers {
		if !validHeader(name, value) {
			return nil, fmt.Errorf("headers: %q is not a valid header", name) // the value may be a secret
		}
		header.Set(name, value)
	}
	if strings.ContainsAny(opts.APIKey, "\r\n\x00") {
		return nil, errors.New("apiKey holds a line break")
	}
	return &Client{
		opts: opts, base: base, url: base.JoinPath(opts.API.Path()), header: header,
		readers: sync.Pool{New: func() any { return new(sse.Reader) }},
	}, nil
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

func validHeader(name, value string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != "" && !strings.ContainsAny(value, "\r\n\x00")
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
		IgnoreEOS: c.opts.IgnoreEOS, Stream: c.opts.Streaming, AddSpecial: req.AddSpecial, Extra: c.opts.Extra,
	})
	if err != nil {
		return Answer{}, fmt.Errorf("request body: %w", err)
	}
	x := newExchange(c, req, body)
	x.run(ctx, rt)
	x.count(req)
	return Answer{Record: x.rec, Text: string(x.text)}, nil
}
