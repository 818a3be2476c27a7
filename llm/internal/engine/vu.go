package engine

import (
	"context"
	"os"
	"time"

	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// VU is one VU of k6 with what the engine keeps for it. Only the VU's goroutine may use it.
type VU struct {
	process *Process
	k6      modules.VU
	metrics *samples.Metrics

	clients []*Client
	pairs   []*Pair
	sets    []*Set
	turns   map[string]*datasets.Asked // turns from data sets of conversations that are not sent yet, by session
	last    Position                   // of the newest request
	paced   arrival.Arrival            // see Pace

	statusEvery time.Duration // between status lines; 0 means no status lines
	drewSeed    bool          // see DrewSeed

	lookupEnv func(name string) (string, bool) // k6's view of the environment, which only the init context has
}

// NewVU returns the engine's part of a VU in its init context. It registers the metrics.
func NewVU(p *Process, k6 modules.VU) (*VU, error) {
	m, err := samples.Register(k6.InitEnv().TestPreInitState)
	if err != nil {
		return nil, err
	}
	v := &VU{process: p, k6: k6, metrics: m, lookupEnv: k6.InitEnv().LookupEnv}
	if v.statusEvery, err = statusInterval(k6.InitEnv(), os.Args); err != nil {
		return nil, err
	}
	if number := k6.Runtime().Get("__VU"); number != nil && number.ToInteger() > 0 { // 0 only reads the script
		p.vus.add(uint64(number.ToInteger()), v) // not negative
	}
	return v, nil
}

// Pace notes the arrival of the running iteration, under an executor that does not pass arrivals on.
func (v *VU) Pace(a arrival.Arrival) { v.paced = a }

// DrewSeed notes that a configuration left the seed to this process alone.
func (v *VU) DrewSeed() { v.drewSeed = true }

// Iteration returns the running scenario and the number of the iteration in the scenario, counted over all instances.
// It returns false outside of scenarios.
func (v *VU) Iteration() (*lib.ScenarioState, int64, bool) {
	ss, state := lib.GetScenarioState(v.k6.Context()), v.k6.State()
	if ss == nil || state == nil || state.GetScenarioGlobalVUIter == nil {
		return nil, 0, false
	}
	return ss, int64(state.GetScenarioGlobalVUIter()), true // counts from 0
}

// Position is the place of a request in the run.
type Position struct {
	scenario string // "" in setup and teardown
	seed     int64  // of the scenario; 0 if it has no seed
	index    int64  // of the iteration in its scenario, over all instances
	seq      int    // of the request in its iteration
	arm      int    // of the request in its pair: 0 for the first, and for one that is not of a pair
	started  time.Time
	plan     []record.Scenario
	due      *arrival.Arrival // nil under executors that have no due instants
}

// nextPosition returns the position of the next request of the current iteration.
func (v *VU) nextPosition() Position {
	ss, index, inside := v.Iteration()
	if !inside {
		return Position{}
	}
	next := v.process.position(v.k6.State(), ss, index)
	switch a, known := arrival.FromContext(v.k6.Context()); {
	case known:
		next.due = &a
	case !v.paced.Due.IsZero() && v.paced.Index == next.index:
		next.due = new(v.paced)
	}
	if v.last.scenario == next.scenario && v.last.index == next.index {
		next.seq = v.last.seq + 1
	}
	v.last = next
	return next
}

// position returns the position of an iteration's first request, without its due instant.
func (p *Process) position(state *lib.State, ss *lib.ScenarioState, index int64) Position {
	next := Position{scenario: ss.Name, index: index, started: ss.StartTime, plan: p.scenarioPlan(state)}
	next.seed = p.plan.seeds[ss.Name]
	return next
}

// draw returns the number of the request in its iteration by which choices are made for it: those of a pair have the
// same.
func (p *Position) draw() int { return p.seq - p.arm }

// place returns what the endpoint and the adapter of a request follow from.
func (p *Position) place(session string) traffic.Place {
	return traffic.Place{Seed: p.seed, Scenario: p.scenario, Index: p.index, Seq: p.draw(), Session: session}
}

// mark writes the position into a record.
func (p Position) mark(r *record.Request) {
	r.Scenario, r.Index, r.Seq, r.Stage = p.scenario, p.index, p.seq, p.stage(r.Start)
	if p.due == nil {
		return
	}
	r.Warmup = p.due.Warmup
	if p.seq == 0 && !p.due.Due.IsZero() {
		r.Due = new(record.UnixNano(p.due.Due))
	}
}

// stage returns the number of the stage in the run. Without a due instant, it is the one that ran at the given instant,
// in Unix nanoseconds. A report that can compute the due instant corrects it.
func (p Position) stage(at int64) int {
	switch {
	case p.due != nil && p.due.Probe != nil:
		return p.due.Probe.Index
	case p.due != nil:
		return record.StageNumber(p.plan, p.scenario, p.due.Stage)
	case p.scenario != "":
		return record.StageAt(p.plan, p.scenario, time.Duration(at-record.UnixNano(p.started)))
	}
	return -1
}

// push hands a container to k6, even while the VU is being stopped, so that no measurement is lost.
func push(ctx context.Context, state *lib.State, c metrics.SampleContainer) {
	metrics.PushIfNotDone(context.WithoutCancel(ctx), state.Samples, c)
}
