package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ScheduleSource tells where the due instants of a scenario come from.
type ScheduleSource struct {
	Scenario string `json:"scenario"`
	Source   string `json:"source"` // exact, fitted or unknown
	Reason   string `json:"reason,omitempty"`
}

// Sources of a schedule.
const (
	ScheduleExact   = "exact"
	ScheduleFitted  = "fitted"
	ScheduleUnknown = "unknown"
)

// findSchedule gives each request its due instant, where it can be known.
func findSchedule(r *Run) {
	r.Schedule = []ScheduleSource{}
	for _, s := range r.Scenarios() {
		requests := firstRequests(r, s.Name)
		source := ScheduleSource{Scenario: s.Name}
		switch {
		case recorded(requests):
			source.Source = ScheduleExact
		default:
			source.Source, source.Reason = fitSchedule(r, s, requests)
		}
		r.Schedule = append(r.Schedule, source)
	}
}

// firstRequests lists the first requests of a scenario's iterations: what follows in an iteration is due when the
// script says.
func firstRequests(r *Run, scenario string) (list []*Request) {
	for _, q := range r.Requests {
		if q.Scenario == scenario && q.Seq == 0 {
			list = append(list, q)
		}
	}
	return list
}

func recorded(requests []*Request) bool {
	return slices.ContainsFunc(requests, func(q *Request) bool { return q.DueKnown })
}

// fitSchedule finds the due instants under k6's own arrival-rate executors: arrival k is due at T0 + F(k), with T0 the
// smallest start(k) − F(k) of an instance. That holds only while iterations are numbered as arrivals are, so without a
// drop.
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

// numberedRequests are the requests whose numbers the schedule has. A number beyond it, as of a damaged line, would
// move all others.
func numberedRequests(r *Run, s record.Scenario, requests []*Request) []*Request {
	planned := 1.0 // k6 may start one more at the very end
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

// followFirst puts the later requests of an iteration into the stage of its first.
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

// dueFunc gives the seconds after its start at which a scenario's arrival k is due, nil if it has no schedule.
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
		// k6 starts its first iteration when one arrival is due, not none.
		at := timeOfArea(s.Stages)
		return func(k int64) float64 { return at(float64(k + 1)) }
	}
	return nil
}

// timeOfArea returns a function that tells when the area under the rates reaches a number of arrivals; past the end it
// is the end.
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
