package output

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/limits"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// health measures the process from start to stop.
type health struct {
	at    time.Time
	cpu   time.Duration
	steal limits.Steal
}

func startHealth() *health {
	limits.CountCollections() // which the load's beginning does again
	return &health{at: time.Now(), cpu: cpuTime(), steal: limits.ReadSteal()}
}

// stop gives the figures since the start, collections since the load began; delays are the starts' lateness, where it is known.
func (h *health) stop(delays []time.Duration) record.Health {
	procs := runtime.GOMAXPROCS(0)
	cycles, paused := limits.Collections()
	out := record.Health{GoMaxProcs: procs, GCPause: int64(paused), GCCycles: cycles, LatenessOf: int64(len(delays))}
	if elapsed := time.Since(h.at); elapsed > 0 {
		out.CPUShare = float64(cpuTime()-h.cpu) / float64(elapsed) / float64(procs)
	}
	if steal := limits.ReadSteal(); steal != (limits.Steal{}) {
		out.Steal = new(steal.Since(h.steal))
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		at := func(p float64) *int64 { return new(int64(delays[int(math.Ceil(p*float64(len(delays))))-1])) }
		out.LatenessP50, out.LatenessP99, out.LatenessMax = at(0.5), at(0.99), at(1)
	}
	return out
}

// spareProcessors says what GOMAXPROCS would have sufficed where the load left most processors idle; "" if nothing is worth saying.
// Go looks for work on each that it may use, whenever a token wakes it, which costs more than the idle ones give.
func spareProcessors(h record.Health, set bool) string {
	used := h.CPUShare * float64(h.GoMaxProcs)
	enough := max(2, int(math.Ceil(2*used)))
	if set || used < 0.25 || 2*enough > h.GoMaxProcs {
		return ""
	}
	return fmt.Sprintf("this load took %.1f of %d processors, and idle ones add to what a token costs: GOMAXPROCS=%d suffices", used, h.GoMaxProcs, enough)
}
