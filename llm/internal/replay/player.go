package replay

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Player replays sessions by its rules. It may be used concurrently.
type Player struct {
	Rules     Rules
	Texts     workload.Texts   // nil if no session has blocks
	Tokenizer prefix.Tokenizer // whose tokens make the blocks of prompts; nil takes words
	// Count counts the tokens of a chat's prompt for Rules.MaxModelLen; nil counts those of the texts.
	Count func(messages, tools json.RawMessage) int
	// Joined reports that prompts are sent as one text, that of Join, in which nothing tells messages apart.
	Joined bool
}

// Turn is one replay of a session.
type Turn struct {
	Session *workload.Session
	ID      string // of this replay; no other one of the run has it
	Number  int64  // of the arrival, over all instances
	Pass    int64  // over the workload, from 0
	Begins  bool   // it begins inside the session, by Rules.BeginFrom and BeginTo
	// Over is closed when no further call may be sent; nil if that cannot happen.
	Over <-chan struct{}
}

// Send sends a call and returns what became of it. Calls that may go at the same time are sent by several goroutines.
type Send func(ctx context.Context, a *Ask) Got

// Play replays a session and returns its record, without its place in the run. It returns when the last call has ended,
// after a failure when the calls in flight have, or soon after ctx has ended.
//
// A call that waits or is in flight takes a goroutine; the others take none. Of the prompts each message is kept once,
// as it is sent, until no later call repeats it; a whole prompt exists from shortly before its request to its end.
func (p *Player) Play(ctx context.Context, t Turn, send Send) *record.Session {
	r := newRun(ctx, p, t, send)
	if err := t.Session.Check(); err != nil {
		r.fail(record.SessionUnknown, err)
		return r.record()
	}
	r.plan()
	r.begin()
	r.watch()
	return r.record()
}

// isOver reports whether no call may be sent any more.
func (t *Turn) isOver(ctx context.Context) bool {
	select {
	case <-t.Over:
	case <-ctx.Done():
	default:
		return false
	}
	return true
}

// name puts the file, the session and the call before an error.
func (t *Turn) name(i int, err error) error {
	s := t.Session
	if s.Origin == "" {
		return fmt.Errorf("session %q, call %q: %w", s.ID, s.Calls[i].ID, err)
	}
	return fmt.Errorf("%s: session %q, call %q: %w", s.Origin, s.ID, s.Calls[i].ID, err)
}
