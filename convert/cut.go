package convert

import (
	"fmt"
	"slices"
	"strings"
)

// Cut says what a report leaves out of a run.
type Cut struct {
	Warmup   float64  // seconds: requests sent in the first part of the run
	Cooldown float64  // seconds: requests sent in the last part
	Stages   []int    // only these; nil for all
	Adapters []string // only these; nil for all

	Requests int // how many were left out
}

// Leave leaves requests out, and remarks how many.
func (r *Run) Leave(c Cut) {
	if len(r.Requests) == 0 || c.Warmup == 0 && c.Cooldown == 0 && c.Stages == nil && c.Adapters == nil {
		return
	}
	if r.untimed && (c.Warmup > 0 || c.Cooldown > 0) {
		r.remark("nothing was left out of the run's beginning and end: its requests have no start times")
		c.Warmup, c.Cooldown = 0, 0
	}
	from := r.Requests[0].Start + int64(c.Warmup*r.clock.instant)
	to := r.Requests[len(r.Requests)-1].Start - int64(c.Cooldown*r.clock.instant)
	before := len(r.Requests)
	r.Requests = slices.DeleteFunc(r.Requests, func(q *Request) bool {
		return q.Start < from || q.Start > to || c.Stages != nil && !slices.Contains(c.Stages, int(q.StageAt)) ||
			c.Adapters != nil && !slices.Contains(c.Adapters, q.Adapter)
	})
	c.Requests = before - len(r.Requests)
	r.Cut = c
	r.remark("left out %d of %d requests: %s", c.Requests, before, c)
}

// String tells what is left out.
func (c Cut) String() string {
	var parts []string
	if c.Warmup > 0 {
		parts = append(parts, fmt.Sprintf("those of the first %v s", c.Warmup))
	}
	if c.Cooldown > 0 {
		parts = append(parts, fmt.Sprintf("those of the last %v s", c.Cooldown))
	}
	if c.Stages != nil {
		parts = append(parts, "all stages but "+strings.Trim(fmt.Sprint(c.Stages), "[]"))
	}
	if c.Adapters != nil {
		parts = append(parts, "all adapters but "+strings.Join(c.Adapters, ", "))
	}
	return strings.Join(parts, ", ")
}
