package alarm

import (
	"context"
	"testing"
	"time"
)

// An instant long gone, such as that of an arrival which was never due, must not become one in the far future.
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
