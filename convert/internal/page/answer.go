package page

import (
	"fmt"
	"math"

	"github.com/tidwall/gjson"
)

// A stage keeps the SLO if at least keptFrom percent of its successes do, and at most failedUpTo percent of its
// requests failed.
const (
	keptFrom   = 99
	failedUpTo = 1
)

// answer returns the result in a few sentences, for readers who read no further.
func (r *Run) answer() (list []sentence) {
	switch {
	case len(r.stages) > 1:
		list = append(list, sentence{Text: "Lowest rate, " + measured(r.stages[r.ends()[0]].doc)},
			sentence{Text: "Highest rate, " + measured(r.stages[r.ends()[1]].doc)})
	case r.summary.Exists():
		list = append(list, sentence{Text: measured(r.summary)})
	}
	if kept := r.keeps(); kept.Text != "" {
		list = append(list, kept)
	}
	return list
}

// sentence is a sentence of the answer. It is good news, bad news or neither.
type sentence struct{ Text, Class string }

// ends returns the indexes of the stages with the lowest and the highest rate.
func (r *Run) ends() (at [2]int) {
	for i, s := range r.stages {
		if achieved(s.doc) < achieved(r.stages[at[0]].doc) {
			at[0] = i
		}
		if achieved(s.doc) > achieved(r.stages[at[1]].doc) {
			at[1] = i
		}
	}
	return at
}

// measured returns the latencies that the requests of a run or a stage saw, as text.
func measured(doc gjson.Result) string {
	text := fmt.Sprintf("at %s requests/s: ", digits(achieved(doc)))
	for _, f := range []figure{ttft, itl} {
		if p50 := f.statistic(doc, "p50"); !math.IsNaN(p50) {
			text += fmt.Sprintf("%s p50 %s ms (p99 %s), ", f.name, milliseconds(p50),
				milliseconds(f.statistic(doc, "p99")))
		}
	}
	if math.IsNaN(ttft.statistic(doc, "p50")) {
		text += fmt.Sprintf("request latency p50 %s ms (p99 %s), ", milliseconds(requestLatency.statistic(doc, "p50")),
			milliseconds(requestLatency.statistic(doc, "p99")))
	}
	return text + fmt.Sprintf("%s output tokens/s, %s failed.", digits(throughput(doc, "output_tokens")),
		percent(failedShare(doc)))
}

// keeps returns up to which rate the SLO is kept. It returns nothing if there is no SLO.
func (r *Run) keeps() (s sentence) {
	if math.IsNaN(keptShare(r.summary)) {
		return s
	}
	s.Text = "SLO"
	if bounds := r.slo(); bounds != "" {
		s.Text += " (" + bounds + ")"
	}
	s.Text += fmt.Sprintf(": kept by %s of the answers", percent(keptShare(r.summary)))
	fastest, holding := 0.0, 0
	for _, stage := range r.stages {
		if keepsSLO(stage.doc) {
			holding++
			fastest = max(fastest, achieved(stage.doc))
		}
	}
	switch {
	case len(r.stages) < 2:
		s.Class = news(keepsSLO(r.summary))
	case holding == 0:
		s.Text += fmt.Sprintf("; no stage keeps it (by %d %% of its answers, with %d %% failed at most)", keptFrom,
			failedUpTo)
		s.Class = news(false)
	case holding == len(r.stages):
		s.Text += fmt.Sprintf("; every stage keeps it (by %d %% of its answers or more), up to %s requests/s", keptFrom,
			digits(fastest))
		s.Class = news(true)
	default:
		s.Text += fmt.Sprintf("; %d of %d stages keep it (by %d %% of their answers or more), the fastest at %s "+
			"requests/s", holding, len(r.stages), keptFrom, digits(fastest))
	}
	s.Text += "."
	return s
}

// news returns the CSS class of good or bad news.
func news(good bool) string {
	if good {
		return "good"
	}
	return "bad"
}

func keepsSLO(doc gjson.Result) bool {
	return keptShare(doc) >= keptFrom && failedShare(doc) <= failedUpTo
}
