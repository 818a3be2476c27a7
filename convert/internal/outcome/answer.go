package outcome

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Answer says which setting is best for something.
type Answer struct {
	Workload string
	Question string
	Kind     Kind
	Best     *Setting // nil if no setting qualifies, or if only one counts
	// Next is the best setting of another deployment or other parameters, at the load of the best if one qualifies
	// there; nil if there is none. Change is by how much its figure is higher than that of the best.
	Next   *Setting
	Change tradeoff.Change
	// Alike are the settings that noise does not tell from the best, the best of them first.
	Alike []*Setting
	// Rival is the number of a cell that does not count, and whose own figure is better than that of the best.
	Rival  *int
	Within bool // of the settings that keep the SLO
	Text   string
	Sure   string // how sure that is
}

// Told reports whether the best is told beyond noise from all settings of other deployments and parameters, and no cell
// that does not count had a better figure.
func (a Answer) Told() bool {
	return a.Next != nil && a.Change.Sure() && a.Rival == nil && !a.tied()
}

// tied reports whether a setting of another deployment or other parameters is as good.
func (a Answer) tied() bool {
	return slices.ContainsFunc(a.Alike, func(s *Setting) bool { return s.Variant != a.Best.Variant })
}

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
		o.ask(workload, "Fastest text once it has begun", PerUser, settings, false)
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
	var all []*Setting
	for _, s := range settings {
		if s.has(name) && (!within || s.Kept) {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *Setting) int { return order(k, a, b) })
	switch {
	case len(all) == 0 && within && anyHas(settings, name):
		a.Text = "no setting keeps its SLO"
	case len(all) == 0:
		return
	case len(settings) == 1:
		a.Text = "only one setting counts: " + a.figure(all[0])
		a.Sure = "there is nothing to compare it with"
	default:
		a.choose(all)
		a.Sure = a.sure(variants(o))
	}
	o.rival(&a, all)
	o.Answers = append(o.Answers, a)
}

// choose sets which of the settings that qualify, the best first, is best, next, and as good.
func (a *Answer) choose(all []*Setting) {
	a.Best = all[0]
	of := func(s *Setting) tradeoff.Estimate { return s.Figures[a.Kind.Name].Estimate }
	for _, s := range all[1:] {
		if s.Variant != a.Best.Variant && (a.Next == nil || a.Next.Load != a.Best.Load && s.Load == a.Best.Load) {
			a.Next = s
		}
		if c := tradeoff.Ratio(of(a.Best), of(s)); !c.Sure() && (!math.IsNaN(c.Low) || math.Abs(c.Log) < near) {
			a.Alike = append(a.Alike, s)
		}
	}
	a.Text = a.figure(a.Best)
	switch last := all[len(all)-1]; {
	case !a.tied():
	case len(a.Alike) == len(all)-1:
		figure := func(s *Setting) string { return digits(s.Figures[a.Kind.Name].Value * a.Kind.Factor) }
		values := figure(a.Best)
		if to := figure(last); to != values {
			values += " to " + to
		}
		a.Text = fmt.Sprintf("all %d settings are alike: %s%s%s", len(all), a.prefix(), values, unit(a.Kind))
	default:
		a.Text = "alike are " + a.Text + ", and " + names(a.Alike)
	}
}

// near is the difference of two figures of unknown noise up to which they are alike.
const near = 0.05

// mostNamed is how many settings an answer names.
const mostNamed = 3

// names names settings with what a reader must know of them.
func names(list []*Setting) string {
	var parts []string
	for _, s := range list[:min(len(list), mostNamed)] {
		parts = append(parts, s.Variant+" at "+s.Load+s.remark())
	}
	if more := len(list) - mostNamed; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// remark says of a setting what takes from it: " (SLO broken, SUSPECT)".
func (s *Setting) remark() string {
	switch broken := s.Judged && !s.Kept; {
	case broken && s.Suspect:
		return " (SLO broken, SUSPECT)"
	case broken:
		return " (SLO broken)"
	case s.Suspect:
		return " (SUSPECT)"
	}
	return ""
}

// prefix names the figure where there are several of the kind: a latency.
func (a *Answer) prefix() string {
	if a.Kind.Factor == 1 {
		return ""
	}
	return a.Kind.Title + " "
}

// figure writes a setting with its figure.
func (a *Answer) figure(s *Setting) string {
	return fmt.Sprintf("%s at %s: %s%s%s", s.Variant, s.Load, a.prefix(), Text(a.Kind, s.Figures[a.Kind.Name]),
		s.remark())
}

// rival looks for a cell that does not count, but had a better figure than the best of all that do.
func (o *Outcome) rival(a *Answer, all []*Setting) {
	best := math.NaN()
	if len(all) > 0 {
		best = all[0].Figures[a.Kind.Name].Estimate.Log
	}
	for i := range o.Cells {
		c := &o.Cells[i]
		f := c.Figures[a.Kind.Name]
		if c.Workload != a.Workload || c.Excluded() == "" || !(f.Value > 0) || !f.Estimate.Known() ||
			a.Within && c.SLO != "" && !c.Kept {
			continue
		}
		if log := f.Estimate.Log; math.IsNaN(best) || log != best && log > best == a.Kind.Higher {
			best, a.Rival = log, new(i)
		}
	}
	if a.Rival == nil {
		return
	}
	c := &o.Cells[*a.Rival]
	text := fmt.Sprintf("unsure: %s at %s had %s%s, and does not count (%s)", c.Variant(), c.load(),
		digits(c.Figures[a.Kind.Name].Value*a.Kind.Factor), unit(a.Kind), c.briefly())
	if a.Sure != "" {
		text += "; among those that count, " + a.Sure
	}
	a.Sure = text
}

// briefly says why a cell does not count, without the details.
func (c *Cell) briefly() string {
	reason, _, _ := strings.Cut(c.Excluded(), ": ")
	return reason
}

func order(k Kind, a, b *Setting) int {
	x, y := a.Figures[k.Name].Estimate.Log, b.Figures[k.Name].Estimate.Log
	if k.Higher {
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

func variants(o *Outcome) int {
	return len(distinct(o.Settings, func(s *Setting) string { return s.Variant }))
}

// sure says how well the best is told from the others.
func (a *Answer) sure(variants int) string {
	text := ""
	switch {
	case a.Next == nil && variants == 1:
		text = "there is no other deployment"
	case a.Next == nil:
		text = "no other deployment qualifies"
	default:
		text = a.against()
	}
	if len(a.Alike) > 0 && !a.tied() {
		text += "; alike within noise is " + names(a.Alike)
	}
	return text
}

// against compares the best with the next.
func (a *Answer) against() string {
	name := a.Kind.Name
	a.Change = tradeoff.Ratio(a.Best.Figures[name].Estimate, a.Next.Figures[name].Estimate)
	next := fmt.Sprintf("%s at %s has %s%s", a.Next.Variant, a.Next.Load, Times(a.Change), a.Next.remark())
	switch {
	case math.IsNaN(a.Change.Low):
		return "how sure is unknown: " + next
	case a.Change.Sure() && a.tied():
		return "not told apart within noise; clearly behind: " + next
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
	case isVague(c):
		return text + " (too little is known to tell how sure)"
	}
	return fmt.Sprintf("%s (%s to %s)", text, factor(c.Low), factor(c.High))
}

// isVague reports whether an interval says nothing.
func isVague(c tradeoff.Change) bool { return c.High-c.Low > vague }

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
