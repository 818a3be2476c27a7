package audit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// leaveQueue lets those leave who wait. Without a page it shows when the others leave, too, whether they are still
// there.
func (a *auditor) leaveQueue(ctx context.Context) {
	inside, waiting, _ := sort(a.crowd.users)
	q := &a.result.Queue
	if q.Users = len(waiting); q.Users == 0 {
		q.undecided("nobody had to wait")
		return
	}
	defer a.opts.step("waiting for those to be gone who left the queue")()
	before, read := a.read(ctx)
	at := leaveAll(waiting)
	switch {
	case !read || !before.queues:
		q.undecided("no page shows who waits")
		return
	case before.waiting == 0:
		q.undecided("the page shows nobody who waits: they did so in front of the server")
		return
	}
	ctx, cancel := context.WithDeadline(ctx, at.Add(a.opts.Wait))
	defer cancel()
	l, since, gone := a.watch(ctx, func(l *look) bool {
		return l.asked.After(at) && (l.waiting == 0 || slices.ContainsFunc(inside, (*user).ended))
	})
	if slices.ContainsFunc(inside, (*user).ended) {
		q.undecided(fmt.Sprintf("answers ended by themselves within %.1f s after they left", time.Since(at).Seconds()))
		return
	}
	if !gone {
		q.leaked(int(l.waiting), a.opts.Wait)
		return
	}
	q.freed(byPage, at, since, l.came)
	q.Within.Bound = max(q.Within.Bound, milliseconds(closed(waiting, at)))
}

// departure is what was seen when those left who were being answered.
type departure struct {
	at    time.Time
	tries *tries
	read  bool // the page could be read
	last  look // at the page
	since time.Time
	empty bool // the page showed nobody else
	stale bool // the page still shows others although all places are free
}

// leaveAnswers lets those leave who are being answered, and asks whether there is a place at once.
func (a *auditor) leaveAnswers(ctx context.Context) {
	defer a.opts.step("waiting for the places of those who left to be free")()
	inside, _, over := sort(a.crowd.users)
	a.result.Answers.Users = len(inside)
	if len(over) > refusals(over)+a.result.Queue.Users {
		a.result.Answers.undecided(fmt.Sprintf("answers of %d tokens ended before their users left", a.tokens))
		return
	}
	before, read := a.read(ctx)
	limited, cancel := context.WithTimeout(ctx, a.opts.Wait)
	defer cancel()
	d := departure{at: leaveAll(inside), read: read}
	if read {
		d.tries = a.newTries(limited, d.at, 1, 1)
		d.last, d.since, d.empty = a.watch(limited, func(l *look) bool {
			return l.asked.After(d.at) && l.running+l.waiting <= d.tries.most()
		})
	} else {
		d.tries = a.newTries(limited, d.at, len(inside), a.tokens)
	}
	n, slowest := d.tries.found()
	took := time.Since(d.at)
	if read && !d.empty && n > 0 && ctx.Err() == nil {
		d.stale = a.allFree(ctx, len(inside))
	}
	a.judge(&d, n, slowest)
	if w := a.result.Answers.Within; w != nil {
		w.Bound = max(w.Bound, milliseconds(closed(inside, d.at)))
	}
	a.lasting(inside, took)
	leaveAll(a.crowd.users)
	if read && before.counts {
		a.forNobody(ctx, before)
	}
}

// allFree reports whether as many requests as left find places at once, whatever the page says.
func (a *auditor) allFree(ctx context.Context, users int) bool {
	ctx, cancel := context.WithTimeout(ctx, a.patience())
	defer cancel()
	n, _ := a.newTries(ctx, time.Now(), users, a.tokens).found()
	return a.result.Full && n == users
}

// judge decides about those who were being answered: n of the requests sent then have got a place.
func (a *auditor) judge(d *departure, n int, slowest time.Duration) {
	g, q, full := &a.result.Answers, &a.result.Queue, a.result.Full
	shown := max(int(d.last.running+d.last.waiting)-len(d.tries.users)+n, 1)
	switch {
	case n < len(d.tries.users) && q.Verdict == Leaked && d.last.waiting < float64(q.Left):
		g.undecided("those who left the queue took the places")
	case d.read && !d.empty && !d.stale:
		g.leaked(min(shown, g.Users), a.opts.Wait)
	case full && n < len(d.tries.users):
		g.leaked(len(d.tries.users)-n, a.opts.Wait)
	case full:
		expected := a.idle.median
		if !d.read {
			expected = a.busy
		}
		g.freedAfter(byTTFT, slowest-expected, a.idle.most)
	default:
		g.freed(byPage, d.at, d.since, d.last.came)
	}
	if d.empty {
		g.Page = new(milliseconds(d.last.came.Sub(d.at)))
	}
	g.Stale = d.stale
}

// lasting withdraws what was decided if the answers would have been over by then.
func (a *auditor) lasting(users []*user, took time.Duration) {
	shortest := time.Duration(0)
	for _, u := range users {
		<-u.over
		left := time.Duration(a.tokens-u.record.OutputChunks()) * pace(u.record)
		if left > 0 && (shortest == 0 || left < shortest) {
			shortest = left
		}
	}
	if g := &a.result.Answers; g.Verdict == Freed && shortest > 0 && took > shortest*4/5 {
		g.undecided(fmt.Sprintf("answers of %d tokens end by themselves after %.1f s", a.tokens, shortest.Seconds()))
	}
}

// settling is how long the page may take to count what was generated.
const settling = 100 * time.Millisecond

// forNobody counts what was generated after a look at the page and was received by nobody. Some servers count what they
// generated only when a request is over: then it counts from before the answers began.
func (a *auditor) forNobody(ctx context.Context, before look) {
	received, since := 0, 0
	for _, u := range a.crowd.users {
		<-u.over
		received, since = received+u.parts(before.asked), since+u.parts(a.base.asked)
	}
	if early := float64(since - received); before.generated-a.base.generated < early*a.perPart/2 {
		before, received = a.base, since
	}
	select {
	case <-time.After(settling):
	case <-ctx.Done():
	}
	if after, ok := a.read(ctx); ok {
		n := int64(after.generated - before.generated - float64(received)*a.perPart + 0.5)
		a.result.ForNobody = new(max(n, 0))
	}
}
