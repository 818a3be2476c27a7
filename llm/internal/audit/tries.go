package audit

import (
	"context"
	"time"
)

// tries are requests sent as others leave, to find the places of those. A refused one is sent again.
type tries struct {
	a     *auditor
	at    time.Time // when the others left
	users []*user
	over  chan struct{} // closed when all have a place, or the time is over
}

// newTries sends n requests for so many tokens.
func (a *auditor) newTries(ctx context.Context, at time.Time, n, tokens int) *tries {
	t := &tries{a: a, at: at, users: a.crowd.enter(ctx, n, tokens), over: make(chan struct{})}
	go t.run(ctx, tokens)
	return t
}

func (t *tries) run(ctx context.Context, tokens int) {
	defer close(t.over)
	for i := range t.users {
		for !t.users[i].wait(ctx) && ctx.Err() == nil && tooMany(t.users[i].record) {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return
			}
			t.users[i] = t.a.crowd.enter(ctx, 1, tokens)[0]
		}
	}
}

// most returns how many of the requests may be at the server: none once they are over.
func (t *tries) most() float64 {
	if done(t.over) {
		return 0
	}
	return float64(len(t.users))
}

// found waits for the requests, and returns how many have a place and how long after the others left the last got it.
func (t *tries) found() (n int, slowest time.Duration) {
	<-t.over
	for _, u := range t.users {
		if u.answered() {
			n, slowest = n+1, max(slowest, u.first.Sub(t.at))
		}
	}
	return n, slowest
}
