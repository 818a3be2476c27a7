package engine

import (
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

func TestRequestsShareTheRuleTheyBring(t *testing.T) {
	t.Parallel()
	var r leaveRules
	first := r.shared(&traffic.Leave{Share: 0.3, After: time.Second, Seed: new(int64(4))})
	if got := r.shared(&traffic.Leave{Share: 0.3, After: time.Second, Seed: new(int64(4))}); got != first {
		t.Error("an equal rule is another one")
	}
	for _, other := range []*traffic.Leave{
		{Share: 0.3, After: time.Second}, {Share: 0.3, After: time.Second, Seed: new(int64(0))},
		{Share: 0.2, After: time.Second, Seed: new(int64(4))}, {Share: 0.3, Tokens: 1, Seed: new(int64(4))},
		{Share: 0.3, When: traffic.Queued, Seed: new(int64(4))},
	} {
		if got := r.shared(other); got != other {
			t.Errorf("%+v is taken for %+v", other, got)
		}
	}
	for i := range 2 * maxRules {
		r.shared(&traffic.Leave{Share: 0.5, Tokens: i + 1})
	}
	if len(r.all) != maxRules {
		t.Errorf("%d rules are kept, want %d", len(r.all), maxRules)
	}
}
