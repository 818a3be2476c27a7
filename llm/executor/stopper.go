package executor

import (
	"context"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stopper ends the load early: when a request asks for it, or when a stage has timed out.
type stopper struct {
	mu     sync.Mutex
	load   context.Context    // of all stages; nil before the first
	endAll context.CancelFunc // of load
	stage  context.Context    // of the running stage
	cancel context.CancelFunc // of the running stage
	why    string             // of the running stage, "" unless it was stopped
	whole  bool               // the run, not only the stage
}

// begin returns the context of the next stage. It ends when the stage is stopped, and not with the stage otherwise:
// what is in flight when the last arrival has been sent may go on.
func (s *stopper) begin(parent context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load == nil {
		s.load, s.endAll = context.WithCancel(parent)
	}
	s.stage, s.cancel = context.WithCancel(s.load)
	s.why = ""
	return s.stage
}

// stop stops the stage, or the whole run with the stages before.
func (s *stopper) stop(run bool, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != "" || s.cancel == nil {
		return
	}
	s.why, s.whole = reason, run
	if s.cancel(); run {
		s.endAll()
	}
}

// timeOut stops the stage of a context if it still runs, because its time is up.
func (s *stopper) timeOut(stage context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == "" && s.stage == stage {
		s.why = record.StageTimedOut
		s.cancel()
	}
}

// close ends the contexts of all stages. Nothing is in flight any more.
func (s *stopper) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endAll != nil {
		s.endAll()
	}
}

// run reports whether the whole run was stopped.
func (s *stopper) run() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.whole
}

// reason returns why the stage was stopped, "" if it was not.
func (s *stopper) reason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// status returns how the stage ended, for its line in the records.
func (s *stopper) status(parent context.Context) string {
	switch reason := s.reason(); {
	case parent.Err() != nil:
		return record.StageInterrupted
	case reason == record.StageTimedOut, reason == record.StageStable:
		return reason
	case reason != "" && reason != decided:
		return "stopped: " + reason
	}
	return record.StageCompleted
}
