package status

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Endpoints finds the endpoints of clients of which nothing is answered, or no longer. The zero value is empty. It may
// be used concurrently.
type Endpoints struct {
	mu    sync.Mutex
	all   map[string]*endpointCount
	first int64 // start of the first request; Unix nanoseconds
}

// endpointCount counts the requests to an endpoint that have ended.
type endpointCount struct {
	sent, failed int64
	last         string // kind of the newest failure
	silent       int64  // failures since the newest success
	since        int64  // start of the first of them
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
	if e.first == 0 || r.Start < e.first {
		e.first = r.Start
	}
	switch c.sent++; {
	case r.Failed():
		if c.silent == 0 {
			c.since = r.Start
		}
		c.failed, c.silent, c.last = c.failed+1, c.silent+1, r.ErrorType
	case r.Start >= c.since: // an answer that began before is no sign of life
		c.silent = 0
	}
}

// fewestSilent is how many failures in a row are more than a bad moment.
const fewestSilent = 10

// Lines returns a sentence on each endpoint of which all requests failed, or all from some moment on.
func (e *Endpoints) Lines() (list []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(e.all)) {
		switch c := e.all[name]; {
		case c.failed == c.sent:
			list = append(list, fmt.Sprintf("endpoint %s: all of its %s requests failed, the last with %s",
				plain.Terminal(name), Grouped(c.sent), c.last))
		case c.silent >= fewestSilent:
			list = append(list, fmt.Sprintf("endpoint %s: all of its last %s requests failed, since %.1f s of the "+
				"run, the last with %s", plain.Terminal(name), Grouped(c.silent), float64(c.since-e.first)/1e9, c.last))
		}
	}
	return list
}
