package run

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// instanceStarts returns how much later than one of the instances each instance began, by its own clock. It derives
// this from the schedule, which all instances share. rough reports that no schedule allows it and that the starts of
// the first requests stand in.
func instanceStarts(r *Run) (starts map[string]int64, rough bool) {
	for _, s := range r.Scenarios() {
		if starts := scenarioStarts(r, s); len(starts) > 1 {
			return starts, false
		}
	}
	return firstStarts(r), true
}

// scenarioStarts compares the instances by one scenario: by the start of its schedule, unless due instants contradict
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
		case known && can.contains(zero-zeros[base]):
			starts[instance] = zero - zeros[base]
		case !can.contains(0):
			starts[instance] = can.middle()
		default: // arrivals are too rare for a closer bound
			starts[instance] = 0
		}
	}
	return starts
}

// scheduleZeros returns the instant at which each instance's schedule of a scenario began: by the formula of k6's own
// executors, or else from the line of the scenario's first stage.
func scheduleZeros(r *Run, s record.Scenario) map[string]int64 {
	zeros := map[string]int64{}
	if due := dueFunc(s); due != nil {
		for _, q := range firstRequests(r, s.Name) {
			if after := due(q.Index) * 1e9; q.DueKnown && after < maxClockDifference {
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

// startBounds returns bounds on how much later than base the other instances of a scenario began. Arrivals are due in
// the order of their numbers. An arrival with a higher number than one of base's can therefore precede it only by the
// difference of the starts.
func startBounds(r *Run, s record.Scenario) (base string, grid map[string]span) {
	requests := requestsOnGrid(r, s)
	if len(requests) == 0 {
		return "", nil
	}
	base, grid = requests[0].Instance, map[string]span{}
	var before *Request // the latest request of base
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
		if can.low == math.MinInt64 || can.low > can.high { // too few requests, or one instance's stage was stopped
			delete(grid, instance)
		}
	}
	return base, grid
}

// requestsOnGrid returns the first requests of a scenario's iterations in the order of their numbers, up to the first
// stage that follows a number of requests instead of the clock.
func requestsOnGrid(r *Run, s record.Scenario) []*Request {
	timed := map[int32]bool{}
	for _, stage := range s.Stages {
		if stage.Requests != nil {
			break
		}
		timed[narrow(stage.Index)] = true
	}
	requests := slices.DeleteFunc(firstRequests(r, s.Name), func(q *Request) bool {
		return !q.DueKnown || !timed[q.Stage]
	})
	slices.SortFunc(requests, func(a, b *Request) int { return cmp.Compare(a.Index, b.Index) })
	return requests
}

// simultaneousExecutors are the executors that start all VUs at the start of the scenario.
var simultaneousExecutors = []string{"constant-vus", "per-vu-iterations", "shared-iterations", record.ExecutorName}

// firstStarts returns the instances' first starts in a scenario that all VUs begin together.
func firstStarts(r *Run) map[string]int64 {
	for _, s := range r.Scenarios() {
		if !slices.Contains(simultaneousExecutors, s.Executor) {
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
