// Package config reads the configuration of inference-perf 0.7.0: YAML with strict keys, defaults for all that is not
// given, dotted overrides from a command line, and the cross checks of the original.
//
// Every key is a field of a Go struct. Its tags are the only place that knows the key's name (key), its other spellings
// (also), its default (default) and its bounds (check); parsing, [Keys] and [Config.Redacted] all read them. In a key
// tag "null" allows null, which the field's zero value or a nil pointer stands for, "required" has no default, "secret"
// is never shown, and "omit" leaves an unset key out of what is written.
//
// Scalars are coerced as the original does: YAML 1.1 decides what is written (yes is true, 010 is 8, 1:30 is 90), and a
// field takes what can become its type without loss: a whole number "3" or 3.0, a boolean "on" or 1; but a string takes
// no number.
//
// Where this package departs from the original on purpose, the comment of the key starts a sentence with
// "inference-perf". Two departures hold everywhere: inference-perf takes infinities and NaN, which make no sense for
// any key and are refused here, and whole numbers beyond 64 bits, likewise.
package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Config is a whole configuration. What [Parse] returns is valid and has all defaults filled in, but for what depends
// on the machine and the moment: see [Config.Settle].
type Config struct {
	API             API              `key:"api"`
	Data            Data             `key:"data"`
	Load            LoadPlan         `key:"load"`
	Metrics         *Metrics         `key:"metrics" default:"null"`
	Report          Report           `key:"report"`
	Storage         *Storage         `key:"storage" default:"{}"` // nil writes nothing
	Server          *Server          `key:"server" default:"null"`
	Tokenizer       *Tokenizer       `key:"tokenizer" default:"null"`
	CircuitBreakers []CircuitBreaker `key:"circuit_breakers,null" default:"null"`

	// Own holds options of this program. inference-perf knows no such section and refuses it.
	Own Own `key:"x-llm,omit"`

	// Warnings name what was passed over: keys where unknown ones are ignored, and keys given twice, of which the last
	// counts. They do not change what the configuration means.
	Warnings []string `key:"-"`

	order tagged.Order `key:"-"`
}

// Own chooses between the project's own way and inference-perf's where they differ.
type Own struct {
	Arrivals Behaviour `key:"arrivals,omit" default:""` // when requests are due
	Data     Behaviour `key:"data,omit" default:""`     // which prompts are drawn

	// Sweep says how a sweep finds the rate at which the server is saturated: as inference-perf does, or by steps.
	Sweep SweepMethod `key:"sweep,omit" default:""`
}

// SweepMethod is a way to find the rate at which a server is saturated.
type SweepMethod string

// The ways of sweeps.
const (
	Burst SweepMethod = ""      // how fast the requests of a burst end
	Steps SweepMethod = "steps" // the highest rate that the server keeps up with
)

func (SweepMethod) Choices() []string { return []string{string(Burst), string(Steps)} }

// Behaviour says whose way to follow.
type Behaviour string

// The behaviours.
const (
	Exact         Behaviour = ""               // what the configuration says, to the letter
	InferencePerf Behaviour = "inference-perf" // what inference-perf makes of it
)

func (Behaviour) Choices() []string { return []string{string(Exact), string(InferencePerf)} }

// Load reads a file. Errors name the file as path does.
func Load(path string, overrides ...Override) (*Config, error) {
	data, err := textfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return parse(path, data, overrides)
}

// ParseFile is Parse with the name of the file that data was read of, for errors.
func ParseFile(name string, data []byte, overrides ...Override) (*Config, error) {
	return parse(name, data, overrides)
}

// Parse reads a configuration, with overrides put on top in their order. Errors call the data "config". All faults
// found are reported, joined as by [errors.Join]; none shows a secret. Empty data is a configuration of defaults.
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

// Redacted is the configuration as YAML, as inference-perf writes its own: every key in the order of the schema under
// its canonical name. Secrets become ***: the API key, the token of the hub, what headers and options with the name of
// a credential hold, and the user information of URLs. Parsed again it gives the same configuration but for them. Keys
// that [Config.Settle] has not filled in are left out.
func (c *Config) Redacted() ([]byte, error) { return tagged.Encode(c, c.order) }

// Key is a key of the schema that holds a value: not a section.
type Key = tagged.Key

// Override sets a key from outside of the file, as a flag of a command line does.
type Override = tagged.Override

// Keys lists all keys in the order of the schema, each of a list's or a union's inside excepted: those are given as a
// whole.
func Keys() []Key { return tagged.Keys(new(Config)) }

func (c *Config) Check(at *tagged.Section) {
	if at.Valid("load.type", "data.type") {
		switch sessions := c.Data.Type.Sessions(); {
		case sessions && c.Load.Type != TraceSessionReplay:
			at.Fault("data.type", "%q needs load.type %q, got %q", c.Data.Type, TraceSessionReplay, c.Load.Type)
		case !sessions && c.Load.Type == TraceSessionReplay:
			// The original notices this once it has started.
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

// Settle fills in what depends on the machine and the moment: {timestamp} in the paths of storage, the base seed
// (milliseconds since 1970) and the number of workers (CPUs, at least 1), each only where nothing was given. The time
// is shown in paths as it reads in now's location. The numbers of draws are raised as inference-perf raises them.
func (c *Config) Settle(now time.Time, cpus int) {
	if c.Load.BaseSeed == nil {
		c.Load.BaseSeed = new(now.UnixMilli())
	}
	if c.Load.NumWorkers == nil {
		c.Load.NumWorkers = new(int64(max(cpus, 1)))
	}
	for _, path := range c.Storage.paths() {
		*path = strings.ReplaceAll(*path, "{timestamp}", now.Format("20060102-150405"))
	}
	c.settleDraws()
}

// settleDraws has the lengths of random and synthetic prompts drawn once for each request of the largest stage, and
// once more.
func (c *Config) settleDraws() {
	if c.Data.Type != RandomData && c.Data.Type != SyntheticData {
		return
	}
	draws := int64(1)
	for _, s := range c.Load.Stages.Standard {
		draws = max(draws, int64(min(s.Rate*float64(s.Duration), tagged.MaxWhole))+1)
	}
	for _, s := range c.Load.Stages.Concurrent {
		draws = max(draws, s.NumRequests+1)
	}
	for _, d := range []*Distribution{c.Data.Input, c.Data.Output} {
		if d != nil && (d.TotalCount == nil || *d.TotalCount < draws) {
			d.TotalCount = new(draws)
		}
	}
}
