package audit

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// crowd sends requests, and knows those that are open.
type crowd struct {
	client    *client.Client
	transport http.RoundTripper
	users     []*user
	sent      int
}

// user is somebody with a request, who stays until leave is called or the answer is over.
type user struct {
	sent   time.Time
	leave  context.CancelFunc
	heard  chan struct{} // closed when output has come
	first  time.Time     // when; valid once heard is closed
	over   chan struct{} // closed at the end of the request
	record *record.Request
	gone   time.Time // when the connection was closed; valid once over is closed, as is the record
}

// enter lets users come at the same moment, each of whom asks for so many tokens.
func (c *crowd) enter(ctx context.Context, users, tokens int) []*user {
	list := make([]*user, users)
	for i := range list {
		list[i] = c.one(ctx, tokens)
	}
	c.users = append(c.users, list...)
	return list
}

func (c *crowd) one(ctx context.Context, tokens int) *user {
	ctx, cancel := context.WithCancel(ctx)
	u := &user{sent: time.Now(), leave: cancel, heard: make(chan struct{}), over: make(chan struct{})}
	c.sent++
	req := ask(tokens)
	req.Leave = &client.Leave{Heard: func() {
		u.first = time.Now()
		close(u.heard)
	}}
	go func() {
		defer close(u.over)
		defer cancel()
		answer, err := c.client.Do(ctx, c.transport, &req)
		u.gone = time.Now()
		if u.record = answer.Record; err != nil {
			u.record = &record.Request{ErrorType: record.ErrorConnect, Error: err.Error()}
		}
	}()
	return u
}

// leave lets all users leave, and returns when their connections are closed.
func (c *crowd) leave() {
	leaveAll(c.users)
	for _, u := range c.users {
		<-u.over
	}
	c.users = nil
}

// leaveAll lets users leave at one instant, and returns it.
func leaveAll(users []*user) (at time.Time) {
	at = time.Now()
	for _, u := range users {
		u.leave()
	}
	return at
}

// closed returns how long after an instant the last of the users had closed their connections.
func closed(users []*user, at time.Time) (took time.Duration) {
	for _, u := range users {
		<-u.over
		took = max(took, u.gone.Sub(at))
	}
	return took
}

// answered reports whether output has come.
func (u *user) answered() bool { return done(u.heard) }

// ended reports whether the request is over.
func (u *user) ended() bool { return done(u.over) }

func done(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// ttft returns how long the first output took, which has come.
func (u *user) ttft() time.Duration { return u.first.Sub(u.sent) }

// wait waits for output or the end of the request, and reports whether output came before ctx ended.
func (u *user) wait(ctx context.Context) bool {
	select {
	case <-u.heard:
	case <-u.over:
	case <-ctx.Done():
	}
	return u.answered()
}

// parts returns how many events with output came after an instant, of a request that is over.
func (u *user) parts(after time.Time) (n int) {
	for _, list := range [][]int64{u.record.Chunks, u.record.Reasoning, u.record.ToolCalls} {
		for _, us := range list {
			if u.record.Start+us*1000 > record.UnixNano(after) {
				n++
			}
		}
	}
	return n
}

// sort tells apart the users who are being answered, those who wait, and those whose requests are over.
func sort(users []*user) (inside, waiting, over []*user) {
	for _, u := range users {
		switch {
		case u.ended():
			over = append(over, u)
		case u.answered():
			inside = append(inside, u)
		default:
			waiting = append(waiting, u)
		}
	}
	return inside, waiting, over
}
