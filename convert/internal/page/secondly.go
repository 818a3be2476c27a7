package page

import (
	"math"

	"github.com/tidwall/gjson"
)

// silence is for how many seconds a line goes on of which nothing is known: pages are read every few seconds.
const silence = 10

// secondSpans is how many spans a list over the seconds of a long run has in these charts.
const secondSpans = 600

// overSeconds returns the charts of what the timelines of the runs have beyond their series.
func overSeconds(runs []Run) []chart {
	tokens := chart{ID: "time-tokens", Title: "Tokens per second", Y: axis{Label: "tokens per second", Unit: "/s"},
		Note: "Completion tokens when they arrive, prompt tokens when the answer begins.", wide: true}
	lost := chart{ID: "time-lost", Title: "Failures and drops", Y: axis{Label: "requests per second", Unit: "/s"},
		Note: "Failed when they ended. Dropped: due, and never sent.", wide: true}
	queue := chart{ID: "time-queue", Title: "The server's queue", Y: axis{Label: "requests", Unit: "requests"},
		Note: "What the server's own page shows.", wide: true}
	cache := chart{ID: "time-kv", Title: "The server's KV cache", Y: axis{Label: "in use, %", Unit: "%"},
		Note: "What the server's own page shows.", wide: true}
	late := chart{ID: "time-late", Title: "Lateness of the load generator", Y: axis{Label: "late, ms", Unit: "ms"},
		Note: "How late it got to run at most. What is late here is not the server's.", wide: true}
	for i, r := range runs {
		tl := r.summary.Get("xk6_llm.timeline")
		step := number(tl.Get("interval_seconds"))
		if !(step > 0) {
			continue
		}
		tokens.seconds(runs, i, tl, "completion", "completion_tokens_per_sec", step, 1)
		tokens.seconds(runs, i, tl, "prompt", "prompt_tokens_per_sec", step, 1)
		lost.seconds(runs, i, tl, "failed", "failed", step, 1/step)
		lost.seconds(runs, i, tl, "dropped", "dropped", step, 1/step)
		queue.seconds(runs, i, tl, "running", "server_running", step, 1)
		queue.seconds(runs, i, tl, "waiting", "server_waiting", step, 1)
		cache.seconds(runs, i, tl, "KV cache", "server_kv_cache_usage", step, 100)
		late.seconds(runs, i, tl, "late", "client_late_max", step, 1000)
	}
	return []chart{tokens, lost, queue, cache, late}
}

// seconds adds a list of a timeline, times a factor, unless it is 0 throughout.
func (c *chart) seconds(runs []Run, number int, tl gjson.Result, name, key string, step, factor float64) {
	var p xy
	known, highest := math.Inf(1), 0.0
	for i, v := range list(tl.Get(key)) {
		at := (float64(i) + 0.5) * step
		if math.IsNaN(v) {
			continue
		}
		if at-known > silence+step { // no line across a time of which nothing is known
			p.add(at-step, math.NaN())
		}
		p.add(at, v*factor)
		known, highest = at, max(highest, v)
	}
	if highest == 0 {
		return
	}
	role := len(c.Series)
	if len(runs) > 1 {
		role = secondRoles[name]
	}
	out := plainLine(named(runs, number, name), number, role, extremes(p, 2*secondSpans, secondSpans))
	out.Hide = len(runs) > 1 && role > 0
	c.add(out)
}

// secondRoles keep the dashes of a figure the same in all runs.
var secondRoles = map[string]int{"prompt": 1, "dropped": 1, "waiting": 1}
