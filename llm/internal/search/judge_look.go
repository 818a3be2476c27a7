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
		m := overAll
		switch {
		case q.fate == inFlight, q.fate == cutOff:
			s.unknown++
			continue
		case q.fate == answered:
			m = q.answer.mark(o)
		case o.Kind == slo.Failures:
			continue // what was never sent did not fail
		}
		if !m.known {
			continue
		}
		s.findings = append(s.findings, m)
		if m.kept {
			s.kept++
		}
	}
	return s
}

// sequence is what a judge has learnt in the looks so far. The error that it may make is spent over them (alpha
// spending, Lan & DeMets 1983): α/(j(j+1)) at look j, which adds up to α over however many looks there are. So all
// bounds of all looks hold together, and the tightest ones count.
type sequence struct {
	count    int // of the looks
	next     int // number of arrivals at which to look again
	bounds   []interval
	unstable bool
}

type interval struct{ lower, upper float64 }

// Looks are made at numbers of requests that grow geometrically.
const (
	firstLook  = 20
	lookGrowth = 1.3
)

func newSequence(objectives int) sequence {
	s := sequence{next: firstLook}
	for range objectives {
		s.bounds = append(s.bounds, interval{0, 1})
	}
	return s
}

// due reports whether it is time to look at n arrivals.
func (s *sequence) due(n int) bool { return n >= s.next }

// spend returns the error that the next look may make.
func (s *sequence) spend(alpha float64, n int) float64 {
	s.count++
	s.next = int(math.Ceil(lookGrowth * float64(n)))
	return alpha / float64(s.count*(s.count+1))
}

// look judges a window, and reports whether enough is known for the probe to end.
func (j *Judge) look(w window) (enough bool) {
	// A wrong certain failure takes one of the objectives, or growth, to be misjudged; a wrong certain pass all of
	// them.
	alpha := j.looks.spend(j.alpha, w.judged) / 2 / float64(len(j.objectives)+1)
	clear := true
	for i, o := range j.objectives {
		s := w.sample(o)
		lower, upper := s.bounds(alpha)
		b := &j.looks.bounds[i]
		if narrow := (interval{max(b.lower, lower), min(b.upper, upper)}); narrow.lower <= narrow.upper {
			*b = narrow
		} else {
			*b = interval{lower, upper} // they contradict each other, so the latest, which knows most, holds
		}
		clear = clear && s.clear(o)
	}
	if !j.closed && !j.looks.unstable {
		j.looks.unstable = w.unstable(alpha)
	}
	return j.certain() || j.brief && clear && w.until-w.from >= shortest
}

// A brief probe lasts for at least shortest after its transient.
const shortest = 3 * time.Second

// clear reports whether the estimate is more than two standard errors from the share that is needed, or as far from it
// as can be.
func (s sample) clear(o slo.Objective) bool {
	n := float64(len(s.findings))
	if n < firstLook {
		return false
	}
	p := float64(s.kept) / n
	return p == 1 || math.Abs(p-needed(o)) > 2*math.Sqrt(p*(1-p)/n)
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
		out.Effective = s.effective(j.alpha)
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
	for i, m := range s.findings {
		margins[i] = m.margin
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
	failsForCertain := unstable
	least := math.Inf(1)
	for _, i := range objectives {
		s := shares[i]
		if s.Outcome == Fail {
			outcome = Fail
			failsForCertain = failsForCertain || s.Certain
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
		certain = failsForCertain
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
