package prometheus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/rates"
)

// Estimate is a figure with its interval at the level of package rates.
type Estimate struct {
	Value float64  `json:"value"`
	Low   *float64 `json:"low"` // null where the window is too short for an interval
	High  *float64 `json:"high"`
}

// Part is a part of a window, and the tokens of the answers that ended in it.
type Part struct {
	Window
	PromptTokens, OutputTokens float64
}

// scrapesInPart is how many scrapes a part lasts at least, so that the energy between its ends is known well.
const scrapesInPart = 4

// Cut cuts a window into parts for the intervals of energy: nil if it is too short for them.
func (s Settings) Cut(w Window) (parts []Part) {
	n := min(rates.Parts, int(w.End.Sub(w.Start)/(scrapesInPart*s.scrape())))
	if n < rates.Least {
		return nil
	}
	for i := range n {
		at := func(k int) time.Time { return w.Start.Add(w.End.Sub(w.Start) * time.Duration(k) / time.Duration(n)) }
		parts = append(parts, Part{Window: Window{at(i), at(i + 1)}})
	}
	return parts
}

// energyQuestion returns the query for the joules that all devices of a vendor used in a part of the window, by the
// metric that their energy was found with, and the factor from its unit.
func energyQuestion(m acceleratorMetric, filters []string, p Part) (question, float64) {
	labels := deviceLabels[m.vendor]
	by := strings.Join(append(labels[:], "instance"), ", ")
	matchers := strings.Join(append(nonEmpty(m.only), filters...), ",")
	span := p.End.Sub(p.Start)
	over, function, unit := "avg", "avg_over_time", m.unit*span.Seconds()
	if m.counter {
		over, function, unit = "max", "increase", m.unit
	}
	text := fmt.Sprintf("sum(%s by (%s) (%s(%s{%s}[%s])))", over, by, function, m.name, matchers, milliseconds(span))
	return question{text, p.End}, unit
}

// energyMetric returns the metric by which the energy of all devices is known, and false if they differ in it.
func (a *Accelerators) energyMetric() (m acceleratorMetric, same bool) {
	for i, d := range a.Devices {
		name := d.Figures["power_watts"].Metric
		of := slices.IndexFunc(acceleratorMetrics, func(m acceleratorMetric) bool {
			if d.EnergySource == "counter" {
				return m.vendor == d.Vendor && m.counter
			}
			return m.vendor == d.Vendor && m.name == name && name != ""
		})
		if of < 0 || i > 0 && acceleratorMetrics[of] != m {
			return m, false
		}
		m = acceleratorMetrics[of]
	}
	return m, len(a.Devices) > 0
}

// addEnergy adds the figures of tokens and joules, with intervals if the parts of the window are known.
func (c *Prometheus) addEnergy(ctx context.Context, a *Accelerators, filters []string, client Client) {
	t := &a.Total
	if t.Energy == nil || !(*t.Energy > 0) {
		return
	}
	var joules, all, output []float64
	if m, same := a.energyMetric(); same && len(client.Parts) > 0 {
		joules = c.energyOfParts(ctx, m, filters, client.Parts)
		for _, p := range client.Parts {
			all, output = append(all, p.PromptTokens+p.OutputTokens), append(output, p.OutputTokens)
		}
	}
	tokens := client.PromptTokens + client.OutputTokens
	t.PerToken = estimated(*t.Energy, tokens, joules, all)
	t.PerOutput = estimated(*t.Energy, client.OutputTokens, joules, output)
	t.TokensPer = estimated(tokens, *t.Energy, all, joules)
}

// energyOfParts returns the joules of each part; nil if Prometheus does not know those of any.
func (c *Prometheus) energyOfParts(ctx context.Context, m acceleratorMetric, filters []string,
	parts []Part) (joules []float64) {
	var list []question
	var units []float64
	for _, p := range parts {
		q, unit := energyQuestion(m, filters, p)
		list, units = append(list, q), append(units, unit)
	}
	answers := c.askAll(ctx, list)
	for i, q := range list {
		value, why := answers[q].only()
		if why != "" || math.IsNaN(value) {
			return nil
		}
		joules = append(joules, value*units[i])
	}
	return joules
}

// estimated returns the ratio of two totals, with the interval of the ratio of their parts about it.
func estimated(above, below float64, aboveParts, belowParts []float64) *Estimate {
	if !(below > 0) {
		return nil
	}
	e := &Estimate{Value: above / below}
	if len(aboveParts) == 0 || len(aboveParts) != len(belowParts) {
		return e
	}
	if r, known := rates.Ratio(aboveParts, belowParts); known && !math.IsNaN(r.Low) {
		e.Low, e.High = new(e.Value*r.Low/r.Value), new(e.Value*r.High/r.Value)
	}
	return e
}
