package outcome

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// Outcome is what an experiment has shown.
type Outcome struct {
	Name     string
	Repeats  int // the most of a setting
	Cells    []Cell
	Settings []*Setting
	Kinds    []Kind   // of figures that a setting has
	Fronts   []*Front // of each workload, and each pair of figures
	Answers  []Answer
	Effects  []Effects // of each figure, those of the settings that count
	Factors  []Factor
	Currency string // of all prices; "" without, or if they differ
	Notes    []string
}

// Front is the Pareto front of a workload over two figures.
type Front struct {
	Workload string
	X, Y     Kind
	Points   []FrontPoint
}

// FrontPoint is where a setting lies.
type FrontPoint struct {
	Setting *Setting
	tradeoff.Placed
	Above *Setting // dominates it; nil if none does
}

// New works out what the cells of an experiment show.
func New(name string, cells []Cell) *Outcome {
	o := &Outcome{Name: name, Cells: cells}
	for i := range cells {
		cells[i].derive()
		o.Repeats = max(o.Repeats, cells[i].Repeat)
	}
	o.setCurrency()
	o.Settings = settingsOf(cells)
	all := kinds(o.Currency)
	names := []string{PerMoney}
	for _, k := range all {
		names = append(names, k.Name)
	}
	pool(cells, o.Settings, names)
	for _, k := range all {
		if slices.ContainsFunc(o.Settings, func(s *Setting) bool { _, has := s.Figures[k.Name]; return has }) {
			o.Kinds = append(o.Kinds, k)
		}
	}
	o.setFactors()
	for _, workload := range o.Workloads() {
		o.addFronts(workload)
		o.addAnswers(workload)
	}
	o.addEffects()
	o.addNotes()
	return o
}

// Workloads returns the names of the workloads.
func (o *Outcome) Workloads() []string {
	return distinct(o.Settings, func(s *Setting) string { return s.First.Workload })
}

// Counted returns how many cells count.
func (o *Outcome) Counted() (n int) {
	for _, s := range o.Settings {
		n += len(s.Cells)
	}
	return n
}

// setCurrency keeps the currency of all prices. Costs in several of them are not compared.
func (o *Outcome) setCurrency() {
	var seen []string
	for i := range o.Cells {
		if c := o.Cells[i].currency(); c != "" && !slices.Contains(seen, c) {
			seen = append(seen, c)
		}
	}
	if len(seen) == 1 {
		o.Currency = seen[0]
	}
	if len(seen) < 2 {
		return
	}
	o.Notes = append(o.Notes, "the prices are in several currencies ("+strings.Join(seen, ", ")+
		"), so that no costs are compared")
	for i := range o.Cells {
		delete(o.Cells[i].Figures, Cost)
		delete(o.Cells[i].Figures, PerMoney)
	}
}

// addFronts adds the fronts of a workload: of tokens per second for each user against tokens per second, of the
// deployment, of a unit and of money; of requests that generate no text against their latency.
func (o *Outcome) addFronts(workload string) {
	settings := ofWorkload(o.Settings, workload)
	x, ys := o.kind(PerUser), []Kind{o.kind(Output)}
	if !anyHas(settings, PerUser) {
		x, ys = o.kind(medianEnd), []Kind{o.kind(requests)}
		if anyHas(settings, Output) {
			ys = []Kind{o.kind(Output), ys[0]}
		}
	}
	if allHave(settings, PerUnit) {
		ys = append([]Kind{o.kind(PerUnit)}, ys...)
	}
	if o.Currency != "" && allHave(settings, PerMoney) {
		ys = append(ys, Kind{PerMoney, "output tokens per " + o.Currency, "Per " + o.Currency, "tokens", 1, true,
			"output tokens per second, over the price of the deployment"})
	}
	for _, y := range ys {
		if f := newFront(workload, x, y, settings); len(f.Points) > 0 {
			o.Fronts = append(o.Fronts, f)
		}
	}
}

func newFront(workload string, x, y Kind, settings []*Setting) *Front {
	f := &Front{Workload: workload, X: x, Y: y}
	var points []tradeoff.Point
	for _, s := range settings {
		if !s.has(x.Name) || !s.has(y.Name) {
			continue
		}
		p := tradeoff.Point{X: s.Figures[x.Name].Estimate, Y: s.Figures[y.Name].Estimate}
		if !x.Higher {
			p.X = p.X.Reciprocal()
		}
		points = append(points, p)
		f.Points = append(f.Points, FrontPoint{Setting: s})
	}
	for i, at := range tradeoff.Front(points) {
		f.Points[i].Placed = at
		if at.By >= 0 {
			f.Points[i].Above = f.Points[at.By].Setting
		}
	}
	return f
}

func (o *Outcome) kind(name string) Kind { return kindOf(kinds(o.Currency), name) }

// addNotes adds what a reader must know of all figures.
func (o *Outcome) addNotes() {
	if models := models(o); len(models) > 1 {
		o.Notes = append(o.Notes, fmt.Sprintf("the cells are of different models (%s): a token of one is not a token "+
			"of another, nor is its answer as good", strings.Join(models, ", ")))
	}
	if doubted := o.Suspects(); len(doubted) > 0 {
		o.Notes = append(o.Notes, doubts(o, doubted))
	}
	addDisturbed(o)
	if o.Repeats < 2 && o.Counted() > 0 {
		o.Notes = append(o.Notes, "each cell ran once, so the intervals know by how much requests of one run differ, "+
			"and not by how much one start of a server differs from the next: repeats: 3 in the experiment shows it")
	}
	if slices.ContainsFunc(o.Cells, func(c Cell) bool { return c.Simulator && c.Excluded() == "" }) {
		o.Notes = append(o.Notes, "answers came from the built-in simulator: these figures say nothing about any model")
	}
}

func models(o *Outcome) (list []string) {
	for i := range o.Cells {
		if m := o.Cells[i].Model; m != "" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// Failures returns the numbers of the cells that do not count, though they were to.
func (o *Outcome) Failures() (list []int) {
	for i := range o.Cells {
		if o.Cells[i].Excluded() != "" {
			list = append(list, i)
		}
	}
	return list
}

// Failure is why cells of a deployment do not count.
type Failure struct {
	Name   string // of the cell, or of the deployment with their number
	Reason string
	Cells  int
}

// FailuresAlike returns why cells do not count, those of a deployment with one reason together.
func (o *Outcome) FailuresAlike() (list []Failure) {
	at := map[[2]string]int{}
	for _, i := range o.Failures() {
		c := &o.Cells[i]
		key := [2]string{c.Variant(), c.Excluded()}
		k, seen := at[key]
		if !seen {
			at[key] = len(list)
			list = append(list, Failure{c.title(), c.Excluded(), 1})
			continue
		}
		list[k].Cells++
		list[k].Name = c.Variant() + ": " + plural(list[k].Cells, "cell")
	}
	return list
}

// Suspects returns the numbers of the cells that count, though their load generators are SUSPECT.
func (o *Outcome) Suspects() (list []int) {
	for i := range o.Cells {
		if o.Cells[i].Suspect() {
			list = append(list, i)
		}
	}
	return list
}

// doubts says how many cells that count are SUSPECT, and why the first is.
func doubts(o *Outcome, list []int) string {
	text := fmt.Sprintf("%d of %s that count are SUSPECT, marked by !: their load generators may have changed some "+
		"figures, and their reports say which", len(list), plural(o.Counted(), "cell"))
	if c := &o.Cells[list[0]]; c.Doubt() != "" {
		text += "; " + join("such as of "+c.title(), c.Doubt())
	}
	return text
}
