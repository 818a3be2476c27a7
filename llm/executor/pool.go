package executor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// pool holds the workers of a run: goroutines of which each waits for an arrival and runs its iteration. The worker
// that came free last goes first: its connection is warm, and a load that few workers can carry is carried by few.
type pool struct {
	x      *Executor
	ctx    context.Context
	cancel context.CancelFunc
	source source
	most   int64 // workers

	mu    sync.Mutex
	all   []chan job
	free  []chan job    // of the waiting workers
	avail chan struct{} // a token for each of them

	workers sync.WaitGroup
	busy    atomic.Int64
	size    atomic.Int64
}

// source makes the workers of a pool.
type source interface {
	// start adds the workers that are there from the beginning.
	start() error
	// more makes workers if few are left, at once or later. found tells whether one waits. Only the dispatching
	// goroutine calls it, before it hands over an arrival, while there are fewer workers than the pool may have.
	more(found bool)
	// close gives back what the workers used. The pool's context has ended, and no worker runs.
	close()
}

// sourceOf returns what makes the source of a scenario's pools. The first pre workers are to wait at once.
func sourceOf(c *Config) func(p *pool, pre int64) source {
	if c.Exec.Native != nil {
		return func(p *pool, _ int64) source { return &native{p: p} }
	}
	return func(p *pool, pre int64) source {
		return &vus{p: p, pre: pre, spare: p.most - pre, asked: make(chan struct{}, p.most)}
	}
}

// job is an arrival for a worker.
type job struct {
	arrival.Arrival
	done func()
}

// newPool makes a pool of at most the given number of workers, of which the first pre wait at once if they take time to
// make.
func newPool(ctx context.Context, x *Executor, pre, most int64) (*pool, error) {
	p := &pool{x: x, most: most, avail: make(chan struct{}, most)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.source = x.newSource(p, pre)
	if err := p.source.start(); err != nil {
		p.close(0)
		return nil, err
	}
	return p, nil
}

// add starts a worker that runs iterations by a function, and lets it wait for an arrival.
func (p *pool) add(iterate func(*arrival.Arrival) error) {
	jobs := make(chan job, 1)
	p.mu.Lock()
	p.all = append(p.all, jobs)
	p.mu.Unlock()
	p.size.Add(1)
	p.workers.Go(func() {
		for j := range jobs {
			p.iterate(iterate, &j.Arrival)
			if j.done != nil {
				j.done()
			}
			p.busy.Add(-1)
			p.release(jobs)
		}
	})
	p.release(jobs)
}

// release lets a worker wait for its next arrival.
func (p *pool) release(jobs chan job) {
	p.mu.Lock()
	p.free = append(p.free, jobs)
	p.mu.Unlock()
	p.avail <- struct{}{}
}

// take hands a job to a waiting worker. The caller has taken a token, so there is one.
func (p *pool) take(j job) {
	p.mu.Lock()
	last := len(p.free) - 1
	jobs := p.free[last]
	p.free = p.free[:last]
	p.mu.Unlock()
	p.busy.Add(1)
	jobs <- j
}

// iterate runs an iteration and counts the outcome as k6's executors do.
func (p *pool) iterate(iterate func(*arrival.Arrival) error, a *arrival.Arrival) {
	p.x.state.ModCurrentlyActiveVUsCount(+1)
	defer p.x.state.ModCurrentlyActiveVUsCount(-1)
	err := iterate(a)
	switch {
	case p.ctx.Err() != nil:
		p.x.state.AddInterruptedIterations(1)
	case errext.IsInterruptError(err):
		p.x.state.AddInterruptedIterations(1)
		p.x.interrupt(err)
	default:
		if err != nil {
			text, fields := errext.Format(err)
			p.x.log.WithFields(logrus.Fields(fields)).Error(plain.Lines(text))
		}
		p.x.state.AddFullIterations(1)
	}
}

// find takes the token of a waiting worker, and reports whether there is one.
func (p *pool) find() bool {
	found := p.tryFind()
	if p.size.Load() < p.most {
		p.source.more(found)
		found = found || p.tryFind()
	}
	return found
}

func (p *pool) tryFind() bool {
	select {
	case <-p.avail:
		return true
	default:
		return false
	}
}

// await takes the token of a worker, for which it waits, and reports whether there was one before ctx ended.
func (p *pool) await(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	if p.find() {
		return true
	}
	select {
	case <-p.avail:
		return true
	case <-ctx.Done():
	case <-p.ctx.Done():
	}
	return false
}

// idle waits until no worker is busy, and reports whether that happened before the time was up and before ctx ended.
func (p *pool) idle(ctx context.Context, most time.Duration) bool {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for p.busy.Load() > 0 {
		select {
		case <-look.C:
		case <-deadline.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// close waits at most grace for iterations to end, cuts the rest, and waits until everything is back with k6.
func (p *pool) close(grace time.Duration) {
	if grace > 0 {
		p.idle(p.ctx, grace)
	}
	p.cancel()
	p.source.close()
}

// end ends the workers and waits for them. No worker is added any more.
func (p *pool) end() {
	p.mu.Lock()
	for _, jobs := range p.all {
		close(jobs)
	}
	p.mu.Unlock()
	p.workers.Wait()
}

// advice returns which option to raise after drops, and to which value.
func (p *pool) advice(configured int64) string {
	if p.size.Load() < p.most {
		return fmt.Sprintf("preAllocatedVUs to %d: VUs were still being made when they were needed",
			min(2*p.size.Load(), configured))
	}
	return fmt.Sprintf("maxVUs above %d (to %d, say), or expectedLatency to how long requests take", configured,
		2*configured)
}

// vus makes workers of VUs, which run the script.
type vus struct {
	p      *pool
	pre    int64
	spare  int64         // VUs that may still be asked for; only the dispatching goroutine uses it
	asked  chan struct{} // a token asks for one more VU
	grower sync.WaitGroup
	active sync.WaitGroup // VUs not given back to k6
}

// start takes the VUs that k6 has made.
func (v *vus) start() error {
	for range v.pre {
		vu, err := v.p.x.state.GetPlannedVU(v.p.x.log, false)
		if err != nil {
			return err
		}
		v.add(vu)
	}
	v.grower.Go(v.grow)
	return nil
}

// more asks for one more VU when few are left.
func (v *vus) more(found bool) {
	if v.spare > 0 && (!found || 10*(v.p.busy.Load()+1) > 9*v.p.size.Load()) {
		v.spare--
		v.asked <- struct{}{} // the channel has room for every VU that may be made
	}
}

// grow makes VUs in the background, because each takes milliseconds, for which no arrival should wait.
func (v *vus) grow() {
	failed := false
	for {
		select {
		case <-v.asked:
		case <-v.p.ctx.Done():
			return
		}
		vu, err := v.p.x.state.GetUnplannedVU(v.p.ctx, v.p.x.log)
		if err != nil {
			if v.p.ctx.Err() == nil && !failed {
				failed = true // the next one would fail for the same reason
				v.p.x.log.WithError(err).Error("a VU could not be made")
			}
			continue
		}
		v.add(vu)
	}
}

// add makes a worker of a VU. The iteration's numbers are those of the arrival, so a dropped arrival does not shift the
// numbers of others.
func (v *vus) add(vu lib.InitializedVU) {
	slot, local := new(arrival.Arrival), uint64(0)
	v.active.Add(1)
	active := activate(v.p, vu, arrival.NewContext(v.p.ctx, slot), v.active.Done, func() (uint64, uint64) {
		local++
		return local - 1, uint64(slot.Index) // counts from 0
	})
	v.p.add(func(a *arrival.Arrival) error {
		*slot = *a
		return active.RunOnce()
	})
}

// activate activates a VU for the scenario until ctx ends. Then it goes back to k6, and given is called.
func activate(p *pool, vu lib.InitializedVU, ctx context.Context, given func(),
	numbers func() (local, global uint64)) lib.ActiveVU {
	return vu.Activate(&lib.VUActivationParams{
		RunContext: ctx, GetNextIterationCounters: numbers,
		Scenario: p.x.config.Name, Exec: p.x.config.GetExec(), Env: p.x.config.GetEnv(), Tags: p.x.config.GetTags(),
		DeactivateCallback: func(u lib.InitializedVU) {
			p.x.state.ReturnVU(u, false)
			given()
		},
	})
}

func (v *vus) close() {
	v.grower.Wait()
	v.p.end()
	v.active.Wait()
}
