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
	Judged, Kept  bool // by an SLO; all its cells kept it
	Suspect       bool // one of the cells that count is
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
// together, relative to the figure; what the requests of a repeat show is allowed for if it is more.
func pool(cells []Cell, settings []*Setting, names []string) {
	for _, name := range names {
		between, freedom := spread(cells, settings, name)
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
				s.Figures = map[string]Figure{}
			}
			if s.Figures[name] = together(list, between, freedom); len(list) == 1 && freedom == 0 {
				s.Figures[name] = list[0]
			}
		}
	}
}

// spread returns the variance of the logarithm of a figure between repeats, and its degrees of freedom.
func spread(cells []Cell, settings []*Setting, name string) (variance, freedom float64) {
	for _, s := range settings {
		var logs []float64
		for _, i := range s.Cells {
			if f, has := cells[i].Figures[name]; has && f.Estimate.Known() {
				logs = append(logs, f.Estimate.Log)
			}
		}
		if len(logs) < 2 {
			continue
		}
		freedom += float64(len(logs) - 1)
		for _, v := range logs {
			variance += (v - average(logs)) * (v - average(logs))
		}
	}
	if freedom > 0 {
		variance /= freedom
	}
	return variance, freedom
}

// together returns the geometric mean of repeats. A figure that is not positive has a plain mean without an interval.
func together(list []Figure, between, freedom float64) Figure {
	var logs, values []float64
	own, ownFreedom := 0.0, math.Inf(1)
	for _, f := range list {
		values = append(values, f.Value)
		if f.Estimate.Known() {
			logs = append(logs, f.Estimate.Log)
		}
		own += f.Estimate.Error * f.Estimate.Error / float64(len(list))
		ownFreedom = min(ownFreedom, f.Estimate.Freedom)
	}
	if len(logs) < len(values) {
		return Known(average(values), math.NaN(), math.NaN(), math.NaN(), math.NaN())
	}
	if freedom > 0 && !(own > between) {
		own, ownFreedom = between, freedom
	}
	return of(tradeoff.Estimate{Log: average(logs), Error: math.Sqrt(own / float64(len(list))), Freedom: ownFreedom})
}

func average(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
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
