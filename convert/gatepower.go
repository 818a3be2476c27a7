package convert

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// could says which answers so many requests could have given the gate, and "" if that is not known.
func (x gateSample) could(requests int, p *GatePower) string {
	if p == nil {
		return ""
	}
	n, may := countText(requests), sharePercent(x.most)+" may be"
	if x.Kind == slo.Failures {
		may = sharePercent(x.most) + " may"
	}
	switch {
	case p.PassesTo == nil:
		return fmt.Sprintf("%s requests are too few to PASS; they would FAIL, 4 times in 5, if %s %s, where %s", n,
			sharePercent(float64(*p.FailsFrom)), x.missed(), may)
	case p.FailsFrom == nil:
		return fmt.Sprintf("%s requests are too few to FAIL; they would PASS, 4 times in 5, if at most %s %s, where %s",
			n, sharePercent(float64(*p.PassesTo)), x.missed(), may)
	}
	return fmt.Sprintf("with %s requests it would PASS, 4 times in 5, if at most %s %s, and FAIL from %s on; %s", n,
		sharePercent(float64(*p.PassesTo)), x.missed(), sharePercent(float64(*p.FailsFrom)), may)
}

// missed says what happens to requests that miss the objective: they are over its bound, or they fail.
func (x gateSample) missed() string {
	switch {
	case x.Kind == slo.Failures:
		return "failed"
	case !x.single():
		return "were over a bound"
	case slo.IsFactor(x.Bounds[0].Latency):
		return "were over " + Digits(x.Bounds[0].Limit.Seconds())
	}
	return "were over " + Digits(1000*x.Bounds[0].Limit.Seconds()) + " ms"
}
