package audit

import (
	"context"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// every is the time between two readings of the page.
const every = 5 * time.Millisecond

// look is what the page showed between two instants.
type look struct {
	asked, came      time.Time
	running, waiting float64
	generated        float64
	queues, counts   bool // the page has the requests that wait, and the tokens that were generated
}

// read reads the page; ok is false if it cannot be read, or does not tell how many requests run.
func (a *auditor) read(ctx context.Context) (l look, ok bool) {
	if a.page == nil {
		return l, false
	}
	l.asked = time.Now()
	line, err := a.page.Read(ctx)
	if err != nil {
		return l, false
	}
	l.came = time.Now()
	l.running, ok = line.Values[record.ServerRunning]
	l.waiting, l.queues = line.Values[record.ServerWaiting]
	l.generated, l.counts = line.Values[record.ServerGenerationTokens]
	return l, ok
}

// watch reads the page again and again until what it shows is wanted, or ctx ends. It returns the last look at it, and
// when the one before was begun, so that the wanted came between the two.
func (a *auditor) watch(ctx context.Context, wanted func(l *look) bool) (last look, before time.Time, ok bool) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if l, read := a.read(ctx); read {
			if before = last.asked; wanted(&l) {
				return l, before, true
			}
			last = l
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return last, before, false
}

// see learns whether the page tells anything.
func (a *auditor) see(ctx context.Context) {
	if _, ok := a.read(ctx); !ok {
		a.page, a.result.MetricsPage, a.result.Engine = nil, "", ""
	}
}
