package llm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/status"
)

// failures counts the failed requests of the process by their kind. The zero value has none; it may be used concurrently.
type failures struct {
	mu    sync.Mutex
	kinds map[string]int64
}

// add counts a request if it failed.
func (f *failures) add(r *record.Request) {
	if !r.Failed() {
		return
	}
	kind := r.ErrorType
	if kind == record.ErrorHTTP {
		kind = fmt.Sprintf("status %d", r.Status)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = map[string]int64{}
	}
	f.kinds[kind]++
}

// mostKinds is how many kinds are told apart in the summary, the rest of its line being wanted for their names.
const mostKinds = 4

// String lists the kinds, the most frequent first: "5 status 503, 3 canceled".
func (f *failures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	kinds := slices.SortedFunc(maps.Keys(f.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.kinds[b], f.kinds[a]), cmp.Compare(a, b))
	})
	var parts []string
	others := int64(0)
	for i, kind := range kinds {
		if i >= mostKinds {
			others += f.kinds[kind]
			continue
		}
		parts = append(parts, status.Grouped(f.kinds[kind])+" "+kind)
	}
	if others > 0 {
		parts = append(parts, status.Grouped(others)+" of other kinds")
	}
	return strings.Join(parts, ", ")
}
