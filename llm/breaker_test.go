package llm

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	inARow := breakerOptions{Consecutive: 3}
	share := breakerOptions{Rate: 0.5, Window: 10 * time.Second, MinSamples: 4}
	// Each letter is a request, one a second: f failed, c canceled, anything else succeeded; | begins a new stage.
	for _, tt := range []struct {
		name  string
		o     breakerOptions
		story string
		want  int // request that opens it, -1 for none
	}{
		{"three in a row", inARow, "ffsfff", 5},
		{"never three", inARow, "ffsffsff", -1},
		{"a stage begins anew", inARow, "ff|ff|fff", 6},
		{"our own cuts do not count", inARow, "ffccf", 4},
		{"only cuts", inARow, "ccccc", -1},
		{"half of four", share, "sfsf", 3},
		{"too few", share, "fff", -1},
		{"less than half", share, "ssfsfsfssf", -1},
		{"the window moves on", share, "ssssssssssssffffff", 17},
	} {
		var b breaker
		opened, stage, n := -1, 0, 0
		for _, c := range tt.story {
			if c == '|' {
				stage++
				continue
			}
			r := &record.Request{Stage: stage, End: int64(n+1) * int64(time.Second), Error: "why"}
			switch c {
			case 'f':
				r.ErrorType = record.ErrorReset
			case 'c':
				r.ErrorType = record.ErrorCanceled
			}
			if reason := b.observe(&tt.o, r); reason != "" && opened < 0 {
				opened = n
				if !strings.Contains(reason, "circuit breaker: ") || !strings.Contains(reason, "why") {
					t.Errorf("%s: reason %q", tt.name, reason)
				}
			}
			n++
		}
		if opened != tt.want {
			t.Errorf("%s: %q opens it at %d, want %d", tt.name, tt.story, opened, tt.want)
		}
	}
}

// Clients that differ only in their breakers must not feed each other's.
func TestBreakersTellClientsApart(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `new Client({circuitBreaker: {consecutive: 3}}); new Client({circuitBreaker: {consecutive: 4}}); new Client({circuitBreaker: {consecutive: 4}}); new Client()`)
	if n := len(v.root.clients.all); n != 3 {
		t.Errorf("%d distinct clients, want 3", n)
	}
}
