package executor

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/executor"
	"go.k6.io/k6/v2/lib/types"
	"go.k6.io/k6/v2/metrics"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// aborter runs one of k6's executors beside this one, with a single VU that only waits. k6 does not export how a test
// is aborted. Its constant-vus executor does it; it gets the interrupts of this executor's VUs.
type aborter struct {
	beside lib.Executor
	stop   chan struct{} // closed when the run of this executor is over
	abort  chan error    // an interrupt to pass on
	asked  atomic.Bool   // to pass one on
}

func newAborter(c *Config, es *lib.ExecutionState, log *logrus.Entry) (*aborter, error) {
	s := &aborter{stop: make(chan struct{}), abort: make(chan error, 1)}
	whole, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		return nil, err
	}
	state := lib.NewExecutionState(es.Test, whole, 1, 1)
	state.AddInitializedVU(idleVU{s})
	config := executor.NewConstantVUsConfig(c.Name)
	config.VUs = null.IntFrom(1)
	config.Duration = types.NullDurationFrom(timespan.Max) // run ends it
	config.GracefulStop = types.NullDurationFrom(0)
	s.beside, err = config.NewExecutor(state, log)
	return s, err
}

// run starts the stock executor and returns a function that ends it and waits for its goroutine.
func (s *aborter) run(ctx context.Context) (end func()) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		_ = s.beside.Run(ctx, make(chan metrics.SampleContainer, 1)) // fails only if it cannot get the idle VU
	}()
	return func() {
		close(s.stop)
		if s.asked.Load() { // an abort is lost if the context ends before it is passed on
			select {
			case <-done:
			case <-time.After(100 * time.Millisecond):
			}
		}
		cancel()
		<-done
	}
}

// interrupt passes an abort on; only the first one has an effect.
func (s *aborter) interrupt(err error) {
	s.asked.Store(true)
	select {
	case s.abort <- err:
	default:
	}
}

// idleVU is a VU that does nothing.
type idleVU struct{ s *aborter }

// GetID returns a number without a meaning.
func (idleVU) GetID() uint64 { return 0 }

// Activate returns a VU that is given back when its context ends; otherwise the stock executor would wait forever.
func (v idleVU) Activate(p *lib.VUActivationParams) lib.ActiveVU {
	context.AfterFunc(p.RunContext, func() { p.DeactivateCallback(v) })
	return activeIdleVU{v, p.RunContext}
}

type activeIdleVU struct {
	idleVU
	ctx context.Context
}

// RunOnce waits until there is an abort to pass on, or until the run is over.
func (v activeIdleVU) RunOnce() error {
	select {
	case err := <-v.s.abort:
		return err
	case <-v.ctx.Done():
	case <-v.s.stop:
		select {
		case err := <-v.s.abort:
			return err
		case <-v.ctx.Done():
		case <-time.After(10 * time.Millisecond): // the stock executor calls RunOnce until its time is up
		}
	}
	return nil
}
