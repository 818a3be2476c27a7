package output

import (
	"fmt"
	"math"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// spareProcessors returns advice on the GOMAXPROCS that would have sufficed if the load left most processors idle, and
// "" if there is no advice. Whenever a token wakes a goroutine, Go looks for work on each processor that it may use,
// which costs more than the idle processors contribute.
func spareProcessors(h record.Health, set bool) string {
	used := h.CPUShare * h.Processors
	enough := max(2, int(math.Ceil(2*used)))
	if set || used < 0.25 || 2*enough > h.GoMaxProcs {
		return ""
	}
	return fmt.Sprintf("this load took %.1f of %d processors, and idle ones add to what a token costs: "+
		"GOMAXPROCS=%d suffices", used, h.GoMaxProcs, enough)
}
