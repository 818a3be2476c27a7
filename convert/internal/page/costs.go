package page

import (
	"encoding/json"

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
