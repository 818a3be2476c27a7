package executor

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// queue is a stand-in for the workers and the server: a queue in front of some places, in each of which a request takes
// the same time. Its TTFT is the wait for a place.
type queue struct {
	p       *pool
	places  chan struct{}
	service time.Duration
	late    time.Duration                                    // after which a worker sends what it got
	answers func(a *arrival.Arrival, r *record.Request) bool // may change the record; false: no request is sent
}

func (q queue) start() error { return nil }

func (q queue) more(found bool) {
	if !found {
		q.p.add(q.iterate)
	}
}

func (q queue) close() { q.p.end() }

func (q queue) iterate(a *arrival.Arrival) error {
	sleep(q.p.ctx, q.late)
	begun := time.Now()
	r := &record.Request{Scenario: "load", Stage: a.Probe.Index, Index: a.Index, Warmup: a.Warmup, Streaming: true,
		Start: record.UnixNano(begun)}
	if !a.Due.IsZero() {
		r.Due = new(record.UnixNano(a.Due))
	}
	select {
	case q.places <- struct{}{}:
		r.Chunks = []int64{time.Since(begun).Microseconds()}
		sleep(q.p.ctx, q.service)
		<-q.places
	case <-q.p.ctx.Done():
	}
	r.End = record.UnixNano(time.Now())
	if q.p.ctx.Err() != nil {
		r.ErrorType = record.ErrorCanceled
	}
	if q.answers != nil && !q.answers(a, r) {
		return nil
	}
	a.Ended(r, r.Counts())
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// found is what a search leaves behind.
type found struct {
	*record.Search                // the last line of it
	Lines          int            // of searches
	Stages         []record.Stage // by probe
	Requests       []*record.Request
	Dropped        int
	Took           time.Duration
	Log            string
	err            error
}

// runSearch runs a search against a queue in virtual time. change may change the run before it begins.
func runSearch(t *testing.T, options string, server queue, change func(r *run)) (f found) {
	t.Helper()
	c := parse(t, options)
	for _, err := range c.Validate() {
		t.Fatal(err)
	}
	var mu sync.Mutex
	sent := server.answers
	server.answers = func(a *arrival.Arrival, r *record.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		f.Requests = append(f.Requests, r)
		return sent == nil || sent(a, r)
	}
	var log strings.Builder
	x := newTestExecutor(t, c, &log)
	x.newSource = func(p *pool, _ int64) source {
		server.p = p
		return server
	}
	out, collected := make(chan metrics.SampleContainer), make(chan struct{})
	go func() {
		defer close(collected)
		for container := range out {
			f.take(container)
		}
	}()
	r := &run{Executor: x, parent: t.Context(), out: out, wait: alarm.Plain()}
	defer r.wait.Close()
	r.search.run = r
	if change != nil {
		change(r)
	}
	if err := r.openPool(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	f.err = r.search.allProbes()
	f.Took = time.Since(begun)
	r.pool.close(time.Minute)
	close(out)
	<-collected
	f.Log = log.String()
	return f
}

func (f *found) take(container metrics.SampleContainer) {
	line, ok := container.(*samples.Container)
	if !ok {
		return
	}
	switch l := line.Line().(type) {
	case *record.Search:
		f.Search, f.Lines = l, f.Lines+1
	case *record.Stage:
		f.Stages = append(f.Stages, *l)
	case *record.Dropped:
		f.Dropped++
	}
}

func newTestExecutor(t *testing.T, c *Config, log io.Writer) *Executor {
	t.Helper()
	registry := metrics.NewRegistry()
	test := &lib.TestPreInitState{Registry: registry, BuiltinMetrics: metrics.RegisterBuiltinMetrics(registry)}
	m, err := samples.Register(test)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	logger := logrus.New()
	logger.Out = log
	state := &lib.TestRunState{TestPreInitState: test, RunTags: registry.RootTagSet(), Options: lib.Options{
		SystemTags: &metrics.DefaultSystemTagSet, Scenarios: lib.ScenarioConfigs{"load": c},
	}}
	es := lib.NewExecutionState(state, whole, 0, 0)
	x := &Executor{config: c, state: es, log: logrus.NewEntry(logger), metrics: m}
	if x.plan, err = c.Plan(); err == nil {
		x.search, err = newSearch(c, es)
	}
	if err == nil {
		err = x.Init(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}
