package run

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// instanceStarts says by how much later than one of them each instance began, by its own clock, as far as the schedule
// tells: all have the same. rough says that no schedule does, and that they are the starts of the first requests.
func instanceStarts(r *Run) (starts map[string]int64, rough bool) {
	for _, s := range r.Scenarios() {
		if starts := scenarioStarts(r, s); len(starts) > 1 {
			return starts, false
		}
	}
	return firstStarts(r), true
}

// scenarioStarts compares the instances by one scenario: by the zero of its schedule, where due instants do not gainsay
// it.
func scenarioStarts(r *Run, s record.Scenario) map[string]int64 {
	zeros := scheduleZeros(r, s)
	base, grid := startBounds(r, s)
	if len(grid) == 0 {
		return zeros
	}
	starts := map[string]int64{base: 0}
	for instance, can := range grid {
		switch zero, known := zeros[instance]; {
		case known && can.has(zero-zeros[base]):
			starts[instance] = zero - zeros[base]
		case !can.has(0):
			starts[instance] = can.middle()
		default: // arrivals come too seldom to tell more
			starts[instance] = 0
		}
	}
	return starts
}

// scheduleZeros are the instants at which each instance's schedule of a scenario began: by the formula of k6's own
// executors, else as the line of its first stage tells.
func scheduleZeros(r *Run, s record.Scenario) map[string]int64 {
	zeros := map[string]int64{}
	if due := dueFunc(s); due != nil {
		for _, q := range firstRequests(r, s.Name) {
			if after := due(q.Index) * 1e9; q.DueKnown && after < mostApart {
				zeros[q.Instance] = q.Due - int64(math.Round(after))
			}
		}
		return zeros
	}
	for _, stage := range r.Stages {
		if len(s.Stages) > 0 && stage.Index == s.Stages[0].Index && stage.Start > 0 {
			zeros[r.from[stage]] = stage.Start
		}
	}
	return zeros
}

// startBounds says by how much later than base the other instances of a scenario can have begun. Arrivals are due in
// the order of their numbers: one of a higher number than base's cannot have been due before it, but for the difference
// of the starts.
func startBounds(r *Run, s record.Scenario) (base string, grid map[string]span) {
	requests := requestsOnGrid(r, s)
	if len(requests) == 0 {
		return "", nil
	}
	base, grid = requests[0].Instance, map[string]span{}
	var before *Request // base's newest
	last := map[string]int64{}
	for _, q := range requests {
		if q.Instance != base {
			can, known := grid[q.Instance]
			if !known {
				can = span{math.MinInt64, math.MaxInt64}
			}
			can.high = min(can.high, q.Due-before.Due)
			grid[q.Instance], last[q.Instance] = can, q.Due
			continue
		}
		for instance, due := range last {
			can := grid[instance]
			can.low = max(can.low, due-q.Due)
			grid[instance] = can
		}
		before = q
		clear(last)
	}
	for instance, can := range grid {
		if can.low == math.MinInt64 || can.low > can.high { // too few, or an instance's stage was stopped
			delete(grid, instance)
		}
	}
	return base, grid
}

// requestsOnGrid are the first requests of a scenario's iterations in order of their numbers, as long as stages follow
// the clock.
func requestsOnGrid(r *Run, s record.Scenario) []*Request {
	follows := map[int32]bool{}
	for _, stage := range s.Stages {
		if stage.Requests != nil {
			break
		}
		follows[narrow(stage.Index)] = true
	}
	requests := slices.DeleteFunc(firstRequests(r, s.Name), func(q *Request) bool {
		return !q.DueKnown || !follows[q.Stage]
	})
	slices.SortFunc(requests, func(a, b *Request) int { return cmp.Compare(a.Index, b.Index) })
	return requests
}

// atOnce are the executors whose VUs all begin at the start of the scenario.
var atOnce = []string{"constant-vus", "per-vu-iterations", "shared-iterations", record.ExecutorName}

// firstStarts are the instances' first starts in a scenario that begins on all at once.
func firstStarts(r *Run) map[string]int64 {
	for _, s := range r.Scenarios() {
		if !slices.Contains(atOnce, s.Executor) {
			continue
		}
		starts := map[string]int64{}
		for _, q := range firstRequests(r, s.Name) { // in order of start
			if _, known := starts[q.Instance]; !known {
				starts[q.Instance] = q.Start
			}
		}
		if len(starts) > 1 {
			return starts
		}
	}
	return nil
}
