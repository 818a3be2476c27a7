package search

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Line returns what is known so far. The caller adds the scenario and the arrival process.
func (s *Search) Line() *record.Search {
	line := &record.Search{
		Over:       s.o.Over,
		Resolution: s.o.Resolution,
		Confidence: s.o.Confidence,
		Probes:     slices.Clone(s.known.probes),
		StopReason: s.stopReason,
		Reason:     s.reason,
	}
	for _, t := range s.o.Tiers {
		tier := record.SearchTier{Name: t.Name, SearchAnswer: s.known.answer(t), StopReason: s.stopReason}
		if slices.Contains([]string{Converged, MaxReached, MinFails}, s.stopReason) {
			tier.StopReason = s.known.tierReason(t)
		}
		line.Tiers = append(line.Tiers, tier)
	}
	line.SearchAnswer = line.Tiers[0].SearchAnswer
	return line
}

// answer returns the answer to the SLO of a tier.
func (k *known) answer(t Tier) record.SearchAnswer {
	ms := k.marks(t)
	b := ms.bracket()
	a := record.SearchAnswer{SLO: t.Text(), Text: k.text(t, b), NonMonotone: ms.nonMonotone()}
	a.Interval[0], a.Interval[1] = k.interval(t)
	if b.low != nil {
		a.HighestPassing = new(b.low.value)
	}
	if b.high != nil {
		a.LowestFailing = new(b.high.value)
		a.Binding = t.binding(b.high.probe)
	}
	a.Cliff = t.cliff(b, k.judged())
	return a
}

// binding returns the objective that a probe breaks most, or else keeps least, and "" without any.
func (t Tier) binding(p record.SearchProbe) string {
	worst, most := "", math.Inf(-1)
	for _, o := range t.SLO {
		if share, ok := shareOf(p, o); ok && share.Share != nil {
			e := excess(o, *share.Share)
			if e > most || e == most && o.Kind == slo.Failures { // which break the other objectives, too
				worst, most = o.String(), e
			}
		}
	}
	return worst
}

// excess returns how many times as many requests break an objective as may.
func excess(o slo.Objective, share float64) float64 {
	const none = 1e-6 // an objective that no request may break is broken most by any that does
	return (1 - share) / max(1-needed(o), none)
}

func shareOf(p record.SearchProbe, o slo.Objective) (record.SearchShare, bool) {
	at := slices.IndexFunc(p.Shares, func(sh record.SearchShare) bool { return sh.Objective == o.String() })
	if at < 0 {
		return record.SearchShare{}, false
	}
	return p.Shares[at], true
}

// objective returns the objective of a tier with the given text.
func (t Tier) objective(text string) (o slo.Objective, ok bool) {
	at := slices.IndexFunc(t.SLO, func(o slo.Objective) bool { return o.String() == text })
	if at < 0 {
		return o, false
	}
	return t.SLO[at], true
}

const (
	cliffWidth    = 1.25 // two loads within this ratio are near to each other
	cliffJump     = 3    // ratio of the two latencies
	cliffFailures = 0.05 // share of requests that fail behind the edge, though next to none fail before it
)

// cliff reports whether the latency that decides jumps within the bracket, or the share of failures. All probes of the
// two loads have to show it, for the latency of few requests jumps by chance.
func (t Tier) cliff(b bracket, probes []record.SearchProbe) bool {
	if b.low == nil || b.high == nil || b.high.value > cliffWidth*b.low.value {
		return false
	}
	if failed := b.high.failed(); failed >= cliffFailures && failed >= 10*b.low.failed() {
		return true
	}
	o, _ := t.objective(t.binding(b.high.probe))
	_, before, some := latencies(probes, o, b.low.value)
	behind, _, others := latencies(probes, o, b.high.value)
	return some && others && behind >= cliffJump*before
}

// latencies returns the least and the greatest latency that decides an objective, of all probes at a load, and false if
// there is none.
func latencies(probes []record.SearchProbe, o slo.Objective, load float64) (least, most float64, some bool) {
	for _, p := range probes {
		share, _ := shareOf(p, o)
		if p.Value != load || share.Latency == nil {
			continue
		}
		if !some {
			least, most, some = *share.Latency, *share.Latency, true
		}
		least, most = min(least, *share.Latency), max(most, *share.Latency)
	}
	return least, most, some
}

// failed returns the share of the requests that failed.
func (m mark) failed() float64 { return float64(m.probe.Failed) / max(1, float64(m.probe.Requests)) }

// text says what is known of a tier in a sentence: holds at 15.6/s (p99 TTFT 279 ms, 940 requests), breaks at 17.2/s
// (612 ms).
func (k *known) text(t Tier, b bracket) string {
	switch {
	case b.low == nil && b.high == nil && len(k.probes) > 0:
		return "no load was judged"
	case b.low == nil && b.high == nil:
		return "no load was tried"
	case b.low == nil:
		return fmt.Sprintf("breaks already at %s (%s)", k.o.load(b.high.value), t.broken(b.high.probe))
	case b.high == nil:
		return fmt.Sprintf("holds at all tried loads, up to %s (%s)", k.o.load(b.low.value), t.kept(*b.low, ""))
	}
	binding := t.binding(b.high.probe)
	return fmt.Sprintf("holds at %s (%s), breaks at %s (%s)", k.o.load(b.low.value), t.kept(*b.low, binding),
		k.o.load(b.high.value), t.brokenBeside(*b.low, *b.high))
}

// brokenBeside gives the figure of a load that fails, without what the figure of the one that passes has said.
func (t Tier) brokenBeside(low, high mark) string {
	o, ok := t.objective(t.binding(high.probe))
	_, before := figure(o, low.probe)
	_, value := figure(o, high.probe)
	if !ok || before == "" || value == "" || high.probe.Unstable {
		return t.broken(high.probe)
	}
	return strings.Replace(value, " keep "+o.String(), " keep it", 1)
}

// kept gives the figures of a load that passes: of the objective that breaks above it, or of the one kept least.
func (t Tier) kept(m mark, binding string) string {
	o, ok := t.objective(binding)
	if !ok {
		o, _ = t.objective(t.binding(m.probe))
	}
	return joined(figure(o, m.probe)) + count(m.probe.Requests, "request")
}

// broken gives the figures of a load that fails.
func (t Tier) broken(p record.SearchProbe) string {
	if p.Unstable {
		return "requests in flight grow without bound"
	}
	o, _ := t.objective(t.binding(p))
	return joined(figure(o, p)) + count(p.Requests, "request")
}

func joined(name, value string) string {
	switch {
	case value == "":
		return ""
	case name == "":
		return value + ", "
	}
	return name + " " + value + ", "
}

// figure returns what a probe observed of an objective, such as p99 TTFT and 279 ms. Without a latency that decides the
// name is "", and the value a share of the requests. Both are "" if nothing was observed.
func figure(o slo.Objective, p record.SearchProbe) (name, value string) {
	share, ok := shareOf(p, o)
	switch {
	case !ok || share.Share == nil:
		return "", ""
	case share.Latency != nil && len(o.Bounds) == 1:
		name = fmt.Sprintf("p%v %s", percentile(o), slo.Name(o.Bounds[0].Latency))
		if slo.IsFactor(o.Bounds[0].Latency) {
			return name, strconv.FormatFloat(*share.Latency, 'g', 3, 64)
		}
		return name, milliseconds(*share.Latency)
	case o.Kind == slo.Failures && *share.Share == 1:
		return "", "none failed"
	case o.Kind == slo.Failures:
		return "", percent(1-*share.Share) + " failed"
	case len(o.Bounds) == 1 && p.Failed > 0:
		return "", percent(float64(p.Failed)/float64(p.Requests)) + " failed"
	}
	return "", percent(*share.Share) + " keep " + o.String()
}

// percentile returns the share of an objective as a percentage, without the rounding of binary fractions.
func percentile(o slo.Objective) float64 { return math.Round(o.Share*1e8) / 1e6 }
