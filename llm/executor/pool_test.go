package executor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// idle waits for busy VUs, but no longer than its limit.
func TestPoolWaitsForBusyVUs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		request, most time.Duration
		want          bool
		after         time.Duration
	}{
		{"a request that ends in time", 12 * time.Millisecond, time.Second, true, 15 * time.Millisecond},
		{"a request that does not", time.Hour, time.Second, false, time.Second},
		{"no request", 0, time.Second, true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var p pool
			if tt.request > 0 {
				p.busy.Add(1)
				timer := time.AfterFunc(tt.request, func() { p.busy.Add(-1) })
				defer timer.Stop()
			}
			start := time.Now()
			if got := p.idle(t.Context(), tt.most); got != tt.want || time.Since(start) != tt.after {
				t.Errorf("%s: got %t after %v, want %t after %v", tt.name, got, time.Since(start), tt.want, tt.after)
			}
		})
	}
}

// A job goes to the VU that came free last, and to none when all are busy.
func TestPoolTakesTheVUFreedLast(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &pool{ctx: ctx, avail: make(chan struct{}, 2), most: 3}
	spare := &vus{p: p, spare: 1, asked: make(chan struct{}, 2)}
	p.source = spare
	first, last := make(chan job, 1), make(chan job, 1)
	p.release(first)
	p.release(last)
	p.size.Store(2)
	for i, jobs := range []chan job{last, first} {
		if !p.find() {
			t.Fatalf("no VU was free for arrival %d", i)
		}
		p.take(job{})
		if len(jobs) != 1 {
			t.Fatalf("arrival %d did not go to the VU expected", i)
		}
	}
	if p.find() {
		t.Error("an arrival was taken with all VUs busy")
	}
	if len(spare.asked) != 1 || spare.spare != 0 {
		t.Errorf("%d more VUs were asked for, want the one that is spare", len(spare.asked))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if p.await(ended) {
		t.Error("a VU was found after the end of the stage")
	}
	cancel()
	if p.await(t.Context()) {
		t.Error("a VU was found after the end of the load")
	}
}
