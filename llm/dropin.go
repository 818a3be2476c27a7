package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// configOptions turns an inference-perf configuration, which is a file or an object, into the options of Client,
// Dataset and scenarios(). The options hold secrets unchanged.
func configOptions(m *ModuleInstance, source sobek.Value) (sobek.Value, error) {
	c, err := readConfig(m, source)
	if err != nil {
		return nil, err
	}
	if err := dropin.Refused(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if c.Load.Sweep != nil {
		return nil, errors.New("config: load.sweep: needs two runs: use `k6 x llm run`")
	}
	if err := dropin.FindAPIKey(c, m.lookupEnv); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	remarkOn(m, c)
	settleConfig(m, c)
	if c.Tokenizer != nil {
		m.hubToken = c.Tokenizer.Token
	}
	all, err := moduleOptions(m, c)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return native(m.vu.Runtime(), all)
}

// moduleOptions returns the options that a configuration stands for, as scripts get them.
func moduleOptions(m *ModuleInstance, c *config.Config) (map[string]any, error) {
	dir, _ := m.lookupEnv("PWD") // inference-perf resolves relative paths here
	found, err := find(m, c, dir)
	if err != nil {
		return nil, err
	}
	o, err := dropin.NewOptions(c, dir, found)
	if err != nil {
		return nil, err
	}
	m.root.loadNotes.Do(func() {
		for _, note := range o.Notes {
			m.vu.InitEnv().Logger.Warn("config: ", note)
		}
	})
	load := newLoadOptions()
	load.Load, load.executor, load.gracefulStop = o.Load, record.ExecutorName, o.GracefulStop
	load.arrives = o.Load.Arrival.Valid
	all, err := load.scenarios()
	if err != nil {
		return nil, fmt.Errorf("scenarios: %w", err)
	}
	return map[string]any{"client": o.Client, "dataset": o.Dataset, "scenarios": all, "report": o.Report}, nil
}

// find returns what the files of a configuration tell on which its load depends.
func find(m *ModuleInstance, c *config.Config, dir string) (found dropin.Found, err error) {
	if path := dropin.TracePath(c, dir); path != "" {
		found.Instants, err = readTrace(m, path)
		return found, err
	}
	if c.Load.Type != config.TraceSessionReplay {
		return found, nil
	}
	set, err := openSessions(m, dropin.Dataset(c, dir))
	if err != nil {
		return found, err
	}
	found.Sessions, _ = set.Len() // no data of sessions is without end
	if c.Own.Clock == config.TraceClock {
		found.Instants = set.Sessions.Starts()
	}
	return found, nil
}

// openSessions opens the data of a configuration as the script will, which then gets the same set.
func openSessions(m *ModuleInstance, options dropin.Map) (*input.Set, error) {
	rt := m.vu.Runtime()
	given, err := native(rt, options)
	if err != nil {
		return nil, err
	}
	o := newDatasetOptions()
	if err := o.fields(rt).read(rt, "Dataset", given); err != nil {
		return nil, err
	}
	if err := o.Check(o.given); err != nil {
		return nil, err
	}
	return m.source().OpenSet(&o.DatasetOptions)
}

// remarkOn logs, once per process, the keys of a configuration that have no effect.
func remarkOn(m *ModuleInstance, c *config.Config) {
	m.root.configNotes.Do(func() {
		log := m.vu.InitEnv().Logger
		for _, warning := range c.Warnings {
			log.Warn("config: ", plain.Terminal(warning))
		}
		for _, remark := range dropin.Remarks(c) {
			log.Info("config: ", plain.Terminal(remark))
		}
	})
}

// settled holds the values that config() draws, once for all VUs of the process.
type settled struct {
	once sync.Once
	now  time.Time
	seed int64
	lone bool // only this process has the seed, because the run's id was not known
}

// settleConfig fills in the values that a configuration leaves to the machine and the time. They are the same at each
// call.
func settleConfig(m *ModuleInstance, c *config.Config) {
	s := &m.root.settled
	s.once.Do(func() {
		id := samples.GivenRunID(os.Args, m.lookupEnv)
		s.now = time.Now()
		s.seed, s.lone = samples.DrawSeed(id, s.now), id == ""
	})
	if c.Load.BaseSeed == nil {
		if s.lone {
			m.engine.DrewSeed()
		}
		c.Load.BaseSeed = new(s.seed)
	}
	c.Settle(s.now, runtime.NumCPU())
}

// readConfig reads the argument of config(), with the overrides of `k6 x llm run`.
func readConfig(m *ModuleInstance, source sobek.Value) (*config.Config, error) {
	if m.vu.InitEnv() == nil {
		return nil, errors.New("config() works in the init context only, outside the default function")
	}
	list, err := overrides(m.lookupEnv)
	if err != nil {
		return nil, err
	}
	if absent(source) {
		return nil, errors.New("config(): which configuration? Give the path of a file, or an object")
	}
	if path, isText := export(source).(string); isText {
		data, abs, err := m.source().ReadFile("configuration", path)
		if err != nil {
			return nil, err
		}
		return config.ParseFile(abs, data, list...)
	}
	obj, isObject := source.(*sobek.Object)
	if !isObject {
		return nil, fmt.Errorf("config(): needs the path of a file, or an object, got %s", describe(source))
	}
	data, err := obj.MarshalJSON() // JSON is YAML
	if err != nil {
		return nil, fmt.Errorf("config(): %w", err)
	}
	return config.Parse(data, list...)
}

// refuse ends a script that was generated for a configuration, in the init context. k6 prints only the message, because
// the user has never seen the script.
func refuse(rt *sobek.Runtime, message string) {
	rt.Interrupt(refusal{abortError{&errext.InterruptError{Reason: message}}})
}

type refusal struct{ abortError }

// ExitCode returns the exit code of an exception in a script.
func (r refusal) ExitCode() exitcodes.ExitCode { return exitcodes.ScriptException }

// overrides returns the keys that `k6 x llm run` overrides in the configuration.
func overrides(lookupEnv func(string) (string, bool)) (list []config.Override, err error) {
	text, set := lookupEnv(record.OverridesEnv)
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
