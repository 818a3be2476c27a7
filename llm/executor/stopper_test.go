package executor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The first of several reasons counts, and the next stage starts without a reason.
func TestStopperEndsAStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s stopper
		s.stop(false, "before any stage") // nothing runs yet
		ctx, start := s.begin(t.Context()), time.Now()
		var wg sync.WaitGroup
		for i, reason := range []string{"first", "second", "third"} {
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * time.Second)
				s.stop(i == 1, reason)
			})
		}
		<-ctx.Done()
		if spent := time.Since(start); spent != time.Second {
			t.Errorf("the stage ended after %v, want 1s", spent)
		}
		wg.Wait()
		if s.reason() != "first" || s.run() {
			t.Errorf("got reason %q, whole run %t; want the reason of the first stop, and only the stage stopped",
				s.reason(), s.run())
		}
		if ctx := s.begin(t.Context()); ctx.Err() != nil || s.reason() != "" {
			t.Errorf("the next stage starts with %v, reason %q", ctx.Err(), s.reason())
		}
		s.stop(true, "run")
		if s.reason() != "run" || !s.run() {
			t.Errorf("got reason %q, whole run %t; want the whole run stopped", s.reason(), s.run())
		}
	})
}
