package alarm

import (
	"context"
	"testing"
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
