package alarm

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// An instant in the distant past, as of an arrival that was never due, must not become one in the far future.
func TestClockPassesOverThePast(t *testing.T) {
	t.Parallel()
	c := New()
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, at := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now()} {
		if !c.Until(ctx, at) {
			t.Errorf("%v: waited until the end", at)
		}
	}
}

// One wait after another, of many goroutines at once, ends in time: not before, and soon after.
func TestManyWaitsEndInTime(t *testing.T) {
	t.Parallel()
	var waits sync.WaitGroup
	for i := range 50 {
		waits.Go(func() {
			for k := range 3 {
				at := time.Now().Add(time.Duration(i%7+k) * time.Millisecond)
				if !Until(t.Context(), at) || time.Now().Before(at) {
					t.Errorf("ended %v before its instant", time.Until(at))
				}
			}
		})
	}
	waits.Wait()
}

// In virtual time, which the kernel's timer does not move, a wait ends at its instant.
func TestUntilInVirtualTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{time.Microsecond, time.Millisecond, time.Hour} {
			at := time.Now().Add(d)
			if !Until(t.Context(), at) || !time.Now().Equal(at) {
				t.Errorf("%v: ended %v after its instant", d, time.Since(at))
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if start := time.Now(); Until(ctx, start.Add(time.Hour)) || time.Since(start) != time.Second {
			t.Errorf("a wait ended %v after its context began, want 1s", time.Since(start))
		}
	})
}

func TestTickerGoesOffUntilItIsClosed(t *testing.T) {
	t.Parallel()
	const period = 2 * time.Millisecond
	ticker, start := NewTicker(period)
	for n := range 3 {
		if !ticker.Wait() {
			t.Fatal("the ticker is closed before Close")
		}
		if since := time.Since(start); since < time.Duration(n+1)*period {
			t.Errorf("went off %d times within %v", n+1, since)
		}
	}
	ended := make(chan bool)
	go func() {
		for ticker.Wait() {
		}
		ended <- true
	}()
	ticker.Close()
	<-ended // blocks forever if Close does not end a Wait
}
