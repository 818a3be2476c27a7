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

// pool holds the VUs of a run, each of which waits for an arrival on its own goroutine. The VU that came free last goes
// first: its connection is warm, and a load that few VUs can carry is carried by few.
type pool struct {
	x      *Executor
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	free  []chan job    // one channel for each waiting VU
	avail chan struct{} // a token for each of them

	workers sync.WaitGroup // goroutines of VUs
	active  sync.WaitGroup // VUs not given back to k6
	busy    atomic.Int64
	size    atomic.Int64
	most    int64
	more    chan struct{} // a token asks for one more VU
	grower  sync.WaitGroup
	spare   int64 // VUs that may still be asked for; only the dispatching goroutine uses it
}

// job is an arrival for a VU.
type job struct {
	arrival.Arrival
	done func()
}

// newPool takes the pre VUs that k6 has made, and asks for more, up to most, while the load goes on.
func newPool(ctx context.Context, x *Executor, pre, most int64) (*pool, error) {
	p := &pool{x: x, most: most, spare: most - pre, more: make(chan struct{}, most), avail: make(chan struct{}, most)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	for range pre {
		vu, err := x.state.GetPlannedVU(x.log, false)
		if err != nil {
			p.close(0)
			return nil, err
		}
		p.add(vu)
	}
	p.grower.Go(p.grow)
	return p, nil
}

// grow makes VUs in the background, because each takes milliseconds, for which no arrival should wait.
func (p *pool) grow() {
	failed := false
	for {
		select {
		case <-p.more:
		case <-p.ctx.Done():
			return
		}
		vu, err := p.x.state.GetUnplannedVU(p.ctx, p.x.log)
		if err != nil {
			if p.ctx.Err() == nil && !failed {
				failed = true // the next one would fail for the same reason
				p.x.log.WithError(err).Error("a VU could not be made")
			}
			continue
		}
		p.add(vu)
	}
}

// add starts a goroutine on which a VU waits for arrivals. The iteration's numbers are those of the arrival, so a
// dropped arrival does not shift the numbers of others.
func (p *pool) add(vu lib.InitializedVU) {
	slot, local := new(arrival.Arrival), uint64(0)
	p.active.Add(1)
	active := vu.Activate(&lib.VUActivationParams{
		RunContext: arrival.NewContext(p.ctx, slot),
		Scenario:   p.x.config.Name, Exec: p.x.config.GetExec(), Env: p.x.config.GetEnv(), Tags: p.x.config.GetTags(),
		DeactivateCallback: func(u lib.InitializedVU) {
			p.x.state.ReturnVU(u, false)
			p.active.Done()
		},
		GetNextIterationCounters: func() (uint64, uint64) {
			local++
			return local - 1, uint64(slot.Index) // counts from 0
		},
	})
	p.size.Add(1)
	jobs := make(chan job, 1)
	p.workers.Go(func() {
		for {
			select {
			case j := <-jobs:
				*slot = j.Arrival
				p.iterate(active)
				if j.done != nil {
					j.done()
				}
				p.busy.Add(-1)
				p.release(jobs)
			case <-p.ctx.Done():
				return
			}
		}
	})
	p.release(jobs)
}

// release lets a VU wait for its next arrival.
func (p *pool) release(jobs chan job) {
	p.mu.Lock()
	p.free = append(p.free, jobs)
	p.mu.Unlock()
	p.avail <- struct{}{}
}

// take hands a job to a waiting VU. The caller has taken a token, so there is one.
func (p *pool) take(j job) {
	p.mu.Lock()
	last := len(p.free) - 1
	jobs := p.free[last]
	p.free = p.free[:last]
	p.mu.Unlock()
	p.busy.Add(1)
	jobs <- j
}

// iterate runs the script once and counts the outcome as k6's executors do.
func (p *pool) iterate(vu lib.ActiveVU) {
	p.x.state.ModCurrentlyActiveVUsCount(+1)
	defer p.x.state.ModCurrentlyActiveVUsCount(-1)
	err := vu.RunOnce()
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

// offer hands an arrival to a waiting VU, and reports whether there was one. When few VUs are left, it asks for one
// more.
func (p *pool) offer(a arrival.Arrival) bool {
	found := false
	select {
	case <-p.avail:
		found = true
		p.take(job{Arrival: a})
	default:
	}
	if p.spare > 0 && (!found || 10*p.busy.Load() > 9*p.size.Load()) {
		p.spare--
		p.more <- struct{}{} // the channel has room for every VU that may be made
	}
	return found
}

// give waits for a free VU and hands it the arrival; done is called when its iteration is over.
func (p *pool) give(a arrival.Arrival, done func()) {
	select {
	case <-p.avail:
		p.take(job{Arrival: a, done: done})
	case <-p.ctx.Done():
		done()
	}
}

// idle waits until no VU is busy, and reports whether that happened before the time was up and before ctx ended.
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

// close waits at most grace for iterations to end, cuts the rest, and waits until all VUs are back with k6.
func (p *pool) close(grace time.Duration) {
	if grace > 0 {
		p.idle(p.ctx, grace)
	}
	p.cancel()
	p.grower.Wait()
	p.workers.Wait()
	p.active.Wait()
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
