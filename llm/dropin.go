package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// config makes of an inference-perf configuration, a file or an object, the options of Client, Dataset and
// scenarios(). Secrets are in them as they are.
func (m *ModuleInstance) config(source sobek.Value) (sobek.Value, error) {
	c, err := m.readConfig(source)
	if err != nil {
		return nil, err
	}
	if err := dropin.Refused(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if c.Load.Sweep != nil {
		return nil, errors.New("config: load.sweep: needs two runs: use `k6 x llm run`")
	}
	m.root.configNotes.Do(func() {
		log := m.vu.InitEnv().Logger
		for _, warning := range c.Warnings {
			log.Warn("config: ", plain.Terminal(warning))
		}
		for _, remark := range dropin.Remarks(c) {
			log.Info("config: ", plain.Terminal(remark))
		}
	})
	m.settle(c)
	if c.Tokenizer != nil {
		m.hubToken = c.Tokenizer.Token
	}
	d := dropIn{c: c, dir: m.workingDirectory()}
	load, err := m.configLoad(&d)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	made, err := scenarios(m, m.vu.Runtime().ToValue(load))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	all, err := native(m.vu.Runtime(), options{"client": d.client(), "dataset": d.dataset(), "report": d.report()})
	if err != nil {
		return nil, err
	}
	return all, all.(*sobek.Object).Set("scenarios", made)
}

// settled is what config() draws, once for all VUs of the process.
type settled struct {
	once sync.Once
	now  time.Time
	seed int64
	lone bool // the seed is of this process alone: the run's id was not known
}

// settle fills in what a configuration leaves to the machine and the moment, the same at each call.
func (m *ModuleInstance) settle(c *config.Config) {
	s := &m.root.settled
	s.once.Do(func() {
		id := samples.GivenRunID(os.Args, m.lookupEnv)
		s.now = time.Now()
		s.seed, s.lone = samples.DrawSeed(id, s.now), id == ""
	})
	m.drewSeed = m.drewSeed || s.lone && c.Load.BaseSeed == nil
	if c.Load.BaseSeed == nil {
		c.Load.BaseSeed = new(s.seed)
	}
	c.Settle(s.now, runtime.NumCPU())
}

func (m *ModuleInstance) readConfig(source sobek.Value) (*config.Config, error) {
	if m.vu.InitEnv() == nil {
		return nil, errors.New("config() works in the init context only, outside the default function")
	}
	overrides, err := m.overrides()
	if err != nil {
		return nil, err
	}
	if absent(source) {
		return nil, errors.New("config(): which configuration? Give the path of a file, or an object")
	}
	var c *config.Config
	if path, isText := export(source).(string); isText {
		data, abs, err := m.readFile("configuration", path)
		if err != nil {
			return nil, err
		}
		if c, err = config.ParseFile(abs, data, overrides...); err != nil {
			return nil, err
		}
	} else {
		obj, isObject := source.(*sobek.Object)
		if !isObject {
			return nil, fmt.Errorf("config(): needs the path of a file, or an object, got %s", describe(source))
		}
		data, err := obj.MarshalJSON() // JSON is YAML
		if err != nil {
			return nil, fmt.Errorf("config(): %w", err)
		}
		if c, err = config.Parse(data, overrides...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// refuse ends a script that was made for a configuration, in the init context. Only the message is printed, for its
// user has never seen the script.
func (m *ModuleInstance) refuse(message string) {
	m.vu.Runtime().Interrupt(refusal{abortError{&errext.InterruptError{Reason: message}}})
}

type refusal struct{ abortError }

// StackTrace is what k6 prints of errors that have one.
func (r refusal) StackTrace() string { return r.Reason }

// ExitCode is that of an exception in a script.
func (r refusal) ExitCode() exitcodes.ExitCode { return exitcodes.ScriptException }

func (m *ModuleInstance) overrides() (list []config.Override, err error) {
	text, set := m.lookupEnv(record.OverridesEnv)
	if !set || text == "" {
		return nil, nil
	}
	var pairs [][2]string
	if err := json.Unmarshal([]byte(text), &pairs); err != nil {
		return nil, fmt.Errorf("%s is no list of [key, value]: %w", record.OverridesEnv, err)
	}
	for _, p := range pairs {
		list = append(list, config.Override{Key: p[0], Value: p[1]})
	}
	return list, nil
}

// workingDirectory is where relative paths of a configuration begin, as in inference-perf.
func (m *ModuleInstance) workingDirectory() string {
	dir, _ := m.lookupEnv("PWD")
	return dir
}

// dropIn maps a configuration onto our options.
type dropIn struct {
	c   *config.Config
	dir string
}

// path makes a path of the configuration absolute.
func (d *dropIn) path(name string) string {
	if name == "" || filepath.IsAbs(name) || d.dir == "" {
		return name
	}
	return filepath.Join(d.dir, name)
}

// tokenizer is the configuration's, else the model's where a tokenizer is needed.
func (d *dropIn) tokenizer() string {
	if t := d.c.Tokenizer; t != nil && t.Name != "" {
		return t.Name
	}
	needed := !slices.Contains([]config.DataType{config.MockData, config.ShareGPT, config.BillSumConversations,
		config.InfinityInstruct, config.CNNDailyMail}, d.c.Data.Type)
	if d.c.Server != nil && (needed || d.c.Tokenizer != nil) {
		return d.c.Server.ModelName
	}
	return ""
}

// options collects options that are set.
type options map[string]any

func (o options) set(name string, value any, when bool) {
	if when {
		o[name] = value
	}
}

func (d *dropIn) client() options {
	c := d.c
	o := options{
		"api": d.api(), "streaming": c.API.Streaming, "ignoreEOS": c.Server.IgnoreEOS, "baseURL": d.baseURL(),
		"text": c.Report.Lifecycle.PerRequest && (c.Report.Lifecycle.PerRequestFields.Request ||
			c.Report.Lifecycle.PerRequestFields.Response),
	}
	o.set("model", c.Server.ModelName, c.Server.ModelName != "" && c.Server.Type != config.MockServer)
	o.set("apiKey", c.Server.APIKey, c.Server.APIKey != "")
	o.set("headers", c.API.Headers, len(c.API.Headers) > 0)
	o.set("tokenizer", d.tokenizer(), d.tokenizer() != "" && c.Tokenizer != nil)
	o.set("retries", c.Load.Retries, c.Load.Retries > 0)
	o.set("retryBackoff", milliseconds(c.Load.RetryBackoff), c.Load.Retries > 0)
	o.set("certPath", d.path(c.Server.CertPath), c.Server.CertPath != "")
	o.set("keyPath", d.path(c.Server.KeyPath), c.Server.KeyPath != "")
	o.set("sessionHeader", c.API.SessionIDHeader, c.API.SessionIDHeader != "")
	o.set("sessionTokenHeader", c.API.SessionTokenHeader, c.API.SessionTokenHeader != "")
	if t := c.Load.Timeout; t != nil && *t > 0 {
		o["timeout"] = milliseconds(*t)
	}
	if f := c.API.ResponseFormat; f != nil {
		format := options{"type": string(f.Type)}
		format.set("name", f.Name, f.Type == config.JSONSchema)
		if f.JSONSchema != nil && f.Type == config.JSONSchema {
			format["jsonSchema"] = json.RawMessage(f.JSONSchema)
		}
		o["responseFormat"] = format
	}
	d.bounds(o)
	var adapters []any
	for _, a := range c.Load.Adapters {
		adapters = append(adapters, options{"name": a.Name, "split": a.Split})
	}
	o.set("adapters", adapters, adapters != nil)
	o.set("circuitBreaker", d.breakers(), len(c.Load.CircuitBreakers) > 0)
	return o
}

// baseURL is the simulator's for the server type mock.
func (d *dropIn) baseURL() string {
	if d.c.Server.Type != config.MockServer {
		return client.ServerURL(strings.TrimSpace(d.c.Server.BaseURL))
	}
	settings := url.Values{}
	if t := d.tokenizer(); t != "" && d.c.Tokenizer != nil {
		settings.Set("tokenizer", t)
	}
	var adapters []string
	for _, a := range d.c.Load.Adapters {
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

// bounds are those of goodput, in ms, and the headers that bound single requests.
func (d *dropIn) bounds(o options) {
	slo := options{}
	if g := d.c.Report.Goodput; g != nil {
		for name, seconds := range g.Constraints {
			slo[name] = milliseconds(seconds)
		}
	}
	o.set("slo", slo, len(slo) > 0)
	a := d.c.API
	if a.SLOUnit == "" && a.SLOTTFTHeader == "" && a.SLOTPOTHeader == "" && !slices.ContainsFunc(headerNames(a.Headers),
		func(name string) bool { return strings.HasPrefix(name, "x-slo-") }) {
		return
	}
	headers := options{}
	headers.set("unit", a.SLOUnit, a.SLOUnit != "")
	headers.set("ttft", a.SLOTTFTHeader, a.SLOTTFTHeader != "")
	headers.set("tpot", a.SLOTPOTHeader, a.SLOTPOTHeader != "")
	o["sloHeaders"] = headers
}

func headerNames(headers map[string]string) (names []string) {
	for name := range headers {
		names = append(names, strings.ToLower(name))
	}
	return names
}

// breakers are those of the configuration that may end the run.
func (d *dropIn) breakers() (list []any) {
	for _, b := range d.c.CircuitBreakers {
		if !slices.Contains(d.c.Load.CircuitBreakers, b.Name) {
			continue
		}
		var triggers []any
		for _, t := range b.Triggers {
			if t.Consecutive != nil {
				triggers = append(triggers, options{"consecutive": t.Consecutive.Threshold})
			} else {
				triggers = append(triggers, options{"rate": t.Rate.Threshold, "window": milliseconds(t.Rate.Window),
					"minSamples": t.Rate.MinSamples})
			}
		}
		o := options{"name": b.Name, "matches": anyList(b.Metrics.Matches), "triggers": triggers}
		o.set("rules", anyList(b.Metrics.Rules), len(b.Metrics.Rules) > 0)
		list = append(list, o)
	}
	return list
}

func anyList[T any](items []T) []any {
	list := []any{}
	for _, item := range items {
		list = append(list, item)
	}
	return list
}

// milliseconds are what a duration is in JavaScript.
func milliseconds(seconds float64) float64 { return seconds * 1000 }

// configLoad are the options of scenarios().
func (m *ModuleInstance) configLoad(d *dropIn) (options, error) {
	l := d.c.Load
	o := options{
		"executor": record.ExecutorName, "seed": *l.BaseSeed, "interval": milliseconds(l.Interval),
		"gracefulStop": milliseconds(l.Grace), "drain": true,
		"arrival": "constant",
	}
	original := d.c.Own.Arrivals == config.InferencePerf
	switch {
	case l.Type == config.TraceReplay:
		return o, m.configTrace(d, o)
	case l.Type == config.PoissonLoad && original:
		o["arrival"] = "inference-perf-poisson"
	case l.Type == config.PoissonLoad:
		o["arrival"] = "poisson"
	case original:
		o["arrival"] = "inference-perf"
	}
	var stages []any
	for _, s := range l.Stages.Standard {
		stages = append(stages, options{"rate": s.Rate, "duration": s.Duration * 1000})
	}
	for _, s := range l.Stages.Concurrent {
		stages = append(stages, options{"requests": s.NumRequests, "concurrency": min(s.Concurrency, s.NumRequests)})
	}
	o["stages"] = stages
	return o, nil
}

// configTrace sends the requests of a trace when it has them: as many as the stages ask for, or the data's trace has.
func (m *ModuleInstance) configTrace(d *dropIn, o options) error {
	instants, err := m.readTrace(d.path(d.c.Load.Trace.File))
	if err != nil {
		return err
	}
	if d.c.Data.Trace == nil {
		asked := 0.0
		for _, s := range d.c.Load.Stages.Standard {
			asked += math.Trunc(s.Rate * float64(s.Duration))
		}
		if asked > float64(len(instants)) {
			return fmt.Errorf("load.trace: the stages ask for %.0f requests, and the file has %d: shorten them", asked,
				len(instants))
		}
		instants = instants[:int(asked)]
	}
	o["arrival"], o["trace"] = "trace", instants
	delete(o, "interval")
	return nil
}

// report is what the configuration says of reports, for scripts that write their own.
func (d *dropIn) report() options {
	l := d.c.Report.Lifecycle
	return options{"percentiles": anyList(l.Percentiles), "perRequest": l.PerRequest,
		"useServerOutputTokens": l.UseServerOutputTokens}
}
