package llm

import (
	"slices"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// salts are the generated data sets of the process, for the client lines.
type salts struct {
	mu  sync.Mutex
	all []record.Generated
}

func (s *salts) note(kind string, seed int64, salt string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, record.Generated{Type: kind, Seed: seed, Salt: salt})
}

func (s *salts) list() []record.Generated {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}
