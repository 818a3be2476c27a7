package experimentpage

import (
	"encoding/json"
	"html/template"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// pageData is the JSON in the page, for its script.
type pageData struct {
	Variants []string       `json:"variants"`
	Kinds    []outcome.Kind `json:"kinds"`
	Settings []setting      `json:"settings"`
	Fronts   []front        `json:"fronts"`
	Out      []loose        `json:"out"`    // cells that do not count, but have figures
	Probes   []loose        `json:"probes"` // of searches
}

type setting struct {
	Name     string               `json:"name"` // deployment, workload and load
	Variant  int                  `json:"variant"`
	Load     string               `json:"load"`
	Workload string               `json:"workload"`
	Suspect  bool                 `json:"suspect"`
	Reports  []string             `json:"reports"` // their paths
	Figures  map[string][]*number `json:"figures"` // value, low, high, standard error of the logarithm, freedom, 1 if that is shared
}

type number float64

type front struct {
	Workload string       `json:"workload"`
	X        outcome.Kind `json:"x"`
	Y        outcome.Kind `json:"y"`
	Points   []point      `json:"points"`
}

type point struct {
	Setting int    `json:"s"`
	Place   string `json:"place"`
	Best    bool   `json:"best"`
	Above   int    `json:"above"` // the number of a setting that dominates it, or -1
}

// loose is a point beside the front.
type loose struct {
	Name     string             `json:"name"`
	Label    string             `json:"label"` // the number of the setting, "" for a probe
	Why      string             `json:"why"`
	Workload string             `json:"workload"`
	Variant  int                `json:"variant"`
	Values   map[string]*number `json:"values"`
}

// known returns nil for what is unknown.
func known(v float64) *number {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return new(number(v))
}

// chartData returns the data of the page's script. Its text holds no <.
func chartData(dir string, o *outcome.Outcome) (template.JS, error) {
	d := pageData{Variants: []string{}, Kinds: append([]outcome.Kind{}, o.Kinds...), Settings: []setting{},
		Fronts: []front{}, Out: []loose{}, Probes: []loose{}}
	for _, s := range o.Settings {
		d.Settings = append(d.Settings, d.setting(dir, o, s))
	}
	for _, f := range o.Fronts {
		one := front{Workload: plain.Terminal(f.Workload), X: f.X, Y: f.Y}
		for _, p := range f.Points {
			above := -1
			if p.Above != nil {
				above = p.Above.Number
			}
			one.Points = append(one.Points, point{p.Setting.Number, string(p.Place), p.Best, above})
		}
		d.Fronts = append(d.Fronts, one)
	}
	numbers := settingOf(o)
	for i := range o.Cells {
		d.loose(o, &o.Cells[i], strconv.Itoa(numbers[i]+1))
	}
	text, err := json.Marshal(d)
	return template.JS(text), err
}

// variant returns the number of a deployment with its parameters.
func (d *pageData) variant(name string) int {
	name = plain.Terminal(name)
	at := slices.Index(d.Variants, name)
	if at < 0 {
		at = len(d.Variants)
		d.Variants = append(d.Variants, name)
	}
	return at
}

func (d *pageData) setting(dir string, o *outcome.Outcome, s *outcome.Setting) setting {
	one := setting{Variant: d.variant(s.Variant), Load: plain.Terminal(s.Load),
		Workload: plain.Terminal(s.First.Workload), Suspect: s.Suspect,
		Reports: []string{}, Figures: map[string][]*number{}}
	one.Name = plain.Terminal(s.Variant + ", " + s.First.Workload + ", " + s.Load)
	for _, report := range directories(o, s) {
		one.Reports = append(one.Reports, plain.Terminal(path.Join(filepath.ToSlash(dir), report)))
	}
	for name, f := range s.Figures {
		e := f.Estimate
		shared := (*number)(nil)
		if e.Shared {
			shared = new(number(1))
		}
		one.Figures[name] = []*number{known(f.Value), known(f.Low), known(f.High), known(e.Error),
			known(min(e.Freedom, 1e6)), shared}
	}
	return one
}

// loose adds the points of a cell that are on no front: its own if it does not count, and the probes of its search.
func (d *pageData) loose(o *outcome.Outcome, c *outcome.Cell, label string) {
	at := loose{Name: plain.Terminal(c.Name + " " + c.Stage), Workload: plain.Terminal(c.Workload),
		Variant: d.variant(c.Variant())}
	if why := c.Excluded(); why != "" && len(c.Figures) > 0 {
		out := at
		out.Why, out.Label, out.Values = plain.Terminal(why), label, map[string]*number{}
		for _, f := range o.Fronts {
			for _, k := range []outcome.Kind{f.X, f.Y} {
				if v, has := c.Figures[k.Name]; has {
					out.Values[k.Name] = known(v.Value)
				}
			}
		}
		d.Out = append(d.Out, out)
	}
	for _, p := range c.Probes {
		probe := at
		probe.Name += " at " + plain.Terminal(p.Load)
		probe.Why = "a probe of the search: " + plain.Terminal(p.Outcome)
		probe.Values = map[string]*number{outcome.PerUser: known(p.PerUser), outcome.Output: known(p.Output)}
		d.Probes = append(d.Probes, probe)
	}
}
