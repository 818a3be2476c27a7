package outcome

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// Setting is a deployment with its parameters under a workload at a load, and the figures of its repeats together.
type Setting struct {
	Number        int
	First         *Cell // of its cells, for names
	Cells         []int // that count, by their numbers
	Excluded      []int // that do not
	Figures       map[string]Figure
	Judged, Kept  bool            // by an SLO; all its cells kept it
	Suspect       bool            // one of the cells that count is
	Apart         map[string]bool // names of figures by which repeats differ by far more than those of other settings
	Variant, Load string
}

// settingsOf groups the cells by their settings, in the order of the cells.
func settingsOf(cells []Cell) []*Setting {
	at := map[string]*Setting{}
	var list []*Setting
	for i := range cells {
		c := &cells[i]
		s := at[c.settingKey()]
		if s == nil {
			s = &Setting{Number: len(list), First: c, Kept: true, Variant: c.Variant(), Load: c.load()}
			at[c.settingKey()] = s
			list = append(list, s)
		}
		if c.Excluded() != "" {
			s.Excluded = append(s.Excluded, i)
			continue
		}
		if c.SLO != "" {
			s.Judged, s.Kept = true, s.Kept && c.Kept
		}
		s.Cells, s.Suspect = append(s.Cells, i), s.Suspect || c.Suspect()
	}
	for _, s := range list {
		s.Kept = s.Kept && s.Judged && len(s.Cells) > 0
	}
	return list
}

// pool puts the figures of the repeats of each setting together. By how much repeats differ is taken from all settings
// together, relative to the figure; what the requests of a repeat show is allowed for if it is more. A setting whose
// repeats differ by far more than the others' has its own.
func pool(cells []Cell, settings []*Setting, names []string) {
	for _, name := range names {
		all, apart := spread(cells, settings, name)
		for _, s := range settings {
			var list []Figure
			for _, i := range s.Cells {
				if f, has := cells[i].Figures[name]; has {
					list = append(list, f)
				}
			}
			if len(list) == 0 {
				continue
			}
			if s.Figures == nil {
				s.Figures, s.Apart = map[string]Figure{}, map[string]bool{}
			}
			between := all
			if own, is := apart[s]; is {
				between, s.Apart[name] = own, true
			}
			if s.Figures[name] = together(list, between); len(list) == 1 && between.freedom == 0 {
				s.Figures[name] = list[0]
			}
		}
	}
}

// together returns the geometric mean of repeats. A figure that is not positive has a plain mean without an interval.
func together(list []Figure, between deviation) Figure {
	var logs, values []float64
	own := deviation{0, math.Inf(1), false}
	for _, f := range list {
		values = append(values, f.Value)
		if f.Estimate.Known() {
			logs = append(logs, f.Estimate.Log)
		}
		own.variance += f.Estimate.Error * f.Estimate.Error / float64(len(list))
		own.freedom = min(own.freedom, f.Estimate.Freedom)
	}
	if len(logs) < len(values) {
		return Known(average(values), math.NaN(), math.NaN(), math.NaN(), math.NaN())
	}
	if between.freedom > 0 && !(own.variance > between.variance) {
		own = between
	}
	return of(tradeoff.Estimate{Log: average(logs), Error: math.Sqrt(own.variance / float64(len(list))),
		Freedom: own.freedom, Shared: own.shared})
}

// distinct returns the values of settings, each once and in their order.
func distinct[T comparable](settings []*Setting, of func(*Setting) T) (list []T) {
	seen := map[T]bool{}
	for _, s := range settings {
		if v := of(s); !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}

// ofWorkload returns the settings of a workload.
func ofWorkload(settings []*Setting, name string) (list []*Setting) {
	for _, s := range settings {
		if s.First.Workload == name {
			list = append(list, s)
		}
	}
	return list
}

// has reports whether a setting has a figure that can be compared.
func (s *Setting) has(name string) bool {
	return s.Figures[name].Value > 0 && s.Figures[name].Estimate.Known()
}

// anyHas reports whether one of the settings has a figure, and allHave whether all have it that count at all.
func anyHas(settings []*Setting, name string) bool {
	return slices.ContainsFunc(settings, func(s *Setting) bool { return s.has(name) })
}

func allHave(settings []*Setting, name string) bool {
	return anyHas(settings, name) && !slices.ContainsFunc(settings, func(s *Setting) bool {
		return len(s.Cells) > 0 && !s.has(name)
	})
}
