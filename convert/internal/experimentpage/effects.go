package experimentpage

import (
	"fmt"
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// effects is the table of what the factors do to a figure.
type effects struct {
	Title, Note  string
	Open         bool
	Rows         []effect
	Interactions []string
	Middle       float64 // of the whiskers, where nothing changes
}

// effect is a row: a factor from one level to another.
type effect struct {
	Factor, Change, Times, Range, By, Share, Class string
	First                                          bool // of its factor
	Whisker                                        *whisker
}

// whisker is a change with its interval on a logarithmic scale.
type whisker struct{ From, To, At float64 }

// Of the whiskers: their width, and the change at their ends.
const (
	whiskerWidth = 160.0
	leastReach   = 0.1
	mostReach    = 5
)

// openEffects are the figures whose effects are open at first.
var openEffects = map[string]bool{outcome.Output: true, outcome.PerUser: true, "p99(ttft)": true}

func effectTables(o *outcome.Outcome) (list []effects) {
	for _, e := range o.Effects {
		t := effects{Title: e.Kind.Title, Open: openEffects[e.Kind.Name], Middle: whiskerWidth / 2}
		if t.Note = fmt.Sprintf("%d settings", e.Settings); !e.Complete {
			t.Note += "; not every combination of levels has the figure, so the changes are of matched pairs alone, " +
				"and shares of the variance cannot be told"
		} else if !math.IsNaN(e.Noise) {
			t.Note += fmt.Sprintf("; noise explains %s of the variance", percent(e.Noise))
		}
		reach := reachOf(e)
		for _, v := range e.Influences {
			t.Rows = append(t.Rows, influence(v, e.Kind, reach)...)
		}
		for _, x := range e.Interactions {
			t.Interactions = append(t.Interactions, plain.Terminal(o.Sentence(x)))
		}
		list = append(list, t)
	}
	return list
}

// reachOf returns the logarithm of the largest change that the whiskers of a table show.
func reachOf(e outcome.Effects) float64 {
	reach := leastReach
	for _, v := range e.Influences {
		for _, x := range v.Effects {
			for _, end := range []float64{x.Change.Log, x.Change.Low, x.Change.High} {
				if !math.IsNaN(end) && !math.IsInf(end, 0) {
					reach = max(reach, math.Abs(end))
				}
			}
		}
	}
	return min(reach, mostReach)
}

func influence(v outcome.Influence, k outcome.Kind, reach float64) (list []effect) {
	name := plain.Terminal(v.Of.Name)
	share := "–"
	if !math.IsNaN(v.Share) {
		share = percent(v.Share)
		if more := v.Total - v.Share; more >= 0.005 {
			share += fmt.Sprintf(" (%s with others)", percent(v.Total))
		}
	}
	if len(v.Effects) == 0 {
		return []effect{{Factor: name, Change: "no two settings differ in it alone", Share: share, First: true}}
	}
	for i, x := range v.Effects {
		e := effect{Change: plain.Terminal(x.From + " → " + x.To), Times: outcome.Times(x.Change), First: i == 0,
			Class: class(x.Change, k), By: by(x)}
		if i == 0 {
			e.Factor, e.Share = name, share
		}
		if x.Pairs > 1 {
			e.Range = outcome.Times(tradeoff.Change{Log: x.Least, Low: math.NaN()})
			if most := outcome.Times(tradeoff.Change{Log: x.Most, Low: math.NaN()}); most != e.Range {
				e.Range += " to " + most
			}
		}
		place := func(log float64) float64 {
			at := whiskerWidth/2 + log/reach*(whiskerWidth/2-4)
			return math.Round(min(whiskerWidth, max(0, at))*10) / 10
		}
		e.Whisker = &whisker{place(x.Change.Low), place(x.Change.High), place(x.Change.Log)}
		if math.IsNaN(x.Change.Low) {
			e.Whisker.From, e.Whisker.To = e.Whisker.At, e.Whisker.At
		}
		list = append(list, e)
	}
	return list
}

// by says from what the interval of a change comes.
func by(x tradeoff.Effect) string {
	switch {
	case x.OfPairs:
		return fmt.Sprintf("%d pairs", x.Pairs)
	case math.IsNaN(x.Change.Low):
		return "1 pair, noise unknown"
	case x.Pairs == 1:
		return "1 pair, noise of its runs"
	}
	return fmt.Sprintf("%d pairs, noise of their runs", x.Pairs)
}

func class(c tradeoff.Change, k outcome.Kind) string {
	switch {
	case !c.Sure():
		return "unsure"
	case c.Log > 0 == k.Higher:
		return "better"
	}
	return "worse"
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}
