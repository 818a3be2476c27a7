package page

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// cell returns a statistic of the figure in milliseconds. A percentile for which there are not enough requests is grey,
// and has a sign: at least the lower end of its interval if nothing else is known, or about what was seen.
func (f figure) cell(doc gjson.Result, name string) cell {
	value := f.statistic(doc, name)
	c := right(milliseconds(value))
	certainty, of := f.certain(doc, name)
	if !of.Exists() || of.Get("certified").Bool() || c.Text == missing {
		return c
	}
	c.Class += " " + unsureClass
	c.Text = "~\u00a0" + c.Text
	if certainty.Get("design_effect").Raw == "null" {
		c.Meaning = "of several loads: a percentile of the mixture, which is that of no load"
		return c
	}
	interval := "nothing tells how high it may be"
	switch low, high := of.Get("low"), of.Get("high"); {
	case low.Type == gjson.Number && high.Type == gjson.Number:
		interval = fmt.Sprintf("with 95 %% confidence %s to %s ms", milliseconds(low.Num), milliseconds(high.Num))
	case low.Type == gjson.Number:
		interval = fmt.Sprintf("with 95 %% confidence %s ms or more", milliseconds(low.Num))
	}
	if least := of.Get("at_least"); least.Type == gjson.Number {
		c.Text = "≥\u00a0" + milliseconds(least.Num)
	}
	c.Meaning = fmt.Sprintf("too few requests: %s; seen %s ms", interval, milliseconds(value))
	if p, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64); err == nil {
		if least := quantile.Least(p/100, certaintyLevel); certainty.Get("requests").Num < float64(least) {
			c.Meaning += fmt.Sprintf("; at least %s requests are needed", whole(float64(least)))
		} else {
			c.Meaning += "; requests depend on one another, so that it takes more"
		}
	}
	return c
}

// unsureClass is the class of the cells of percentiles for which there are not enough requests.
const unsureClass = "unsure"

func (c cell) unsure() bool { return strings.HasSuffix(c.Class, unsureClass) }

// inMS returns a statistic of the figure as text.
func (f figure) inMS(doc gjson.Result, name string) string {
	if text := f.cell(doc, name).Text; text != missing {
		return text + " ms"
	}
	return missing
}

// certaintyLevel is the confidence of the intervals of reports.
const certaintyLevel = 0.95

// certain returns what is known of the percentiles of the figure, and of one of them. The latter does not exist for
// other statistics.
func (f figure) certain(doc gjson.Result, name string) (certainty, of gjson.Result) {
	if !strings.HasPrefix(name, "p") {
		return certainty, of
	}
	key := gjsonKey(name)
	if name == "p50" {
		key = "median"
	}
	for _, path := range f.paths {
		d := doc.Get(path)
		if !d.IsObject() {
			continue
		}
		if certainty = d.Get("certainty"); !certainty.Exists() && f.certainty != "" {
			certainty = doc.Get(f.certainty)
		}
		return certainty, certainty.Get("percentiles." + key)
	}
	return certainty, of
}
