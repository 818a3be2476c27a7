package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ScheduleSource names the origin of the due instants of a scenario.
type ScheduleSource struct {
	Scenario string `json:"scenario"`
	Source   string `json:"source"` // one of the constants below
	Reason   string `json:"reason,omitempty"`
}

// Values of ScheduleSource.Source.
const (
	ScheduleExact   = "exact"
	ScheduleFitted  = "fitted"
	ScheduleUnknown = "unknown"
)

// findSchedule sets the due instant of each request, if it can be known.
func findSchedule(r *Run) {
	r.Schedule = []ScheduleSource{}
	for _, s := range r.Scenarios() {
		requests := firstRequests(r, s.Name)
		source := ScheduleSource{Scenario: s.Name}
		switch {
		case hasDueInstants(requests):
			source.Source = ScheduleExact
		default:
			source.Source, source.Reason = fitSchedule(r, s, requests)
		}
		r.Schedule = append(r.Schedule, source)
	}
}

// firstRequests returns the first requests of a scenario's iterations. The script decides when the later ones are due.
func firstRequests(r *Run, scenario string) (list []*Request) {
	list = make([]*Request, 0, len(r.Requests))
	for _, q := range r.Requests {
		if q.Scenario == scenario && q.Seq == 0 {
			list = append(list, q)
		}
	}
	return list
}

func hasDueInstants(requests []*Request) bool {
	return slices.ContainsFunc(requests, func(q *Request) bool { return q.DueKnown })
}

// fitSchedule computes the due instants under k6's own arrival-rate executors: arrival k is due at T0 + F(k), where T0
// is the smallest start(k) − F(k) of an instance. That holds only while iterations are numbered as arrivals are, that
// is, as long as none is dropped.
func fitSchedule(r *Run, s record.Scenario, requests []*Request) (source, reason string) {
	due := dueFunc(s)
	switch {
	case due == nil:
		return ScheduleUnknown, fmt.Sprintf("executor %s has no schedule", s.Executor)
	case hasDrops(r, s.Name):
		return ScheduleUnknown, "iterations were dropped, and k6 does not say which"
	}
	requests = numberedRequests(r, s, requests)
	if len(requests) == 0 {
		return ScheduleUnknown, "no request was sent"
	}
	starts := map[string]float64{} // T0 in ns after the run's first request, per instance
	zero := r.Requests[0].Start
	for _, q := range requests {
		t0 := float64(q.Start-zero) - due(q.Index)*1e9
		if old, known := starts[q.Instance]; !known || t0 < old {
			starts[q.Instance] = t0
		}
	}
	for _, q := range requests {
		offset := due(q.Index)
		q.Due, q.DueKnown = zero+int64(math.Round(starts[q.Instance]+offset*1e9)), true
		q.Stage = narrow(s.StageAt(offset))
	}
	followFirst(r, s.Name, requests)
	return ScheduleFitted, ""
}

// numberedRequests returns the requests whose numbers the schedule has. A higher number, such as one of a damaged line,
// would shift the due instants of all others.
func numberedRequests(r *Run, s record.Scenario, requests []*Request) []*Request {
	planned := 1.0 // k6 may start one more iteration at the very end
	for _, stage := range s.Stages {
		ramp, _ := stage.Ramp()
		planned += ramp.Area()
	}
	before := len(requests)
	requests = slices.DeleteFunc(requests, func(q *Request) bool { return float64(q.Index) > planned })
	if n := before - len(requests); n > 0 {
		r.remark("%d requests of scenario %q have higher numbers than its schedule has arrivals: when they were due "+
			"is unknown", n, s.Name)
	}
	return requests
}

// followFirst moves the later requests of an iteration into the stage of its first request.
func followFirst(r *Run, scenario string, first []*Request) {
	later := func(q *Request) bool { return q.Scenario == scenario && q.Seq > 0 }
	if !slices.ContainsFunc(r.Requests, later) {
		return
	}
	stages := make(map[int64]int32, len(first))
	for _, q := range first {
		stages[q.Index] = q.Stage
	}
	for _, q := range r.Requests {
		if stage, known := stages[q.Index]; known && later(q) {
			q.Stage = stage
		}
	}
}

func hasDrops(r *Run, scenario string) bool {
	for _, d := range r.Dropped {
		if d.Scenario == scenario && d.Count > 0 {
			return true
		}
	}
	return false
}

// dueFunc returns a function that returns how many seconds after the start of a scenario arrival k is due. It returns
// nil if the scenario has no schedule.
func dueFunc(s record.Scenario) func(k int64) float64 {
	if len(s.Stages) == 0 {
		return nil
	}
	for _, stage := range s.Stages {
		if stage.Rate == nil || stage.Duration == nil {
			return nil
		}
	}
	switch s.Executor {
	case "constant-arrival-rate":
		if rate := *s.Stages[0].Rate; rate > 0 {
			return func(k int64) float64 { return float64(k) / rate }
		}
	case "ramping-arrival-rate":
		// k6 starts its first iteration when the area under the rates reaches one arrival, not at 0.
		at := timeOfArea(s.Stages)
		return func(k int64) float64 { return at(float64(k + 1)) }
	}
	return nil
}

// timeOfArea returns a function that returns the seconds at which the area under the rates reaches a number of
// arrivals. If the area never reaches it, the result is the end of the stages.
func timeOfArea(stages []record.Stage) func(area float64) float64 {
	ramps, full := make([]record.Ramp, len(stages)), make([]float64, len(stages))
	for i, stage := range stages {
		ramps[i], _ = stage.Ramp()
		full[i] = ramps[i].Area()
	}
	return func(area float64) float64 {
		var at float64
		for i, ramp := range ramps {
			if area <= full[i]+1e-9 {
				if full[i] == 0 {
					return at + ramp.Seconds
				}
				return at + min(ramp.Seconds, ramp.At(area))
			}
			area -= full[i]
			at += ramp.Seconds
		}
		return at
	}
}
