package engine

import (
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// leaveRules holds the rules by which users leave that requests of scripts bring along: each request has one of its
// own, and all that say the same share what the first of them has dealt. The zero value is empty.
type leaveRules struct {
	mu  sync.Mutex
	all map[leaveRule]*traffic.Leave
}

type leaveRule struct {
	share  float64
	after  time.Duration
	tokens int
	when   string
	seed   int64
	seeded bool
}

// maxRules bounds the rules kept, as a script may draw ever new ones.
const maxRules = 1000

// shared returns the first rule that says the same.
func (r *leaveRules) shared(l *traffic.Leave) *traffic.Leave {
	key := leaveRule{share: l.Share, after: l.After, tokens: l.Tokens, when: l.When, seeded: l.Seed != nil}
	if l.Seed != nil {
		key.seed = *l.Seed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := r.all[key]; first != nil {
		return first
	}
	if r.all == nil {
		r.all = map[leaveRule]*traffic.Leave{}
	}
	if len(r.all) < maxRules {
		r.all[key] = l
	}
	return l
}
