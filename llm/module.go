// Package llm is the JavaScript module k6/x/llm. It reads the options and requests of a script, hands them to the
// packages below it, and returns results. It has no formula and no protocol of its own.
package llm

import (
	"context"
	"sync"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/version"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// RootModule is the module of the process. It holds the state that all VUs share.
type RootModule struct {
	process engine.Process

	traces      input.Cache[string, arrival.TraceFile]
	paces       input.Cache[string, arrival.Pace]
	settled     settled   // drawn by config()
	configNotes sync.Once // guards the notes that config() logs
	loadNotes   sync.Once // guards those about its load
	hook        sync.Once // guards the hook of k6's log
	settings    input.SettingsCheck
}

var (
	_ modules.Module   = new(RootModule)
	_ modules.Instance = new(ModuleInstance)
)

// New returns the module to register as k6/x/llm.
func New() *RootModule { return new(RootModule) }

// BeforeLoad finds the servers of all clients once. The executor llm-arrival-rate calls it before the first arrival,
// because by then setup() may have started a server, or k6 may have been paused for long.
func (r *RootModule) BeforeLoad(ctx context.Context) { r.process.BeforeLoad(ctx) }

// ServerIdle reports whether no request runs or waits at the servers that were sent any, as their own pages of metrics
// tell; known is false if none tells. It returns within a second.
func (r *RootModule) ServerIdle(ctx context.Context) (idle, known bool) {
	return r.process.ServerIdle(ctx)
}

// Salt prepares the data of a probe, whose arrivals will bring the salt.
func (r *RootModule) Salt(salt string) { r.process.Salt(salt) }

// Sessions reports whether the items of a data set, by its number in the script, are sessions.
func (r *RootModule) Sessions(data int) bool { return r.process.Sessions(data) }

// Searched takes the state of a search, and the stage of its last probe, for the status line and the summary.
func (r *RootModule) Searched(state *record.Search, last record.Stage) {
	r.process.Searched(state, last)
}

// Lend lets the executor llm-arrival-rate send the items of a scenario without JavaScript, with what the VU of the
// given number holds.
func (r *RootModule) Lend(vu uint64, scenario string, what engine.Native) (*engine.Lender, error) {
	return r.process.Lend(vu, scenario, what)
}

// NewModuleInstance returns the module of one VU.
func (r *RootModule) NewModuleInstance(vu modules.VU) modules.Instance {
	if err := host.NextVU(); err != nil {
		common.Throw(vu.Runtime(), err)
	}
	engineVU, err := engine.NewVU(&r.process, vu)
	if err != nil {
		common.Throw(vu.Runtime(), err)
	}
	r.hook.Do(func() {
		if log, ok := vu.InitEnv().Logger.(*logrus.Logger); ok {
			log.AddHook(complaints{})
		}
	})
	return &ModuleInstance{root: r, vu: vu, engine: engineVU, lookupEnv: vu.InitEnv().LookupEnv,
		registry: vu.InitEnv().Registry}
}

// ModuleInstance is the module of one VU. Only the VU's goroutine may use it.
type ModuleInstance struct {
	root   *RootModule
	vu     modules.VU
	engine *engine.VU

	clients []*jsClient // those that the init context made
	pairs   []*jsPair   // likewise
	sets    []*jsDataset

	hubToken string // from a configuration; "" means the token of the environment

	lookupEnv func(name string) (string, bool) // k6's view of the environment, which only the init context has
	registry  *metrics.Registry                // of the test
}

// Exports returns the names that a script can import.
func (m *ModuleInstance) Exports() modules.Exports {
	named := map[string]any{
		"Client":    m.newClient,
		"Dataset":   m.newDataset,
		"Tokenizer": m.newTokenizer,
		"scenarios": exported(m, scenarios),
		"config":    exported(m, configOptions),
		"pace":      exported(m, pace),
		"summary":   throwing(m.summary),
		"trace":     exported(m, trace),
		"mark":      marking(m),
		"version":   version.Version(),
	}
	if _, fromRun := m.lookupEnv(record.OverridesEnv); fromRun {
		// only for the script of `k6 x llm run`
		named["refuse"] = func(message string) { refuse(m.vu.Runtime(), message) }
	}
	return modules.Exports{Named: named}
}
