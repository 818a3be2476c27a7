package executor

import (
	"context"
	"sync"
)

// stopper ends the load early when a request asks for it.
type stopper struct {
	mu     sync.Mutex
	cancel context.CancelFunc // of the running stage
	why    string             // of the running stage, "" unless it was stopped
	whole  bool               // the run, not only the stage
}

// begin returns the context of the next stage, which ends when the stage is stopped.
func (s *stopper) begin(parent context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
	ctx, cancel := context.WithCancel(parent)
	s.cancel, s.why = cancel, ""
	return ctx
}

// stop stops the stage, or the whole run.
func (s *stopper) stop(run bool, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != "" || s.cancel == nil {
		return
	}
	s.why, s.whole = reason, run
	s.cancel()
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
		return "interrupted"
	case reason != "" && reason != decided:
		return "stopped: " + reason
	}
	return "completed"
}
