package replay

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// waiting is how long a call waits.
type waiting struct {
	ready time.Time     // when it is to be sent
	wait  time.Duration // until then, since the calls that it waited for ended or the session began
	held  time.Duration // by how much it is shorter than the trace asks for
}

// wait returns how long a call waits. The calls that it waits for have ended.
func (r *run) wait(i int) waiting {
	c, p := &r.calls[i], &r.places[i]
	from := r.origin
	if len(c.After) > 0 {
		from = later(p.since, r.origin.Add(r.Rules.slower(r.begins.skipped(c))))
	}
	asked := from.Add(r.Rules.slower(c.Wait))
	if c.Clocked {
		asked = later(from, r.origin.Add(r.Rules.slower(c.Wait)))
	}
	ready, since := asked, later(p.since, r.began)
	if limit := r.Rules.MaxWait; limit > 0 && ready.Sub(from) > limit {
		ready = from.Add(limit)
	}
	ready = later(ready, since)
	return waiting{ready: ready, wait: ready.Sub(since), held: max(0, asked.Sub(ready))}
}

// slower returns a time of the trace at the speed of the replay. A speed near 0 would make it more than a Duration can
// hold.
func (r *Rules) slower(d time.Duration) time.Duration {
	return time.Duration(min(float64(d)/r.speed(), float64(timespan.Max)))
}

// speed returns the speed of the replay, which is 1 if none is given.
func (r *Rules) speed() float64 {
	if r.Speed <= 0 {
		return 1
	}
	return r.Speed
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
