package executor

import (
	"context"
	"sync"
)

// halt is how a request stops the load before its time.
type halt struct {
	mu     sync.Mutex
	cancel context.CancelFunc // of the running stage
	why    string             // of the running stage, "" unless it was stopped
	whole  bool               // the run, not only the stage
}

// begin gives the context of a stage, which ends when the stage is stopped.
func (h *halt) begin(parent context.Context) context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel != nil {
		h.cancel()
	}
	ctx, cancel := context.WithCancel(parent)
	h.cancel, h.why = cancel, ""
	return ctx
}

// stop stops the stage, or the whole run.
func (h *halt) stop(run bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.why != "" || h.cancel == nil {
		return
	}
	h.why, h.whole = reason, run
	h.cancel()
}

// run says whether the whole run was stopped.
func (h *halt) run() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.whole
}

// reason says why the stage was stopped, "" if it was not.
func (h *halt) reason() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}
