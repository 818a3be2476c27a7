package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// pulse collects the heartbeats of a group's time.
type pulse struct {
	out     Heartbeats
	p99     int64   // the highest of a second
	delays  []int64 // of beats that were late
	seconds map[int]LateSecond
}

// heartbeats sums up those of the time from the group's first start to its last end; nil if none was recorded.
func (g *group) heartbeats() *Heartbeats {
	if len(g.run.Beats) == 0 || len(g.all) == 0 {
		return nil
	}
	from, to := g.all[0].Start, g.all[0].End
	for _, q := range g.all {
		from, to = min(from, q.Start), max(to, q.End)
	}
	p := &pulse{out: Heartbeats{Seconds: []LateSecond{}}, seconds: map[int]LateSecond{}}
	for _, b := range g.run.Beats {
		if b.End > from && b.Start < to {
			p.add(b, g.run)
		}
	}
	for _, spans := range g.run.lateSpans() {
		for _, s := range spans {
			for late := s.to - s.from; late > 0 && s.to > from && s.from < to; late -= beatPeriod {
				p.delays = append(p.delays, late)
			}
		}
	}
	p.out.P99 = Float(g.run.seconds(p.ninetyNinth()))
	for _, second := range sortedKeys(p.seconds) {
		p.out.Seconds = append(p.out.Seconds, p.seconds[second])
	}
	return &p.out
}

// mostUnwatched is how long an instance may go without heartbeats while it waits for answers.
const mostUnwatched = 100_000_000 // ns

// watched says whether each instance of the group has heartbeats from its first start to its last end.
func (g *group) watched() bool {
	type extent struct{ from, to int64 }
	open := map[string]*extent{} // what is still to be found
	for _, q := range g.all {
		e := open[q.Instance]
		if e == nil {
			e = &extent{q.Start, q.End}
			open[q.Instance] = e
		}
		e.from, e.to = min(e.from, q.Start), max(e.to, q.End)
	}
	for _, b := range g.run.Beats { // in order of start
		if e := open[g.run.from[b]]; e != nil && b.Beats > 0 && b.Start-e.from <= mostUnwatched {
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

func (p *pulse) add(b *record.Heartbeat, r *Run) {
	p.out.Beats += b.Beats
	p.out.Max = max(p.out.Max, Float(r.seconds(b.Max)))
	p.p99 = max(p.p99, b.P99)
	p.out.RunWait = addSeconds(p.out.RunWait, b.Waited)
	p.out.Throttled = addSeconds(p.out.Throttled, b.Throttled)
	p.out.Stalled = addSeconds(p.out.Stalled, b.Stalled)
	if late := Float(r.seconds(b.Max)); float64(late) > lateBounds[0] {
		second := max(0, int(r.seconds(b.Start-r.Requests[0].Start)))
		known := p.seconds[second]
		p.seconds[second] = LateSecond{second, max(known.P99, Float(r.seconds(b.P99))), max(known.Max, late)}
	}
}

func addSeconds(sum *Float, ns *int64) *Float {
	switch {
	case ns == nil:
		return sum
	case sum == nil:
		sum = new(Float(0))
	}
	*sum += Float(*ns) / 1e9
	return sum
}

// ninetyNinth is exact where it is a lateness that is listed, else the highest of any second.
func (p *pulse) ninetyNinth() int64 {
	above := int(p.out.Beats / 100)
	if above >= len(p.delays) {
		return min(p.p99, shortest)
	}
	slices.Sort(p.delays)
	return p.delays[len(p.delays)-1-above]
}

// String names the seconds and what is known of the cause.
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

// secondsText lists seconds as ranges, the first few of them: "seconds 3, 5-9".
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
