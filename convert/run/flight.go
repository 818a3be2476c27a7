package run

import (
	"slices"
	"sort"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// InFlight returns the number of requests in flight at intervals of each seconds, from the first start until the last
// end. It returns nil without requests.
func (r *Run) InFlight(each float64) (counts []int) {
	sent := Sent(r)
	if len(sent) == 0 || each <= 0 {
		return nil
	}
	zero := sent[0].Start
	var starts, ends []float64
	for _, q := range sent {
		starts, ends = append(starts, r.Seconds(q.Start-zero)), append(ends, r.Seconds(q.End-zero))
	}
	slices.Sort(starts)
	slices.Sort(ends)
	for at := 0.0; at <= ends[len(ends)-1]; at += each {
		begun := sort.SearchFloat64s(starts, at+1e-9)
		counts = append(counts, begun-sort.SearchFloat64s(ends, at+1e-9))
	}
	return counts
}

// queueGrowth is the largest ratio between the median latencies of the later and the earlier half of the requests at
// which the halves count as alike.
const queueGrowth = 1.5

// HalvesAlike reports whether the requests sent in the later half of the run took about as long as those sent in the
// earlier half, by their medians. Where a queue grows, requests take longer and longer.
func (r *Run) HalvesAlike() bool {
	var latencies []float64
	for _, q := range r.Requests {
		if !q.Failed() {
			latencies = append(latencies, r.Seconds(q.End-q.Start))
		}
	}
	half := len(latencies) / 2
	if half == 0 {
		return len(latencies) > 0
	}
	median := func(list []float64) float64 { return stats.PercentileOf(slices.Clone(list), 50) }
	return median(latencies[half:]) <= queueGrowth*median(latencies[:half])
}
