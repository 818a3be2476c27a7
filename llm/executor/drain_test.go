package executor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// page is a module whose server has a page: it tells that the server is idle some time after it was asked first.
type page struct {
	Module
	after  time.Duration
	since  time.Time // zero: not asked since the probe began
	salts  []string
	probes []int // of the states that were told
}

func (p *page) Salt(salt string) { p.salts, p.since = append(p.salts, salt), time.Time{} }

func (p *page) ServerIdle(context.Context) (idle, known bool) {
	if p.since.IsZero() {
		p.since = time.Now()
	}
	return time.Since(p.since) >= p.after, true
}

func (p *page) Searched(state *record.Search, last record.Stage) {
	p.probes = append(p.probes, len(state.Probes), last.Index)
}

// Each probe waits until the one before has left the server, and not for ever.
func TestProbesWaitForTheServer(t *testing.T) {
	t.Parallel()
	const options = `{"search": {"over": "concurrency", "slo": "p90(ttft)<50ms", "min": 1, "max": 2}}`
	for _, tt := range []struct {
		after, least, most time.Duration
		warns              int
	}{
		{0, 0, time.Second, 0}, {7 * time.Second, 7 * time.Second, 8 * time.Second, 0},
		{time.Hour, drained, drained + time.Second, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &page{after: tt.after}
			f := runSearch(t, options, fourPlaces(), func(r *run) { r.config.module = server })
			for i, p := range f.Probes {
				seconds := p.Seconds - *f.Stages[i].Duration
				waited := time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
				if waited < tt.least || waited > tt.most {
					t.Errorf("idle after %v: probe %d waited %v", tt.after, i, waited)
				}
			}
			if n := strings.Count(f.Log, "does not tell that it is idle"); n != tt.warns*len(f.Probes) {
				t.Errorf("idle after %v: %d warnings after %d probes", tt.after, n, len(f.Probes))
			}
			salts := slices.Compact(slices.Sorted(slices.Values(server.salts)))
			if len(f.Probes) == 0 || len(salts) != len(f.Probes) || len(server.probes) != 2*len(f.Probes)+2 {
				t.Errorf("%d probes, salts %q, told %v", len(f.Probes), salts, server.probes)
			}
		})
	}
}
