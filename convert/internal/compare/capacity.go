package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Search is what the search of a run found for one SLO: the highest load at which the server keeps it. Loads are
// requests per second, or requests at a time; nil is unknown.
type Search struct {
	Tier       string // name of the SLO, which pairs it with the other run's
	SLO        string
	Over       string // rate or concurrency
	Arrival    string
	Highest    *float64    // that passed
	Fails      bool        // a load above it failed: there may be no more capacity
	Interval   [2]*float64 // the highest load that passed for certain, and the lowest that failed for certain
	Confidence float64     // of Interval
}

// capacityName is the name of the figure in gates; that of a tier is in parentheses behind it.
const capacityName = "capacity"

// Load is the unit of a capacity.
const Load Unit = "load"

// Capacity compares what two searches found for the same SLO. Relative changes are 0.1 for ten percent.
type Capacity struct {
	Tier string `json:"tier"`
	SLO  string `json:"slo"`
	Over string `json:"over"`

	Base     *float64 `json:"base"` // the highest load that passed; null if none did
	New      *float64 `json:"new"`
	Relative *float64 `json:"relative_change"`
	// Low and High bound the relative change at Level; null where a search was not certain of a load.
	Low  *float64 `json:"relative_change_low"`
	High *float64 `json:"relative_change_high"`
	// Level is 1 less the two searches' chances to be wrong: both intervals hold together.
	Level   float64 `json:"confidence_level"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	// Reason says why the searches cannot be compared; "" if they can.
	Reason string `json:"reason,omitempty"`

	name             string
	baseOver         string
	baseOpen, isOpen bool // the capacity may be higher: no load of the search failed
}

// compareCapacities pairs the searches of two runs by their tiers, and says which have no partner.
func compareCapacities(base, fresh []Search, o Options) (list []Capacity, notes []string) {
	single := len(base) == 1 && len(fresh) == 1
	for _, b := range fresh {
		at := slices.IndexFunc(base, func(a Search) bool { return single || a.Tier == b.Tier })
		name := capacityName
		if len(fresh) > 1 {
			name += "(" + b.Tier + ")"
		}
		if at < 0 {
			list = append(list, alone(name, b))
			continue
		}
		list = append(list, newCapacity(name, base[at], b, o))
	}
	for _, a := range base {
		if !single && !slices.ContainsFunc(fresh, func(b Search) bool { return a.Tier == b.Tier }) {
			notes = append(notes, fmt.Sprintf("not compared: the tier %q is in BASE alone", a.Tier))
		}
	}
	return list, notes
}

// alone returns the capacity of NEW for an SLO that BASE did not search for.
func alone(name string, b Search) Capacity {
	c := Capacity{name: name, Tier: b.Tier, SLO: b.SLO, Over: b.Over, New: b.Highest, isOpen: !b.Fails,
		Verdict: Unclear, Reason: "BASE did not search for this SLO"}
	c.Text = c.sentence()
	return c
}

func newCapacity(name string, a, b Search, o Options) Capacity {
	c := Capacity{name: name, Tier: b.Tier, SLO: b.SLO, Over: b.Over, Base: a.Highest, New: b.Highest,
		Level: max(0, a.Confidence+b.Confidence-1), baseOver: a.Over,
		baseOpen: !a.Fails, isOpen: !b.Fails, Verdict: Unclear}
	for _, pair := range [][3]string{{a.Over, b.Over, "the searches are over different loads"},
		{a.SLO, b.SLO, "the SLOs differ"}, {a.Arrival, b.Arrival, "the arrivals differ"}} {
		if pair[0] != pair[1] {
			c.Reason = fmt.Sprintf("%s: BASE %s, NEW %s", pair[2], pair[0], pair[1])
			c.Text = c.sentence()
			return c
		}
	}
	c.Relative = ratio(a.Highest, b.Highest)
	c.Low, c.High = ratio(a.Interval[1], b.Interval[0]), ratio(a.Interval[0], b.Interval[1])
	if c.Relative != nil { // the point may lie outside of what is certain if loads are not monotone
		c.Low, c.High = widened(c.Low, *c.Relative, math.Min), widened(c.High, *c.Relative, math.Max)
	}
	c.Verdict = c.judge(o)
	c.Text = c.sentence()
	return c
}

// ratio returns the relative change from one load to another, nil if one of them is unknown.
func ratio(from, to *float64) *float64 {
	if from == nil || to == nil || *from <= 0 {
		return nil
	}
	return known(*to / *from - 1)
}

func widened(bound *float64, point float64, further func(a, b float64) float64) *float64 {
	if bound == nil {
		return nil
	}
	return new(further(*bound, point))
}

// judge returns the verdict: like that on other figures, it needs an interval without zero and a change above the noise
// floor.
func (c *Capacity) judge(o Options) Verdict {
	change := 0.0
	if c.Relative != nil {
		change = *c.Relative
	}
	small := c.Relative != nil && math.Abs(change) <= o.RelativeFloor
	switch {
	case c.Low != nil && *c.Low > 0 && !small:
		return Better
	case c.High != nil && *c.High < 0 && !small:
		return Worse
	case c.Low != nil && c.High != nil && *c.Low > -o.Margin && *c.High < o.Margin:
		return Same
	}
	return Unclear
}

// sentence describes the capacities in one line: capacity: 15.6/s → 18.1/s (+16 %, between +2 % and +28 % at 90 %):
// better.
func (c *Capacity) sentence() string {
	text := fmt.Sprintf("%s: %s → %s", c.name, loadText(c.Base, c.baseOver, c.baseOpen), c.load(c.New))
	if c.Reason != "" {
		return text + ": not compared, " + c.Reason
	}
	var parts []string
	if c.Relative != nil {
		parts = append(parts, percentChange(*c.Relative))
	}
	level := fmt.Sprintf(" at %s %%", percentText(c.Level))
	switch {
	case c.Low != nil && c.High != nil:
		parts = append(parts, "between "+percentChange(*c.Low)+" and "+percentChange(*c.High)+level)
	case c.Low != nil:
		parts = append(parts, "at least "+percentChange(*c.Low)+level)
	case c.High != nil:
		parts = append(parts, "at most "+percentChange(*c.High)+level)
	}
	if parts != nil {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	if c.Verdict == Unclear {
		return text + ": not decided"
	}
	return text + ": " + string(c.Verdict)
}

// load returns a load of NEW as text.
func (c *Capacity) load(v *float64) string { return loadText(v, c.Over, c.isOpen && v == c.New) }

// loadText returns a load as text. The capacity is open if it may be higher: no load of the search failed.
func loadText(v *float64, over string, open bool) string {
	if v == nil {
		return "none"
	}
	text := digits(*v) + "/s"
	if over == "concurrency" {
		text = digits(*v) + " at a time"
	}
	if open {
		return "≥ " + text
	}
	return text
}

// percentChange returns a relative change such as +16 % or -2.5 %.
func percentChange(v float64) string {
	decimals := 1
	if math.Abs(v) >= 0.0995 {
		decimals = 0
	}
	text := strings.TrimSuffix(strconv.FormatFloat(100*v, 'f', decimals, 64), ".0")
	switch {
	case text == "0", text == "-0":
		return "0 %"
	case v > 0:
		text = "+" + text
	}
	return text + " %"
}

// searched compares two searches: their capacities make the verdict. No other figure is judged, because the loads of
// the probes differ.
func (r *Result) searched(o Options) {
	found := map[Verdict][]string{}
	for _, c := range r.Capacities {
		found[c.Verdict] = append(found[c.Verdict], c.Text)
		r.Reasons = append(r.Reasons, c.Text)
	}
	r.Verdict = Unclear
	for _, v := range []Verdict{Worse, Better, Unclear, Same} {
		if len(found[v]) > 0 {
			r.Verdict = v
			break
		}
	}
	r.Metrics = []Metric{}
	decide(o, []*Result{r})
	r.settle(o)
	r.Notes = append(r.Notes, "both runs are searches: apart from the capacity no figure is compared, because figures "+
		"of a search are of no single load")
}

// addCapacities compares the capacities if a run is a search.
func (r *Result) addCapacities(base, fresh []Search, o Options) {
	var notes []string
	r.searches = len(base) > 0 && len(fresh) > 0
	r.Capacities, notes = compareCapacities(base, fresh, o)
	switch {
	case r.searches:
		r.Notes = append(r.Notes, notes...)
	case len(base) > 0:
		r.Notes = append(r.Notes, "BASE is a search and NEW is none, so capacities are not compared")
	case len(fresh) > 0:
		r.Notes = append(r.Notes, "NEW is a search and BASE is none, so capacities are not compared")
	}
}

// capacity returns the capacity by its name in gates, which have no spaces; nil if NEW has none of it. Without a tier
// it is that of the first.
func (r *Result) capacity(name string) *Capacity {
	for i := range r.Capacities {
		c := &r.Capacities[i]
		if name == capacityName || name == capacityName+"("+strings.ReplaceAll(c.Tier, " ", "")+")" {
			return c
		}
	}
	return nil
}

// status returns the outcome of a capacity as a test case.
func (c *Capacity) status() Status {
	switch c.Verdict {
	case Worse:
		return GateFailed
	case Unclear:
		return GateUndecided
	}
	return GatePassed
}

// keptByCapacity answers a gate that says what is to hold for a capacity, by the loads of which the searches are
// certain.
func (g Gate) keptByCapacity(c *Capacity) (Status, string) {
	if c == nil || c.New == nil || g.kind == absolute || c.Reason != "" || c.Relative == nil {
		return g.onCapacity(c)
	}
	bound := g.bound
	if g.kind == change {
		bound /= *c.Base
	}
	low, high := c.Low, c.High
	switch {
	case g.above && high != nil && *high <= bound, !g.above && low != nil && *low >= bound:
		return GatePassed, c.Text
	case g.above && low != nil && *low > bound, !g.above && high != nil && *high < bound:
		return GateFailed, c.Text
	}
	return GateUndecided, c.Text + ": the bound lies between what is certain"
}

// onCapacity decides a gate on a capacity.
func (g Gate) onCapacity(c *Capacity) (Status, string) {
	switch {
	case c == nil:
		return GateFailed, "NEW does not have " + g.metric.String() + ": it did not search for it"
	case c.New == nil:
		return GateFailed, "NEW has no load that keeps the SLO"
	case g.kind == absolute && g.trips(*c.New):
		return GateFailed, "NEW is " + c.load(c.New) + ", the bound is " + c.load(&g.bound)
	case g.kind == absolute:
		return GatePassed, "NEW is " + c.load(c.New)
	case c.Reason != "":
		return GateUndecided, c.Reason
	case c.Relative == nil:
		return GateUndecided, "BASE has no load that keeps the SLO, so there is no change to judge"
	case g.kind == relative && !g.trips(*c.Relative), g.kind == change && !g.trips(*c.New-*c.Base):
		return GatePassed, c.Text
	case g.above && (c.Low == nil || *c.Low <= 0), !g.above && (c.High == nil || *c.High >= 0):
		return GatePassed, c.Text + ": beyond the bound, but it may be chance"
	}
	return GateFailed, c.Text + ": beyond the bound, and hardly chance"
}
