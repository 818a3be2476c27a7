package search

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// load returns a load as people read it, such as 15.6/s or 12 at a time.
func (o *Options) load(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if o.Over == Concurrency {
		return text + " at a time"
	}
	return text + "/s"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return plain.Grouped(strconv.Itoa(n), ",") + " " + noun + "s"
}

func milliseconds(seconds float64) string { return plain.Digits(1000*seconds, "-", ",") + " ms" }

func percent(share float64) string {
	return strconv.FormatFloat(roundedTo(100*share, 3), 'f', -1, 64) + " %"
}

// finished says why a search has its answer.
func (k *known) finished(reason string) string {
	t := k.o.Tiers[0]
	b := k.marks(t).bracket()
	switch reason {
	case MinFails:
		return k.minFails(t, b)
	case MaxReached:
		return fmt.Sprintf("%s, the highest load to try, keeps the SLO%s", k.o.load(b.low.value), k.certainty(t))
	}
	return fmt.Sprintf("the edge lies between %s and %s%s", k.o.load(b.low.value), k.o.load(b.high.value),
		k.certainty(t))
}

func (k *known) minFails(t Tier, b bracket) string {
	text := fmt.Sprintf("%s, the lowest load that was tried, breaks the SLO already", k.o.load(b.high.value))
	if b.high.probe.Unstable {
		return text + ": requests in flight grow without bound"
	}
	o, _ := t.objective(t.binding(b.high.probe))
	share, ok := shareOf(b.high.probe, o)
	if !ok || share.Share == nil {
		return text + ": no request ended"
	}
	return fmt.Sprintf("%s: %s of %s keep %s, %s have to", text, percent(*share.Share),
		count(b.high.probe.Requests, "request"), o, percent(needed(o)))
}

// exhausted says what a search lacks that has used up its probes.
func (k *known) exhausted() string {
	t := k.o.Tiers[0]
	b := k.marks(t).bracket()
	text := count(k.o.MaxProbes, "probe") + " did not suffice"
	switch {
	case b.low != nil && b.high != nil:
		text += fmt.Sprintf(": the edge lies between %s and %s", k.o.load(b.low.value), k.o.load(b.high.value))
	case b.low != nil:
		text += fmt.Sprintf(": no load up to %s fails", k.o.load(b.low.value))
	case b.high != nil:
		text += fmt.Sprintf(": no load down to %s passes", k.o.load(b.high.value))
	}
	return text + k.certainty(t) + "; set a higher maxProbes or resolution"
}

// certainty says what is certain of the answer to a tier, and what would make more so.
func (k *known) certainty(t Tier) string {
	low, high := k.interval(t)
	text := "; certain (" + percent(k.o.Confidence) + "): "
	switch {
	case low != nil && high != nil:
		text += fmt.Sprintf("between %s and %s", k.o.load(*low), k.o.load(*high))
	case low != nil:
		text += "above " + k.o.load(*low)
	case high != nil:
		text += "below " + k.o.load(*high)
	default:
		text += "nothing"
	}
	return text + k.advice(t)
}

// advice says how long a probe would take to be certain that the answer passes, if it is not.
func (k *known) advice(t Tier) string {
	low := k.marks(t).bracket().low
	if low == nil || low.certain {
		return ""
	}
	o := t.leastSure(low.probe)
	rate := k.throughput(low.value)
	if needed(o) == 1 || rate == 0 {
		return fmt.Sprintf("; no number of requests makes certain that all keep %s", o)
	}
	needs := time.Duration(math.Ceil(k.surePass(o, counts(o, low.probe))/rate)) * time.Second
	if needs <= k.longest(low.value, Bisection) { // the share is too near to what is needed
		return ""
	}
	return fmt.Sprintf("; for more, let a probe take %s (option probe, --duration)", roundedUp(needs))
}

// counts returns for what part of an independent request each of a probe counts.
func counts(o slo.Objective, p record.SearchProbe) float64 {
	if sh, _ := shareOf(p, o); sh.Effective > 0 && p.Requests > 0 {
		return min(1, sh.Effective/float64(p.Requests))
	}
	return 1
}

// surePass returns how many requests it takes to be certain that a load passes if all keep an objective, when each
// counts for a part of an independent one.
func (k *known) surePass(o slo.Objective, part float64) float64 {
	objectives := 0
	for _, t := range k.o.Tiers {
		objectives += len(t.SLO)
	}
	const lastLook = 1 - 1/lookGrowth // the part of the error that is left for it
	alpha := lastLook * (1 - k.o.Confidence) / float64(k.o.MaxProbes) / 2 / float64(objectives+1)
	return math.Ceil(math.Log(alpha) / math.Log(needed(o)) / part)
}

// leastSure returns the objective of a tier that keeps a probe from passing for certain: of those that are not certain,
// the one that needs the greatest share.
func (t Tier) leastSure(p record.SearchProbe) (worst slo.Objective) {
	for i, o := range t.SLO {
		sh, _ := shareOf(p, o)
		if i == 0 || !sh.Certain && needed(o) > needed(worst) {
			worst = o
		}
	}
	return worst
}

// roundedUp returns a duration as people type it: 45s, 15m, 2h.
func roundedUp(d time.Duration) string {
	for _, step := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Minute, "m"}} {
		if d <= 90*step.unit {
			n := (d + 5*step.unit - 1) / (5 * step.unit) * 5
			return strconv.FormatInt(int64(n), 10) + step.name
		}
	}
	return strconv.FormatInt(int64(math.Ceil(d.Hours())), 10) + "h"
}

func (k *known) clientLimited(last record.SearchProbe, twice bool) string {
	text := fmt.Sprintf("the load generator did not keep up at %s", k.o.load(last.Value))
	if twice {
		text += ", twice in a row"
	} else {
		n := len(k.probes)
		text = fmt.Sprintf("the load generator did not keep up in %d of %d probes", n-k.used(), n)
	}
	if len(last.Reasons) > 0 {
		text += ": " + last.Reasons[0] // the probe has the others
	}
	return text
}

func (k *known) stoppedAnswering(first, again record.SearchProbe) string {
	text := fmt.Sprintf("the server stopped answering at %s: all %s failed", k.o.load(first.Value),
		count(first.Requests, "request"))
	if first.Value == again.Value {
		return text + ", and again when the load was repeated"
	}
	return text + fmt.Sprintf(", and then at %s too, which it had carried before", k.o.load(again.Value))
}

func (k *known) contradiction(then, now record.SearchProbe, t Tier) string {
	first, second := "passed", "failed"
	if !markOf(then, t).pass {
		first, second = second, first
	}
	return fmt.Sprintf("the server changed during the search: %s %s for certain in stage %d, and %s for certain in "+
		"stage %d", k.o.load(now.Value), first, then.Stage, second, now.Stage)
}
