package outcome

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// deviation is by how much the logarithm of a figure differs between repeats.
type deviation struct {
	variance, freedom float64
	shared            bool // it is that of several settings
}

// spreadOf is the deviation of the repeats of a setting.
type spreadOf struct {
	of *Setting
	deviation
	requests float64 // the variance that their requests explain
}

// leastSpread is by how much repeats of no setting are taken to differ less when others are held against them. It
// keeps what is the same to the last digit elsewhere from making a hundredth stand out.
const leastSpread = 0.01

// spread returns the deviation between repeats that all settings have in common, and those of settings that stand out:
// whose variance is larger than that of the others and of their own requests by more than chance (F, as in Cochran's
// test for an outlying variance, ISO 5725-2, corrected for the number of settings). Theirs is not that of the others:
// pooled, it would seem smaller than it is where it belongs, and widen the intervals of everything else.
func spread(cells []Cell, settings []*Setting, name string) (deviation, map[*Setting]deviation) {
	list := spreads(cells, settings, name)
	apart := map[*Setting]deviation{}
	for len(list) > 2 {
		worst, least := 0, 1.0
		for i, s := range list {
			rest := pooled(slices.Concat(list[:i:i], list[i+1:]))
			than := max(rest.variance, leastSpread*leastSpread)
			if s.requests > than {
				than = s.requests
			}
			if p := tradeoff.Larger(s.variance, s.freedom, than, rest.freedom); p < least {
				worst, least = i, p
			}
		}
		if least*float64(len(list)) >= 1-tradeoff.Level {
			break
		}
		apart[list[worst].of] = list[worst].deviation
		list = slices.Delete(list, worst, worst+1)
	}
	return pooled(list), apart
}

// spreads returns the deviation of each setting with several repeats that have a figure.
func spreads(cells []Cell, settings []*Setting, name string) (list []spreadOf) {
	for _, s := range settings {
		var logs []float64
		one := spreadOf{of: s}
		for _, i := range s.Cells {
			if f, has := cells[i].Figures[name]; has && f.Estimate.Known() {
				logs = append(logs, f.Estimate.Log)
				one.requests += f.Estimate.Error * f.Estimate.Error
			}
		}
		if len(logs) < 2 {
			continue
		}
		one.freedom, one.requests = float64(len(logs)-1), one.requests/float64(len(logs))
		for _, v := range logs {
			one.variance += (v - average(logs)) * (v - average(logs)) / one.freedom
		}
		list = append(list, one)
	}
	return list
}

func pooled(list []spreadOf) (all deviation) {
	all.shared = true
	for _, s := range list {
		all.freedom += s.freedom
		all.variance += s.variance * s.freedom
	}
	if all.freedom > 0 {
		all.variance /= all.freedom
	}
	return all
}

func average(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

const (
	// farApart is by what factor a rate of two repeats differs if it is worth a note in any case, and standsOut if the
	// repeats of the setting differ more than those of others.
	farApart  = 1.5
	standsOut = 1.2
	// mostNotes is how many settings with such repeats are named.
	mostNotes = 3
)

// addDisturbed adds notes on repeats that differ so much that something has disturbed one of them.
func addDisturbed(o *Outcome) {
	n := 0
	for _, s := range o.Settings {
		text := s.disturbed(o)
		if text == "" {
			continue
		}
		if n++; n <= mostNotes {
			o.Notes = append(o.Notes, text)
		}
	}
	if n > mostNotes {
		o.Notes = append(o.Notes, fmt.Sprintf("so do the repeats of %s", plural(n-mostNotes, "further setting")))
	}
}

// disturbed says by what the repeats of a setting differ too much, "" if by nothing.
func (s *Setting) disturbed(o *Outcome) string {
	for _, k := range o.Kinds {
		least, most := -1, -1
		value := func(i int) float64 { return o.Cells[i].Figures[k.Name].Value }
		for _, i := range s.Cells {
			if f, has := o.Cells[i].Figures[k.Name]; !has || !(f.Value > 0) || math.IsInf(f.Value, 0) {
				continue
			}
			if least < 0 || value(i) < value(least) {
				least = i
			}
			if most < 0 || value(i) > value(most) {
				most = i
			}
		}
		if least < 0 || least == most {
			continue
		}
		factor := value(most) / value(least)
		isRate := k.Name == Output || k.Name == requests || k.Name == PerUser
		if !(isRate && factor >= farApart || s.Apart[k.Name] && factor >= standsOut) {
			continue
		}
		return fmt.Sprintf("the repeats of %s at %s differ by ×%.2g: %s is %s in %s, and %s in %s; something may "+
			"have disturbed one of them, %s; their reports may say what, and --again runs a cell again", s.Variant,
			s.Load, factor, k.Title, s.shown(o, k, least), o.Cells[least].title(), s.shown(o, k, most),
			o.Cells[most].title(), s.widens(k))
	}
	return ""
}

// shown writes the figure of a cell with its unit.
func (s *Setting) shown(o *Outcome, k Kind, cell int) string {
	return digits(o.Cells[cell].Figures[k.Name].Value*k.Factor) + unit(k)
}

// widens says which intervals repeats that differ much make wide.
func (s *Setting) widens(k Kind) string {
	if s.Apart[k.Name] {
		return "so that the intervals of this setting are wide"
	}
	return "and the intervals of all settings are wider for it"
}
