package executor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Four places, each for 100 ms: the queue carries less than 40/s.
func fourPlaces() queue {
	return queue{places: make(chan struct{}, 4), service: 100 * time.Millisecond}
}

const waitsLittle = `{"seed": 1, "search": {"slo": "p90(ttft)<100ms", "min": 5, "max": 160, "resolution": 0.1}}`

func TestSearchFindsWhatAQueueCarries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := runSearch(t, waitsLittle, fourPlaces(), nil)
		if f.StopReason != search.Converged || *f.HighestPassing < 25 || *f.LowestFailing > 42 ||
			f.Scenario != "load" || f.Arrival != "poisson" {
			t.Fatalf("%s: %s", f.StopReason, f.Text)
		}
		if len(f.Stages) != len(f.Probes) || f.Lines != len(f.Probes)+1 {
			t.Errorf("%d stages and %d lines of %d probes", len(f.Stages), f.Lines, len(f.Probes))
		}
		slices.SortFunc(f.Requests, func(a, b *record.Request) int { return int(a.Index - b.Index) })
		for i, r := range f.Requests {
			s := f.Stages[r.Stage]
			due := float64(*r.Due-s.Start) / 1e9
			if r.Index != int64(i) || r.Warmup != (due < *s.Warmup) || due > *s.Duration || due < 0 {
				t.Fatalf("request %d: number %d, due after %.3f s, in the transient: %t; stage %+v", i, r.Index, due,
					r.Warmup, s)
			}
		}
		for i, p := range f.Probes {
			if s := f.Stages[i]; s.Index != i || *s.Rate != p.Value || s.Status != "completed" || p.Stage != i ||
				p.Verdict != "VALID" || p.Seconds < *s.Duration {
				t.Errorf("probe %+v, stage %+v", p, s)
			}
		}
		if !strings.Contains(f.Log, "probe 0: 5/s passes (p90 TTFT ") || !strings.Contains(f.Log, "search: holds at ") {
			t.Errorf("logged:\n%s", f.Log)
		}
	})
}

// Why a search ends, and what it then knows.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options string
		server        func(q *queue)
		reason, says  string        // of the line
		logged        string        // by some probe
		most          time.Duration // that the search takes
		low, high     float64       // 0 for none
	}{
		{"overloaded", `{"search": {"slo": "p90(ttft)<100ms", "min": 80}}`, nil, search.MinFails, "grow without bound",
			"80/s fails (", 10 * time.Second, 0, 80},
		{"the client is late", waitsLittle, func(q *queue) { q.late = 300 * time.Millisecond },
			search.ClientLimited, "requests were sent late", "5/s is refused", time.Minute, 0, 0},
		{"too few VUs", `{"maxVUs": 3, "search": {"slo": "p90(ttft)<100ms", "min": 5}}`, nil,
			search.ClientLimited, "arrivals were dropped: too few VUs", "10/s is refused", time.Minute, 5, 0},
		{"every request fails", waitsLittle, func(q *queue) { q.answers = fails }, search.MinFails, "was answered",
			"5/s fails (100 % failed", 20 * time.Second, 0, 5},
		{"no iteration sends a request", waitsLittle, func(q *queue) { q.answers = sendsNothing }, search.MinFails,
			"was answered", "5/s fails (100 % failed", 20 * time.Second, 0, 5},
		{"no request ends", waitsLittle, func(q *queue) { q.service = 24 * time.Hour }, search.MinFails,
			"grow without bound", "5/s fails (0 requests", 2 * time.Minute, 0, 5},
		{"a breaker opens above 30/s", waitsLittle, func(q *queue) { q.answers = breaksAbove30 }, search.Converged,
			"between 28.3/s and 30.8/s", "40/s fails (0 requests): circuit breaker: enough",
			4 * time.Minute, 28.3, 30.8},
		{"places", `{"search": {"over": "concurrency", "slo": "p90(ttft)<50ms"}}`, nil, search.Converged,
			"between 4 at a time and 5 at a time", "8 at a time fails", time.Minute, 4, 5},
		{"a VU for each place", `{"maxVUs": 3, "search": {"over": "concurrency", "slo": "p90(ttft)<50ms"}}`, nil,
			search.ClientLimited, "4 requests at a time need as many VUs, and maxVUs is 3: raise maxVUs",
			"2 at a time passes", time.Minute, 2, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := fourPlaces()
			if tt.server != nil {
				tt.server(&server)
			}
			f := runSearch(t, tt.options, server, nil)
			if f.StopReason != tt.reason || !strings.Contains(f.Reason, tt.says) ||
				!strings.Contains(f.Log, tt.logged) || f.Took > tt.most ||
				!is(f.HighestPassing, tt.low) || !is(f.LowestFailing, tt.high) {
				t.Errorf("%s: %s after %v: %s; %s\n%s", tt.name, f.StopReason, f.Took, f.Reason, f.Text, f.Log)
			}
		})
	}
}

func fails(_ *arrival.Arrival, r *record.Request) bool {
	r.ErrorType, r.Chunks = record.ErrorReset, nil
	return true
}

func sendsNothing(*arrival.Arrival, *record.Request) bool { return false }

func breaksAbove30(a *arrival.Arrival, _ *record.Request) bool {
	if *a.Probe.Rate > 30 {
		a.Stop(true, "circuit breaker: enough")
	}
	return true
}

// is compares a load that may be nil.
func is(load *float64, want float64) bool {
	if load == nil {
		return want == 0
	}
	return *load == want
}

// What is known when the run ends stays known.
func TestSearchIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := runSearch(t, waitsLittle, fourPlaces(), func(r *run) {
			ctx, cancel := context.WithCancel(r.parent)
			r.parent = ctx
			time.AfterFunc(12*time.Second, cancel)
		})
		last := f.Stages[len(f.Stages)-1]
		if f.StopReason != search.Interrupted || f.Took != 12*time.Second || *f.HighestPassing != 10 ||
			len(f.Probes) != 2 || len(f.Stages) != 3 || last.Status != "interrupted" {
			t.Errorf("%s after %v: %s; last stage %+v", f.StopReason, f.Took, f.Text, last)
		}
	})
}

// What an overloaded probe has left in flight is cut, and does not count. The next probe finds the server idle.
func TestOverloadIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := runSearch(t, `{"search": {"slo": "p90(ttft)<100ms", "resolution": 1}}`, fourPlaces(), nil)
		cut := map[int]int{}
		for _, r := range f.Requests {
			if r.Unfinished() {
				cut[r.Stage]++
			}
			if s := f.Stages[r.Stage]; *r.Due == s.Start && r.Chunks[0] > 0 {
				t.Errorf("the first request of stage %d waited %d us", r.Stage, r.Chunks[0])
			}
		}
		for i, p := range f.Probes {
			if fails := p.Outcome == record.ProbeFailed && p.Certain; fails != (cut[i] > 0) {
				t.Errorf("probe %d: %d requests cut, %+v", i, cut[i], p)
			}
		}
		if len(cut) == 0 {
			t.Error("nothing was cut")
		}
	})
}
