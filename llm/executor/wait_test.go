package executor

import (
	"context"
	"testing"
	"time"
)

// An instant long gone, such as that of an arrival which was never due, must not become one in the far future.
func TestWaiterPassesOverThePast(t *testing.T) {
	t.Parallel()
	w := newWaiter()
	defer w.close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, at := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now()} {
		if !w.until(ctx, at) {
			t.Errorf("%v: waited until the end", at)
		}
	}
}
