package llm

import (
	"errors"
	"fmt"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/promises"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// session is a session of a data set in a script.
type session struct {
	ID     string `js:"id"`
	Number int64  `js:"number"`
	Calls  int    `js:"calls"`
	Start  any    `js:"start"` // seconds after the first session of the trace; null if the trace does not tell

	set  *engine.Set
	turn replay.Turn
}

func newSession(set *engine.Set, turn replay.Turn) *session {
	s := &session{ID: turn.ID, Number: turn.Number, Calls: len(turn.Session.Calls), set: set, turn: turn}
	if at, timed := set.Sessions.Start(turn.Session); timed {
		s.Start = at.Seconds()
	}
	return s
}

// nextSession returns the session of the running iteration.
func (d *jsDataset) nextSession() (sobek.Value, error) {
	turn, err := d.NextSession()
	if err != nil {
		return nil, err
	}
	return d.m.vu.Runtime().ToValue(newSession(d.Set, turn)), nil
}

// sessionAt returns session number i.
func (d *jsDataset) sessionAt(i int64) (sobek.Value, error) {
	turn, err := d.Sessions.Turn(i)
	if err != nil {
		return nil, err
	}
	return d.m.vu.Runtime().ToValue(newSession(d.Set, turn)), nil
}

// starts returns when the sessions begin, for scenarios({arrival: 'trace', trace: …}).
func (d *jsDataset) starts() ([]float64, error) {
	if d.Sessions == nil {
		return nil, errors.New("starts() is for data sets of sessions: trace(path) reads the instants of a file")
	}
	starts := d.Sessions.Starts()
	if starts == nil {
		return nil, errors.New("starts(): the trace has no instants: give the load stages, or name the column that " +
			"has them, if it is a log (workload.columns.time)")
	}
	return starts, nil
}

// sessionResult is the result of a session in a script.
type sessionResult struct {
	ID        string  `js:"id"`
	OK        bool    `js:"ok"` // each call succeeded
	Error     any     `js:"error"`
	ErrorType any     `js:"errorType"`
	Duration  float64 `js:"duration"` // milliseconds
	Calls     int     `js:"calls"`
	Completed int     `js:"completed"` // calls that succeeded
}

func newSessionResult(s *record.Session) *sessionResult {
	return &sessionResult{
		ID: s.ID, OK: s.Succeeded(), Error: orNull(plain.Lines(s.Error)), ErrorType: orNull(s.ErrorType),
		Duration: ms(s.Duration()), Calls: s.Calls, Completed: s.Completed,
	}
}

// prepareSession prepares the replay of a session. If there is nothing to measure without a server, it ends the test.
func (c *jsClient) prepareSession(v, options sobek.Value) (*engine.Session, error) {
	s, ok := export(v).(*session)
	if !ok {
		return nil, fmt.Errorf("replay takes a session, as next() and at(i) of a Dataset of sessions return it, "+
			"got %s: send other requests by client.send()", describe(v))
	}
	var class traffic.Class
	if err := classFields(c.m.vu.Runtime(), &class).read(c.m.vu.Runtime(), "replay", options); err != nil {
		return nil, err
	}
	prepared, err := c.PrepareSession(s.set, s.turn, class)
	return prepared, c.m.orAborted(err)
}

// replay replays a session and waits for its end.
func (c *jsClient) replay(v, options sobek.Value) (*sessionResult, error) {
	prepared, err := c.prepareSession(v, options)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the result
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	return newSessionResult(prepared.Play()), nil
}

// replayAsync replays a session and returns a promise.
func (c *jsClient) replayAsync(v, options sobek.Value) (*sobek.Promise, error) {
	prepared, err := c.prepareSession(v, options)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the promise
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	promise, resolve, _ := promises.New(c.m.vu)
	go func() { resolve(newSessionResult(prepared.Play())) }() // the event loop waits for the promise
	return promise, nil
}

// errSession refuses to send a session as a request.
var errSession = errors.New("send takes a request, not a session: replay it by client.replay(session)")
