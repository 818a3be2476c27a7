package input

import (
	"slices"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// generatedSets collects the generated data sets of a process for the client lines of the record file.
type generatedSets struct {
	mu   sync.Mutex
	list []record.Generated
}

func (g *generatedSets) add(kind string, seed int64, salt string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append(g.list, record.Generated{Type: kind, Seed: seed, Salt: salt})
}

func (g *generatedSets) all() []record.Generated {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.list)
}
