package page

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// cell returns a statistic of the figure in milliseconds. A percentile for which there are not enough requests is grey,
// and has a sign: at least the lower end of its interval if it is a high one, or about what was seen.
func (f figure) cell(doc gjson.Result, name string) cell {
	value := f.statistic(doc, name)
	c := right(milliseconds(value))
	of := f.certain(doc, name)
	if !of.Exists() || of.Get("certified").Bool() || c.Text == missing {
		return c
	}
	c.Class += " unsure"
	c.Text = "~\u00a0" + c.Text
	interval := "nothing tells how high it may be"
	if low := of.Get("low"); low.Type == gjson.Number {
		interval = fmt.Sprintf("with 95 %% confidence %s ms or more", milliseconds(low.Num))
		if name != "p50" {
			c.Text = "≥\u00a0" + milliseconds(low.Num)
		}
	}
	c.Meaning = fmt.Sprintf("too few requests: %s; seen %s ms", interval, milliseconds(value))
	if needs := of.Get("needs"); needs.Type == gjson.Number {
		c.Meaning += fmt.Sprintf("; %s requests would do", whole(needs.Num))
	}
	return c
}

// inMS returns a statistic of the figure as text.
func (f figure) inMS(doc gjson.Result, name string) string {
	if text := f.cell(doc, name).Text; text != missing {
		return text + " ms"
	}
	return missing
}

// certain returns what is known of a percentile of the figure. It does not exist for other statistics.
func (f figure) certain(doc gjson.Result, name string) gjson.Result {
	if !strings.HasPrefix(name, "p") {
		return gjson.Result{}
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
		if of := d.Get("certainty.percentiles." + key); of.Exists() || f.certainty == "" {
			return of
		}
		return doc.Get(f.certainty + ".percentiles." + key)
	}
	return gjson.Result{}
}
