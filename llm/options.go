package llm

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// simScheme begins the base URL of the built-in simulator. Its options follow as a query.
const simScheme = "sim:"

// clientOptions are the options of new Client.
type clientOptions struct {
	client.Options
	extra    map[string]any
	breakers []*breaker.Circuit
	split    []record.Adapter // adapters to choose from, by their shares
	slo      *record.Bounds
	itl      samples.ITLMode
	files    credentialFiles
	sim      *sim.Options // of the simulated server; nil means a real server
	pages    serverPages  // the pages of metrics to read

	sloHeaders  *record.SLOHeaders // headers that may carry bounds; nil means none
	headerSLO   *record.Bounds     // slo with the bounds of the headers; nil if they carry none
	credentials *credentials       // from files; nil means k6's own

	tokenizer   string // file, folder or repository; "" means none
	chatProblem error  // why chats are counted without a template
}

func (o *clientOptions) fields(rt *sobek.Runtime) fields {
	return fields{
		"baseURL":        text(&o.BaseURL),
		"api":            o.readAPI,
		"model":          text(&o.Model),
		"streaming":      boolean(&o.Streaming),
		"ignoreEOS":      boolean(&o.IgnoreEOS),
		"timeout":        duration(&o.Timeout),
		"idleTimeout":    duration(&o.IdleTimeout),
		"apiKey":         text(&o.APIKey),
		"headers":        texts(&o.Headers),
		"extraBody":      o.readExtra,
		"text":           boolean(&o.Text),
		"slo":            func(v sobek.Value) error { return o.readSLO(rt, v) },
		"itl":            o.readITL,
		"tokenizer":      text(&o.tokenizer),
		"circuitBreaker": o.readBreakers,
		"adapters":       o.readAdapters,
		"retries":        o.readRetries,
		"retryBackoff":   duration(&o.RetryBackoff),

		"certPath":           text(&o.files.cert),
		"keyPath":            text(&o.files.key),
		"caPath":             text(&o.files.ca),
		"sloHeaders":         func(v sobek.Value) error { return o.readSLOHeaders(rt, v) },
		"responseFormat":     func(v sobek.Value) error { return o.readFormat(rt, v) },
		"sessionHeader":      text(&o.SessionHeader),
		"sessionTokenHeader": text(&o.SessionTokenHeader),
		"requestIDHeader":    text(&o.RequestIDHeader),
		"maxTokensField":     text(&o.MaxTokensField),

		"serverMetrics":         o.pages.read,
		"serverMetricsInterval": duration(&o.pages.Interval),
	}
}

// readClientOptions reads the argument of new Client, and checks everything that can be checked without a server.
func readClientOptions(rt *sobek.Runtime, value sobek.Value) (*clientOptions, error) {
	o := &clientOptions{Options: client.DefaultOptions(), itl: samples.ITLRequest}
	o.BaseURL, o.pages.Interval = simScheme, scrape.DefaultInterval
	if err := o.fields(rt).read(rt, "Client", value); err != nil {
		return nil, err
	}
	if err := o.pages.Check(); err != nil {
		return nil, invalid("Client", "serverMetricsInterval", err)
	}
	o.BaseURL = strings.TrimSpace(o.BaseURL)
	if query, ok := strings.CutPrefix(o.BaseURL, simScheme); ok {
		parsed, err := sim.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil {
			return nil, invalid("Client", "baseURL", err)
		}
		o.sim = &parsed
	}
	wire := o.Options
	if o.sim != nil {
		wire.BaseURL = "http://localhost" // not known yet
	}
	if _, err := client.New(wire); err != nil {
		return nil, fmt.Errorf("new Client: %w", err)
	}
	if err := o.withheld(); err != nil {
		return nil, err
	}
	if err := o.settleSLO(); err != nil {
		return nil, invalid("Client", "sloHeaders", err)
	}
	return o, nil
}

func (o *clientOptions) readAPI(v sobek.Value) (err error) {
	var name string
	if err := text(&name)(v); err != nil {
		return err
	}
	o.API, err = api.ByName(name)
	return err
}

func (o *clientOptions) readExtra(v sobek.Value) (err error) {
	if err := object(&o.extra)(v); err != nil {
		return err
	}
	o.Extra, err = api.ParseExtra(o.extra)
	return err
}

func (o *clientOptions) readAdapters(v sobek.Value) error {
	list, ok := v.(*sobek.Object)
	if !ok || list.ClassName() != "Array" {
		return fmt.Errorf("must be an array such as [{name: 'a', split: 0.7}, {name: 'b', split: 0.3}], got %s",
			describe(v))
	}
	sum := 0.0
	for i := range int(list.Get("length").ToInteger()) {
		var a record.Adapter
		if err := (fields{"name": text(&a.Name), "split": number(&a.Split)}).read(nil, "adapter",
			list.Get(strconv.Itoa(i))); err != nil {
			return fmt.Errorf("number %d: %w", i, err)
		}
		if a.Name == "" || a.Split < 0 {
			return fmt.Errorf("number %d needs a name and a split that is not negative, got %q and %v", i, a.Name,
				a.Split)
		}
		sum += a.Split
		o.split = append(o.split, a)
		o.Adapters = append(o.Adapters, a.Name)
	}
	if len(o.split) > 0 && math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("splits must add up to 1, got %v", sum)
	}
	return nil
}

func (o *clientOptions) readITL(v sobek.Value) (err error) {
	var name string
	if err := text(&name)(v); err != nil {
		return err
	}
	o.itl, err = samples.ParseITLMode(name)
	return err
}

func (o *clientOptions) readSLO(rt *sobek.Runtime, v sobek.Value) error {
	if absent(v) {
		return nil
	}
	obj, ok := v.(*sobek.Object)
	if !ok {
		return fmt.Errorf("must be an object such as {ttft: '500ms'}, got %s", describe(v))
	}
	bounds := new(record.Bounds)
	for _, name := range obj.Keys() {
		if err := record.KnownLatency(name); err != nil {
			return err
		}
		var limit time.Duration
		err := withUnit(&limit)(obj.Get(name))
		if err == nil {
			err = bounds.Set(name, limit)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	if *bounds != (record.Bounds{}) {
		o.slo = bounds
	}
	return nil
}

// redacted returns the options for the record file, without header values and keys, which may be secrets.
func (o *clientOptions) redacted() map[string]any {
	m := map[string]any{
		"baseURL": redactURL(o.BaseURL), "api": o.API.Name(), "model": o.Model, "streaming": o.Streaming,
		"ignoreEOS": o.IgnoreEOS,
		"timeout":   o.Timeout.String(), "idleTimeout": o.IdleTimeout.String(), "text": o.Text, "itl": o.itl,
	}
	if o.tokenizer != "" {
		m["tokenizer"] = o.tokenizer
	}
	if o.APIKey != "" {
		m["apiKey"] = redactedValue
	}
	if len(o.Headers) > 0 {
		headers := make(map[string]string, len(o.Headers))
		for name := range o.Headers {
			headers[name] = redactedValue
		}
		m["headers"] = headers
	}
	if len(o.split) > 0 {
		m["adapters"] = o.split
	}
	if len(o.extra) > 0 {
		m["extraBody"] = o.extra
		if shown, found := secret.Redact(o.Extra); found {
			m["extraBody"] = shown
		}
	}
	o.redactOptions(m)
	return m
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

// requestOptions are the options of a single request: the second argument of chat and complete, and the argument of
// send.
type requestOptions struct {
	client.Request
	turn         int64
	maxTokens    int64
	promptTokens int64
	hasPrompt    bool
}

func (o *requestOptions) fields() fields {
	return fields{
		"model":     text(&o.Model),
		"maxTokens": integer(&o.maxTokens, 1),
		"sessionID": text(&o.SessionID),
		"turn":      integer(&o.turn, 0),
		"extraBody": extraBody(&o.Extra),

		"promptTokens":     integer(&o.promptTokens, 1),
		"addSpecialTokens": func(v sobek.Value) error { o.AddSpecial = new(bool); return boolean(o.AddSpecial)(v) },
		"maxTokensField": func(v sobek.Value) error {
			o.MaxTokensField = new(string)
			if err := text(o.MaxTokensField)(v); err != nil {
				return err
			}
			return api.CheckMaxTokensField(*o.MaxTokensField)
		},
	}
}

// withInput returns the fields and the keys that carry the input itself.
func (o *requestOptions) withInput() fields {
	f := o.fields()
	f["messages"] = jsonArray(&o.Messages)
	f["prompt"] = func(v sobek.Value) error {
		o.hasPrompt = true
		return text(&o.Prompt)(v)
	}
	return f
}

// userMessage returns the messages of a chat that has one message.
func userMessage(prompt string) json.RawMessage {
	content, _ := json.Marshal(prompt) // a string never fails
	return json.RawMessage(`[{"role":"user","content":` + string(content) + `}]`)
}
