package llm

import (
	"fmt"
	"sync"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// breakerOptions say when too many requests have failed: so many in a row, or a share of those that ended within a window.
// Its fields are exported for JSON, by which clients of equal options are known.
type breakerOptions struct {
	Consecutive int64
	Rate        float64
	Window      time.Duration
	MinSamples  int64
	Stop        string // run or stage
}

func (o *breakerOptions) fields() fields {
	return fields{
		"consecutive": integer(&o.Consecutive, 1), "rate": number(&o.Rate), "window": duration(&o.Window),
		"minSamples": integer(&o.MinSamples, 1), "stop": text(&o.Stop),
	}
}

func (o *clientOptions) readBreaker(rt *sobek.Runtime, v sobek.Value) error {
	b := &breakerOptions{Window: 10 * time.Second, MinSamples: 20, Stop: "run"}
	if err := b.fields().read(rt, "circuitBreaker", v); err != nil {
		return err
	}
	switch {
	case b.Consecutive == 0 && b.Rate == 0:
		return fmt.Errorf("needs consecutive, as in {consecutive: 10}, or a rate, as in {rate: 0.5, window: '10s'}")
	case b.Rate < 0 || b.Rate > 1:
		return fmt.Errorf("rate must be between 0 and 1, got %v", b.Rate)
	case b.Stop != "run" && b.Stop != "stage":
		return fmt.Errorf("stop must be 'run' or 'stage', got %q", b.Stop)
	}
	o.breaker = b
	return nil
}

// breaker watches the requests of a client, of all VUs together.
type breaker struct {
	mu    sync.Mutex
	row   int64 // failures since the last success
	stage int   // to which the figures belong
	ended []outcome
	bad   int // failures among ended
}

type outcome struct {
	at     int64
	failed bool
}

// observe takes a request that has ended, and gives the reason to stop, "" if there is none. Each stage begins anew. Requests
// that we cut ourselves say nothing about the server.
func (b *breaker) observe(o *breakerOptions, r *record.Request) string {
	if r.ErrorType == record.ErrorCanceled {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Stage != b.stage {
		b.row, b.stage, b.ended, b.bad = 0, r.Stage, nil, 0
	}
	b.row++
	if !r.Failed() {
		b.row = 0
	}
	if o.Consecutive > 0 && b.row >= o.Consecutive {
		return fmt.Sprintf("circuit breaker: %d requests in a row failed, the last with %s: %s", b.row, r.ErrorType, r.Error)
	}
	if o.Rate == 0 {
		return ""
	}
	return b.overWindow(o, r)
}

func (b *breaker) overWindow(o *breakerOptions, r *record.Request) string {
	b.ended = append(b.ended, outcome{r.End, r.Failed()})
	if r.Failed() {
		b.bad++
	}
	for b.ended[0].at < r.End-int64(o.Window) { // r itself is within
		if b.ended[0].failed {
			b.bad--
		}
		b.ended = b.ended[1:]
	}
	if share := float64(b.bad) / float64(len(b.ended)); int64(len(b.ended)) >= o.MinSamples && share >= o.Rate {
		return fmt.Sprintf("circuit breaker: %d of the last %d requests failed, the last with %s: %s", b.bad, len(b.ended), r.ErrorType, r.Error)
	}
	return ""
}
