package config

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Stages holds the stages of a run. All are of the class that load.type asks for; the other lists are empty.
type Stages struct {
	Standard   []StandardStage   // constant, poisson, trace_replay
	Concurrent []ConcurrentStage // concurrent
	Sessions   []SessionStage    // trace_session_replay

	class stageClass
}

type stageClass int

const (
	standardClass stageClass = iota
	concurrentClass
	sessionClass
)

// Len returns the number of stages.
func (s *Stages) Len() int { return len(s.Standard) + len(s.Concurrent) + len(s.Sessions) }

// StandardStage is a stage with a rate. NumRequests and Concurrency are never set; they exist because inference-perf
// writes them.
type StandardStage struct {
	Rate        float64 `key:"rate,required" check:"above 0"` // requests per second
	Duration    int64   `key:"duration,required" check:"seconds above 0"`
	NumRequests *int64  `key:"num_requests" default:"null"`
	Concurrency *int64  `key:"concurrency_level" default:"null"`
	// Warmup is how long the stage warms up, or that all of it does. inference-perf knows no such key.
	Warmup *Warmup `key:"warmup,omit" default:"null"`
}

// Check applies the rules that hold between the keys.
func (s *StandardStage) Check(at *tagged.Section) {
	for name, given := range map[string]*int64{"num_requests": s.NumRequests, "concurrency_level": s.Concurrency} {
		if given != nil {
			at.Fault(name, "is only for load.type %q", Concurrent)
		}
	}
	checkWarmup(at, s.Warmup, s.Duration)
}

// ConcurrentStage is a closed loop: Concurrency requests at a time, until NumRequests are sent or Duration is over.
//
// With NumRequests, Rate and Duration are derived: all requests are due within one second. inference-perf ignores the
// values given for them, too. inference-perf has no stages without NumRequests.
type ConcurrentStage struct {
	NumRequests *int64   `key:"num_requests" default:"null" check:"above 0"`
	Concurrency int64    `key:"concurrency_level,required" check:"above 0"`
	Rate        *float64 `key:"rate" default:"null"`        // requests per second
	Duration    *int64   `key:"duration" default:"null"`    // seconds
	Warmup      *Warmup  `key:"warmup,omit" default:"null"` // as of StandardStage
}

// Check applies the rules that hold between the keys.
func (s *ConcurrentStage) Check(at *tagged.Section) {
	switch {
	case !at.Valid("num_requests", "duration"):
	case s.NumRequests != nil:
		s.Rate, s.Duration = new(float64(*s.NumRequests)), new(int64(1))
	case s.Duration == nil:
		at.Fault("num_requests", "is missing: give num_requests, or a duration")
	case *s.Duration <= 0:
		at.Fault("duration", "must be above 0, got %d", *s.Duration)
	default:
		s.Rate = nil
		checkWarmup(at, s.Warmup, *s.Duration)
	}
}

// SessionStage is a stage that replays sessions.
type SessionStage struct {
	Concurrent int64 `key:"concurrent_sessions,required" check:"at least 0"` // 0: no limit
	// sessions per second; nil: as fast as Concurrent allows
	Rate        *float64 `key:"session_rate" default:"null" check:"above 0"`
	NumSessions *int64   `key:"num_sessions" default:"null" check:"above 0"` // nil: all remaining sessions
	Timeout     *float64 `key:"timeout" default:"null" check:"seconds above 0"`
}

// Check applies the rules that hold between the keys.
func (s *SessionStage) Check(at *tagged.Section) {
	if at.Valid("session_rate", "concurrent_sessions") && s.Rate != nil && s.Concurrent > 0 &&
		*s.Rate > float64(s.Concurrent) {
		at.Fault("session_rate", "must not be above concurrent_sessions (%d), got %v", s.Concurrent, *s.Rate)
	}
}

// Decode reads the value of a key.
func (s *Stages) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ListKind {
		d.Faults.AddType(v, path, "a list", true)
		return
	}
	for i, item := range v.Items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if item.Kind != tagged.ObjectKind {
			d.Faults.AddType(item, at, "a mapping", true)
			continue
		}
		s.decodeStage(d, item, at)
	}
}

func (s *Stages) decodeStage(d *tagged.Decoder, v *tagged.Value, path string) {
	switch s.class {
	case concurrentClass:
		var stage ConcurrentStage
		d.Object(v, &stage, path)
		s.Concurrent = append(s.Concurrent, stage)
	case sessionClass:
		var stage SessionStage
		d.Object(v, &stage, path)
		s.Sessions = append(s.Sessions, stage)
	default:
		var stage StandardStage
		d.Object(v, &stage, path)
		s.Standard = append(s.Standard, stage)
	}
}

// Encode returns the value to write.
func (s Stages) Encode(w *tagged.Writer) *tagged.Value {
	list := &tagged.Value{Kind: tagged.ListKind}
	for i := range s.Standard {
		list.Items = append(list.Items, w.Object(&s.Standard[i]))
	}
	for i := range s.Concurrent {
		list.Items = append(list.Items, w.Object(&s.Concurrent[i]))
	}
	for i := range s.Sessions {
		list.Items = append(list.Items, w.Object(&s.Sessions[i]))
	}
	return list
}

// OverriddenAsJSON marks a type whose overrides are JSON.
func (Stages) OverriddenAsJSON() {}

// TypeText names the type in the list of keys.
func (Stages) TypeText() string { return "list of stages" }
