// Package llm is the JavaScript module k6/x/llm. It reads the options and requests of a script, hands them to the
// packages below it, and returns results. It has no formula and no protocol of its own.
package llm

import (
	"context"
	"os"
	"sync"
	"time"

	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// RootModule is the module of the process. It holds the state that all VUs share.
type RootModule struct {
	clients    endpoints
	simulators simulators
	scraped    scrape.Pages

	inputs  input.Shared
	traces  input.Cache[string, arrival.TraceFile]
	paces   input.Cache[string, arrival.Pace]
	settled settled // drawn by config()

	plan      plan
	status    sharedStatus
	lifeCycle lifeCycle

	failures status.Failures
	oddities status.Oddities

	said         sync.Map  // messages that were logged; each is logged once per process
	configNotes  sync.Once // guards the notes that config() logs
	chanceWarned sync.Once // guards the warning that instances make different prompts
}

// plan holds the scenarios of the run. They are known once a VU runs.
type plan struct {
	once      sync.Once
	scenarios []record.Scenario
	seeds     map[string]int64 // of the scenarios that have a seed
}

// sharedStatus holds the status line. The first request makes it.
type sharedStatus struct {
	once sync.Once
	line *statusLine
}

// lifeCycle guards the steps that happen once in a run, in this order.
type lifeCycle struct {
	follow  sync.Once // at the first Client
	prepare sync.Once // the machine, before the load or at the first request
	load    sync.Once // servers and their pages, before the first arrival
	runLine sync.Once // the run's line of the record file, before the first request
}

var (
	_ modules.Module   = new(RootModule)
	_ modules.Instance = new(ModuleInstance)
)

// New returns the module to register as k6/x/llm.
func New() *RootModule { return new(RootModule) }

// NewModuleInstance returns the module of one VU.
func (r *RootModule) NewModuleInstance(vu modules.VU) modules.Instance {
	if err := host.NextVU(); err != nil {
		common.Throw(vu.Runtime(), err)
	}
	m, err := samples.Register(vu.InitEnv().TestPreInitState)
	if err != nil {
		common.Throw(vu.Runtime(), err)
	}
	instance := &ModuleInstance{root: r, vu: vu, metrics: m, lookupEnv: vu.InitEnv().LookupEnv}
	if instance.statusEvery, err = statusInterval(vu.InitEnv(), os.Args); err != nil {
		common.Throw(vu.Runtime(), err)
	}
	return instance
}

// ModuleInstance is the module of one VU. Only the VU's goroutine may use it.
type ModuleInstance struct {
	root    *RootModule
	vu      modules.VU
	metrics *samples.Metrics
	last    position                   // of the newest request
	turns   map[string]*datasets.Asked // turns from data sets of conversations that are not sent yet, by session
	paced   arrival.Arrival            // of the iteration that called wait() last

	statusEvery time.Duration // between status lines; 0 means no status lines
	hubToken    string        // from a configuration; "" means the token of the environment
	drewSeed    bool          // config() drew a seed for this process alone

	lookupEnv func(name string) (string, bool) // k6's view of the environment, which only the init context has
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
		"version":   samples.Version(),
	}
	if _, fromRun := m.lookupEnv(record.OverridesEnv); fromRun {
		// only for the script of `k6 x llm run`
		named["refuse"] = func(message string) { refuse(m.vu.Runtime(), message) }
	}
	return modules.Exports{Named: named}
}

// position is the place of a request in the run.
type position struct {
	scenario string // "" in setup and teardown
	seed     int64  // of the scenario; 0 if it has no seed
	index    int64  // of the iteration in its scenario, over all instances
	seq      int    // of the request in its iteration
	started  time.Time
	plan     []record.Scenario
	due      *arrival.Arrival // nil under executors that have no due instants
}

// iteration returns the running scenario and the number of the iteration in the scenario, counted over all instances.
// It returns false outside of scenarios.
func (m *ModuleInstance) iteration() (*lib.ScenarioState, int64, bool) {
	ss, state := lib.GetScenarioState(m.vu.Context()), m.vu.State()
	if ss == nil || state == nil || state.GetScenarioGlobalVUIter == nil {
		return nil, 0, false
	}
	return ss, int64(state.GetScenarioGlobalVUIter()), true // counts from 0
}

// nextPosition returns the position of the next request of the current iteration.
func (m *ModuleInstance) nextPosition() position {
	ss, index, inside := m.iteration()
	if !inside {
		return position{}
	}
	next := position{scenario: ss.Name, index: index, started: ss.StartTime, plan: m.root.scenarioPlan(m.vu.State())}
	next.seed = m.root.plan.seeds[ss.Name]
	switch a, known := arrival.FromContext(m.vu.Context()); {
	case known:
		next.due = &a
	case !m.paced.Due.IsZero() && m.paced.Index == next.index:
		next.due = new(m.paced)
	}
	if m.last.scenario == next.scenario && m.last.index == next.index {
		next.seq = m.last.seq + 1
	}
	m.last = next
	return next
}

// mark writes the position into a record. Without a due instant, the stage is the one that ran when the request was
// sent. A report that can compute the due instant corrects the stage.
func (p position) mark(r *record.Request) {
	r.Scenario, r.Index, r.Seq, r.Stage = p.scenario, p.index, p.seq, -1
	switch {
	case p.due != nil:
		r.Stage = record.StageNumber(p.plan, p.scenario, p.due.Stage)
		if p.seq == 0 && !p.due.Due.IsZero() {
			r.Due = new(record.UnixNano(p.due.Due))
		}
	case p.scenario != "":
		r.Stage = record.StageAt(p.plan, p.scenario, time.Duration(r.Start-record.UnixNano(p.started)))
	}
}

// scenarioPlan returns the scenarios of the run as the record file describes them.
func (r *RootModule) scenarioPlan(state *lib.State) []record.Scenario {
	r.plan.once.Do(func() {
		r.plan.scenarios, r.plan.seeds = samples.Scenarios(state.Options.Scenarios), map[string]int64{}
		for name, config := range state.Options.Scenarios {
			if seed, ok := samples.Seed(config); ok {
				r.plan.seeds[name] = seed
			}
		}
	})
	return r.plan.scenarios
}

// push hands a container to k6, even while the VU is being stopped, so that no measurement is lost.
func push(ctx context.Context, state *lib.State, c *samples.Container) {
	metrics.PushIfNotDone(context.WithoutCancel(ctx), state.Samples, c)
}
