package experimentpage

import (
	"fmt"
	"math"
	"net/url"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// table is the table of cells.
type table struct {
	Head []column
	Rows []row
}

type column struct {
	Name, Unit, Meaning string
	Number              bool
}

type row struct {
	Class string
	Cells []cell
}

// cell is what stands in a column: a text, what it is sorted by, and a remark below.
type cell struct {
	Text, Below, Class string
	Link               string // "" without
	Number             bool
	Sort               string
}

// cellTable returns the table of all cells, with those that do not count.
func cellTable(o *outcome.Outcome) *table {
	t := &table{}
	parameters := parameterNames(o)
	t.head(o, parameters)
	places, settings := o.Places(), settingOf(o)
	for i := range o.Cells {
		c := &o.Cells[i]
		r := row{}
		excluded := c.Excluded()
		number := numeric(float64(settings[i]+1), fmt.Sprint(settings[i]+1))
		name := cell{Text: plain.Terminal(c.Name), Below: plain.Terminal(c.Stage)}
		if c.HasPage {
			number.Link = link(c.Directory + "/report.html")
			name.Link = number.Link
		}
		r.add(number)
		if several(o, deploymentOf) {
			r.add(text(c.Deployment))
		}
		for _, p := range parameters {
			r.add(text(parameterOf(c, p)))
		}
		if several(o, workloadOf) {
			r.add(text(c.Workload))
		}
		r.add(text(c.Load))
		if o.Repeats > 1 {
			r.add(numeric(float64(c.Repeat), fmt.Sprint(c.Repeat)))
		}
		if excluded != "" {
			r.Class = "out"
			out := cell{Text: "not counted", Below: plain.Terminal(excluded), Class: "bad", Sort: "9"}
			if c.Log != "" {
				out.Link = link(c.Log)
			}
			r.add(out)
		} else {
			r.add(placed(places[settings[i]]))
		}
		r.add(judged(c))
		for _, k := range o.Kinds {
			f, has := c.Figures[k.Name]
			r.add(figure(k, f, has))
		}
		r.add(numeric(float64(c.Requests), fmt.Sprint(c.Requests)), numeric(float64(c.Failed),
			fmt.Sprint(c.Failed)), verdict(c), name)
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (r *row) add(cells ...cell) { r.Cells = append(r.Cells, cells...) }

func (t *table) head(o *outcome.Outcome, parameters []string) {
	add := func(name, unit, meaning string, number bool) {
		t.Head = append(t.Head, column{plain.Terminal(name), unit, meaning, number})
	}
	add("#", "", "the number of the setting in the chart, with a link to the report", true)
	if several(o, deploymentOf) {
		add("Deployment", "", "", false)
	}
	for _, p := range parameters {
		add(p, "", "a parameter of the deployment", false)
	}
	if several(o, workloadOf) {
		add("Workload", "", "", false)
	}
	add("Load", "", "", false)
	if o.Repeats > 1 {
		add("Repeat", "", "", true)
	}
	add("Front", "", "whether the setting is on the Pareto front of the first chart", false)
	add("SLO", "", "whether the load kept it", false)
	for _, k := range o.Kinds {
		add(k.Short, k.Unit, k.Title+": "+k.About, true)
	}
	add("Requests", "", "without those that the end cut off", true)
	add("Failed", "", "", true)
	add("Verdict", "", "whether the load generator kept up", false)
	add("Cell", "", "its name, which is that of its folder, with a link to its report", false)
}

func deploymentOf(c *outcome.Cell) string { return c.Deployment }
func workloadOf(c *outcome.Cell) string   { return c.Workload }

// several reports whether cells differ in a text.
func several(o *outcome.Outcome, of func(*outcome.Cell) string) bool {
	for i := range o.Cells {
		if of(&o.Cells[i]) != of(&o.Cells[0]) {
			return true
		}
	}
	return false
}

func parameterNames(o *outcome.Outcome) (names []string) {
	seen := map[string]bool{}
	for i := range o.Cells {
		for _, p := range o.Cells[i].Parameters {
			if !seen[p.Name] {
				seen[p.Name] = true
				names = append(names, p.Name)
			}
		}
	}
	return names
}

func parameterOf(c *outcome.Cell, name string) string {
	for _, p := range c.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return "–"
}

// settingOf returns the number of the setting of each cell.
func settingOf(o *outcome.Outcome) []int {
	numbers := make([]int, len(o.Cells))
	for _, s := range o.Settings {
		for _, list := range [][]int{s.Cells, s.Excluded} {
			for _, i := range list {
				numbers[i] = s.Number
			}
		}
	}
	return numbers
}

// link returns the address of a file below the folder of the page.
func link(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "./" + strings.Join(parts, "/")
}

func text(s string) cell { return cell{Text: plain.Terminal(s)} }

func numeric(v float64, text string) cell {
	c := cell{Text: text, Number: true}
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		c.Sort = fmt.Sprintf("%g", v)
	}
	return c
}

func placed(p tradeoff.Place) cell {
	switch p {
	case tradeoff.OnFront:
		return cell{Text: "on the front", Class: "good", Sort: "1"}
	case tradeoff.WithinNoise:
		return cell{Text: "within noise", Class: "unsure", Sort: "2"}
	case tradeoff.Dominated:
		return cell{Text: "dominated", Class: "unsure", Sort: "3"}
	}
	return cell{Text: "–", Sort: "4"}
}

func figure(k outcome.Kind, f outcome.Figure, has bool) cell {
	if !has || math.IsNaN(f.Value) {
		return numeric(math.NaN(), "–")
	}
	c := numeric(f.Value, plain.Digits(f.Value*k.Factor, "–", ","))
	if !math.IsNaN(f.Low) && !math.IsNaN(f.High) {
		c.Below = plain.Digits(f.Low*k.Factor, "–", ",") + " to " + plain.Digits(f.High*k.Factor, "–", ",")
	}
	return c
}

func judged(c *outcome.Cell) cell {
	switch {
	case c.Answer != "":
		return cell{Text: "search", Below: plain.Terminal(c.Answer)}
	case c.SLO == "":
		return text("–")
	case c.Kept:
		return cell{Text: "✓ kept", Class: "good"}
	}
	return cell{Text: "✗ broken", Below: plain.Terminal(c.Observed), Class: "bad"}
}

func verdict(c *outcome.Cell) cell {
	switch {
	case c.Status != experiment.Done:
		return text(string(c.Status))
	case c.Verdict == "":
		return text("–")
	case c.Suspect():
		return cell{Text: "! SUSPECT", Below: c.Doubt(), Class: "v suspect doubt"}
	}
	return cell{Text: plain.Terminal(c.Verdict), Class: "v " + strings.ToLower(c.Verdict)}
}
