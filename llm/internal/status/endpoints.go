package status

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Endpoints finds the endpoints of clients of which nothing is answered. The zero value is empty. It may be used
// concurrently.
type Endpoints struct {
	mu  sync.Mutex
	all map[string]*endpointCount
}

// endpointCount counts the requests to an endpoint that have ended.
type endpointCount struct {
	sent, failed int64
	last         string // kind of the newest failure
}

// Add counts a request, unless its client has one endpoint or it is unfinished.
func (e *Endpoints) Add(r *record.Request) {
	if r.Endpoint == "" || r.Unfinished() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[string]*endpointCount{}
	}
	c := e.all[r.Endpoint]
	if c == nil {
		c = new(endpointCount)
		e.all[r.Endpoint] = c
	}
	if c.sent++; r.Failed() {
		c.failed, c.last = c.failed+1, r.ErrorType
	}
}

// Lines returns a sentence on each endpoint of which all requests failed.
func (e *Endpoints) Lines() (list []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(e.all)) {
		if c := e.all[name]; c.failed == c.sent {
			list = append(list, fmt.Sprintf("endpoint %s: all of its %s requests failed, the last with %s",
				plain.Terminal(name), Grouped(c.sent), c.last))
		}
	}
	return list
}
