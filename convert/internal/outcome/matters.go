package outcome

import (
	"fmt"
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
)

// Matter says what a factor does, in a line for each figure.
type Matter struct {
	Factor string   `json:"factor"`
	Lines  []string `json:"lines"`
}

// Matters says what each factor that a person tunes does to the main figures, in the order in which they matter for the
// first of them; then what depends on what. Changes are means over all loads and other factors, so they may be unsure
// where an answer, which is of one load, is not.
func (o *Outcome) Matters() (list []Matter) {
	var shown []Effects
	for _, name := range []string{Capacity, Output, requests, PerUser, o.firstToken(o.Settings), medianEnd} {
		e, has := effectsOn(o, name)
		_, tokens := effectsOn(o, Output)
		skip := (name == requests || name == medianEnd) && tokens
		if has && !skip {
			shown = append(shown, e)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	for _, v := range shown[0].Influences {
		if !v.Of.Chosen {
			continue
		}
		var parts []string
		for _, e := range shown {
			for _, w := range e.Influences {
				if w.Of.Name == v.Of.Name {
					parts = append(parts, e.Kind.Title+" "+w.brief())
				}
			}
		}
		list = append(list, Matter{v.Of.Name, parts})
	}
	return append(list, depends(o, shown)...)
}

// brief says by how much a factor changes a figure: from the first level to the one where it changes most.
func (v Influence) brief() string {
	if len(v.Effects) == 0 {
		return "unknown, as no two settings differ in it alone"
	}
	most := v.Effects[0]
	for _, e := range v.Effects {
		if math.Abs(e.Change.Log) > math.Abs(most.Change.Log) {
			most = e
		}
	}
	least, largest := factor(most.Least), factor(most.Most)
	same := least == largest
	if c := most.Change; same && factor(c.Low) == factor(0) && factor(c.High) == factor(0) {
		return "stays as it is"
	}
	text := fmt.Sprintf("%s from %s to %s", Times(most.Change), most.From, most.To)
	switch {
	case math.IsNaN(most.Change.Low) || most.Change.Sure() || isVague(most.Change):
	case same || !most.OfPairs:
		text += ", within noise"
	case most.Varies:
		text += fmt.Sprintf(", for it depends: ×%s to ×%s", least, largest)
	default: // the interval is that of a mean, whose parts may be known better
		text += fmt.Sprintf(", unsure as a mean of %d pairs: ×%s to ×%s", most.Pairs, least, largest)
	}
	return text
}

// mostDepends is how many interactions the first screen names.
const mostDepends = 4

// depends names what depends on what, once for each pair of factors.
func depends(o *Outcome, shown []Effects) (list []Matter) {
	seen := map[[2]int]bool{}
	for _, e := range shown {
		for _, x := range e.Interactions {
			pair := [2]int{x.Factor, x.On}
			if !o.Factors[x.Factor].Chosen || seen[pair] || len(list) == mostDepends {
				continue
			}
			seen[pair] = true
			list = append(list, Matter{o.Factors[x.Factor].Name + " and " + o.Factors[x.On].Name,
				[]string{e.Kind.Title + ": " + o.Sentence(x)}})
		}
	}
	return list
}

// Sentence says of an interaction where a factor matters, and where it does not.
func (o *Outcome) Sentence(x tradeoff.Interaction) string {
	f, on := o.Factors[x.Factor].Name, o.Factors[x.On].Name
	return fmt.Sprintf("%s from %s to %s gives %s at %s %s, and %s at %s", f, x.From, x.To,
		Times(x.Strong.Change), on, x.Strong.Level, Times(x.Weak.Change), x.Weak.Level)
}
