package audit

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fill lets users come until some have to wait, and reports whether there is anything to see when they leave.
func (a *auditor) fill(ctx context.Context) bool {
	defer a.opts.step("taking all places of the server")()
	limited, cancel := context.WithTimeout(ctx, fillLimit)
	defer cancel()
	if !a.first(ctx, limited) {
		return false
	}
	goal, most := 8, max(mostStreams, a.opts.Places+1)
	if a.opts.Places > 0 {
		goal = a.opts.Places + 1
	}
	for limited.Err() == nil {
		came := a.crowd.enter(ctx, goal-len(a.crowd.users), a.tokens)
		a.settle(limited, came)
		a.slowest(came)
		inside, waiting, over := sort(a.crowd.users)
		a.result.Places = len(inside)
		if refused := refusals(over); len(waiting)+refused > 0 || goal == most {
			a.result.Full, a.result.Refused = len(waiting)+refused > 0, refused
			break
		}
		if len(over) > 0 {
			return a.tooShort(over[0])
		}
		goal = min(2*goal, most)
	}
	return a.visible()
}

// visible reports whether anything tells when places are free again.
func (a *auditor) visible() bool {
	switch {
	case a.result.Places == 0:
		return a.result.undecided("no answer has begun", "see whether the server is busy")
	case !a.result.Full && a.page == nil:
		return a.result.undecided(fmt.Sprintf("%d users at once did not take all places, and the server has no page "+
			"that tells how many requests run", a.result.Places), "start the server with fewer places (vLLM: "+
			"--max-num-seqs, SGLang: --max-running-requests, llama.cpp: --parallel), give --places, or let the server "+
			"show its page /metrics")
	}
	return true
}

// first lets the first user come, and asks for fewer tokens as long as the server refuses so many.
func (a *auditor) first(ctx, limited context.Context) bool {
	for {
		a.crowd.leave() // those before are over
		u := a.crowd.enter(ctx, 1, a.tokens)[0]
		if u.wait(limited) {
			return true
		}
		if !u.ended() || u.record.ErrorType != record.ErrorHTTP || u.record.Status >= 500 || a.tokens <= fewest {
			return a.result.undecided(whyNot(u, fmt.Sprintf("a request for %d tokens", a.tokens)), "")
		}
		a.tokens /= 2
	}
}

// settle waits until all users have output, or nothing changes any more.
func (a *auditor) settle(ctx context.Context, came []*user) {
	for _, u := range came {
		quiet, cancel := context.WithTimeout(ctx, a.patience())
		if u.wait(quiet); u.answered() && u.ttft() > a.busy {
			a.busy = u.ttft()
		}
		cancel()
		if !u.answered() && !u.ended() {
			break // the others had as long as this one, and those after it are behind it
		}
	}
}

// patience is how long a user without output is looked at before he is said to wait.
func (a *auditor) patience() time.Duration {
	return min(max(4*a.busy, 300*time.Millisecond), 3*time.Second)
}

// slowest notes the longest TTFT of users who came together and found places.
func (a *auditor) slowest(came []*user) {
	for _, u := range came {
		if u.answered() {
			a.busy = max(a.busy, u.ttft())
		}
	}
}

// refusals counts the requests that the server refused because it has too many.
func refusals(over []*user) (n int) {
	for _, u := range over {
		if tooMany(u.record) {
			n++
		}
	}
	return n
}

func tooMany(rec *record.Request) bool {
	return rec.Status == http.StatusTooManyRequests || rec.Status == http.StatusServiceUnavailable
}

// tooShort says that answers are over too early.
func (a *auditor) tooShort(u *user) bool {
	if u.record.Failed() {
		return a.result.undecided(whyNot(u, "a request"), "see the server's log")
	}
	return a.result.undecided(fmt.Sprintf("answers end after %d pieces, before all places were taken",
		u.record.OutputChunks()), "start the server with a longer context or fewer places, or name a model that does "+
		"not stop by itself")
}
