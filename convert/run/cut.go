package run

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Cut selects what a report leaves out of a run, and counts what was left out.
type Cut struct {
	Warmup   float64 // seconds at the beginning of the run whose requests are left out
	Cooldown float64 // seconds at the end of the run whose requests are left out
	// StageWarmup is the number of seconds at the beginning of each stage whose requests are left out.
	StageWarmup float64
	Stages      []int    // the stages to keep; nil keeps all
	Adapters    []string // the adapters to keep; nil keeps all
	// Late leaves requests that the load generator read late out of the latencies. They stay in counts and rates.
	Late bool
	// Steady is what package convert found to be steady, as JSON, if only the steady parts of the stages were kept. A
	// reader of what was kept could not find it again.
	Steady json.RawMessage `json:",omitempty"`

	Requests     int // the number left out
	LateRequests int // the number left out of the latencies
}

// sameWish reports whether two cuts leave the same out of a run.
func sameWish(a, b Cut) bool {
	return a.Warmup == b.Warmup && a.Cooldown == b.Cooldown && a.StageWarmup == b.StageWarmup && a.Late == b.Late &&
		slices.Equal(a.Stages, b.Stages) && slices.Equal(a.Adapters, b.Adapters)
}

// LeaveOut applies a cut to the run, and adds a remark that says how many requests were left out. If the run was read
// from the requests of a report that left the same out, or if the cut is empty, what that report says of it holds.
func (r *Run) LeaveOut(c Cut) {
	if before := r.Cut; before.Requests > 0 && (sameWish(c, before) || sameWish(c, Cut{})) {
		if before.Late {
			leaveLate(r, &before)
		}
		r.Cut = before
		return
	}
	c.Steady = r.Cut.Steady
	inTime := c.Warmup != 0 || c.Cooldown != 0 || c.StageWarmup != 0
	if len(r.Requests)+len(r.Abandoned) > 0 && (inTime || c.Stages != nil || c.Adapters != nil) {
		leaveRequests(r, &c)
	}
	if c.Late {
		leaveLate(r, &c)
	}
	r.Cut = c
}

func leaveRequests(r *Run, c *Cut) {
	if r.Untimed && (c.Warmup > 0 || c.Cooldown > 0 || c.StageWarmup > 0) {
		r.remark("nothing was left out of the run's beginning and end: its requests have no start times")
		c.Warmup, c.Cooldown, c.StageWarmup = 0, 0, 0
	}
	sent := Sent(r)
	zero := sent[0].Start
	from := zero + int64(c.Warmup*r.Clock.Instant)
	to := sent[len(sent)-1].Start - int64(c.Cooldown*r.Clock.Instant)
	warm := warmFrom(r, c.StageWarmup)
	other := func(q *Request) bool { return c.Adapters != nil && !slices.Contains(c.Adapters, q.Adapter) }
	outside := func(start int64, stage int32) bool {
		return start < from || start > to || warm != nil && start < warm[stage] ||
			c.Stages != nil && !slices.Contains(c.Stages, int(stage))
	}
	out := func(q *Request) bool { return outside(q.Start, q.Stage) || other(q) }
	leave(r, out)
	r.Abandoned = slices.DeleteFunc(r.Abandoned, out)
	r.Sessions = slices.DeleteFunc(r.Sessions, func(s *Session) bool {
		return outside(max(s.Start, zero), narrow(s.Stage)) || len(s.Requests) > 0 && !slices.ContainsFunc(s.Requests,
			func(q *Request) bool { return !other(q) })
	})
	c.Requests = len(sent) - len(r.Requests) - len(r.Abandoned)
	r.remark("left out %d of %d requests: %s", c.Requests, len(sent), c)
}

// leave leaves out some requests. Replayed ones still fill the server's cache.
func leave(r *Run, out func(*Request) bool) {
	r.Requests = slices.DeleteFunc(r.Requests, func(q *Request) bool {
		left := out(q)
		if left && q.Replayed {
			r.Primers = append(r.Primers, q)
		}
		return left
	})
}

// warmFrom returns the instant at which the warm-up of each stage ends, so many seconds after its first request. The
// map is nil without a warm-up.
func warmFrom(r *Run, seconds float64) map[int32]int64 {
	if seconds == 0 {
		return nil
	}
	from := map[int32]int64{}
	for _, q := range Sent(r) { // in order of start
		if _, known := from[q.Stage]; !known {
			from[q.Stage] = q.Start + int64(seconds*r.Clock.Instant)
		}
	}
	return from
}

// leaveLate marks the requests whose figures may be off because the load generator was not scheduled in time.
func leaveLate(r *Run, c *Cut) {
	c.LateRequests = 0
	if len(r.Beats) == 0 {
		r.remark("no late request was left out: the input does not tell when the load generator was late")
		return
	}
	var rec record.Request
	var late Lateness
	for _, q := range r.Requests {
		if !r.Touched(q) {
			continue
		}
		q.Unpack(&rec)
		r.FillLateness(q, rec.Chunks, &late)
		if q.LeftOut = r.Seconds(late.max()) > LateBound; q.LeftOut {
			c.LateRequests++
		}
	}
	if c.LateRequests > 0 {
		r.remark("left %d of %d requests out of latencies: the load generator may have read them over 8 ms late",
			c.LateRequests, len(r.Requests))
	}
}

// String describes which requests are left out.
func (c Cut) String() string {
	var parts []string
	if c.Warmup > 0 {
		parts = append(parts, fmt.Sprintf("those of the first %v s", c.Warmup))
	}
	if c.Cooldown > 0 {
		parts = append(parts, fmt.Sprintf("those of the last %v s", c.Cooldown))
	}
	if c.StageWarmup > 0 {
		parts = append(parts, fmt.Sprintf("those of the first %v s of each stage", c.StageWarmup))
	}
	if c.Stages != nil {
		parts = append(parts, "all stages but "+strings.Trim(fmt.Sprint(c.Stages), "[]"))
	}
	if c.Adapters != nil {
		parts = append(parts, "all adapters but "+strings.Join(c.Adapters, ", "))
	}
	return strings.Join(parts, ", ")
}
