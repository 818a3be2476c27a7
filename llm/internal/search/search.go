// Package search finds the highest load at which a server keeps an SLO. A [Search] says which load to try next, a
// [Judge] decides from the answers whether the server keeps the SLO at that load, and when it is certain enough. The
// package has no clock and sends nothing; the executor does.
//
// A search doubles the load until it fails, halves the ratio of the two loads between which the answer lies until they
// are near enough, and tries the answer once more for longer. What it does next follows from the probes so far alone.
package search

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Phases of a search.
const (
	Doubling  = "doubling" // or halving, while nothing passes
	Bisection = "bisection"
	Hold      = "hold"
)

// Outcomes of a probe, as the record has them.
const (
	Pass    = record.ProbePassed
	Fail    = record.ProbeFailed
	Refused = record.ProbeRefused // the load generator did not keep up, so it tells nothing of the server
)

// Reasons for which a search stops.
const (
	Converged       = "converged"
	MaxReached      = "max_reached"
	MinFails        = "min_fails"
	ClientLimited   = "client_limited"
	ProbesExhausted = "probes_exhausted"
	UnstableServer  = "unstable_server"
	Interrupted     = "interrupted"
)

// Probe is a load to try.
type Probe struct {
	Number int     // from 0
	Value  float64 // requests per second, or requests at a time
	Phase  string
	// Longest is how long the load may be measured after its transient if nothing is certain by then.
	Longest time.Duration
}

// Search chooses the loads of a search. Only one goroutine may use it.
type Search struct {
	o          *Options
	known      known
	next       Probe // unless the search is over
	stopReason string
	reason     string
}

// known is what a search was asked, and what it has found out.
type known struct {
	o      *Options
	probes []record.SearchProbe
}

// New returns a search, or an error that names the option which is wrong.
func New(given arrival.SearchOptions) (*Search, error) {
	o, err := Check(given)
	if err != nil {
		return nil, err
	}
	s := &Search{o: &o, known: known{o: &o}}
	s.plan()
	return s, nil
}

// Options returns the options with their defaults.
func (s *Search) Options() Options { return *s.o }

// Next returns the next load to try, and false if the search is over. It returns the same until Done.
func (s *Search) Next() (Probe, bool) { return s.next, s.stopReason == "" }

// Judge returns the judge of a probe.
func (s *Search) Judge(p Probe) *Judge { return newJudge(s.judging(p)) }

// Done takes what became of the probe that Next returned. A probe with another verdict than VALID is refused.
func (s *Search) Done(p Probe, outcome record.SearchProbe) {
	outcome.Value, outcome.Phase = p.Value, p.Phase
	if outcome.Verdict != "" && outcome.Verdict != valid {
		outcome.Outcome = Refused
	}
	s.known.probes = append(s.known.probes, outcome)
	if s.stopReason == "" {
		s.plan()
	}
}

// valid is the verdict on a load generator that kept up.
const valid = "VALID"

// Stop ends the search for a reason that lies outside of it, such as interrupted. A search that is over stays as it is.
func (s *Search) Stop(reason, text string) {
	if s.stopReason == "" {
		s.stopReason, s.reason = reason, text
	}
}

// plan decides on the next load, or ends the search. Each step reports whether it has done so.
func (s *Search) plan() {
	_ = s.afterRefusal() || s.afterDeath() || s.afterContradiction() || s.narrow() || s.holdAnswers() ||
		s.surround() || s.finish()
}

// try makes a load the next one, unless all probes are used up. It returns true.
func (s *Search) try(value float64, phase string) bool {
	if s.known.used() >= s.o.MaxProbes {
		s.Stop(ProbesExhausted, s.known.exhausted())
		return true
	}
	s.next = Probe{Number: len(s.known.probes), Value: value, Phase: phase, Longest: s.known.longest(value, phase)}
	return true
}

// used counts the probes that tell something of the server.
func (k *known) used() (n int) {
	for _, p := range k.probes {
		if p.Outcome != Refused {
			n++
		}
	}
	return n
}

// last returns one of the last probes, 0 for the very last, and false if there are not as many.
func (k *known) last(back int) (p record.SearchProbe, ok bool) {
	if at := len(k.probes) - 1 - back; at >= 0 {
		return k.probes[at], true
	}
	return p, false
}

// afterRefusal tries a load again whose probe was refused. The search ends if that was refused too, or if more than
// half of the probes that it may use were refused in all.
func (s *Search) afterRefusal() bool {
	last, ok := s.known.last(0)
	if !ok || last.Outcome != Refused {
		return false
	}
	before, _ := s.known.last(1)
	twice := before.Outcome == Refused
	if refused := len(s.known.probes) - s.known.used(); twice || refused > s.o.MaxProbes/2 {
		s.Stop(ClientLimited, s.known.clientLimited(last, twice))
		return true
	}
	return s.try(last.Value, last.Phase)
}

// dead reports whether the server answered nothing.
func dead(p record.SearchProbe) bool {
	return p.Outcome != Refused && p.Requests > 0 && p.Failed == p.Requests
}

// afterDeath goes back to a load that the server carried if it answered nothing. Without an answer there either, or
// without such a load, the search ends.
func (s *Search) afterDeath() bool {
	judged := s.known.judged()
	n := len(judged)
	if n == 0 || !dead(judged[n-1]) {
		return false
	}
	at := judged[n-1]
	if n > 1 && dead(judged[n-2]) {
		s.Stop(UnstableServer, s.known.stoppedAnswering(judged[n-2], at))
		return true
	}
	for _, p := range slices.Backward(judged) {
		if s.known.passesAny(p) {
			return s.try(p.Value, at.Phase)
		}
	}
	s.Stop(MinFails, fmt.Sprintf("none of %s at %s was answered", count(at.Requests, "request"), s.o.load(at.Value)))
	return true
}

// judged returns the probes that were not refused.
func (k *known) judged() []record.SearchProbe {
	return slices.DeleteFunc(slices.Clone(k.probes), func(p record.SearchProbe) bool { return p.Outcome == Refused })
}

func (k *known) passesAny(p record.SearchProbe) bool {
	return slices.ContainsFunc(k.o.Tiers, func(t Tier) bool { return markOf(p, t).pass })
}

// afterContradiction ends the search if the last load has both passed and failed for certain: what the other probes
// told may then no longer hold either.
func (s *Search) afterContradiction() bool {
	last, ok := s.known.last(0)
	if !ok {
		return false
	}
	for _, t := range s.o.Tiers {
		now := markOf(last, t)
		for _, p := range s.known.judged() {
			if then := markOf(p, t); p.Value == last.Value && then.certain && now.certain && then.pass != now.pass {
				s.Stop(UnstableServer, s.known.contradiction(p, last, t))
				return true
			}
		}
	}
	return false
}

// narrow tries the load that tells most about the first tier whose bracket is too wide.
func (s *Search) narrow() bool {
	for _, t := range s.o.Tiers {
		if value, phase, ok := s.o.step(s.known.marks(t)); ok {
			return s.try(value, phase)
		}
	}
	return false
}

// holdAnswers tries the answers once more for longer, that of the strictest tier last.
func (s *Search) holdAnswers() bool {
	var answers []float64
	for _, t := range s.o.Tiers {
		if low := s.known.marks(t).bracket().low; low != nil {
			answers = append(answers, low.value)
		}
	}
	slices.SortFunc(answers, func(a, b float64) int { return cmp.Compare(b, a) })
	for _, value := range answers {
		if !s.known.held(value) {
			return s.try(value, Hold)
		}
	}
	return false
}

// surround tries loads around the answers, if there are probes left to do so.
func (s *Search) surround() bool {
	for _, t := range s.o.Tiers {
		if value, ok := s.known.around(t); ok && s.known.used() < s.o.MaxProbes {
			return s.try(value, Hold)
		}
	}
	return false
}

// finish ends a search that has nothing more to try.
func (s *Search) finish() bool {
	reason := s.known.tierReason(s.o.Tiers[0])
	s.Stop(reason, s.known.finished(reason))
	return true
}

// tierReason returns why a tier has its answer.
func (k *known) tierReason(t Tier) string {
	b := k.marks(t).bracket()
	switch {
	case b.low == nil:
		return MinFails
	case b.high == nil:
		return MaxReached
	}
	return Converged
}
