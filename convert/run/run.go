// Package run reads the records of a run back: record files, k6's JSON, tables of requests, and the results of other
// tools. It merges the instances of a distributed run, puts their clocks in line, and finds out when each request was
// due. Package convert makes reports of what it returns.
//
// A run is held in memory: some 400 bytes a request, and 2 or 3 a chunk.
package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Run is all that is known of one run, of one instance or several.
type Run struct {
	Runs     []*record.Run // one per instance
	Clients  []*record.Client
	Requests []*Request // in order of start
	Dropped  []*record.Dropped
	Stages   []*record.Stage
	Servers  []*record.Server // in order of time
	Ends     []*record.End
	Beats    []*record.Heartbeat
	Schedule []ScheduleSource // one per scenario

	// Partial says that something is missing: an instance that never ended its file, a line that was cut.
	Partial bool
	// Remarks are what a reader should know: lines that could not be read, requests left out.
	Remarks []string
	// Cut is what was left out afterwards, zero for nothing.
	Cut Cut
	// Outside counts requests of setup and teardown, which are in no figure.
	Outside int
	// Origin is the tool whose file the run was read of, "" for our own.
	Origin string

	CountsPrompts, CountsCompletions bool // a success has a count of its prompt, of its answer

	// Untimed reports that nobody knows when the requests were sent, so that each counts from 0 and the run has no
	// course in time.
	Untimed   bool
	Stated    map[int]Stated // what the tool itself says of each stage
	config    *config.Config // of imported runs, nil for none
	Clock     Clock
	Uncounted bool                   // chunks' tokens of an imported run are one each, and were not counted
	Bodies    map[*Request]Bodies    // if they are wanted
	Late      map[string][]LateSpan  // of each instance, in order and apart
	from      map[record.Line]string // the instances that wrote lines that are no requests
	// serverClocks are what answers tell of the server's clock against each instance's.
	serverClocks map[string]*serverClock
	arena        arena
	rows         rows
	common       map[Traits]*Traits
	scratch      []byte
}

// Clock is how many ticks of a run make a second.
type Clock struct{ Instant, Chunk float64 }

// RecordTick is the clock of record files: instants in nanoseconds, chunks in microseconds.
var RecordTick = Clock{1e9, 1e6}

// Seconds of a span between two instants.
func (r *Run) Seconds(ticks int64) float64 { return float64(ticks) / r.Clock.Instant }

// Bodies are what was sent and what came back.
type Bodies struct{ Request, Response string }

// InstanceOf returns the name of the instance that wrote a line that is no request.
func (r *Run) InstanceOf(line record.Line) string { return r.from[line] }

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

// StagePlan is what was asked of each stage.
func (r *Run) StagePlan() map[int]record.Stage {
	plan := map[int]record.Stage{}
	for _, s := range r.Scenarios() {
		for _, stage := range s.Stages {
			plan[stage.Index] = stage
		}
	}
	return plan
}

// add takes one line of an instance's file. Of a request it keeps nothing.
func (r *Run) add(line record.Line, instance string) {
	if rec, ok := line.(*record.Request); ok {
		r.addRequest(rec, instance)
		return
	}
	if r.from == nil {
		r.from = map[record.Line]string{}
	}
	r.from[line] = instance
	switch l := line.(type) {
	case *record.Run:
		r.Runs = append(r.Runs, l)
	case *record.Client:
		r.Clients = append(r.Clients, l)
	case *record.Dropped:
		r.Dropped = append(r.Dropped, l)
	case *record.Stage:
		r.Stages = append(r.Stages, l)
	case *record.Server:
		r.Servers = append(r.Servers, l)
	case *record.Heartbeat:
		r.Beats = append(r.Beats, l)
	case *record.End:
		r.Ends = append(r.Ends, l)
	}
}

func (r *Run) addRequest(rec *record.Request, instance string) {
	if rec.Stage < 0 {
		r.Outside++
		return
	}
	noteServerClock(r, rec, instance)
	r.keep(r.fill(rec, instance), rec)
}

// keep adds a request with the lists, the usage map and the bodies of rec.
func (r *Run) keep(q *Request, rec *record.Request) {
	r.scratch = pack(r.scratch[:0], rec)
	q.packed = r.arena.keep(r.scratch)
	r.Requests = append(r.Requests, q)
	if r.Bodies != nil && (rec.RequestBody != "" || rec.ResponseBody != "") {
		r.Bodies[q] = Bodies{rec.RequestBody, rec.ResponseBody}
	}
}

// errNoRecords is of an input without a line of ours.
var errNoRecords = errors.New("no records in it: expected lines written by `k6 run --out llm=FILE`, or by `k6 run " +
	"--out json=FILE` with a script that imports k6/x/llm, or results of inference-perf, vllm bench serve, SGLang's " +
	"bench_serving, guidellm or aiperf")

// errUnknownFormat is of an input that has something in it, but nothing known.
var errUnknownFormat = errors.New("not a format that llmconv reads: known are records of `k6 run --out llm=FILE` or " +
	"`--out json=FILE`, requests.parquet of a report, " + foreign.Known)

// finish puts the requests in order, checks that they are of one run, and finds the schedule.
func (r *Run) finish(force bool) error {
	sortRequests(r)
	sortLines(r)
	if err := checkTogether(r); err != nil {
		if !force {
			return fmt.Errorf("%w (--force goes on)", err)
		}
		r.Partial = true
		r.remark("forced: %v", err)
	}
	dropDoubledDrops(r)
	if r.Outside > 0 {
		r.remark("%d requests of setup and teardown are in no figure", r.Outside)
	}
	findSchedule(r)
	alignClocks(r)
	findLateSpans(r)
	return nil
}

// sortRequests puts the requests in order of start. Instances' files may come in any order; their requests have
// none in common but this.
func sortRequests(r *Run) {
	slices.SortFunc(r.Requests, func(a, b *Request) int {
		return cmp.Or(
			cmp.Compare(a.Start, b.Start), cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID),
		)
	})
}

// sortLines makes what a report says of instances independent of the order of their files.
func sortLines(r *Run) {
	slices.SortStableFunc(r.Runs, func(a, b *record.Run) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Instance, b.Instance))
	})
	slices.SortStableFunc(r.Ends, func(a, b *record.End) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Requests, b.Requests))
	})
	slices.SortStableFunc(r.Servers, func(a, b *record.Server) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Source, b.Source))
	})
	slices.SortStableFunc(r.Beats, func(a, b *record.Heartbeat) int { return cmp.Compare(a.Start, b.Start) })
	slices.SortStableFunc(r.Clients, func(a, b *record.Client) int { return cmp.Compare(a.Number, b.Number) })
	slices.Sort(r.Remarks)
}

// dropDoubledDrops leaves k6's own count of drops out where the executor told each: those have numbers.
func dropDoubledDrops(r *Run) {
	tells := map[string]bool{}
	for _, s := range r.Scenarios() {
		tells[s.Name] = s.Executor == record.ExecutorName
	}
	r.Dropped = slices.DeleteFunc(r.Dropped, func(d *record.Dropped) bool {
		return d.Index == nil && tells[d.Scenario]
	})
}

func (r *Run) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}
