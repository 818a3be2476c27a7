package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Session is a session to replay, with everything that it needs from its VU, so that another goroutine can play it.
type Session struct {
	common    Call // what its calls have in common
	turn      replay.Turn
	player    *replay.Player
	to        []reached
	maxTokens int // limit of each answer, in place of the call's own; 0 means the call's own
	stage     int
}

// PrepareSession does everything that must happen on the VU's goroutine before a session is replayed. Its errors are
// those of Prepare. class is of all its calls.
func (c *Client) PrepareSession(set *Set, turn replay.Turn, class traffic.Class) (*Session, error) {
	state := c.vu.k6.State()
	if state == nil {
		return nil, errors.New("sessions cannot be replayed in the init context, replay them in the default function")
	}
	if err := c.Takes(set); err != nil {
		return nil, err
	}
	transport, err := c.transport(state)
	if err != nil {
		return nil, err
	}
	if err := checkLeave(class.Leave, c.opts.API, client.Trickles(&c.opts.Options)); err != nil {
		return nil, fmt.Errorf("replay option \"cancel\": %w", err)
	}
	s := &Session{turn: turn, common: Call{
		ctx: c.vu.k6.Context(), state: state, transport: transport, client: c, board: c.vu.board(state),
		tags: state.Tags.GetCurrentValues(), Job: Job{Class: class},
	}}
	if err = c.ready(&s.common); err != nil {
		return nil, err
	}
	if s.to, err = c.reach(c.opts.API); err != nil {
		return nil, err
	}
	first := c.vu.opensLoop()
	if s.common.position, err = c.vu.sessionPosition(len(turn.Session.Calls)); err != nil {
		return nil, err
	}
	c.dropIdleConnections(state, s.common.position)
	return s, s.settle(set, first)
}

// loopExecutors are the executors of k6 that keep a number of VUs busy.
var loopExecutors = []string{"constant-vus", "per-vu-iterations", "ramping-vus", "shared-iterations"}

// opensLoop reports whether the VU has sent nothing yet in a closed loop of k6, whose executors do not say so.
func (v *VU) opensLoop() bool {
	ss, _, inside := v.Iteration()
	return inside && slices.Contains(loopExecutors, ss.Executor) && v.last.scenario != ss.Name
}

// sessionPosition returns the position of a session, whose calls are the requests of the iteration. Requests that
// follow in the iteration are numbered after its calls and their primes.
func (v *VU) sessionPosition(calls int) (Position, error) {
	at := v.nextPosition()
	if at.seq > 0 {
		v.last.seq-- // as if nothing had been asked for
		return at, errors.New("replay() was called after another request of the same iteration: a session needs an " +
			"iteration of its own, because the records name it by that")
	}
	v.last.seq = max(0, 2*calls-1)
	return at, nil
}

// settle completes a session whose position is known. If its arrival does not tell, first is whether it is the first of
// its place in a closed loop.
func (s *Session) settle(set *Set, first bool) error {
	s.player, s.maxTokens = set.Sessions.Player, set.maxTokens
	if due := s.common.position.due; due != nil {
		first, s.turn.Over = due.First, due.Over
	}
	s.turn.Begins = first && s.player.Rules.BeginTo > 0
	if s.common.client.opts.API.Input() != api.InputPrompt {
		return nil
	}
	for i := range s.turn.Session.Calls {
		if call := &s.turn.Session.Calls[i]; call.Tools != nil {
			return fmt.Errorf("session %q, call %q: it has tools, for which api 'completion' has no field: set "+
				"api: 'chat' on the Client and the Dataset", s.turn.Session.ID, call.ID)
		}
	}
	return nil
}

// Play replays the session, and pushes the records of its calls and of itself. It waits for its end.
func (s *Session) Play() *record.Session {
	line, container := s.play()
	push(s.common.ctx, s.common.state, container)
	return line
}

// play replays the session, and returns its line in a container.
func (s *Session) play() (*record.Session, *samples.Container) {
	c := &s.common
	s.stage = c.position.stage(record.UnixNano(time.Now()))
	c.board.SessionBegan()
	line := s.player.Play(c.ctx, s.turn, s.send)
	s.mark(line)
	c.board.SessionEnded(line)
	return line, c.client.vu.metrics.Session(line, c.tags)
}

// mark writes the session's place in the run into its line.
func (s *Session) mark(line *record.Session) {
	p := &s.common.position
	line.Scenario, line.Index, line.Stage, line.Client = p.scenario, p.index, s.stage, s.common.client.Number()
	line.Label = s.common.label()
	if p.due != nil {
		line.Warmup = p.due.Warmup
		if !p.due.Due.IsZero() {
			line.Due = new(record.UnixNano(p.due.Due))
		}
	}
}

// early is how long before its instant a call is built: a prompt of megabytes takes some milliseconds.
const early = 50 * time.Millisecond

// send sends a call of the session. It may be called concurrently.
func (s *Session) send(ctx context.Context, a *replay.Ask) replay.Got {
	if !mayGo(ctx, a) {
		return replay.Got{Unsent: true}
	}
	call := s.common
	call.ctx, call.Job, call.position.seq = ctx, s.job(a), a.Place.Number
	if a.Place.Primes {
		call.position.seq += len(s.turn.Session.Calls)
	}
	call.address(s.to)
	answer, counts, err := call.exchange()
	switch {
	case errors.Is(err, client.ErrUnsent):
		return replay.Got{Unsent: true}
	case err != nil:
		return replay.Got{Unsent: true, Error: err.Error()}
	}
	r := answer.Record
	return replay.Got{
		End: record.Time(r.End), Text: answer.Text, Reasoning: answer.Reasoning,
		ToolCalls: toolCalls(answer.ToolCalls), ErrorType: r.ErrorType, Error: r.Error,
		Then: func() {
			call.asked.complete(r)
			call.hand(call.client.vu.metrics.Request(r, counts, call.tags, call.client.opts.ITL), r)
		},
	}
}

// mayGo waits until a call can be built, and reports whether it may still be sent.
func mayGo(ctx context.Context, a *replay.Ask) bool {
	timer := time.NewTimer(time.Until(a.At) - early)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-a.Stop:
		return false
	}
	select {
	case <-a.Stop:
		return false
	default:
		return ctx.Err() == nil
	}
}

// job returns the request of a call.
func (s *Session) job(a *replay.Ask) Job {
	j := Job{Dialect: s.common.client.opts.API, Turn: a.Place.Number, Class: s.common.Class,
		asked: &asked{Ask: a, stage: s.stage}}
	j.SessionID, j.At, j.Stop, j.KeepCalls = s.turn.ID, a.At, a.Stop, true
	if a.Call.Params != nil {
		j.Extra = extra(a.Call.Params)
	}
	j.Tools, j.ToolChoice, j.IgnoreEOS, j.Headers = a.Tools, a.ToolChoice, a.IgnoreEOS, a.Headers
	if j.MaxTokens = a.MaxTokens; s.maxTokens > 0 && !a.Place.Primes {
		j.MaxTokens = s.maxTokens
	}
	if j.Dialect.Input() == api.InputPrompt {
		j.Prompt = replay.Join(a.Messages)
	} else {
		j.Messages = a.Messages
	}
	return j
}

func toolCalls(list []api.ToolCall) (calls []workload.ToolCall) {
	for _, c := range list {
		calls = append(calls, workload.ToolCall{ID: c.ID, Name: c.Name, Arguments: c.Arguments})
	}
	return calls
}

// asked is a call of a session that was sent.
type asked struct {
	*replay.Ask
	stage int // of the session
	whole bool
}

// mark writes the call's place in its session into its record, without the blocks of its prompt.
func (a *asked) mark(r *record.Request) {
	place := a.Place
	r.Call, r.Due, r.Stage = &place, &place.Ready, a.stage
	r.Warmup = r.Warmup || place.Primes
}

// complete writes the blocks of the prompt into the record, unless they are there.
func (a *asked) complete(r *record.Request) {
	if a.Blocks != nil && !a.whole {
		a.Blocks(r.Call)
	}
	a.whole = true
}
