package page

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// costs returns what tokens cost and how much energy they took, where it is known: of a run of one load, or else of
// the stages with the lowest and the highest load.
func costs(r *Run) (list []sentence) {
	parts := r.shown()
	if len(r.stages) == 1 {
		parts = []part{{doc: r.summary}}
	}
	for _, p := range parts {
		at := ""
		if len(parts) > 1 {
			at = under(p)
		}
		var c convert.Cost
		if decoded(p.doc.Get("xk6_llm.cost"), &c) {
			list = append(list, sentence{Label: at, Text: plain.Terminal(c.String())})
		}
		var e convert.Energy
		if decoded(p.doc.Get("xk6_llm.energy"), &e) {
			list = append(list, sentence{Label: at, Text: plain.Terminal(e.String())})
		}
	}
	return list
}

// decoded reads an object of a report, and returns false if there is none or it has another form.
func decoded(doc gjson.Result, into any) bool {
	return doc.IsObject() && json.Unmarshal([]byte(doc.Raw), into) == nil
}

// costTable is what tokens cost and how much energy they took, of each stage and of the run, each with its interval;
// nil unless several stages tell it.
func costTable(runs []Run) *table {
	t := &table{ID: "costs", Title: "Cost and energy", Head: []column{{}},
		Note: "Of the successes, each kind of token as if it alone bore the whole cost unless it is shared; in " +
			"brackets " +
			"the interval of 95 % confidence, where the time was long enough for one."}
	var columns []column
	var all []map[column]string
	for i, r := range runs {
		for _, p := range slices.Concat(r.stages, stages{{name: "whole run", doc: r.summary}}) {
			line, list, figures := row{Name: p.title(), Run: -1}, costsOf(p.doc), map[column]string{}
			if len(runs) > 1 {
				line.Name, line.Run = r.Name+", "+line.Name, i
			}
			for _, f := range list {
				if figures[f.column] = plain.Terminal(f.String()); !slices.Contains(columns, f.column) {
					columns = append(columns, f.column)
				}
			}
			if len(list) > 0 {
				t.Rows, all = append(t.Rows, line), append(all, figures)
			}
		}
	}
	if len(t.Rows) < 3 { // of one load the first screen tells it
		return nil
	}
	for _, c := range columns {
		t.Head = append(t.Head, c)
		for i, figures := range all {
			t.Rows[i].Cells = append(t.Rows[i].Cells, numeric(cmp.Or(figures[c], missing))...)
		}
	}
	return t
}

// priced is a figure of cost or energy, and the column that it is in.
type priced struct {
	column
	*convert.Estimate
}

// costsOf returns the cost and the energy of a part, as far as they are known.
func costsOf(doc gjson.Result) (list []priced) {
	var c convert.Cost
	if decoded(doc.Get("xk6_llm.cost"), &c) {
		million := c.Currency + " for 10⁶"
		for _, kind := range []string{"prompt", "cached", "completion", "total"} {
			list = append(list, priced{column{kind, million, "cost of a million tokens of this kind"},
				c.PerMillion[kind]},
				priced{column{kind + ", shared", million,
					"cost of a million tokens of this kind, if the kinds share the " +
						"cost in the ratio that was given"}, c.Shared[kind]})
		}
		list = append(list, priced{column{"request", c.Currency, "cost of a request that succeeded"}, c.PerRequest})
	}
	var e convert.Energy
	if decoded(doc.Get("xk6_llm.energy"), &e) {
		list = append(list, priced{column{"power", "W", "mean power of the devices"},
			&convert.Estimate{Value: e.Watts}},
			priced{column{"token", "J", "energy of a token, of prompts and completions together"}, e.PerToken},
			priced{column{"completion token", "J", "energy of a token, if completions took all of it"},
				e.PerCompletion},
			priced{column{"tokens", "/J", "tokens for a joule"}, e.TokensPer})
	}
	return slices.DeleteFunc(list, func(p priced) bool { return p.Estimate == nil })
}
