// Package convert makes reports of runs: records in, a report model, files out. The model is inference-perf's lifecycle report,
// key for key and formula for formula, with additions of ours under one key.
//
// A run is held in memory, some 100 bytes a request and 8 a chunk; a report costs a sort of each figure, n log n in requests
// and in chunks.
package convert

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Request is a record in its run.
type Request struct {
	*record.Request
	Instance string
	// StageAt is the stage in which the request was due, or in which it was sent where that is unknown.
	StageAt int
	// DueAt is when it was due, recorded or fitted; nil when unknown.
	DueAt *int64
}

// Run is all that is known of one run, of one instance or several.
type Run struct {
	Runs     []*record.Run // one per instance
	Clients  []*record.Client
	Requests []Request // in order of start
	Dropped  []*record.Dropped
	Stages   []*record.Stage
	Ends     []*record.End
	Schedule []ScheduleSource // one per scenario

	// Partial says that something is missing: an instance that never ended its file, a line that was cut.
	Partial bool
	// Remarks are what a reader should know: lines that could not be read, requests left out.
	Remarks []string
	// Warmup and Cooldown are the seconds cut off the ends by Window.
	Warmup, Cooldown float64
	// Outside counts requests of setup and teardown, which are in no figure.
	Outside int
}

// ID is the run's id, several joined when runs were forced together.
func (r *Run) ID() string {
	var ids []string
	for _, run := range r.Runs {
		if len(ids) == 0 || ids[len(ids)-1] != run.ID {
			ids = append(ids, run.ID)
		}
	}
	return strings.Join(ids, "+")
}

// Simulated says whether any client's server was the simulator.
func (r *Run) Simulated() bool {
	for _, c := range r.Clients {
		if c.Simulator {
			return true
		}
	}
	return false
}

// DroppedCount is the number of arrivals that found no VU.
func (r *Run) DroppedCount() (n int64) {
	for _, d := range r.Dropped {
		n += d.Count
	}
	return n
}

// Scenarios are the run's, the same in all instances.
func (r *Run) Scenarios() []record.Scenario {
	if len(r.Runs) == 0 {
		return nil
	}
	return r.Runs[0].Scenarios
}

// stagePlan is what was asked of each stage.
func (r *Run) stagePlan() map[int]record.Stage {
	plan := map[int]record.Stage{}
	for _, s := range r.Scenarios() {
		for _, stage := range s.Stages {
			plan[stage.Index] = stage
		}
	}
	return plan
}

// add takes one line of an instance's file.
func (r *Run) add(line record.Line, instance string) {
	switch l := line.(type) {
	case *record.Run:
		r.Runs = append(r.Runs, l)
	case *record.Client:
		r.Clients = append(r.Clients, l)
	case *record.Request:
		if l.Stage < 0 {
			r.Outside++
			return
		}
		r.Requests = append(r.Requests, Request{Request: l, Instance: instance, StageAt: l.Stage, DueAt: l.Due})
	case *record.Dropped:
		r.Dropped = append(r.Dropped, l)
	case *record.Stage:
		r.Stages = append(r.Stages, l)
	case *record.End:
		r.Ends = append(r.Ends, l)
	}
}

// errNothing is of an input without a line of ours.
var errNothing = errors.New("no records in it: expected lines written by `k6 run --out llm=FILE`, or by `k6 run --out json=FILE` with a script that imports k6/x/llm")

// finish puts the requests in order, checks that they are of one run, and finds the schedule.
func (r *Run) finish(force bool) error {
	sort.SliceStable(r.Requests, func(i, j int) bool { return r.Requests[i].Start < r.Requests[j].Start })
	if !force {
		if err := errors.Join(r.oneRun(), r.noDoubles()); err != nil {
			return fmt.Errorf("%w (--force goes on)", err)
		}
	}
	r.dropDoubledDrops()
	if r.Outside > 0 {
		r.remark("%d requests of setup and teardown are in no figure", r.Outside)
	}
	r.findSchedule()
	return nil
}

// dropDoubledDrops leaves k6's own count of drops out where the executor told each: those have numbers.
func (r *Run) dropDoubledDrops() {
	tells := map[string]bool{}
	for _, s := range r.Scenarios() {
		tells[s.Name] = s.Executor == "llm-arrival-rate"
	}
	r.Dropped = slices.DeleteFunc(r.Dropped, func(d *record.Dropped) bool { return d.Index == nil && tells[d.Scenario] })
}

func (r *Run) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}

func (r *Run) oneRun() error {
	for _, run := range r.Runs {
		if run.ID != r.Runs[0].ID {
			return fmt.Errorf("the inputs are of different runs, %q and %q", r.Runs[0].ID, run.ID)
		}
	}
	return nil
}

func (r *Run) noDoubles() error {
	type identity struct {
		scenario string
		index    int64
		seq      int
	}
	seen := make(map[identity]string, len(r.Requests))
	for _, q := range r.Requests {
		id := identity{q.Scenario, q.Index, q.Seq}
		if other, double := seen[id]; double {
			return fmt.Errorf("request %d.%d of scenario %q is there twice (instances %q and %q): was the same run given in two forms?", q.Index, q.Seq, q.Scenario, other, q.Instance)
		}
		seen[id] = q.Instance
	}
	return nil
}

// Window leaves out the requests sent in the first and last seconds of the run.
func (r *Run) Window(warmup, cooldown float64) {
	if len(r.Requests) == 0 || warmup == 0 && cooldown == 0 {
		return
	}
	r.Warmup, r.Cooldown = warmup, cooldown
	from := r.Requests[0].Start + int64(warmup*1e9)
	to := r.Requests[len(r.Requests)-1].Start - int64(cooldown*1e9)
	kept := r.Requests[:0]
	for _, q := range r.Requests {
		if q.Start >= from && q.Start <= to {
			kept = append(kept, q)
		}
	}
	r.Requests = kept
}
