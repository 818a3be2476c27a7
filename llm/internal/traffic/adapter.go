package traffic

import "github.com/seed-307b789f/xk6-llm/llm/record"

// ChooseAdapter returns an adapter for a request, drawn by the shares of the split. The draw follows from the place of
// the request, so that it has the same adapter in every run of that seed, on any instance and VU.
func ChooseAdapter(split []record.Adapter, p Place) string {
	at := float64(p.draw().Uint64()>>11) / (1 << 53)
	for _, a := range split {
		if at < a.Split {
			return a.Name
		}
		at -= a.Split
	}
	return split[len(split)-1].Name
}
