package sim

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// pace is how fast a server works over time. A nil pace is that of a server to which nothing happens. It is constant,
// so that any number of requests can ask it at once.
type pace struct {
	zero   time.Time // when the first request came
	phases []phase   // in order; the first begins at the beginning of time
	colds  []Event
}

// phase is a time in which all that the server does takes a factor longer; 0 while it does nothing.
type phase struct {
	from   time.Duration // since zero
	factor float64
}

// newPace returns the pace of valid events that are in order.
func newPace(zero time.Time, events []Event) *pace {
	p := &pace{zero: zero}
	changes := []time.Duration{math.MinInt64}
	for _, e := range events {
		switch e.Kind {
		case EventStop, EventSlow:
			changes = append(changes, e.At, e.end())
		case EventCold:
			p.colds = append(p.colds, e)
		}
	}
	slices.Sort(changes)
	for _, from := range slices.Compact(changes) {
		p.phases = append(p.phases, phase{from, factorAt(events, from)})
	}
	return p
}

// factorAt returns the factor of an instant: that of the last event without an end, times that of one with an end.
func factorAt(events []Event, at time.Duration) float64 {
	lasting, passing := 1.0, 1.0
	for _, e := range events {
		switch {
		case e.At > at:
		case e.Kind == EventSlow && e.For == 0:
			lasting = e.Factor
		case at >= e.end():
		case e.Kind == EventSlow:
			passing = e.Factor
		case e.Kind == EventStop:
			return 0
		}
	}
	return lasting * passing
}

// at returns the number of the phase of an instant.
func (p *pace) at(since time.Duration) int {
	i, found := slices.BinarySearchFunc(p.phases, since, func(f phase, at time.Duration) int {
		return cmp.Compare(f.from, at)
	})
	if found {
		return i
	}
	return i - 1
}

// until returns when a phase is over, and the end of time of the last.
func (p *pace) until(i int) time.Duration {
	if i+1 < len(p.phases) {
		return p.phases[i+1].from
	}
	return math.MaxInt64
}

// after returns the instant at which the server is done, if it begins at an instant with what takes it a time when
// nothing happens to it. What would be done at the instant at which it stops is done when it goes on.
func (p *pace) after(from time.Time, work time.Duration) time.Time {
	if p == nil {
		return from.Add(work)
	}
	since := from.Sub(p.zero)
	for i := p.at(since); ; i++ {
		factor, left := p.phases[i].factor, p.until(i)-max(since, -timespan.Max)
		if factor > 0 {
			took := scaled(work, factor)
			if took < left || i+1 == len(p.phases) {
				return p.zero.Add(since + took)
			}
			work -= scaled(left, 1/factor)
		}
		work, since = max(work, 0), p.until(i)
	}
}

// scaled returns a time that is a factor longer.
func scaled(d time.Duration, factor float64) time.Duration {
	if factor == 1 {
		return d
	}
	return time.Duration(min(math.Round(float64(d)*factor), float64(timespan.Max)))
}

// stopped returns when the server goes on, if it does nothing at an instant.
func (p *pace) stopped(now time.Time) (until time.Time, yes bool) {
	if p == nil {
		return now, false
	}
	i := p.at(now.Sub(p.zero))
	if p.phases[i].factor > 0 {
		return now, false
	}
	return p.zero.Add(p.until(i)), true
}

// cold returns the factor of the time to the first token of a request that is admitted at an instant. It falls
// exponentially, from that of the event to 1 at its end.
func (p *pace) cold(now time.Time) float64 {
	if p == nil {
		return 1
	}
	since := now.Sub(p.zero)
	for _, e := range p.colds {
		if since >= e.At && since < e.end() {
			return math.Pow(e.Factor, 1-float64(since-e.At)/float64(e.For))
		}
	}
	return 1
}
