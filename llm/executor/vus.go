package executor

import (
	"math"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// countless keeps sums over stages in bounds.
const countless = 1e17

// inFlight is how many requests of a plan are under way at most when each takes so long, one at least, and how many
// arrivals there are. A stage adds no more to what the ones before left than it has arrivals.
func inFlight(p arrival.Plan, latency time.Duration) (most, arrivals int64) {
	most, before := 1, int64(0)
	for i, s := range p.Stages {
		n := p.Most(i)
		arrivals = min(arrivals+n, countless)
		if s.Closed() {
			before = min(s.Concurrency, n)
		} else {
			before = min(int64(min(countless, math.Ceil(max(s.From, s.To)*latency.Seconds()))), before+n)
		}
		most = max(most, before)
	}
	return most, arrivals
}
