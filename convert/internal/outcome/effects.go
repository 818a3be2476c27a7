package outcome

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// Factor is something that differs between settings.
type Factor struct {
	tradeoff.Factor
	// Chosen reports whether it is the deployment's, which a person tunes: the deployment itself, or a parameter. Else
	// it is of the traffic: a workload or a load.
	Chosen bool
	of     func(*Setting) string
}

// Effects is what the factors do to a figure.
type Effects struct {
	Kind         Kind
	Complete     bool // all combinations of levels have the figure
	Settings     int  // that have it
	Noise        float64
	Influences   []Influence // the largest first
	Interactions []tradeoff.Interaction
}

// Influence is how much a factor changes a figure.
type Influence struct {
	tradeoff.Influence
	Of Factor
}

// setFactors finds the factors: what has two levels or more among all settings, of which some may not count.
func (o *Outcome) setFactors() {
	add := func(name string, chosen bool, of func(*Setting) string) {
		f := Factor{tradeoff.Factor{Name: name}, chosen, of}
		for _, level := range distinct(o.Settings, of) {
			if level != "" {
				f.Levels = append(f.Levels, level)
			}
		}
		sortNumbers(f.Levels)
		if len(f.Levels) > 1 {
			o.Factors = append(o.Factors, f)
		}
	}
	add("deployment", true, func(s *Setting) string { return s.First.Deployment })
	for _, name := range parameters(o) {
		add(name, true, func(s *Setting) string { return s.parameter(name) })
	}
	add("workload", false, func(s *Setting) string { return s.First.Workload })
	add("load", false, func(s *Setting) string { return s.Load })
}

// parameters returns the names of the parameters, in the order in which they occur.
func parameters(o *Outcome) (names []string) {
	for _, s := range o.Settings {
		for _, p := range s.First.Parameters {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// parameter returns the value of a parameter, "" if the setting has none of this name.
func (s *Setting) parameter(name string) string {
	for _, p := range s.First.Parameters {
		if p.Name == name {
			if p.Value == "" {
				return "(empty)"
			}
			return p.Value
		}
	}
	return ""
}

// sortNumbers sorts levels that are all numbers, and leaves others in their order.
func sortNumbers(levels []string) {
	numbers := map[string]float64{}
	for _, l := range levels {
		v, err := strconv.ParseFloat(l, 64)
		if err != nil || math.IsNaN(v) {
			return
		}
		numbers[l] = v
	}
	slices.SortStableFunc(levels, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
}

// addEffects adds what the factors do to each figure that two settings have.
func (o *Outcome) addEffects() {
	if len(o.Factors) == 0 {
		return
	}
	for _, k := range o.Kinds {
		if k.Name == PerUnit && sameUnits(o.Settings) {
			continue // it does what the tokens do
		}
		d := o.design(k)
		if len(d.Settings) < 2 {
			continue
		}
		e := Effects{Kind: k, Complete: d.Complete(), Settings: len(d.Settings), Noise: math.NaN(),
			Interactions: d.Interactions()}
		if e.Complete {
			e.Noise = d.Noise()
		}
		for i, v := range d.Influences() {
			e.Influences = append(e.Influences, Influence{v, o.Factors[i]})
		}
		slices.SortStableFunc(e.Influences, func(a, b Influence) int { return cmp.Compare(b.Typical, a.Typical) })
		o.Effects = append(o.Effects, e)
	}
}

func sameUnits(settings []*Setting) bool {
	return len(distinct(settings, func(s *Setting) float64 { return s.First.Units })) == 1
}

func (o *Outcome) design(k Kind) tradeoff.Design {
	var d tradeoff.Design
	for _, f := range o.Factors {
		d.Factors = append(d.Factors, f.Factor)
	}
	for _, s := range o.Settings {
		if !s.has(k.Name) {
			continue
		}
		one := tradeoff.Setting{Figure: s.Figures[k.Name].Estimate}
		for _, f := range o.Factors {
			one.Levels = append(one.Levels, f.of(s))
		}
		d.Settings = append(d.Settings, one)
	}
	return d
}

// effectsOn returns what the factors do to a figure, and false if nothing is known.
func effectsOn(o *Outcome, name string) (Effects, bool) {
	for _, e := range o.Effects {
		if e.Kind.Name == name {
			return e, true
		}
	}
	return Effects{}, false
}
