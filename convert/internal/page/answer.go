package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// sentence is a line of the answer under a label. It is good news, bad news or neither.
type sentence struct{ Label, Text, Class string }

// held returns whether the run held what was asked of it.
func held(r *Run) (list []sentence) {
	add := func(s sentence) {
		if s.Text != "" {
			list = append(list, s)
		}
	}
	list = append(append(list, r.keeps()...), r.searches.found()...)
	add(violated(r))
	if list == nil {
		add(sentence{Text: "nothing was asked: neither an SLO nor a gate"})
	}
	add(r.failures())
	add(leftOf(r))
	add(sentence{Label: ofPairs, Text: r.fact(ofPairs)})
	return list
}

// violated returns for how long the SLO was violated, if it was.
func violated(r *Run) (s sentence) {
	v := r.summary.Get("xk6_llm.violations")
	if seconds := number(v.Get("seconds")); seconds > 0 && len(r.searches) == 0 {
		s = sentence{Label: "Violated", Class: news(false), Text: fmt.Sprintf("in %s of %s s, the longest time %s s",
			short(seconds), short(number(v.Get("of_seconds"))), short(number(v.Get("longest_seconds"))))}
	}
	return s
}

// bends returns where the knee of the run is, and the latencies on both sides of it.
func bends(r *Run) (list []sentence) {
	if s := r.bend(); s.Text != "" {
		list = append(list, sentence{Text: s.Text})
	} else if len(r.searches) == 0 {
		list = append(list, sentence{Text: "not known: it takes three stages with different loads"})
	}
	for _, s := range r.shown() {
		if text := measured(s.doc); text != "" {
			list = append(list, sentence{Label: under(s), Text: text})
		}
	}
	return list
}

// under returns the label of a part's figures: its load, and its scenario if there are several.
func under(s part) string {
	switch load := s.load(); {
	case load == "":
		return "The run"
	case s.scenario != "":
		return s.scenario + " at " + load
	default:
		return "At " + strings.Replace(load, " at a time", s.word()+" at a time", 1)
	}
}

// word names what the load of a part is made of, after its number, where the load itself does not.
func (p part) word() string {
	switch {
	case p.of() != requests:
		return ""
	case p.atATime() == 1:
		return " request"
	}
	return " requests"
}

// shown returns the parts whose figures the answer states: of a search the two loads between which its answer lies,
// else of each scenario the stage with the lowest load and the one with the highest, and of parallel scenarios the
// latter alone.
func (r *Run) shown() (list []part) {
	switch {
	case len(r.searches) > 0:
		return r.stages.edges()
	case len(r.stages) == 0 && r.summary.Exists():
		return []part{{doc: r.summary}}
	case !r.parallel():
		ends := r.stages.ends()
		return slices.CompactFunc(ends, func(a, b part) bool { return a.index == b.index })
	}
	for _, s := range r.scenarios[:min(len(r.scenarios), shortList)] {
		var own stages
		for _, stage := range r.stages {
			if stage.scenario == s.Name {
				own = append(own, stage)
			}
		}
		if ends := own.ends(); ends != nil {
			list = append(list, ends[1])
		}
	}
	return list
}

// ends returns the stages with the lowest and the highest load.
func (all stages) ends() []part {
	if len(all) == 0 {
		return nil
	}
	return []part{slices.MinFunc(all, all.byLoad), slices.MaxFunc(all, all.byLoad)}
}

// byLoad compares the loads of two stages: those of closed loops by the requests at a time.
func (all stages) byLoad(a, b part) int {
	if !math.IsNaN(a.atATime()) && !math.IsNaN(b.atATime()) {
		return cmp.Compare(a.atATime(), b.atATime())
	}
	return cmp.Compare(all.rate(a), all.rate(b))
}

// measured returns the latencies that the requests of a run or a stage saw, as text.
func measured(doc gjson.Result) string {
	var parts []string
	for _, f := range []figure{ttft, itl, firstAudio, requestLatency} {
		if p50 := f.statistic(doc, "p50"); !math.IsNaN(p50) {
			name := strings.TrimPrefix(f.name, "Request ")
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s", name, f.inMS(doc, "p50"), f.inMS(doc, "p99")))
		}
	}
	if in := inputRate(doc); !math.IsNaN(in) {
		parts = append(parts, digits(in)+" inputs/s")
	}
	for _, of := range []string{"images", "videos", "audios"} {
		if rate := throughput(doc, of); rate > 0 {
			parts = append(parts, digits(rate)+" "+of+"/s")
		}
	}
	if out := outputRate(doc); out > 0 {
		parts = append(parts, digits(out)+" output tokens/s")
	}
	return strings.Join(parts, " · ")
}

func inMS(seconds float64) string {
	if text := milliseconds(seconds); text != missing {
		return text + " ms"
	}
	return missing
}

// failures returns how many requests failed, were dropped or did not end, if any.
func (r *Run) failures() sentence {
	s := sentence{Label: "Failures"}
	var parts []string
	if n := failedCount(r.summary); n > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s requests failed (%s), most with %s", whole(n),
			whole(number(r.summary.Get("load_summary.count"))), percent(failedShare(r.summary)), mostFrequent(r)))
		if failedShare(r.summary) > failedUpTo {
			s.Class = news(false)
		}
	}
	if n := number(r.summary.Get("xk6_llm.requests.dropped")); n > 0 {
		parts = append(parts, whole(n)+" arrivals were dropped: never sent")
	}
	if n := unfinished(r.summary); n > 0 {
		why := "open at the end of the run"
		if r.searches != nil {
			why = "cut off at the end of their probe"
		}
		parts = append(parts, fmt.Sprintf("%s requests were unfinished: %s, and in no figure of latency", whole(n),
			why))
	}
	s.Text = strings.Join(parts, "; ")
	return s
}

// leftOf returns how many users left, and whether the server freed their places.
func leftOf(r *Run) sentence {
	s := sentence{Label: "Users left", Text: r.fact("Users who left")}
	if audited := r.fact("Their places"); audited != "" {
		s.Text += "; their places: " + audited
	}
	if r.summary.Get("xk6_llm.abandoned.audit.verdict").String() == convert.Leaked {
		s.Class = news(false)
	}
	return s
}

// mostFrequent returns the label of the most frequent failure.
func mostFrequent(r *Run) string {
	for _, f := range failuresOf(0, r) {
		return f.label
	}
	return "an unknown kind of error"
}

// bend returns where the knee of the run is, or that there is none.
func (r *Run) bend() sentence {
	s := sentence{Label: "Knee"}
	ordered := r.stages.ordered()
	if len(r.searches) > 0 || axisOf([]Run{*r}) == byStage || len(ordered) < 3 {
		return s
	}
	points, _ := saturated(ordered, r.stages.first(), "p50")
	last := ordered[len(ordered)-1].load()
	switch k := knee(points.X, points.Y); {
	case len(points.X) < len(ordered):
		s.Text = "not known: not every stage has a latency and a throughput"
	case k < 0:
		s.Text = fmt.Sprintf("none up to %s: the median %s does not rise faster than the throughput", last,
			r.stages.first().name)
	default:
		s.Text = fmt.Sprintf("at %s (%s): beyond it the median %s rises faster than the throughput, up to %s at %s",
			ordered[k].load(), ordered[k].name, r.stages.first().name, inMS(points.Y[len(points.Y)-1]), last)
	}
	return s
}

// first returns the latency that readers of a run look at first: TTFT, or that of the whole answer if nothing was
// streamed.
func (all stages) first() figure {
	for _, s := range all {
		if math.IsNaN(ttft.statistic(s.doc, "p50")) {
			return requestLatency
		}
	}
	return ttft
}
