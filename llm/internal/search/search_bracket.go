package search

import (
	"cmp"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mark is what is known of one load for one tier.
type mark struct {
	value         float64
	pass, certain bool
	probe         record.SearchProbe // that says so
}

// markOf returns what a probe tells of its load for a tier. An SLO is broken for certain by one objective that is, and
// by requests in flight that grow without bound; it is kept for certain if all its objectives are.
func markOf(p record.SearchProbe, t Tier) mark {
	m := mark{value: p.Value, pass: p.Outcome == Pass, certain: p.Certain, probe: p}
	if outcome, ok := p.Tiers[t.Name]; ok && p.Outcome != Refused {
		m.pass = outcome == Pass
	}
	shares := sharesOf(p, t)
	if len(shares) == 0 {
		return m
	}
	unsure := func(sh record.SearchShare) bool { return !sh.Certain }
	breaks := func(sh record.SearchShare) bool { return sh.Certain && sh.Outcome == Fail }
	if m.certain = !slices.ContainsFunc(shares, unsure); !m.pass {
		m.certain = p.Unstable || slices.ContainsFunc(shares, breaks)
	}
	return m
}

// sharesOf returns what a probe tells of the objectives of a tier.
func sharesOf(p record.SearchProbe, t Tier) (list []record.SearchShare) {
	for _, o := range t.SLO {
		for _, share := range p.Shares {
			if share.Objective == o.String() {
				list = append(list, share)
			}
		}
	}
	return list
}

// rough reports whether the mark is no more than the estimate of a short probe.
func (m mark) rough() bool { return !m.certain && m.probe.Phase == Doubling }

// calm reports whether the server failed without being overloaded: a higher load may then be better for it, because it
// fills batches and caches.
func (m mark) calm() bool { return !m.pass && !m.probe.Unstable && m.probe.Failed == 0 }

// hopeless reports whether no request kept some objective, though the server was not overloaded.
func (m mark) hopeless() bool {
	none := func(sh record.SearchShare) bool { return sh.Share != nil && *sh.Share == 0 }
	return m.calm() && slices.ContainsFunc(m.probe.Shares, none)
}

// marks are the loads that have been tried, in ascending order.
type marks []mark

// marks returns what is known of the loads for a tier. Of several probes at one load a certain one says what holds,
// else the last one.
func (k *known) marks(t Tier) (list marks) {
	for _, p := range k.judged() {
		m := markOf(p, t)
		at, found := slices.BinarySearchFunc(list, m, func(a, b mark) int { return cmp.Compare(a.value, b.value) })
		switch {
		case !found:
			list = slices.Insert(list, at, m)
		case dead(p) && list[at].pass: // says something of the server, and nothing of the load
		case m.certain || !list[at].certain:
			list[at] = m
		}
	}
	return list
}

// bracket holds two loads between which the answer lies. Both are nil before the first probe, low while nothing passes,
// high while nothing fails above low.
type bracket struct{ low, high *mark }

// bracket returns the highest load that passes, and the lowest above it that fails. A load that fails although a higher
// one passes is passed over: the answer is held, so an error there is found.
func (ms marks) bracket() (b bracket) {
	from := 0
	for i := range slices.Backward(ms) {
		if ms.believed(i) {
			b.low, from = &ms[i], i+1
			break
		}
	}
	for i := range ms[from:] {
		if m := &ms[from+i]; !m.pass {
			b.high = m
			break
		}
	}
	return b
}

// believed reports whether a load passes. An estimate does not count above a load that fails for certain, if another
// passes below that one and none passes for certain above it.
func (ms marks) believed(at int) bool {
	if ms[at].certain || !ms[at].pass {
		return ms[at].pass
	}
	passes := func(m mark) bool { return m.pass }
	surely := func(m mark) bool { return m.pass && m.certain }
	for i, m := range ms[:at] {
		if m.certain && !m.pass && slices.ContainsFunc(ms[:i], passes) && !slices.ContainsFunc(ms[i:], surely) {
			return false
		}
	}
	return true
}

// interval returns the highest load that a probe alone shows to pass for certain, and the lowest above it that one
// shows to fail.
func (ms marks) interval() (low, high *float64) {
	from := 0
	for i, m := range ms {
		if m.pass && m.certain {
			low, from = new(m.value), i
		}
	}
	for _, m := range ms[from:] {
		if !m.pass && m.certain {
			return low, new(m.value)
		}
	}
	return low, nil
}

// nonMonotone reports whether a load fails for certain below one that passes.
func (ms marks) nonMonotone() bool {
	b := ms.bracket()
	return b.low != nil && slices.ContainsFunc(ms, func(m mark) bool {
		return !m.pass && m.certain && m.value < b.low.value
	})
}
