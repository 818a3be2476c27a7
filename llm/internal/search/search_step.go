package search

import (
	"math"
	"strconv"
	"time"
)

const (
	mostHalvings  = 6 // while nothing passes
	mostDoublings = 2 // from a load that fails, if no lower one may be tried
	// hopelessAfter is the number of loads at which no request keeps the objective. The load is then not the cause.
	hopelessAfter = 2
	// halved is the ratio of two loads below which a bracket of doubling has been halved from above. Its lower end was
	// only estimated then, and may be what is wrong.
	halved = 1.25
)

// start returns the first load to try.
func (o *Options) start() float64 {
	switch {
	case o.Min > 0:
		return o.Min
	case o.Max > 0:
		return min(1, o.Max)
	}
	return 1
}

// highest returns the highest load that may be tried.
func (o *Options) highest() float64 {
	if o.Max > 0 {
		return o.Max
	}
	return mostLoad
}

// step returns the next load to try for a tier, and false if it has its answer.
func (o *Options) step(ms marks) (value float64, phase string, ok bool) {
	if len(ms) == 0 {
		return o.start(), Doubling, true
	}
	b := ms.bracket()
	switch {
	case b.low == nil:
		value, ok = o.escape(ms)
		return value, Doubling, ok
	case b.high == nil:
		return min(rounded(2*b.low.value), o.highest()), Doubling, b.low.value < o.highest()
	case b.low.rough() && b.high.probe.Phase != Doubling && b.high.value < halved*b.low.value:
		return b.low.value, Bisection, true
	case !o.near(b.low.value, b.high.value):
		return o.between(b.low.value, b.high.value), Bisection, true
	}
	return b.high.value, Bisection, b.high.rough()
}

// escape returns a load to try while none passes: half the lowest one, and if no lower one may be tried, a higher one.
func (o *Options) escape(ms marks) (float64, bool) {
	start := o.start()
	halvings, hopeless := 0, 0
	for _, m := range ms {
		if m.value < start {
			halvings++
		}
		if m.hopeless() && m.value <= start {
			hopeless++
		}
	}
	if o.Min == 0 && o.Over == Rate && halvings < mostHalvings && hopeless < hopelessAfter {
		return rounded(ms[0].value / 2), true
	}
	at, highest := start, o.highest()
	for range mostDoublings {
		m := ms.at(at)
		if m == nil || !m.calm() || at >= highest {
			return 0, false
		}
		if at = min(rounded(2*at), highest); ms.at(at) == nil {
			return at, true
		}
	}
	return 0, false
}

// at returns what is known of a load, and nil if it was not tried.
func (ms marks) at(value float64) *mark {
	for i := range ms {
		if ms[i].value == value {
			return &ms[i]
		}
	}
	return nil
}

// near reports whether the search is done between two loads.
func (o *Options) near(low, high float64) bool {
	const rounding = 1e-9
	return high/low <= 1+o.Resolution+rounding || o.Over == Concurrency && high-low <= 1
}

// between returns a load between two others: the geometric mean, with no more digits than people like to type.
func (o *Options) between(low, high float64) float64 {
	mean := math.Sqrt(low * high)
	if o.Over == Concurrency {
		return min(max(math.Round(mean), low+1), high-1)
	}
	for digits := 3; digits < 15; digits++ {
		if v := roundedTo(mean, digits); v > low && v < high {
			return v
		}
	}
	return mean
}

// rounded returns a load with three significant digits.
func rounded(v float64) float64 {
	if v >= 100 {
		return math.Round(v) // keeps whole numbers whole
	}
	return roundedTo(v, 3)
}

func roundedTo(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64) // digits that it has written itself
	return r
}

const (
	// mostStretch is how many times the default time a slow load may get.
	mostStretch = 4
	// roughRequests are those that the estimate of a probe in doubling should have.
	roughRequests = 10
	// fewest are those below which a probe tells nothing.
	fewest = 5
)

// longest returns how long a load may be measured. If the user gave no times, a load gets more than the default when it
// would have too few requests to tell anything: as many requests as let two break the strictest objective, but no more
// than four times the default, so that the search ends in bounded time. A time that was given is kept unless fewer than
// fewest requests come in it, and a minute has more.
func (k *known) longest(value float64, phase string) time.Duration {
	d, least := k.o.Probe, 2/(1-k.estimable())
	switch phase {
	case Doubling:
		least = roughRequests
	case Hold:
		d, least = k.o.Hold, 2*least
	}
	rate := k.throughput(value)
	switch {
	case rate == 0:
		return d
	case !k.o.stretch:
		return max(d, min(time.Duration(fewest/rate*float64(time.Second)), time.Minute))
	}
	seconds := min(math.Ceil(least/rate), mostStretch*d.Seconds())
	return max(d, time.Duration(seconds)*time.Second)
}

// estimable returns the strictest share that is needed, but no stricter one than a probe can estimate.
func (k *known) estimable() float64 {
	const most = 0.999
	share, _ := k.o.strictest()
	return min(share, most)
}

// throughput returns the requests per second at a load, and 0 if it is unknown. In a closed loop it is that of the
// nearest load which was tried.
func (k *known) throughput(value float64) (rate float64) {
	if k.o.Over == Rate {
		return value
	}
	least := math.Inf(1)
	for _, p := range k.judged() {
		apart := math.Abs(math.Log(p.Value / value))
		if measured := p.Seconds - p.Transient; measured > 0 && apart <= least {
			rate, least = float64(p.Requests)/measured, apart
		}
	}
	return rate
}
