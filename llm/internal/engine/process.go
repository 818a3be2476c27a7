// Package engine sends the requests of a test. It finds the servers of the clients, sends each request at its place in
// the run, judges the answer, and hands its record to k6. Two callers share it: the module k6/x/llm, whose scripts send
// one request after another from a VU, and the executor llm-arrival-rate, whose own goroutines send the items of a data
// set without a script.
package engine

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Process is the state that all VUs of the process share. Its zero value is ready for use, and it may be used
// concurrently.
type Process struct {
	Inputs   input.Shared
	Failures status.Failures
	Oddities status.Oddities

	Endpoints status.Endpoints

	clients    targets
	simulators simulators
	scraped    scrape.Pages
	idle       scrape.Idle
	vus        registry
	searches   searches
	sessions   sync.Map // numbers of the data sets whose items are sessions
	media      seenMedia
	rules      sync.Map // of models, each a knownRule
	leaves     leaveRules
	marks      marks

	plan      plan
	status    sharedStatus
	lifeCycle lifeCycle

	part        atomic.Bool // this instance sends a part of the load
	told        atomic.Bool // the summary has told how the run ended
	interrupted atomic.Bool // a signal ended the run

	said         sync.Map  // messages that were logged; each is logged once per process
	chanceWarned sync.Once // guards the warning that instances make different prompts
}

// plan holds the scenarios of the run. They are known once a VU runs.
type plan struct {
	once      sync.Once
	scenarios []record.Scenario
	seeds     map[string]int64 // of the scenarios that have a seed
}

// sharedStatus holds the board, which counts the requests. The first request makes it.
type sharedStatus struct {
	once  sync.Once
	board atomic.Pointer[status.Board]
}

// lifeCycle guards the steps that happen once in a run, in this order.
type lifeCycle struct {
	follow  sync.Once // at the first Client
	prepare sync.Once // the machine, before the load or at the first request
	load    sync.Once // servers and their pages, before the first arrival
	runLine sync.Once // the run's line of the record file, before the first request
}

// Board returns what has counted the requests, or nil if none was sent.
func (p *Process) Board() *status.Board { return p.status.board.Load() }

// Simulated reports whether requests went to a simulator.
func (p *Process) Simulated() bool { return p.simulators.used() }

// scenarioPlan returns the scenarios of the run as the record file describes them.
func (p *Process) scenarioPlan(state *lib.State) []record.Scenario {
	p.plan.once.Do(func() {
		p.plan.scenarios, p.plan.seeds = samples.Scenarios(state.Options.Scenarios), map[string]int64{}
		for name, config := range state.Options.Scenarios {
			if seed, ok := samples.Seed(config); ok {
				p.plan.seeds[name] = seed
			}
		}
	})
	return p.plan.scenarios
}

// registry holds the VUs that k6 has made, by their numbers.
type registry struct {
	mu  sync.Mutex
	all map[uint64]*VU
}

func (r *registry) add(number uint64, vu *VU) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[uint64]*VU{}
	}
	r.all[number] = vu
}

// one returns one of the VUs, or nil if there is none.
func (r *registry) one() *VU {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, vu := range r.all {
		return vu
	}
	return nil
}

func (r *registry) find(number uint64) *VU {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[number]
}

// Salt salts the data sets of the script, which all VUs share, so that the first request that brings the salt need not
// wait for it. That request tells of an error.
func (p *Process) Salt(salt string) {
	if v := p.vus.one(); v != nil {
		for _, set := range v.sets {
			salted, _ := set.With(salt)
			for _, one := range datasets.SetsOf(salted) {
				if media, ok := one.(*datasets.Multimodal); ok {
					_, _ = media.Prepare(context.Background(), nil)
				}
			}
		}
	}
}

// Sessions reports whether the items of a data set are sessions. It is false before the script has made the set.
func (p *Process) Sessions(data int) bool {
	_, is := p.sessions.Load(data)
	return is
}

// searches holds what the searches of the run have found.
type searches struct {
	mu  sync.Mutex
	all []*record.Search // the latest state of each, in the order in which they began
}

// Searched takes the state of a search, and the stage of its last probe. The status line and the summary show them.
func (p *Process) Searched(state *record.Search, last record.Stage) {
	p.searches.mu.Lock()
	defer p.searches.mu.Unlock()
	i := slices.IndexFunc(p.searches.all, func(s *record.Search) bool { return s.Scenario == state.Scenario })
	if i < 0 {
		p.searches.all = append(p.searches.all, nil)
		i = len(p.searches.all) - 1
	}
	p.searches.all[i] = state
	if board := p.Board(); board != nil {
		board.EndProbe(state.Scenario, last)
	}
}

// Searches returns the latest state of each search.
func (p *Process) Searches() []*record.Search {
	p.searches.mu.Lock()
	defer p.searches.mu.Unlock()
	return slices.Clone(p.searches.all)
}
