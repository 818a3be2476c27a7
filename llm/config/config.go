// Package config reads the configuration of inference-perf 0.7.0: YAML with strict keys, defaults for every key that is
// not given, dotted overrides from a command line, and the cross checks of the original.
//
// Every key is a field of a Go struct. The tags of the field are the only place that knows the key's name, its other
// spellings, its default and its bounds; parsing, [Keys] and [Config.Redacted] all read them. Package tagged, which is
// internal, describes the tags and how scalars are coerced. The methods Check, Choices, Decode, Encode and the like are
// called by that package.
//
// Where this package departs from the original on purpose, the comment of the key has a sentence that begins with
// "inference-perf". Two departures hold everywhere: inference-perf accepts infinities and NaN, which make no sense for
// any key and are refused here, and whole numbers beyond 64 bits, which are refused, too.
package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Config is a whole configuration. [Parse] returns one that is valid and has every default filled in, except what
// depends on the machine and the moment: see [Config.Settle].
type Config struct {
	API             API              `key:"api"`
	Data            Data             `key:"data"`
	Load            LoadPlan         `key:"load"`
	Metrics         *Metrics         `key:"metrics" default:"null"`
	Report          Report           `key:"report"`
	Storage         *Storage         `key:"storage" default:"{}"` // nil: write nothing
	Server          *Server          `key:"server" default:"null"`
	Tokenizer       *Tokenizer       `key:"tokenizer" default:"null"`
	CircuitBreakers []CircuitBreaker `key:"circuit_breakers,null" default:"null"`

	// Own holds options of this program. inference-perf knows no such section and refuses it.
	Own Own `key:"x-llm,omit"`

	// Warnings holds a line for each key that was ignored: unknown keys where inference-perf ignores them, and all but
	// the last of a key given several times. They do not change the meaning of the configuration.
	Warnings []string `key:"-"`

	order tagged.Order `key:"-"`
}

// Own chooses between this program's behaviour and inference-perf's where the two differ.
type Own struct {
	Arrivals Behaviour `key:"arrivals,omit" default:""`      // when requests are due
	Data     Drawn     `key:"data,null,omit" default:"null"` // which prompts are drawn

	// Warmup is how long each stage warms up that does not state its own warmup, or until-stable for a warm-up before
	// all stages.
	Warmup *Warmup `key:"warmup,omit" default:"null"`

	// Sweep is the way to find the rate at which the server is saturated: inference-perf's, or by steps.
	Sweep SweepMethod `key:"sweep,omit" default:""`

	// Clock lets the sessions of load.type trace_session_replay begin when they began in the trace; the stages then
	// only count them. Speed divides these times and all waits within sessions.
	Clock Clock    `key:"clock,omit" default:""`
	Speed *float64 `key:"speed,omit" default:"null" check:"above 0"`

	// Search finds the highest load within an SLO, in place of stages. Its options have their names in scripts; without
	// an SLO of its own it keeps SLO.
	Search ScriptOptions `key:"search,null,omit" default:"null"`

	// SLO is what each stage must keep, such as p99(ttft)<500ms, and Gate what the whole run must keep; see package
	// internal/slo.
	SLO  string `key:"slo,omit" default:""`
	Gate string `key:"gate,omit" default:""`

	// Price is what the deployment costs, such as 98.32 USD/h, and PriceRatio how the kinds of tokens share it, such as
	// prompt=1,cached=0.1,completion=4; see package internal/price.
	Price      string `key:"price,omit" default:""`
	PriceRatio string `key:"price_ratio,omit" default:""`

	// Steady makes the report one on the steady part of each stage alone.
	Steady bool `key:"steady,omit" default:"false"`

	// APIKeyEnv is the environment variable that holds the API key, so that no file has to.
	APIKeyEnv string `key:"api_key_env,omit" default:""`

	// Client, Dataset and Load are options of the module by their names in scripts. They are added to those that the
	// rest of the configuration stands for, and replace those of the same name.
	Client  ScriptOptions `key:"client,null,omit" default:"null"`
	Dataset ScriptOptions `key:"dataset,null,omit" default:"null"`
	Load    ScriptOptions `key:"load,null,omit" default:"null"`
	// Media are such options of the media in prompts, which are added to those of data.multimodal.
	Media ScriptOptions `key:"media,null,omit" default:"null"`
}

// SweepMethod is a way to find the rate at which a server is saturated.
type SweepMethod string

// The ways to sweep.
const (
	Burst SweepMethod = ""      // how fast the requests of a burst end
	Steps SweepMethod = "steps" // the highest rate that the server keeps up with
)

// Choices returns the values that the key accepts.
func (SweepMethod) Choices() []string { return []string{string(Burst), string(Steps)} }

// Clock says when sessions begin.
type Clock string

// The clocks.
const (
	StageClock Clock = ""      // as the stages say
	TraceClock Clock = "trace" // when they began in the trace
)

// Choices returns the values that the key accepts.
func (Clock) Choices() []string { return []string{string(StageClock), string(TraceClock)} }

// Behaviour is a choice between this program's behaviour and inference-perf's.
type Behaviour string

// The behaviours.
const (
	Exact         Behaviour = ""               // follow the configuration to the letter
	InferencePerf Behaviour = "inference-perf" // do what inference-perf does with it
)

// Choices returns the values that the key accepts.
func (Behaviour) Choices() []string { return []string{string(Exact), string(InferencePerf)} }

// Load reads the configuration in a file. Errors name the file by path.
func Load(path string, overrides ...Override) (*Config, error) {
	data, err := textfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return parse(path, data, overrides)
}

// ParseFile is [Parse] with the name of the file that data was read from, which errors mention.
func ParseFile(name string, data []byte, overrides ...Override) (*Config, error) {
	return parse(name, data, overrides)
}

// Parse reads a configuration and applies the overrides in their order. Errors call the data "config". The error joins
// all faults found, as [errors.Join] does, and shows no secret. Empty data is a configuration of defaults.
func Parse(data []byte, overrides ...Override) (*Config, error) {
	return parse("config", data, overrides)
}

func parse(file string, data []byte, overrides []Override) (*Config, error) {
	c := new(Config)
	warnings, order, err := tagged.Decode(c, file, data, overrides)
	if err != nil {
		return nil, err
	}
	c.Warnings, c.order = warnings, order
	return c, nil
}

// Redacted returns the configuration as YAML, as inference-perf writes its own: every key in the order of the schema
// under its canonical name. Secrets become ***: the API key, the token of the hub, the values of headers and options
// whose names are those of credentials, and the user information of URLs. Parsing the result returns the same
// configuration except for the secrets. Keys that [Config.Settle] has not filled in are left out.
func (c *Config) Redacted() ([]byte, error) { return tagged.Encode(c, c.order) }

// Key is a key of the schema that holds a value: not a section.
type Key = tagged.Key

// Override sets a key from outside of the file, as a flag of a command line does. It accepts two things that
// inference-perf's flags do not: a distribution as JSON where a key takes a number or a distribution, and null for a
// whole section.
type Override = tagged.Override

// Keys returns all keys in the order of the schema. The keys inside a list or a union are left out, because a list or a
// union is given as a whole.
func Keys() []Key { return tagged.Keys(new(Config)) }

// Check applies the rules that hold between the keys.
func (c *Config) Check(at *tagged.Section) {
	c.checkLoad(at)
	c.checkWarmups(at)
	if at.Valid("load.type", "data.type") {
		switch sessions := c.Data.Type.Sessions(); {
		case sessions && c.Load.Type != TraceSessionReplay:
			at.Fault("data.type", "%q needs load.type %q, got %q", c.Data.Type, TraceSessionReplay, c.Load.Type)
		case !sessions && c.Load.Type == TraceSessionReplay:
			// inference-perf notices this only after it has started.
			at.Fault("load.type", "%q needs a data.type of sessions, which %q is not: use %s", c.Load.Type, c.Data.Type,
				sessionTypes)
		}
	}
	if !at.Valid("load.circuit_breakers", "circuit_breakers") {
		return
	}
	for i, name := range c.Load.CircuitBreakers {
		if !c.hasBreaker(name) {
			at.Fault(fmt.Sprintf("load.circuit_breakers[%d]", i), "no entry of circuit_breakers is named %s",
				tagged.Quote(name))
		}
	}
}

func (c *Config) hasBreaker(name string) bool {
	for _, b := range c.CircuitBreakers {
		if b.Name == name {
			return true
		}
	}
	return false
}

// Settle fills in the values that depend on the machine and the moment, where the configuration does not give them:
// {timestamp} in the paths of storage, the base seed (milliseconds since 1970) and the number of workers (cpus, at
// least 1). Paths show the time in the location of now. Settle also raises the numbers of draws as inference-perf does.
func (c *Config) Settle(now time.Time, cpus int) {
	if c.Load.BaseSeed == nil {
		c.Load.BaseSeed = new(now.UnixMilli())
	}
	if c.Load.NumWorkers == nil {
		c.Load.NumWorkers = new(int64(max(cpus, 1)))
	}
	for _, path := range c.Storage.timestampPaths() {
		*path = strings.ReplaceAll(*path, "{timestamp}", now.Format("20060102-150405"))
	}
	c.settleDraws()
}

// settleDraws makes the lengths of random and synthetic prompts be drawn once for each request of the largest stage,
// and once more.
func (c *Config) settleDraws() {
	if c.Data.Type != RandomData && c.Data.Type != SyntheticData {
		return
	}
	draws := int64(1)
	for _, s := range c.Load.Stages.Standard {
		draws = max(draws, int64(min(s.Rate*float64(s.Duration), tagged.MaxWhole))+1)
	}
	for _, s := range c.Load.Stages.Concurrent {
		if s.NumRequests != nil {
			draws = max(draws, *s.NumRequests+1)
		}
	}
	for _, d := range []*Distribution{c.Data.Input, c.Data.Output} {
		if d != nil && (d.TotalCount == nil || *d.TotalCount < draws) {
			d.TotalCount = new(draws)
		}
	}
}
