// Package run reads the records of a run: record files, k6's JSON, tables of requests, and the results of other tools.
// It merges the instances of a distributed run, aligns their clocks, and finds out when each request was due. Package
// convert makes reports from the runs.
//
// A run is held in memory. It takes some 220 bytes per request, and 2 per chunk.
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

// Run holds everything that is known about one run, from one instance or several.
type Run struct {
	Runs     []*record.Run // one per instance
	Clients  []*record.Client
	Requests []*Request // in order of start
	Dropped  []*record.Dropped
	Stages   []*record.Stage
	Servers  []*record.Server // in order of time
	Ends     []*record.End
	Beats    []*record.Heartbeat
	Searches []*record.Search // the last state of each scenario's search, in order of the scenarios
	Sessions []*Session       // the replayed sessions, in order of start
	// Abandoned are the requests whose users left, in order of start. They are in no figure of the others.
	Abandoned []*Request
	// Warmups are the stages that were warm-ups as a whole, which are in no other list.
	Warmups []WarmupStage
	// Primers are requests in no figure that fill the server's cache before others: calls of warm-ups, and those that
	// a cut left out.
	Primers  []*Request
	Schedule []ScheduleSource // one per scenario
	Marks    []Mark           // in order of time; see AddMarks

	// Partial reports that something is missing, such as the end of a file or a line that was cut.
	Partial bool
	// Remarks tell the reader of a report what to keep in mind: lines that could not be read, requests left out.
	Remarks []string
	// Cut is what LeaveOut left out. The zero value means nothing.
	Cut Cut
	// Outside counts the requests of setup and teardown. No figure includes them.
	Outside int
	// Files are the files that the run was read from, with their hashes; without pipes.
	Files []record.File
	// Origin is the tool that wrote the file, or "" for a run of this extension.
	Origin string

	CountsPrompts, CountsCompletions bool // some success has a prompt count, a completion count
	HasMedia                         bool // some request has media, or its answer is one

	// Untimed reports that the input does not say when the requests were sent. Then each request starts at 0, and
	// nothing is known over time.
	Untimed   bool
	Stated    map[int]Stated // what the other tool reports for each stage
	config    *config.Config // of an imported run; may be nil
	Clock     Clock
	Uncounted bool                   // the chunks of an imported run hold one token each by assumption
	Bodies    map[*Request]Bodies    // nil unless Options.Bodies is set
	Late      map[string][]LateSpan  // of each instance, in order, without overlaps
	from      map[record.Line]string // the instance that wrote each line except requests
	// serverClocks holds, by instance, how far the server's clock is ahead of the instance's clock.
	serverClocks map[string]*serverClock
	sessionLines []*record.Session
	markLines    []*record.Mark
	warmupLines  []*record.Stage
	warmupCounts []warmupCount     // of requests that the input does not hold
	planned      []record.Scenario // without the stages that are warm-ups; nil before they were left out
	arena        arena
	rows         rows
	common       map[Traits]*Traits
	latest       *Traits // of the last request
	packer       packer
}

// Clock holds how many ticks of instants and of chunk times make a second.
type Clock struct{ Instant, Chunk float64 }

// RecordTick is the clock of record files: instants in nanoseconds, chunks in microseconds.
var RecordTick = Clock{1e9, 1e6}

// Seconds converts a time between two instants from ticks to seconds.
func (r *Run) Seconds(ticks int64) float64 { return float64(ticks) / r.Clock.Instant }

// Bodies are the texts of a request and its answer.
type Bodies struct{ Request, Response string }

// InstanceOf returns the name of the instance that wrote a line, which must not be a request.
func (r *Run) InstanceOf(line record.Line) string { return r.from[line] }

// ID returns the run's ID, or the IDs of several runs that were forced together, joined by "+".
func (r *Run) ID() string {
	var ids []string
	for _, run := range r.Runs {
		if len(ids) == 0 || ids[len(ids)-1] != run.ID {
			ids = append(ids, run.ID)
		}
	}
	return strings.Join(ids, "+")
}

// Simulated reports whether any client's server was the simulator.
func (r *Run) Simulated() bool {
	for _, c := range r.Clients {
		if c.Simulator {
			return true
		}
	}
	return false
}

// DroppedCount returns the number of arrivals that found no idle VU.
func (r *Run) DroppedCount() (n int64) {
	for _, d := range r.Dropped {
		n += d.Count
	}
	return n
}

// Scenarios returns the run's scenarios, which are the same in all instances, without the stages that are warm-ups.
func (r *Run) Scenarios() []record.Scenario {
	switch {
	case r.planned != nil:
		return r.planned
	case len(r.Runs) == 0:
		return nil
	}
	return r.Runs[0].Scenarios
}

// StagePlan returns the plan of each stage by its index, without its warm-up. The stages of a search are known from
// their own lines alone, because the search chooses them while it runs.
func (r *Run) StagePlan() map[int]record.Stage {
	plan := map[int]record.Stage{}
	for _, s := range r.Stages {
		stage := s.Measured()
		stage.Start, stage.End, stage.Status = 0, 0, ""
		plan[s.Index] = stage
	}
	for _, s := range r.Scenarios() {
		for _, stage := range s.Stages {
			plan[stage.Index] = stage.Measured()
		}
	}
	return plan
}

// add adds one line of an instance's file. It does not retain the memory of a request line.
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
	case *record.Search:
		r.Searches = append(r.Searches, l)
	case *record.Session:
		r.sessionLines = append(r.sessionLines, l)
	case *record.Mark:
		r.markLines = append(r.markLines, l)
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

// keep adds a request, with the lists, the usage map and the bodies of rec.
func (r *Run) keep(q *Request, rec *record.Request) {
	q.packed = r.arena.keep(r.packer.pack(q, rec))
	r.Requests = append(r.Requests, q)
	if r.Bodies != nil && (rec.RequestBody != "" || rec.ResponseBody != "") {
		r.Bodies[q] = Bodies{rec.RequestBody, rec.ResponseBody}
	}
}

// errNoRecords reports that an input has no line that this package can read.
var errNoRecords = errors.New("no records in it: expected lines written by `k6 run --out llm=FILE`, or by `k6 run " +
	"--out json=FILE` with a script that imports k6/x/llm, or results of inference-perf, vllm bench serve, SGLang's " +
	"bench_serving, guidellm or aiperf")

// errUnknownFormat reports that an input is not empty, but has no known format.
var errUnknownFormat = errors.New("not a format that llmconv reads: known are records of `k6 run --out llm=FILE` or " +
	"`--out json=FILE`, requests.parquet of a report, " + foreign.Known)

// finish sorts the requests, checks that they are of one run, and finds the schedule.
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
	removeDuplicateDrops(r)
	settleSearches(r)
	if r.Outside > 0 {
		r.remark("%d requests of setup and teardown are in no figure", r.Outside)
	}
	findSchedule(r)
	alignClocks(r)
	findLateSpans(r)
	findSessions(r)
	leaveWarmup(r)
	leaveAbandoned(r)
	findMarks(r)
	return nil
}

// sortRequests sorts the requests by their starts. The other keys make the order independent of the order of the
// instances' files.
func sortRequests(r *Run) {
	slices.SortFunc(r.Requests, func(a, b *Request) int {
		if a.Start != b.Start {
			return cmp.Compare(a.Start, b.Start)
		}
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Seq, b.Seq),
			cmp.Compare(a.ID(), b.ID()))
	})
}

// sortLines makes the report on instances independent of the order of their files.
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

// removeDuplicateDrops removes k6's own counts of dropped arrivals if the executor recorded each of them: those lines
// have an index.
func removeDuplicateDrops(r *Run) {
	recorded := map[string]bool{}
	for _, s := range r.Scenarios() {
		recorded[s.Name] = s.Executor == record.ExecutorName
	}
	r.Dropped = slices.DeleteFunc(r.Dropped, func(d *record.Dropped) bool {
		return d.Index == nil && recorded[d.Scenario]
	})
}

func (r *Run) remark(format string, args ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, args...))
}
