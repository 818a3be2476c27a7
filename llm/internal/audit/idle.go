package audit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// spread is the median of some times, and how far the others are from it.
type spread struct{ median, most time.Duration }

func newSpread(times []time.Duration) spread {
	slices.Sort(times)
	m := times[len(times)/2]
	return spread{m, max(m-times[0], times[len(times)-1]-m)}
}

// alone reports whether the server is idle, and measures the TTFT and the time of a token there.
func (a *auditor) alone(ctx context.Context) bool {
	defer a.opts.step("measuring the TTFT of the idle server")()
	limited, cancel := context.WithTimeout(ctx, idleLimit)
	defer cancel()
	if a.page != nil && !a.isIdle(limited) {
		return false
	}
	const first, times = 1, 6 // the first fills caches and opens the connection
	var list []time.Duration
	for i := range first + times {
		u := a.crowd.enter(ctx, 1, 1)[0]
		if !u.wait(limited) {
			return a.result.undecided(whyNot(u, "a request alone"), "see whether the server is busy")
		}
		<-u.over
		if i >= first {
			list = append(list, u.ttft())
		}
	}
	a.idle = newSpread(list)
	a.busy = a.idle.median
	a.result.IdleTTFT, a.result.IdleSpread = milliseconds(a.idle.median), milliseconds(a.idle.most)
	a.tokens = a.enough(limited)
	a.base, _ = a.read(ctx)
	return ctx.Err() == nil
}

// isIdle waits until the page shows that nobody uses the server, and reports whether it does.
func (a *auditor) isIdle(ctx context.Context) bool {
	l, _, idle := a.watch(ctx, func(l *look) bool { return l.running+l.waiting == 0 })
	if !idle {
		return a.result.undecided(fmt.Sprintf("the server is not idle: its page shows %.0f requests running and %.0f "+
			"waiting before the audit began", l.running, l.waiting), "audit it while nobody else uses it. If nobody "+
			"does, those are the requests of users who left earlier: a leak")
	}
	return true
}

// whyNot says why no output came of a request.
func whyNot(u *user, what string) string {
	if u.ended() && u.record.Error != "" {
		return fmt.Sprintf("%s failed (%s): %s", what, u.record.ErrorType, u.record.Error)
	}
	return what + " had no output in time"
}

// Limits of the length of an answer, in tokens.
const (
	fewest = 256
	mostly = 1 << 15
)

// enough returns how many tokens last for an audit at the pace of the idle server, which is the fastest.
func (a *auditor) enough(ctx context.Context) int {
	u := a.crowd.enter(ctx, 1, 64)[0]
	select {
	case <-u.over:
	case <-ctx.Done():
		u.leave()
		<-u.over
	}
	lasts := fillLimit + 2*a.opts.Wait
	pace := max(pace(u.record), 100*time.Microsecond)
	power := math.Ceil(math.Log2(float64(lasts / pace)))
	return int(min(max(math.Exp2(power), fewest), mostly))
}

// pace returns the mean time between two events with output, 0 if it is unknown.
func pace(rec *record.Request) time.Duration {
	list := rec.Chunks
	if len(rec.Reasoning) > len(list) {
		list = rec.Reasoning
	}
	if len(list) < 2 {
		return 0
	}
	return time.Duration(list[len(list)-1]-list[0]) * time.Microsecond / time.Duration(len(list)-1)
}

func milliseconds(d time.Duration) float64 { return cmp.Or(float64(d.Microseconds())/1000, 0) }
