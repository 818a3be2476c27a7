package convert

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Heartbeats reports how late the load generator got to run when a timer was due, over the time of some requests. Times
// are seconds.
type Heartbeats struct {
	Beats int64 `json:"beats"`
	P99   Float `json:"late_p99"`
	Max   Float `json:"late_max"`
	// Seconds lists the seconds, counted from the first start, in which a beat was more than 8 ms late.
	Seconds []LateSecond `json:"late_seconds"`
	// RunWait adds up the time in which threads waited for a processor; null if the system does not report it.
	RunWait   *Float `json:"run_wait"`
	Throttled *Float `json:"throttled"` // time in which the quota of the control group was used up
	// Stalled is the time in which any process of the control group, or of the system, waited for a processor.
	Stalled *Float `json:"stalled"`
}

// LateSecond is a second in which the load generator was late.
type LateSecond struct {
	Second int   `json:"second"`
	P99    Float `json:"late_p99"`
	Max    Float `json:"late_max"`
}

// pulse sums heartbeats up.
type pulse struct {
	beats    int64
	p99, max int64 // the highest of any line
	pressure record.Pressure
	seconds  map[int]LateSecond
	late     [][]run.LateSpan // by instance
}

// summarizeHeartbeats sums up the heartbeats from the group's first start to its last end. It returns nil if the run
// has no heartbeats.
func summarizeHeartbeats(g *subset) *Heartbeats {
	if len(g.run.Beats) == 0 || len(g.all) == 0 {
		return nil
	}
	from, to := g.all[0].Start, g.all[0].End
	for _, q := range g.all {
		from, to = min(from, q.Start), max(to, q.End)
	}
	p := pulse{seconds: map[int]LateSecond{}}
	for _, b := range g.run.Beats {
		if b.End > from && b.Start < to {
			p.add(b, g.run)
		}
	}
	for instance := range g.run.Late {
		p.late = append(p.late, g.run.LateBetween(instance, from, to))
	}
	h := &Heartbeats{
		Beats: p.beats, P99: Float(g.run.Seconds(p.ninetyNinth())), Max: Float(g.run.Seconds(p.max)),
		Seconds: []LateSecond{},
		RunWait: inSeconds(p.pressure.Waited), Throttled: inSeconds(p.pressure.Throttled),
		Stalled: inSeconds(p.pressure.Stalled),
	}
	for _, second := range sortedKeys(p.seconds) {
		h.Seconds = append(h.Seconds, p.seconds[second])
	}
	return h
}

// mostUnwatched is how long an instance may go without heartbeats while it waits for answers.
const mostUnwatched = 100_000_000 // ns

// hasHeartbeatsThroughout reports whether each instance of the group has heartbeats from its first start to its last
// end.
func hasHeartbeatsThroughout(g *subset) bool {
	type extent struct{ from, to int64 }
	open := map[string]*extent{} // the time of each instance that no beat covers yet
	for _, q := range g.all {
		e := open[q.Instance]
		if e == nil {
			e = &extent{q.Start, q.End}
			open[q.Instance] = e
		}
		e.from, e.to = min(e.from, q.Start), max(e.to, q.End)
	}
	for _, b := range g.run.Beats { // in order of start
		if e := open[g.run.InstanceOf(b)]; e != nil && b.Beats > 0 && b.Start-e.from <= mostUnwatched {
			e.from = max(e.from, b.End)
		}
	}
	for _, e := range open {
		if e.to-e.from > mostUnwatched {
			return false
		}
	}
	return true
}

func (p *pulse) add(b *record.Heartbeat, r *run.Run) {
	p.beats += b.Beats
	p.p99, p.max = max(p.p99, b.P99), max(p.max, b.Max)
	p.pressure.Waited = plus(p.pressure.Waited, b.Waited)
	p.pressure.Throttled = plus(p.pressure.Throttled, b.Throttled)
	p.pressure.Stalled = plus(p.pressure.Stalled, b.Stalled)
	if late := Float(r.Seconds(b.Max)); float64(late) > lateBounds[0] {
		second := max(0, int(r.Seconds(b.Start-run.FirstStart(r))))
		known := p.seconds[second]
		p.seconds[second] = LateSecond{second, max(known.P99, Float(r.Seconds(b.P99))), max(known.Max, late)}
	}
}

// plus adds two numbers of which either may be unknown (nil).
func plus(sum, n *int64) *int64 {
	switch {
	case n == nil:
		return sum
	case sum == nil:
		return new(*n)
	}
	return new(*sum + *n)
}

func inSeconds(ns *int64) *Float {
	if ns == nil {
		return nil
	}
	return new(Float(*ns) / 1e9)
}

// ninetyNinth returns the lateness that one beat in a hundred exceeds. It is exact if the late spans contain it, else
// it is the highest p99 of any line.
func (p *pulse) ninetyNinth() int64 {
	above := p.beats / 100
	if p.countLater(run.ShortestLateness) <= above {
		return min(p.p99, run.ShortestLateness)
	}
	const tick = 1000 // ns; the resolution of late spans
	low, high := int64(run.ShortestLateness/tick), max(run.ShortestLateness, p.max)/tick+1
	for high-low > 1 {
		if middle := low + (high-low)/2; p.countLater(tick*middle) > above {
			low = middle
		} else {
			high = middle
		}
	}
	return tick * high
}

// countLater counts the beats that were later than late. A late span holds one beat per period, beginning with its
// start.
func (p *pulse) countLater(late int64) (n int64) {
	for _, spans := range p.late {
		for _, s := range spans {
			if over := s.To - s.From - late; over > 0 {
				n += (over + run.BeatPeriod - 1) / run.BeatPeriod
			}
		}
	}
	return n
}

// String names the late seconds and the known causes.
func (h *Heartbeats) String() string {
	text := fmt.Sprintf("it got to run up to %.0f ms late", 1000*h.Max)
	if len(h.Seconds) > 0 {
		text += fmt.Sprintf(", in %s of the run", secondsText(h.Seconds))
	}
	var causes []string
	for _, cause := range [...]struct {
		seconds *Float
		text    string
	}{
		{h.RunWait, "its threads waited %.1f s for a processor"},
		{h.Throttled, "its processor quota was used up for %.1f s"},
	} {
		if cause.seconds != nil && *cause.seconds >= 0.05 {
			causes = append(causes, fmt.Sprintf(cause.text, float64(*cause.seconds)))
		}
	}
	if len(causes) == 0 {
		return text
	}
	return text + ": " + strings.Join(causes, ", ")
}

// secondsText lists seconds as ranges, at most eight of them: "seconds 3, 5-9".
func secondsText(seconds []LateSecond) string {
	const most = 8
	var ranges []string
	for i := 0; i < len(seconds); {
		first := seconds[i].Second
		last := first
		for i++; i < len(seconds) && seconds[i].Second == last+1; i++ {
			last++
		}
		text := fmt.Sprint(first)
		if last > first {
			text = fmt.Sprintf("%d-%d", first, last)
		}
		ranges = append(ranges, text)
	}
	if len(ranges) > most {
		ranges = append(ranges[:most], "…")
	}
	if len(seconds) == 1 {
		return "second " + ranges[0]
	}
	return "seconds " + strings.Join(ranges, ", ")
}
