package llm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// clientOptions are the options of new Client.
type clientOptions struct {
	engine.Options
	streams bool // the script says whether answers are streamed
}

func (o *clientOptions) fields(rt *sobek.Runtime) fields {
	f := soundFields(func() *api.SoundOptions { return &o.Sound })
	maps.Copy(f, visualFields(func() *api.VisualOptions { return &o.Visual }))
	maps.Copy(f, ownClassFields(rt, &o.Class))
	f["classes"] = readClasses(rt, &o.Classes)
	maps.Copy(f, fields{
		"baseURL":        readBaseURL(&o.Options),
		"balance":        text(&o.Spread.Balance),
		"weights":        numbers(&o.Spread.Weights),
		"endpoint":       text(&o.Endpoint),
		"api":            dialect(&o.API),
		"model":          text(&o.Model),
		"streaming":      func(v sobek.Value) error { o.streams = true; return boolean(&o.Streaming)(v) },
		"ignoreEOS":      boolean(&o.IgnoreEOS),
		"timeout":        duration(&o.Timeout),
		"idleTimeout":    duration(&o.IdleTimeout),
		"apiKey":         text(&o.APIKey),
		"apiKeyHeader":   text(&o.APIKeyHeader),
		"headers":        texts(&o.Headers),
		"extraBody":      o.readExtra,
		"text":           boolean(&o.Text),
		"slo":            bounds(&o.SLO),
		"itl":            o.readITL,
		"tokenizer":      text(&o.Tokenizer),
		"circuitBreaker": o.readBreakers,
		"adapters":       o.readAdapters,
		"retries":        count(&o.Retries, 0),
		"retryBackoff":   duration(&o.RetryBackoff),

		"certPath":           text(&o.Files.Cert),
		"keyPath":            text(&o.Files.Key),
		"caPath":             text(&o.Files.CA),
		"sloHeaders":         func(v sobek.Value) error { return o.readSLOHeaders(rt, v) },
		"chainResponses":     boolean(&o.Chain),
		"responseFormat":     func(v sobek.Value) error { return o.readFormat(rt, v) },
		"sessionHeader":      text(&o.SessionHeader),
		"sessionTokenHeader": text(&o.SessionTokenHeader),
		"requestIDHeader":    text(&o.RequestIDHeader),
		"maxTokensField":     text(&o.MaxTokensField),
		"priorityField":      text(&o.PriorityField),
		"priorityHeader":     text(&o.PriorityHeader),

		"dimensions":     count(&o.Vectors.Dimensions, 1),
		"encodingFormat": text(&o.Vectors.EncodingFormat),
		"topN":           count(&o.Ranking.TopN, 0),
		"queryField":     text(&o.Ranking.QueryField),
		"documentsField": text(&o.Ranking.DocumentsField),

		"pollInterval": duration(&o.PollInterval),
		"answerLimit":  count(&o.EventLimit, 1),

		"serverMetrics":         readPages(&o.Pages),
		"serverMetricsInterval": duration(&o.Pages.Interval),
	})
	return f
}

// readClientOptions reads the argument of new Client, and checks everything that can be checked without a server.
func readClientOptions(rt *sobek.Runtime, value sobek.Value) (*clientOptions, error) {
	o := &clientOptions{Options: engine.DefaultOptions()}
	simulator := o.BaseURL
	o.BaseURL = ""
	if err := o.fields(rt).read(rt, "Client", value); err != nil {
		return nil, err
	}
	o.Streaming = o.Streaming && (o.streams || o.API.Input().StreamsByItself())
	if o.BaseURL == "" && o.Spread.BaseURLs == nil {
		if told := o.tellsOfServer(); told != "" {
			return nil, invalid("Client", "baseURL", fmt.Errorf("is missing, and %s is given: set it to the server "+
				"(BASE_URL in our scripts), or to 'sim:' for the built-in simulator", told))
		}
		o.BaseURL = simulator
	}
	return o, o.Settle()
}

// tellsOfServer returns the name of an option that only a real server needs, "" if none is given. The simulator takes
// the place of a server only where nothing tells of one.
func (o *clientOptions) tellsOfServer() string {
	switch {
	case o.APIKey != "":
		return "apiKey"
	case o.APIKeyHeader != "":
		return "apiKeyHeader"
	case o.Endpoint != "":
		return "endpoint"
	case o.Model != "":
		return "model"
	}
	return ""
}

// readBaseURL reads a base URL, or those of several endpoints.
func readBaseURL(o *engine.Options) func(sobek.Value) error {
	return func(v sobek.Value) error {
		list, isList := export(v).([]any)
		if !isList {
			return text(&o.BaseURL)(v)
		}
		o.Spread.BaseURLs = []string{}
		for i, each := range list {
			url, isText := each.(string)
			if !isText || url == "" {
				return fmt.Errorf("number %d must be a URL", i)
			}
			o.Spread.BaseURLs = append(o.Spread.BaseURLs, url)
		}
		return nil
	}
}

func (o *clientOptions) readExtra(v sobek.Value) (err error) {
	if err := object(&o.ExtraBody)(v); err != nil {
		return err
	}
	o.Extra, err = api.ParseExtra(o.ExtraBody)
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
		o.Split = append(o.Split, a)
		o.Adapters = append(o.Adapters, a.Name)
	}
	if len(o.Split) > 0 && math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("splits must add up to 1, got %v", sum)
	}
	return nil
}

func (o *clientOptions) readITL(v sobek.Value) (err error) {
	var name string
	if err := text(&name)(v); err != nil {
		return err
	}
	o.ITL, err = samples.ParseITLMode(name)
	return err
}

// bounds reads bounds on a request, if there are any.
func bounds(dst **record.Bounds) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if absent(v) {
			return nil
		}
		given, err := readBounds(v)
		if err == nil && *given != (record.Bounds{}) {
			*dst = given
		}
		return err
	}
}

// readBounds reads bounds on a request.
func readBounds(v sobek.Value) (*record.Bounds, error) {
	obj, ok := v.(*sobek.Object)
	if !ok {
		return nil, fmt.Errorf("must be an object such as {ttft: '500ms'}, got %s", describe(v))
	}
	bounds := new(record.Bounds)
	for _, name := range obj.Keys() {
		if err := record.KnownLatency(name); err != nil {
			return nil, err
		}
		var limit time.Duration
		read := duration(&limit)
		if name == "rtf" {
			read = factor(&limit)
		}
		err := read(obj.Get(name))
		if err == nil {
			err = bounds.Set(name, limit)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	return bounds, nil
}

// factor reads a real-time factor, as the time for a second of sound.
func factor(limit *time.Duration) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var x float64
		if err := number(&x)(v); err != nil {
			return err
		}
		if !(x > 0 && x < 1e6) {
			return fmt.Errorf("must be a number above 0, such as 1, got %v", x)
		}
		*limit = time.Duration(math.Round(x * float64(time.Second)))
		return nil
	}
}

// requestOptions are the options of a single request: the second argument of chat and complete, and the argument of
// send.
type requestOptions struct {
	client.Request
	class        traffic.Class
	turn         int64
	maxTokens    int64
	promptTokens int64
	hasPrompt    bool
	hasInputs    int // how many of input and documents are given
}

func (o *requestOptions) fields(rt *sobek.Runtime) fields {
	f := soundFields(o.sound)
	maps.Copy(f, visualFields(o.visual))
	maps.Copy(f, classFields(rt, &o.class))
	maps.Copy(f, fields{
		"cancel":    func(v sobek.Value) error { return readLeave(rt, &o.class.Leave, 1, v) },
		"signal":    o.readSignal(rt),
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
	})
	return f
}

// withInput returns the fields and the keys that carry the input itself.
func (o *requestOptions) withInput(rt *sobek.Runtime) fields {
	f := o.fields(rt)
	f["messages"] = o.readList
	f["input"], f["documents"], f["query"] = o.readInputs, o.readInputs, text(&o.Query)
	f["file"], f["image"] = o.readSound, o.readPictures
	f["prompt"] = func(v sobek.Value) error {
		o.hasPrompt = true
		return text(&o.Prompt)(v)
	}
	return f
}

// readInputs reads a text or a list of texts.
func (o *requestOptions) readInputs(v sobek.Value) error {
	if o.hasInputs++; o.hasInputs > 1 {
		return errors.New("stands beside the other of input and documents: leave one out")
	}
	switch given := export(v).(type) {
	case string:
		o.Inputs = []string{given}
		return nil
	case []any:
		o.Inputs = make([]string, len(given))
		for i, each := range given {
			text, isText := each.(string)
			if !isText {
				return fmt.Errorf("number %d must be a text", i)
			}
			o.Inputs[i] = text
		}
		if len(given) > 0 {
			return nil
		}
	}
	return fmt.Errorf("must be a text or a list of texts, got %s", describe(v))
}

// count reads a small number.
func count(dst *int, least int64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var n int64
		err := integer(&n, least)(v)
		*dst = int(n)
		return err
	}
}

func (o *clientOptions) readFormat(rt *sobek.Runtime, v sobek.Value) (err error) {
	if absent(v) {
		return nil
	}
	if shown, isText := export(v).(string); isText && o.Visual.Response == "" {
		o.Visual.Response = shown
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
	o.SLOHeaders = &h
	return err
}

// readPages reads the pages of metrics of a server: true, 'auto', a URL, or a list of URLs.
func readPages(p *scrape.Options) func(sobek.Value) error {
	return func(v sobek.Value) error {
		p.Auto, p.URLs = false, nil
		switch x := export(v).(type) {
		case bool:
			p.Auto = x
			return nil
		case string:
			return p.Add(x)
		case []any:
			for i, each := range x {
				text, ok := each.(string)
				if !ok {
					return fmt.Errorf("number %d must be a string", i)
				}
				if err := p.Add(text); err != nil {
					return fmt.Errorf("number %d %w", i, err)
				}
			}
			return nil
		}
		return fmt.Errorf("must be true, 'auto', the URL of a page of metrics, or a list of them, got %s", describe(v))
	}
}
