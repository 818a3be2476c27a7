package page

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// enough is the number of requests from which on a 99th percentile is more than the slowest request.
const enough = 100

// next returns what a reader can do next.
func (r *Run) next() sentence {
	var parts []string
	switch verdict := r.verdict(); {
	case verdict == convert.Invalid:
		parts = append(parts, "remove the cause above and measure again")
	case r.simulated():
		parts = append(parts, "these are figures of the built-in simulator, of no model: measure your own server")
	default:
		if load := r.nextLoad(); load != "" {
			parts = append(parts, load)
		}
	}
	if few := r.stages.shortest(); len(r.searches) == 0 && few.doc.Exists() {
		n := whole(ended(few))
		parts = append(parts, fmt.Sprintf("longer stages: the p99 of %s is that of %s requests, almost its slowest",
			few.title(), n))
	}
	return sentence{Label: "Next", Text: strings.Join(parts, "; ")}
}

// nextLoad returns the load that would tell more.
func (r *Run) nextLoad() string {
	kept, broken := r.stages.judged()
	ends := r.stages.ends()
	switch {
	case len(r.searches) > 0:
		return r.searches.next()
	case ends == nil || r.parallel():
		return ""
	case len(kept)+len(broken) == 0:
		latency := map[string]string{ttft.key: "ttft", requestLatency.key: "latency"}[r.stages.first().key]
		return "say what you need, and each stage is judged: llmconv report … --slo 'p99(" + latency + ")<500ms'"
	case len(broken) == 0:
		return fmt.Sprintf("raise the load above %s, until the SLO breaks", ends[1].load())
	case len(kept) == 0:
		return fmt.Sprintf("lower the load below %s, until the SLO is kept", ends[0].load())
	default:
		best, worst := kept.ends()[1], broken.ends()[0]
		if r.stages.byLoad(best, worst) >= 0 {
			return "repeat it with longer stages: a higher load kept what a lower one broke"
		}
		return fmt.Sprintf("loads between %s and %s, to find the limit more closely", best.load(), worst.load())
	}
}

// shortest returns the stage with the fewest successes, if these are too few for a 99th percentile. A stage without any
// has no percentile.
func (all stages) shortest() (few part) {
	least := float64(enough)
	for _, s := range all {
		if n := ended(s); n > 0 && n < least {
			least, few = n, s
		}
	}
	return few
}

// ended returns the number of requests that have a latency.
func ended(p part) float64 { return number(p.doc.Get("successes.count")) }

func (r *Run) verdict() string { return r.summary.Get("xk6_llm.client_health.verdict").String() }
