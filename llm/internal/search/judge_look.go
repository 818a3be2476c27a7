package search

import (
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// window is a part of the requests of a probe.
type window struct {
	all    []request
	judged int // of them, known when the window was taken
	// Requests due from the end of the transient up to the horizon are judged. By now most of their fates are known,
	// because they have had as long as the slowest answer took.
	from, horizon time.Duration
	until         time.Duration // now, or the last due instant if the probe is over
	last          bool          // the last look, at which no fate will become known any more
}

// sample returns what the window tells of an objective.
func (w window) sample(o slo.Objective) (s sample) {
	for _, q := range w.all {
		if q.due < w.from || q.due > w.horizon {
			continue
		}
		f := overAll
		switch {
		case q.fate == inFlight, q.fate == cutOff:
			s.unknown++
			continue
		case q.fate == gaveUp:
			continue // the same share leaves whatever the load
		case q.fate == answered:
			f = q.answer.mark(o)
		case o.Kind == slo.Failures, o.Label != "":
			continue // what was never sent did not fail, and has no label
		}
		if !f.known {
			continue
		}
		s.findings = append(s.findings, f)
		s.beside = append(s.beside, float64(q.beside))
		if f.kept {
			s.kept++
		}
	}
	return s
}

// sequence is what a judge has learnt in the looks so far. The error that it may make is spent over them in proportion
// to the time measured, of the longest that it may take (alpha spending, Lan & DeMets 1983). So all bounds of all looks
// hold together, and the tightest ones count.
type sequence struct {
	next     int     // number of requests at which to look again
	spent    float64 // share of the error
	bounds   []interval
	unstable bool
}

type interval struct{ lower, upper float64 }

// Looks are made at numbers of requests that grow geometrically.
const (
	firstLook  = 10
	lookGrowth = 1.3
)

func newSequence(objectives int) sequence {
	s := sequence{next: firstLook}
	for range objectives {
		s.bounds = append(s.bounds, interval{0, 1})
	}
	return s
}

// due reports whether it is time to look at n requests.
func (s *sequence) due(n int) bool { return n >= s.next }

// spend returns the share of the error that a look at n requests may make when a part of the longest time has passed.
func (s *sequence) spend(n int, passed float64) float64 {
	s.next = int(math.Ceil(lookGrowth * float64(n)))
	share := max(min(passed, 1)-s.spent, 0)
	s.spent += share
	return share
}

// look judges a window, and reports whether enough is known for the probe to end.
func (j *Judge) look(w window) (enough bool) {
	passed := 1.0
	if !w.last {
		passed = (w.until - w.from).Seconds() / j.longest.Seconds()
	}
	// A wrong certain failure takes one of the objectives, or growth, to be misjudged. Each has two bounds.
	alpha := j.looks.spend(w.judged, passed) * j.alpha / 2 / float64(len(j.objectives)+1)
	if !(alpha > 0) {
		return j.certain()
	}
	verdicts := make([]estimate, len(j.objectives))
	for i, o := range j.objectives {
		s := w.sample(o)
		verdicts[i] = s.estimate(o)
		j.looks.narrow(i, s.bounds(needed(o), alpha))
	}
	if !j.closed && !j.looks.unstable {
		j.looks.unstable = w.unstable(alpha)
	}
	return j.certain() || j.brief && w.until-w.from >= shortest && j.clear(verdicts)
}

// narrow takes new bounds of an objective. If they contradict those before, the new ones hold, which know most.
func (s *sequence) narrow(objective int, b interval) {
	old := &s.bounds[objective]
	if lower, upper := max(old.lower, b.lower), min(old.upper, b.upper); lower <= upper {
		b = interval{lower, upper}
	}
	*old = b
}

// A brief probe lasts for at least shortest after its transient.
const shortest = 3 * time.Second

// estimate is what a sample says without a bound.
type estimate int8

const (
	unclear estimate = iota
	keeps
	breaks
)

// estimate compares the share that kept an objective with the one that is needed. It is clear if they are more than two
// standard errors apart, or if all requests keep the objective or none.
func (s sample) estimate(o slo.Objective) estimate {
	n := float64(len(s.findings))
	if n < firstLook {
		return unclear
	}
	p := float64(s.kept) / n
	switch far := 2 * math.Sqrt(p*(1-p)/n); {
	case p == 1, p > needed(o)+far:
		return keeps
	case p == 0, p < needed(o)-far:
		return breaks
	}
	return unclear
}

// clear reports whether the estimates decide all tiers.
func (j *Judge) clear(estimates []estimate) bool {
	return !slices.ContainsFunc(j.tiers, func(t judgedTier) bool {
		all, none := true, true
		for _, i := range t.objectives {
			all, none = all && estimates[i] == keeps, none && estimates[i] != breaks
		}
		return !all && none
	})
}

// certain reports whether all tiers that need it are certain.
func (j *Judge) certain() bool {
	return !slices.ContainsFunc(j.tiers, func(t judgedTier) bool {
		passes, fails := j.certainTier(t)
		return !t.settled && !passes && !fails
	})
}

// certainTier reports whether a tier passes for certain, or fails for certain.
func (j *Judge) certainTier(t judgedTier) (passes, fails bool) {
	passes, fails = !j.looks.unstable, j.looks.unstable
	for _, i := range t.objectives {
		p, f := decide(j.objectives[i], j.looks.bounds[i].lower, j.looks.bounds[i].upper)
		passes, fails = passes && p, fails || f
	}
	return passes && !fails, fails
}

// outcome returns what became of the probe.
func (j *Judge) outcome(w window) record.SearchProbe {
	p := record.SearchProbe{Unstable: j.looks.unstable, Transient: w.from.Seconds(), Tiers: map[string]string{}}
	for _, q := range w.all {
		if q.due < w.from || q.fate != answered && q.fate != dropped {
			continue
		}
		p.Requests++
		if q.fate == dropped || q.answer.Failed {
			p.Failed++
		}
	}
	for i, o := range j.objectives {
		p.Shares = append(p.Shares, j.share(w, o, j.looks.bounds[i]))
	}
	for i, t := range j.tiers {
		outcome, certain, decides := tierOutcome(p.Shares, t.objectives, p.Unstable)
		p.Tiers[t.name] = outcome
		if i > 0 || decides < 0 {
			continue
		}
		s := p.Shares[decides]
		p.Outcome, p.Certain = outcome, certain
		p.Binding, p.Share, p.Bounds = s.Objective, s.Share, s.Bounds
	}
	return p
}

// share returns what the probe tells of an objective.
func (j *Judge) share(w window, o slo.Objective, b interval) record.SearchShare {
	s := w.sample(o)
	out := record.SearchShare{Objective: o.String(), Needed: needed(o), Outcome: Fail,
		Bounds: [2]*float64{new(b.lower), new(b.upper)}}
	if n := len(s.findings); n > 0 {
		out.Share = new(float64(s.kept) / float64(n))
		out.Effective = s.effective(needed(o), j.alpha)
	}
	passes, fails := decide(o, b.lower, b.upper)
	out.Certain = passes || fails
	if passes || !fails && o.Judge(slo.Counts{Judged: len(s.findings), Kept: s.kept}) == slo.Kept {
		out.Outcome = Pass
	}
	out.Latency = s.latency(o)
	return out
}

// latency returns the percentile that decides an objective with one bound, in seconds, and nil if it is that of a
// request that failed.
func (s sample) latency(o slo.Objective) *float64 {
	if len(o.Bounds) != 1 || len(s.findings) == 0 {
		return nil
	}
	margins := make([]float64, len(s.findings))
	for i, f := range s.findings {
		margins[i] = f.margin
	}
	slices.Sort(margins)
	v := margins[o.Rank(len(margins))]
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// tierOutcome returns the outcome of a tier, and which of its objectives decides: the one broken most if it fails, the
// one kept least if it passes, -1 if it has none.
func tierOutcome(shares []record.SearchShare, objectives []int, unstable bool) (outcome string, certain bool,
	decides int) {
	outcome, certain, decides = Pass, true, -1
	surelyFails := unstable
	least := math.Inf(1)
	for _, i := range objectives {
		s := shares[i]
		if s.Outcome == Fail {
			outcome = Fail
			surelyFails = surelyFails || s.Certain
		}
		certain = certain && s.Certain
		if m := marginOf(s); decides < 0 || m < least {
			decides, least = i, m
		}
	}
	if unstable {
		outcome = Fail
	}
	if outcome == Fail {
		certain = surelyFails
	}
	return outcome, certain, decides
}

// marginOf returns how far an objective is from being broken: how many of the requests that may be over it are not, as
// a share of them. It is negative if the objective is broken.
func marginOf(s record.SearchShare) float64 {
	if s.Share == nil {
		return math.Inf(1)
	}
	return (*s.Share - s.Needed) / max(1-s.Needed, 1e-3)
}
