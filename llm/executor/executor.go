package executor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/executor"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/vitals"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Executor runs one scenario on one instance.
type Executor struct {
	*executor.BaseExecutor // has the progress bar
	*aborter
	config    *Config
	state     *lib.ExecutionState
	log       *logrus.Entry
	plan      arrival.Plan
	tuple     *lib.ExecutionTuple
	metrics   *samples.Metrics
	stages    []record.Stage // as numbered in the whole run
	search    *searching     // nil unless the load is a search
	newSource func(p *pool, pre int64) source
	counted   int // senders that k6 counts as VUs, over all pools; see native.more
}

var _ lib.Executor = new(Executor)

func newExecutor(c *Config, es *lib.ExecutionState, log *logrus.Entry) (*Executor, error) {
	vus, streams, err := samples.Planned(es.Test.Options)
	if err != nil {
		return nil, err
	}
	if err := host.CheckVUs(vus, streams, log); err != nil { // before k6 makes the first VU
		return nil, err
	}
	plan, err := c.Plan()
	if err != nil {
		return nil, err
	}
	plan.Sessions = sendsSessions(c)
	m, err := samples.Register(es.Test.TestPreInitState)
	if err != nil {
		return nil, err
	}
	s, err := newAborter(c, es, log)
	if err != nil {
		return nil, err
	}
	x := &Executor{BaseExecutor: executor.NewBaseExecutor(c, es, log), aborter: s, config: c, state: es, log: log,
		plan: plan, metrics: m, stages: c.RecordStages(), newSource: sourceOf(c)}
	if x.search, err = newSearch(c, es); err != nil {
		return nil, err
	}
	for _, scenario := range samples.Scenarios(es.Test.Options.Scenarios) {
		if scenario.Name == c.Name {
			x.stages = scenario.Stages
		}
	}
	return x, nil
}

// Init computes this instance's share. Shares are cut as k6's arrival-rate executors cut them, by the number of VUs, so
// that no share is smaller than one VU can serve.
func (x *Executor) Init(context.Context) (err error) {
	_, most := x.config.vus()
	x.tuple, err = x.state.ExecutionTuple.GetNewExecutionTupleFromValue(most)
	return err
}

// run is the state of one call of Executor.Run.
type run struct {
	*Executor
	parent   context.Context // ends when the test does
	out      chan<- metrics.SampleContainer
	start    time.Time // of the load; zero until the first stage begins
	scenario *lib.ScenarioState
	pool     *pool
	shown    atomic.Pointer[pool] // the same, for the progress bar
	meter    meter
	share    *stripes
	sent     int64
	dropped  atomic.Int64
	empty    []int       // stages without an arrival
	draws    time.Time   // when the draw of a stage's first arrival began
	drawing  *time.Timer // logs that the draw of a first arrival takes long
	wait     alarm.Clock
	stopper  stopper
	watch    func() *vitals.Vitals // begins to measure this process
	probe    *probe                // that runs, or ran last
	warming  *warming              // the warm-up that runs, or ran last; nil in other stages
}

// Run sends the load and returns when the last request has ended, or was cut at the end of gracefulStop.
func (x *Executor) Run(parent context.Context, out chan<- metrics.SampleContainer) error {
	if module := x.config.module; module != nil && x.config.GetStartTime() == 0 {
		module.BeforeLoad(parent)
	}
	host.CalmCollector()
	pre, _ := scaledVUs(x.config, x.state.ExecutionTuple)
	host.Reserve(pre)
	r := &run{Executor: x, parent: parent, out: out, share: newStripes(x.tuple), wait: alarm.New(),
		watch: vitals.Start, meter: meter{stages: x.plan.Stages, unit: x.plan.Unit()}}
	defer r.wait.Close()
	if r.search != nil {
		r.search.run = r
	}
	if err := r.openPool(); err != nil {
		return err
	}
	end := x.aborter.run(parent)
	defer end()
	setBar(x.GetProgress(), ' ', r.progress)
	defer r.closeBar()
	x.plan.Process = arrival.Interruptible(x.plan.Process, func() bool { return parent.Err() != nil })
	send := r.allStages
	if r.search != nil {
		send = r.search.allProbes
	}
	if err := send(); err != nil {
		return err
	}
	if parent.Err() == nil && r.pool.busy.Load() > 0 {
		setBar(x.GetProgress(), barStopping, r.progress)
	}
	r.pool.close(x.config.GracefulStop.TimeDuration())
	r.stopper.close()
	r.explain()
	if why := r.aborts(); why != "" {
		x.interrupt(&errext.InterruptError{Reason: errext.AbortTest + ": " + why})
	}
	return nil
}

// aborts returns why the load ends the whole run, "" if it does not.
func (r *run) aborts() string {
	switch {
	case r.search != nil && r.search.fault != "":
		return r.search.fault
	case r.stopper.run():
		return r.stopper.reason()
	}
	return ""
}

// allStages sends the stages one after the other.
func (r *run) allStages() error {
	r.warnEmpty()
	var base int64
	var at time.Time
	for i := range r.plan.Stages {
		n, began, ended := r.stage(i, base, at)
		r.announce(i, began, ended)
		if r.cut() {
			break
		}
		base, at = base+n, ended.Add(r.config.Interval.TimeDuration())
		if i+1 < len(r.plan.Stages) && drains(r.config, r.state.ExecutionTuple) && r.pool.busy.Load() > 0 {
			if err := r.drain(); err != nil {
				return err
			}
			at = later(at, time.Now().Add(r.config.Interval.TimeDuration()))
		}
	}
	return nil
}

// cut reports whether the load was ended before its end.
func (r *run) cut() bool { return r.parent.Err() != nil || r.stopper.run() }

// closeBar leaves the progress bar as the load ended.
func (r *run) closeBar() {
	state := barDone
	if r.cut() || r.meter.left() {
		state = barInterrupted
	}
	done, texts := r.progress()
	setBar(r.GetProgress(), state, func() (float64, []string) { return done, texts[:len(texts)-1] })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// stage sends this instance's share of one stage, beginning at an instant; its arrivals are numbered from base over all
// instances. It returns the number of arrivals, which is not exact when no stage follows, when the stage began, and
// when the next one may begin.
func (r *run) stage(i int, base int64, at time.Time) (n int64, began, ended time.Time) {
	ctx := r.stopper.begin(r.parent)
	r.warming = newWarming(r, i)
	defer r.warming.rest()
	if r.plan.Stages[i].Closed() {
		return r.closedLoop(ctx, i, base, at)
	}
	return r.openLoop(ctx, i, base, at)
}

// openLoop sends the arrivals of a stage with a rate.
func (r *run) openLoop(ctx context.Context, i int, base int64, at time.Time) (n int64, began, ended time.Time) {
	var last time.Duration
	var stopped time.Time
	r.draws = time.Now()
	r.drawing = time.AfterFunc(verySlowDraw, func() {
		r.log.Infof("the load waits for the arrivals of stage %d to "+
			"be drawn", r.stages[i].Index)
	})
	for due := range r.plan.Due(i) {
		if n == 0 {
			at = r.begin(ctx, i, at)
		}
		k := base + n
		last, n = due, n+1
		mine := r.share.has(k)
		if ctx.Err() != nil {
			if r.nothingFollows(i) {
				break
			}
			if stopped.IsZero() {
				stopped = time.Now()
				r.drawing.Reset(verySlowDraw)
			}
			continue // counted to the end, so that the next stage's numbers stay
		}
		if mine {
			a := r.arrival(ctx, i, k)
			a.Due, a.Warmup = at.Add(due), r.plan.Stages[i].WarmsAt(due)
			r.send(ctx, a)
		}
	}
	r.drawing.Stop()
	if n == 0 {
		at = r.begin(ctx, i, at)
	}
	ended = at.Add(r.plan.Length(i, last))
	switch {
	case !stopped.IsZero():
		ended = stopped
	case !r.wait.Until(ctx, ended):
		ended = time.Now()
	}
	return n, at, ended
}

// The times that the draw of a stage's first arrival may take before the stage begins later because of it, and before
// the log mentions it.
const (
	slowDraw     = 100 * time.Millisecond
	verySlowDraw = 2 * time.Second
)

// begin waits until a stage is to begin, and returns that instant. The first stage begins at once. begin is called
// after the first arrival has been drawn, for which some processes add up all gaps of the stage; if that draw was slow,
// the stage begins later. No other delay moves the instant, because all instances have it in common.
func (r *run) begin(ctx context.Context, stage int, at time.Time) time.Time {
	switch now := time.Now(); {
	case r.start.IsZero():
		at, r.start, r.scenario.StartTime = now, now, now
	case now.After(at) && now.Sub(r.draws) > slowDraw:
		at = now
	}
	if r.drawing != nil {
		r.drawing.Stop()
	}
	r.wait.Until(ctx, at)
	r.meter.begin(stage, at, r.warming)
	r.probe.begin(at)
	r.warming.begin(at)
	return at
}

// nothingFollows reports whether no arrival is sent after a stage.
func (r *run) nothingFollows(stage int) bool {
	return stage+1 == len(r.plan.Stages) || r.parent.Err() != nil || r.stopper.run()
}

// send hands an arrival to a worker when it is due.
func (r *run) send(ctx context.Context, a arrival.Arrival) {
	switch {
	case !r.wait.Until(ctx, a.Due):
	case r.pool.find():
		r.sent++
		r.pool.take(r.warming.job(r.probe.job(job{Arrival: a}, a.Due), a.Due))
	default:
		r.drop(a)
	}
}

// arrival returns the arrival with a number, without its due instant. ctx is that of its stage.
func (r *run) arrival(ctx context.Context, stage int, index int64) arrival.Arrival {
	return arrival.Arrival{Index: index, Stage: stage, Over: ctx.Done(), Stop: r.stopper.stop, Dropped: r.dropped.Load}
}

// announce pushes the line that records when a stage began and ended.
func (r *run) announce(i int, start, end time.Time) {
	if !r.cut() {
		r.meter.end()
	}
	line := r.stages[i]
	line.Start, line.End = record.UnixNano(start), record.UnixNano(end)
	line.Status = r.warming.status(r.stopper.status(r.parent))
	r.warming.explain(r, line)
	r.push(r.metrics.Event(&line, r.tags()))
}

// drop records an arrival for which no worker was free.
func (r *run) drop(a arrival.Arrival) {
	r.dropped.Add(1)
	r.push(metrics.Sample{
		TimeSeries: metrics.TimeSeries{Metric: r.state.Test.BuiltinMetrics.DroppedIterations, Tags: r.tags()},
		Time:       time.Now(), Value: 1,
	})
	line := &record.Dropped{
		Scenario: r.config.Name, Stage: r.stages[a.Stage].Index, Index: new(a.Index), Due: new(record.UnixNano(a.Due)),
		Count: 1, Warmup: a.Warmup,
	}
	r.probe.drop(line, a.Due)
	r.push(r.metrics.Event(line, r.tags()))
}

func (r *run) push(c metrics.SampleContainer) {
	metrics.PushIfNotDone(context.WithoutCancel(r.parent), r.out, c)
}

func (r *run) tags() *metrics.TagSet {
	if r.state.Test.Options.SystemTags.Has(metrics.TagScenario) {
		return r.state.Test.RunTags.With("scenario", r.config.Name)
	}
	return r.state.Test.RunTags
}

// drain waits for the requests in flight, at most for gracefulStop; then it cuts those that remain, and opens a new
// pool for the next stage.
func (r *run) drain() error {
	if r.pool.idle(r.parent, r.config.GracefulStop.TimeDuration()) || r.parent.Err() != nil {
		return nil
	}
	r.pool.close(0)
	return r.openPool()
}

// openPool opens a pool with workers for the VUs that k6 has made, or that an earlier pool had.
func (r *run) openPool() error {
	pre, most := scaledVUs(r.config, r.state.ExecutionTuple)
	if r.search != nil && r.pool != nil {
		pre = max(pre, r.pool.size.Load())
	}
	r.scenario = &lib.ScenarioState{Name: r.config.Name, Executor: r.config.Type, StartTime: r.start,
		ProgressFn: r.progress}
	var err error
	r.pool, err = newPool(lib.WithScenarioState(r.parent, r.scenario), r.Executor, pre, most)
	if err == nil {
		r.shown.Store(r.pool)
		return nil
	}
	if r.config.Exec.Native != nil {
		return err
	}
	return fmt.Errorf("starting VUs: %w", err)
}

// progress returns what the progress bar and exec.scenario.progress show.
func (r *run) progress() (float64, []string) {
	view := r.meter.view
	if r.search != nil {
		view = r.search.view
	}
	done, texts := view(r.tuple.ScaleInt64)
	return done, append(texts, fmt.Sprintf("%d in flight", r.shown.Load().busy.Load()))
}
