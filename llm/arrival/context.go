package arrival

import (
	"context"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Arrival is one arrival of a scenario.
type Arrival struct {
	Index  int64     // over all stages and instances, from 0
	Stage  int       // in its scenario, from 0
	Due    time.Time // zero in a closed loop
	Warmup bool      // it belongs to the warm-up of its stage
	// Salt is the salt of the data of this arrival's stage, beside the data set's own: no other stage's prompts are in
	// the server's prefix cache. Empty, it leaves the data set as it is.
	Salt string

	// First reports that the arrival is the first of its slot of a closed loop.
	First bool
	// Over is closed when nothing new may be sent for this arrival: its stage has timed out, or the load was stopped.
	// Requests in flight may end. It is nil under an executor that cannot tell.
	Over <-chan struct{}

	// Stop ends the stage, or the whole run, for a reason: no further arrival is sent, and requests in flight may end
	// within gracefulStop. It is nil under an executor that cannot stop a stage. It may be called concurrently; only
	// the first call has an effect.
	Stop func(run bool, reason string)
	// Dropped returns the number of arrivals of the scenario so far for which no VU was free. It is nil under an
	// executor that does not count them. It may be called concurrently.
	Dropped func() int64

	// Probe is the stage of a probe, which no plan lists: a search chooses it while it runs. It has no end, and does
	// not change. It is nil for stages of the plan.
	Probe *record.Stage
	// Ended takes each request of the iteration once it has ended. It is nil unless somebody waits for them. It may be
	// called concurrently; neither the record nor the counts change any more.
	Ended func(*record.Request, record.Counts)
}

type key struct{}

// NewContext returns the context of a VU whose iterations are started by the arrivals in slot. The executor fills the
// slot before each iteration.
func NewContext(ctx context.Context, slot *Arrival) context.Context {
	return context.WithValue(ctx, key{}, slot)
}

// FromContext returns the arrival that started the running iteration, and false under an executor without arrivals.
func FromContext(ctx context.Context) (Arrival, bool) {
	slot, ok := ctx.Value(key{}).(*Arrival)
	if !ok {
		return Arrival{}, false
	}
	return *slot, true
}
