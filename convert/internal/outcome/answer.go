package outcome

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Answer says which setting is best for something.
type Answer struct {
	Workload string
	Question string
	Kind     Kind
	Best     *Setting // nil if no setting qualifies
	// Next is the best setting of another deployment or other parameters; nil if there is none. Change is by how much
	// its figure is higher than that of the best.
	Next   *Setting
	Change tradeoff.Change
	Within bool // of the settings that keep the SLO
	Text   string
	Sure   string // how sure that is
}

// Told reports whether the best is told from the next beyond noise.
func (a Answer) Told() bool { return a.Next != nil && a.Change.Sure() }

// addAnswers answers what a reader asks first about a workload.
func (o *Outcome) addAnswers(workload string) {
	var settings []*Setting
	judged := false
	for _, s := range ofWorkload(o.Settings, workload) {
		if len(s.Cells) > 0 {
			settings, judged = append(settings, s), judged || s.Judged
		}
	}
	throughput := Output
	if !anyHas(settings, Output) {
		throughput = requests
	}
	o.ask(workload, "Most throughput", throughput, settings, judged)
	if anyHas(settings, PerUser) {
		o.ask(workload, "Fastest for each user", PerUser, settings, false)
	}
	if wait := o.firstToken(settings); anyHas(settings, wait) {
		o.ask(workload, "Shortest wait for the first token", wait, settings, false)
	} else {
		o.ask(workload, "Shortest latency", medianEnd, settings, false)
	}
	if anyHas(settings, Cost) {
		o.ask(workload, "Cheapest tokens", Cost, settings, judged)
	}
}

// firstToken returns the figure of the wait for the first token: its 99th percentile if there are enough requests to
// tell how well it is known, else the median.
func (o *Outcome) firstToken(settings []*Setting) string {
	for _, s := range settings {
		if len(s.Cells) > 0 && s.has(lateToken) && math.IsNaN(s.Figures[lateToken].Estimate.Error) {
			return medianToken
		}
	}
	return lateToken
}

// ask adds the answer to a question, if a setting has the figure.
func (o *Outcome) ask(workload, question, name string, settings []*Setting, within bool) {
	k := o.kind(name)
	a := Answer{Workload: workload, Question: question, Kind: k, Within: within}
	if within {
		a.Question += " within the SLO"
	}
	qualifies := func(s *Setting) bool { return s.has(name) && (!within || s.Kept) }
	for _, s := range settings {
		if qualifies(s) && (a.Best == nil || better(k, s, a.Best)) {
			a.Best = s
		}
	}
	if a.Best == nil {
		if within && anyHas(settings, name) {
			a.Text = "no setting keeps its SLO"
			o.Answers = append(o.Answers, a)
		}
		return
	}
	for _, s := range settings {
		if qualifies(s) && s.Variant != a.Best.Variant && (a.Next == nil || better(k, s, a.Next)) {
			a.Next = s
		}
	}
	what := ""
	if k.Factor != 1 { // a latency, of which there are several
		what = k.Title + " "
	}
	a.Text = fmt.Sprintf("%s at %s: %s%s", a.Best.Variant, a.Best.Load, what, Text(k, a.Best.Figures[name]))

	a.Sure = a.sure(variants(o))
	o.Answers = append(o.Answers, a)
}

func better(k Kind, a, b *Setting) bool {
	x, y := a.Figures[k.Name].Estimate.Log, b.Figures[k.Name].Estimate.Log
	return k.Higher && x > y || !k.Higher && x < y
}

func variants(o *Outcome) int {
	return len(distinct(o.Settings, func(s *Setting) string { return s.Variant }))
}

// sure says how well the best is told from the next.
func (a *Answer) sure(variants int) string {
	switch {
	case a.Next == nil && variants == 1:
		return "there is no other deployment"
	case a.Next == nil:
		return "no other deployment qualifies"
	}
	name := a.Kind.Name
	a.Change = tradeoff.Ratio(a.Best.Figures[name].Estimate, a.Next.Figures[name].Estimate)
	next := fmt.Sprintf("%s at %s has %s", a.Next.Variant, a.Next.Load, Times(a.Change))
	switch {
	case math.IsNaN(a.Change.Low):
		return "how sure is unknown: " + next
	case a.Change.Sure():
		return "beyond noise: " + next
	}
	return "not told apart within noise: " + next
}

// Text writes a figure with its unit and its interval.
func Text(k Kind, f Figure) string {
	text := digits(f.Value*k.Factor) + unit(k)
	if math.IsNaN(f.Low) || math.IsNaN(f.High) {
		return text
	}
	return fmt.Sprintf("%s (%s to %s)", text, digits(f.Low*k.Factor), digits(f.High*k.Factor))
}

func unit(k Kind) string {
	if k.Unit == "" || strings.HasPrefix(k.Unit, "1/") {
		return strings.TrimPrefix(k.Unit, "1")
	}
	return " " + k.Unit
}

// Times writes a change as a factor with its interval: ×2.10 (1.90 to 2.32).
func Times(c tradeoff.Change) string {
	text := "×" + factor(c.Log)
	switch {
	case math.IsNaN(c.Low) || math.IsNaN(c.High):
		return text
	case c.High-c.Low > vague:
		return text + " (too few pairs to tell how sure)"
	}
	return fmt.Sprintf("%s (%s to %s)", text, factor(c.Low), factor(c.High))
}

// vague is the width of an interval that says nothing: a factor of 10,000.
const vague = 9.2

// factor writes what a logarithm stands for. What is out of all proportion is cut.
func factor(log float64) string {
	switch v := math.Exp(log); {
	case v >= 1000:
		return ">1000"
	case v < 0.001:
		return "<0.001"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

func digits(v float64) string { return plain.Digits(v, "–", ",") }
