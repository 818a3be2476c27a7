// Package client performs one request over an http.RoundTripper and returns its record: when the request was sent, when
// each chunk of the answer arrived, and how the answer ended. A chunk's time is taken when the read returns that
// brought its end, before anything is parsed. What the server does wrong is a field of the record, never a Go error.
package client

import (
	"cmp"
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
	"sync/atomic"
	"time"

	clock "github.com/seed-307b789f/xk6-llm/internal/alarm"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// DefaultTimeout is how long a whole request may take unless an option sets another timeout.
const DefaultTimeout = 300 * time.Second

// DefaultMaxTokens is the output limit of a request that names none; inference-perf sends the same limit.
const DefaultMaxTokens = 30

// DefaultRetryBackoff is the base of the waits before further attempts. inference-perf has the same base.
const DefaultRetryBackoff = 500 * time.Millisecond

// Options holds what all requests of a client have in common. DefaultOptions returns the defaults.
type Options struct {
	// /v1 is added to a bare host; any other path is used as it stands, and may be an endpoint's
	BaseURL string
	// Endpoint is a path with an optional query that follows BaseURL in place of the path of API, and of /v1
	Endpoint    string
	API         api.Dialect   // the endpoint of requests
	Model       string        // "" asks the server, see Discover
	Adapters    []string      // further model names that requests will use
	Streaming   bool          // ask for a stream
	IgnoreEOS   bool          // ask for MaxTokens tokens whatever the model says, if the API has a field for that
	Timeout     time.Duration // limit of a whole request; 0 means no limit
	IdleTimeout time.Duration // longest gap between chunks of a stream; 0 means no limit
	// APIKey is sent as API wants it, in most as a bearer token; "" sends the user and password of BaseURL, as Basic
	// authentication
	APIKey string
	// APIKeyHeader names the header that carries APIKey as it is, without Bearer; "" means the one that API wants.
	// BaseURL's user is then sent as well.
	APIKeyHeader string
	Headers      map[string]string
	// Classes are the kinds of requests, by their numbers; nil means one that has nothing of its own.
	Classes []Class
	// PriorityField and PriorityHeader name what carries a priority: a field of bodies of an API that may have one, and
	// a header. "" leaves it out.
	PriorityField, PriorityHeader string

	Format  json.RawMessage // response_format of the body, see api.Format; nil leaves it out
	Extra   api.Extra       // further fields of the body
	Vectors api.VectorOptions
	Ranking api.RankingOptions
	Sound   api.SoundOptions
	Visual  api.VisualOptions
	// PollInterval is the wait between two questions for a video; 0 adapts it to how long the video takes, see pollWait
	PollInterval time.Duration
	Text         bool // keep request and response bodies in the record
	EventLimit   int  // largest event or whole answer, in bytes; 0 means sse.DefaultLimit, or mediaLimit

	// Retries is how often a request is sent again when its connection fails before an answer. Timeout then limits each
	// attempt.
	Retries int
	// RetryBackoff × 2^(k-1) × a random factor from 0.5 to 1.5 is the wait before the k-th further attempt, k from 1.
	RetryBackoff time.Duration
	// Random returns numbers in [0, 1) for the factor of RetryBackoff. It is called concurrently; nil means the
	// runtime's own generator.
	Random func() float64

	// MaxTokensField names the field that carries a request's limit; "" leaves the limit out.
	MaxTokensField string
	// RequestIDHeader names the request header that carries the request's id; "" sends no id. A header of this name in
	// Headers takes precedence.
	RequestIDHeader string

	// SessionHeader names the request header that carries the session's id; "" sends no id.
	SessionHeader string
	// SessionTokenHeader names the response header whose value later requests of the session send back; "" means no
	// header.
	SessionTokenHeader string
	// Tokens keeps the values of SessionTokenHeader. Clients of a process may share it; nil means that the client keeps
	// its own.
	Tokens *Tokens

	// Chain sends, in a session, only what is new after an answer that the server completed and keeps, by the answer's
	// id. It is for APIs that have a field for that.
	Chain bool
	// Chains keeps those answers. Clients of a process may share it; nil means that the client keeps its own.
	Chains *Chains

	// Count returns the number of tokens in a text by the model's tokenizer, without special tokens; nil means that
	// there is no tokenizer.
	Count func(text string) int
	// CountPrompt returns the number of tokens in a request's prompt as a server of the API counts them. raw reports
	// that a chat could not be written as the server writes it, and that only its texts were counted, or that the
	// tokens of its media are estimates or missing. It is required if Count is set.
	CountPrompt func(api.Dialect, Request) (n int, raw bool)
}

// Defaults of the names that a request carries.
const (
	DefaultMaxTokensField  = api.MaxTokensField
	DefaultRequestIDHeader = "X-Request-Id"
)

// DefaultOptions returns options in which only BaseURL is missing.
func DefaultOptions() Options {
	return Options{
		API: api.Chat, Streaming: true, IgnoreEOS: true, Timeout: DefaultTimeout, RetryBackoff: DefaultRetryBackoff,
		MaxTokensField: DefaultMaxTokensField, RequestIDHeader: DefaultRequestIDHeader,
		PriorityField: DefaultPriorityField, PriorityHeader: DefaultPriorityHeader,
	}
}

// Client sends requests. It may be used concurrently.
type Client struct {
	*address
	opts       Options
	request    http.Request // what all requests have in common, without the header
	header     http.Header
	classes    []sharedParts // never empty
	credential string        // what the header authorizes by, for messages
	secrets    secret.Set
	mask       *secret.Mask // mask of secrets
	exchanges  sync.Pool    // of *exchange
	date       atomic.Pointer[serverDate]
}

// New checks the options; its error names the faulty one.
func New(opts Options) (*Client, error) {
	opts.BaseURL, _ = WithScheme(opts.BaseURL)
	address, err := parseAddress(opts.BaseURL, opts.Endpoint, opts.API)
	if err != nil {
		return nil, err
	}
	if address.models == nil && cmp.Or(opts.Model, address.deployment) == "" {
		return nil, fmt.Errorf("endpoint %q does not show where the list of models is: %s", shown(opts.Endpoint),
			nameModel)
	}
	if err := opts.checkNumbers(); err != nil {
		return nil, err
	}
	if err := opts.checkFields(); err != nil {
		return nil, err
	}
	header, err := opts.header()
	if err != nil {
		return nil, err
	}
	classes, err := opts.makeClasses(header)
	if err != nil {
		return nil, fmt.Errorf("classes: %w", err)
	}
	if opts.EventLimit == 0 && opts.API.Input().Shows() {
		opts.EventLimit = mediaLimit
	}
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	if opts.Tokens == nil {
		opts.Tokens = new(Tokens)
	}
	if opts.Chains == nil {
		opts.Chains = new(Chains)
	}
	secrets := opts.secrets(header, classes)
	c := &Client{
		secrets: secrets, mask: secrets.Mask(),
		address: address, opts: opts, header: header, classes: classes, credential: opts.credential(header),
		request: http.Request{
			Method: http.MethodPost, URL: address.endpoint, Host: address.endpoint.Host, Proto: "HTTP/1.1",
			ProtoMajor: 1, ProtoMinor: 1,
		},
	}
	c.exchanges.New = func() any { return &exchange{c: c} }
	return c, nil
}

// checkFields returns an error if the API has no field for an option.
func (o *Options) checkFields() error {
	r := api.Request{Format: o.Format}
	if o.Chain {
		r.Previous = "id"
	}
	if _, err := o.API.Body(&r); err != nil {
		return err
	}
	if err := api.CheckMaxTokensField(o.MaxTokensField); err != nil {
		return fmt.Errorf("maxTokensField: %w", err)
	}
	if err := api.CheckPriorityField(o.PriorityField); err != nil {
		return fmt.Errorf("priorityField: %w", err)
	}
	return nil
}

func (o *Options) checkNumbers() error {
	switch {
	case o.Timeout < 0:
		return fmt.Errorf("timeout must not be negative, got %v", o.Timeout)
	case o.IdleTimeout < 0:
		return fmt.Errorf("idleTimeout must not be negative, got %v", o.IdleTimeout)
	case o.PollInterval < 0:
		return fmt.Errorf("pollInterval must not be negative, got %v", o.PollInterval)
	case o.EventLimit < 0:
		return fmt.Errorf("answerLimit must not be negative, got %d", o.EventLimit)
	case o.Retries < 0:
		return fmt.Errorf("retries must not be negative, got %d", o.Retries)
	case o.RetryBackoff < 0:
		return fmt.Errorf("retryBackoff must not be negative, got %v", o.RetryBackoff)
	case o.Streaming && !o.API.Input().Streams():
		return fmt.Errorf("streaming must not be true: the answers of api %q come whole, leave it out", o.API.Name())
	}
	return cmp.Or(o.Vectors.Check(), o.Ranking.Check(), o.Sound.Check(), o.Visual.Check())
}

// Speak makes the options those of requests to another endpoint of the server. It turns off what needs answers of a
// model token by token where there are none.
func (o *Options) Speak(dialect api.Dialect) {
	other := o.API != dialect
	o.API = dialect
	if in := dialect.Input(); !in.Generates() {
		o.IgnoreEOS, o.Chain, o.Format = false, false, nil
		o.Streaming = o.Streaming && in.Streams() && (!other || in.StreamsByItself()) // others stream if asked
	}
}

// header checks the headers and returns those that all requests have.
func (o *Options) header() (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"xk6-llm"}}
	if form, ok := o.API.(api.Uploader); ok {
		header.Set("Content-Type", form.ContentType())
	}
	if err := checkKey(o); err != nil {
		return nil, err
	}
	for name, value := range o.Credentials() {
		header.Set(name, value)
	}
	if err := setHeaders(header, o.Headers); err != nil {
		return nil, err
	}
	for _, named := range [...]struct{ option, header string }{
		{"sessionHeader", o.SessionHeader}, {"sessionTokenHeader", o.SessionTokenHeader},
		{"requestIDHeader", o.RequestIDHeader}, {"priorityHeader", o.PriorityHeader},
	} {
		switch {
		case named.header == "":
		case !validName(named.header):
			return nil, fmt.Errorf("%s: %q is not the name of a header", named.option, named.header)
		case strings.EqualFold(named.header, o.APIKeyHeader):
			return nil, fmt.Errorf("%s: %q is the header of apiKeyHeader: leave one of them out", named.option,
				named.header)
		}
	}
	return header, nil
}

// setHeaders checks headers and sets them.
func setHeaders(header http.Header, own map[string]string) error {
	given := make(map[string]string, len(own))
	for _, name := range slices.Sorted(maps.Keys(own)) {
		value := own[name]
		if !validName(name) || !validValue(value) {
			return fmt.Errorf("headers: %q is not a valid header", name) // the value may be a secret
		}
		key := http.CanonicalHeaderKey(name)
		if twin, ok := given[key]; ok {
			return fmt.Errorf("headers: %q and %q are the same header", twin, name)
		}
		given[key] = name
		header.Set(name, value)
	}
	return nil
}

// validName reports whether a header can have the name, which must be a token of RFC 9110.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

// validValue reports whether a header can have the value; net/http refuses to send others.
func validValue(value string) bool {
	return strings.IndexFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}

// Added returns a remark if something was added to the path of the base URL or left out of it, and "" otherwise.
func (c *Client) Added() string {
	switch {
	case c.bare:
		return fmt.Sprintf("baseURL is a host alone: /v1 is added, so that requests go to %s", show(c.endpoint))
	case c.leftOut != "":
		return fmt.Sprintf("baseURL need not end with %s: requests go to %s", c.leftOut, show(c.endpoint))
	}
	return ""
}

// URL returns where requests go, without secrets.
func (c *Client) URL() string { return show(c.endpoint) }

// Request is one request.
type Request struct {
	ID        string          // sent in Options.RequestIDHeader unless empty
	Model     string          // "" means the client's model
	Prompt    string          // prompt of a completion
	Messages  json.RawMessage // messages of a chat: a JSON array, with the marks of Media.Blobs
	Checked   bool            // Messages is known to be JSON
	KeepCalls bool            // keep the reasoning and the tool calls of the answer
	Class     int32           // number in Options.Classes; beside the flags, because the stack of a stream is tight
	Inputs    []string        // texts to embed, or documents to rank
	Query     string          // what documents are ranked by
	Media     *Media          // nil without pictures, videos and sounds
	MaxTokens int             // 0 means DefaultMaxTokens
	SessionID string          // id of the conversation, for Options.SessionHeader; "" outside conversations

	// AddSpecial tells the server whether to add special tokens around the prompt; nil leaves the decision to the
	// server.
	AddSpecial *bool
	// MaxTokensField takes precedence over the field in Options; nil means the field in Options.
	MaxTokensField *string
	// Extra holds further fields of the body, which replace the client's fields of the same names; nil means no further
	// fields.
	Extra api.Extra

	// At is when the request is to be sent. Do builds the body before, and waits; zero sends at once. A request is not
	// sent if Stop is closed by then.
	At   time.Time
	Stop <-chan struct{}
	// Tools holds the definitions of tools, and ToolChoice the choice among them, as OpenAI's chat has them; each API
	// sends its own form. nil leaves them out.
	Tools, ToolChoice json.RawMessage
	IgnoreEOS         *bool // takes precedence over Options.IgnoreEOS; nil means that
	// Headers are sent beside those of the client and the class, which they replace; those of the session replace
	// them.
	Headers map[string]string
	// Priority takes precedence over that of the class; nil means that.
	Priority *int64
	// Leave tells when the user leaves; nil means that the user stays.
	Leave *Leave
}

// Answer is a request's record together with the text that came. The record holds no secret of the request, whatever
// the server repeated.
type Answer struct {
	Record *record.Request
	Text   string // as it came
	Shown  string // Text without secrets

	Reasoning string // empty unless Request.KeepCalls, as are the ToolCalls
	ToolCalls []api.ToolCall
}

// ErrUnsent is returned for a request whose context ended, whose Stop was closed, or whose user left, before it was to
// be sent.
var ErrUnsent = errors.New("not sent: the context, the session or the signal ended before")

// Do sends one request and waits for its end. It returns an error only if the request could not be built, or ErrUnsent;
// whatever happens once it is sent is in the record. The caller fills in the record's identity (scenario, stage, index
// …) and judgement. When ctx ends, the request is cut and recorded as canceled, with its chunks so far.
// Do neither changes nor keeps req.
func (c *Client) Do(ctx context.Context, rt http.RoundTripper, req *Request) (answer Answer, err error) {
	x, err := c.begin(ctx, req)
	if err != nil {
		return answer, err
	}
	x.run(ctx, rt)
	x.conclude()
	x.answer(&answer)
	x.giveBack()
	return answer, nil
}

// begin builds a request, and waits until it is to be sent.
func (c *Client) begin(ctx context.Context, req *Request) (*exchange, error) {
	x, _ := c.exchanges.Get().(*exchange)
	err := x.begin(req)
	if err == nil && (!req.At.IsZero() && !req.mayGo(ctx) || req.Leave.unsent()) {
		err = ErrUnsent
	}
	if err != nil {
		x.giveBack()
	}
	return x, err
}

// mayGo waits until a request is to be sent, and reports whether nothing has stopped it before.
func (r *Request) mayGo(ctx context.Context) bool {
	if !clock.Until(ctx, r.At) {
		return false
	}
	select {
	case <-r.Stop:
		return false
	default:
		return true
	}
}
