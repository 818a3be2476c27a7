package replay

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// watch waits for the end of all calls, and meanwhile for whatever ends the session before.
func (r *run) watch() {
	over, ended := r.turn.Over, r.ctx.Done()
	var late <-chan time.Time
	if limit := r.Rules.PredecessorTimeout; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case <-r.done:
			return
		case <-over:
			over = nil
		case <-ended:
			ended = nil
		case <-late:
			r.timeOut()
			continue
		}
		r.mu.Lock()
		r.cut()
		r.mu.Unlock()
	}
}

// timeOut fails the session if a call still waits for others.
func (r *run) timeOut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.places {
		if r.places[i].missing > 0 && !r.begins.skips(i) {
			err := fmt.Errorf("the calls that it waits for did not end within %v", r.Rules.PredecessorTimeout)
			r.halt(record.SessionPredecessorWait, r.turn.name(i, err), time.Now())
			return
		}
	}
}

// fail ends the session for a cause, if it is the first.
func (r *run) fail(cause string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halt(cause, err, time.Now())
}

// halt ends the session for a cause, if it is the first: no further call is sent. The caller holds the lock.
func (r *run) halt(cause string, err error, at time.Time) {
	if r.stopped {
		return
	}
	r.stopped = true
	close(r.stop)
	r.session.ErrorType, r.session.Error, r.end = cause, err.Error(), at
}

var errCut = errors.New("the end of the load cut it")

// cut ends the session for the end of the load. The caller holds the lock.
func (r *run) cut() { r.halt(record.ErrorCanceled, errCut, time.Now()) }

// passed moves the session's end to that of a call, unless it failed before. The caller holds the lock.
func (r *run) passed(end time.Time) {
	if end.After(r.end) && (!r.stopped || r.session.ErrorType == record.ErrorCanceled) {
		r.end = end
	}
}

// record returns the record of the session. No call waits or is in flight.
func (r *run) record() *record.Session {
	s := r.session
	for i := range r.calls {
		if r.begins.skips(i) {
			continue
		}
		s.Calls++
		switch c := &r.calls[i]; {
		case c.UserFacing:
			s.UserFacing = append(s.UserFacing, c.ID)
		case c.Structured:
			s.Structured++
		}
	}
	if s.ErrorType == record.ErrorCanceled && s.Completed == s.Calls { // cut when the last call was in flight
		s.ErrorType, s.Error = "", ""
	}
	s.Substituted = r.prompts.substituted()
	s.Start, s.End = record.UnixNano(r.began), record.UnixNano(r.end)
	return s
}

// fault is the cause of a session's failure beside its words.
type fault struct {
	cause string
	words string
}

func (f *fault) Error() string { return f.words }

// causeOf returns the cause of an error.
func causeOf(err error) string {
	var f *fault
	if errors.As(err, &f) {
		return f.cause
	}
	return record.SessionUnknown
}
