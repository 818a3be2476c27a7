package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// steps returns what a reader can do next.
func steps(r *Run) (parts []string) {
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	switch {
	case r.verdict() == convert.Invalid:
		add("remove the cause above and measure again")
	case ended(part{doc: r.summary}) == 0 && failedCount(r.summary) > 0:
		add("no request succeeded: read why in the table of errors, and try one with k6 x llm probe URL")
	default:
		add(r.lookAt())
		if !mostlyKept(r) {
			add(r.nextLoad())
		}
		add(r.stages.more(len(r.searches) > 0))
	}
	if parts == nil {
		add("check that nobody changed it: llmconv verify " + r.Name)
	}
	return parts
}

// lookAt names the part of the page that tells why an SLO was violated.
func (r *Run) lookAt() string {
	if violated(r).Text == "" || len(r.stages) > 1 {
		return "" // of a ladder, the table of the stages tells it
	}
	return "see What happened on the page for when the SLO was violated"
}

// mostlyKept reports whether a single load violated the SLO for less than half of its time, as when a replica is lost:
// then what happened tells more than another load.
func mostlyKept(r *Run) bool {
	v := r.summary.Get("xk6_llm.violations")
	seconds := number(v.Get("seconds"))
	return len(r.stages) == 1 && seconds > 0 && 2*seconds < number(v.Get("of_seconds"))
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
		return fmt.Sprintf("raise the load above %s, until the SLO breaks%s", ends[1].load(), flagOf(ends[1], 1.5, 2))
	case len(kept) == 0:
		return fmt.Sprintf("lower the load below %s, until the SLO is kept%s", ends[0].load(),
			flagOf(ends[0], 0.25, 0.5))
	default:
		best, worst := kept.ends()[1], broken.ends()[0]
		if r.stages.byLoad(best, worst) >= 0 {
			return "repeat it with longer stages: a higher load kept what a lower one broke"
		}
		return fmt.Sprintf("loads between %s and %s, to find the limit more closely%s", best.load(), worst.load(),
			searchFlags(best, worst))
	}
}

// flagOf returns the flag of bench for multiples of the load of a stage, "" for one of sessions or iterations.
func flagOf(p part, factors ...float64) string {
	name, load := "rate", p.asked()
	if p.atATime() > 0 {
		name, load = "concurrency", p.atATime()
	}
	if p.of() != requests || !(load > 0) {
		return ""
	}
	var loads []string
	for _, factor := range factors {
		v := plainLoad(load * factor)
		if name == "concurrency" {
			v = fmt.Sprint(math.Max(1, math.Round(load*factor)))
		}
		if len(loads) == 0 || loads[len(loads)-1] != v {
			loads = append(loads, v)
		}
	}
	return fmt.Sprintf(": --%s %s", name, strings.Join(loads, ","))
}

// searchFlags returns the flags of bench for a search between the loads of two stages.
func searchFlags(low, high part) string {
	over, from, to := "rate", low.asked(), high.asked()
	if low.atATime() > 0 {
		over, from, to = "concurrency", low.atATime(), high.atATime()
	}
	if low.of() != requests || !(from > 0) || !(to > from) {
		return ""
	}
	return fmt.Sprintf(": --search %s --search-min %s --search-max %s", over, plainLoad(from), plainLoad(to))
}

// plainLoad writes a load as a flag takes it.
func plainLoad(v float64) string { return fmt.Sprintf("%.3g", v) }

// mostSeconds is the longest stage that is advised: what would take longer is not stationary, as in an overload.
const mostSeconds = 3600

// more returns what makes the 99th percentiles of the stages sure, if one has too few requests: so many as independent
// ones take, or if there are as many, what tells how long to run.
func (all stages) more(searched bool) string {
	var few part
	fewest := math.Inf(1)
	_, broken := all.judged()
	for _, s := range all {
		f := ttft
		if math.IsNaN(f.statistic(s.doc, "p99")) {
			f = requestLatency
		}
		certainty, of := f.certain(s.doc, "p99")
		if searched || !of.Exists() || of.Get("certified").Bool() || of.Get("needs").Type != gjson.Number ||
			len(broken) == len(all) || outcomeIsBroken(broken, s) {
			continue
		}
		if requests := number(certainty.Get("requests")); requests < fewest {
			few, fewest = s, requests
		}
	}
	least := quantile.Least(0.99, certaintyLevel)
	switch {
	case math.IsInf(fewest, 1):
		return ""
	case fewest >= float64(least):
		return "run longer to be sure of the p99: k6 x llm plan --from RECORDS tells how long"
	}
	least = (least + 99) / 100 * 100
	text := fmt.Sprintf("the p99 of %s takes %d requests or more to be sure of, not %s", few.title(), least,
		whole(fewest))
	rate := few.asked()
	switch lasts := math.Ceil(float64(least) / rate); {
	case few.of() != requests:
		return text
	case !(rate > 0) || few.atATime() > 0:
		return text + fmt.Sprintf(": --requests %d", least)
	case lasts > mostSeconds:
		return text
	default:
		return text + fmt.Sprintf(": --duration %.0fs", lasts)
	}
}

func outcomeIsBroken(broken stages, s part) bool {
	for _, b := range broken {
		if b.index == s.index {
			return true
		}
	}
	return false
}

// Ahead returns what the page says of the knee of a report, and of what a reader can do next, as lines of a terminal.
func Ahead(name string, p *convert.Report) (lines []string, err error) {
	r, err := figuresOf(name, p)
	if err != nil {
		return nil, err
	}
	if s := r.bend(); s.Text != "" {
		lines = append(lines, "knee: "+s.Text)
	}
	return append(lines, "next: "+strings.Join(steps(&r), "; ")), nil
}

// ended returns the number of requests that have a latency.
func ended(p part) float64 { return number(p.doc.Get("successes.count")) }

func (r *Run) verdict() string { return r.summary.Get("xk6_llm.client_health.verdict").String() }
