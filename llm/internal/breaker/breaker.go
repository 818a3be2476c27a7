// Package breaker decides from the requests that have ended whether a load must stop, as inference-perf's circuit
// breakers do.
//
// A breaker has two lists of JMESPath expressions over a request (see Sample). A request counts if any expression of
// the first list holds; it is a hit if any expression of the second list holds. Triggers look at the counted requests:
// at the number of hits in a row, or at the share of hits within a window. So the user defines what a failing server
// is, and the plain form is one of these definitions.
package breaker

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Every matches each request, and Failures each failed request. Neither is evaluated as JMESPath.
const (
	Every    = "@"
	Failures = "error"
)

// Definition describes a breaker.
type Definition struct {
	Name    string   // stands in reasons; "" if it has no name
	Matches []string // a request counts if any of them holds; at least one
	Rules   []string // a request that counts is a hit if any of them holds, or if there are none
	// Any of the triggers opens the breaker. Without triggers it never opens.
	Triggers []Trigger
	// PerStage counts each stage by itself, so that a breaker that one stage has opened is closed in the next. Without
	// PerStage, counts run through all stages, and an open breaker stays open, as in inference-perf.
	PerStage bool
}

// Trigger opens a breaker on Consecutive hits in a row or, if it has a Window, when at least MinSamples requests have
// counted within the window and the share of hits among them is Rate (0 to 1) or more. It has either Consecutive or
// Window.
type Trigger struct {
	Consecutive int64
	Rate        float64
	Window      time.Duration
	MinSamples  int64 // 0 has the effect of 1: the share is computed when a request counts
}

func (t Trigger) check() error {
	switch {
	case t.Consecutive < 0 || t.Window < 0:
		return fmt.Errorf("neither consecutive nor window may be negative, got %d and %v", t.Consecutive, t.Window)
	case (t.Consecutive > 0) == (t.Window > 0):
		return errors.New("needs either consecutive, at least 1, or a window above 0")
	case !(t.Rate >= 0 && t.Rate <= 1): // refuses NaN too
		return fmt.Errorf("rate must be between 0 and 1, got %v", t.Rate)
	case t.MinSamples < 0:
		return fmt.Errorf("minSamples must not be negative, got %d", t.MinSamples)
	}
	return nil
}

// Breaker watches requests. It may be used concurrently.
type Breaker struct {
	def            Definition
	matches, rules []expression
	evaluates      bool // some expression is evaluated on the sample

	mu     sync.Mutex
	stages map[int]*tally // all stages share stage 0 without PerStage
}

// New compiles a definition. Its errors name the list and the index of the expression, and quote the expression with
// the column of the fault.
func New(def Definition) (*Breaker, error) {
	def.Matches, def.Rules, def.Triggers = slices.Clone(def.Matches), slices.Clone(def.Rules),
		slices.Clone(def.Triggers)
	if len(def.Matches) == 0 {
		return nil, fmt.Errorf("matches needs an expression: %q matches every request", Every)
	}
	for i, t := range def.Triggers {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("triggers[%d]: %w", i, err)
		}
	}
	b := &Breaker{def: def, stages: map[int]*tally{}}
	var err error
	if b.matches, err = compile("matches", def.Matches); err != nil {
		return nil, err
	}
	if b.rules, err = compile("rules", def.Rules); err != nil {
		return nil, err
	}
	evaluated := func(e expression) bool { return e.plain == nil }
	b.evaluates = slices.ContainsFunc(b.matches, evaluated) || slices.ContainsFunc(b.rules, evaluated)
	return b, nil
}

// Observe takes a request that ended at the instant now, and reports whether the breaker is open.
func (b *Breaker) Observe(r *record.Request, now time.Time) (open bool) {
	return b.Take(NewSample(r), now) != ""
}

// Take does what Observe does, for several breakers that share the sample. It returns the reason why the breaker is
// open, or "" if it is closed. An open breaker keeps its first reason. Requests that this client cut, or whose users
// left, say nothing about the server, and never count.
func (b *Breaker) Take(s *Sample, now time.Time) (reason string) {
	if s.r.Unfinished() {
		return ""
	}
	if b.evaluates {
		s.view() // before the lock, because it is most of the work
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tally(s.r.Stage, now)
	// Expressions are evaluated under the lock because sort_by sorts in place, even a literal that all evaluations
	// share.
	if t.reason == "" && anyHolds(b.matches, s) {
		hit := len(b.rules) == 0 || anyHolds(b.rules, s)
		if why := t.count(b.def.Triggers, hit, now); why != "" {
			t.reason = b.explain(why, s.r)
		}
	}
	return t.reason
}

// tally returns the counts of a stage.
func (b *Breaker) tally(stage int, now time.Time) *tally {
	if !b.def.PerStage {
		stage = 0
	}
	t := b.stages[stage]
	if t == nil {
		for _, old := range b.stages {
			old.forget(b.def.Triggers, now) // frees the memory of stages that have ended
		}
		t = &tally{windows: make([]window, len(b.def.Triggers))}
		b.stages[stage] = t
	}
	return t
}

// explain completes a reason that begins with the number of requests.
func (b *Breaker) explain(why string, r *record.Request) string {
	text := "circuit breaker"
	if b.def.Name != "" {
		text = fmt.Sprintf("circuit breaker %q", b.def.Name)
	}
	text += ": " + why
	switch {
	case slices.Equal(b.def.Rules, []string{Failures}) && slices.Equal(b.def.Matches, []string{Every}):
		text += " failed"
	case len(b.def.Rules) == 0:
		text += " matched"
	default:
		text += " met its rules"
	}
	if r.Failed() {
		text += fmt.Sprintf(", the last with %s: %s", r.ErrorType, r.Error)
	}
	return text
}
