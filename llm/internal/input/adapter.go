package input

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ChooseAdapter returns an adapter for a request, drawn by the shares of the split. The draw depends on the seed, the
// scenario, the iteration's index and the request's number seq in the iteration, so a request has the same adapter in
// every run of that seed, on any instance and VU.
func ChooseAdapter(split []record.Adapter, seed int64, scenario string, index int64, seq int) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\x00%d\x00%d", scenario, index, seq) // never fails
	rng := rand.NewPCG(h.Sum64(), uint64(seed))                   // reproducible on purpose
	at := float64(rng.Uint64()>>11) / (1 << 53)
	for _, a := range split {
		if at < a.Split {
			return a.Name
		}
		at -= a.Split
	}
	return split[len(split)-1].Name
}
