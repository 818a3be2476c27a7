package outcome

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/price"
)

// Cell is a cell of an experiment with what its report says.
type Cell struct {
	experiment.Cell
	// Stage is what of the report the figures are of, such as "stage 1: 4/s"; "" for all of it.
	Stage string

	HasReport        bool // it can be read
	HasPage          bool // it has a page
	Verdict          string
	Reasons          []string // of the verdict
	Partial          bool
	Simulator        bool
	Model            string
	Requests, Failed int
	SLO              string // what the load was judged by; "" without
	Kept             bool   // the SLO
	Observed         string // what breaks it
	Figures          map[string]Figure

	Answer string // of a search
	Probes []Probe
	// Problem says why the report cannot be read, or has no figures; "" if it has.
	Problem string
}

// suspect is the verdict on a load generator that some figures may be off by. Such a cell counts, and is marked.
const suspect = "SUSPECT"

// Probe is a load that a search has tried.
type Probe struct {
	Load             string
	PerUser, Output  float64 // NaN if unknown
	Outcome, Verdict string
}

// mostFailures is the share of failed requests up to which the figures of the others are those of the load.
const mostFailures = 0.01

// Excluded says why a cell does not count, and returns "" if it does.
func (c *Cell) Excluded() string {
	switch share := float64(c.Failed) / float64(c.Requests); {
	case c.Status == experiment.Failed:
		return join("failed", c.Error)
	case c.Status == experiment.Running:
		return "it was cut: the program that ran it ended"
	case c.Status != experiment.Done:
		return "it has not run"
	case !c.HasReport || c.Problem != "":
		return c.Problem
	case c.Verdict == "INVALID":
		return join("the load generator is "+c.Verdict, firstOf(c.Reasons))
	case c.Partial:
		return "its records are partial"
	case c.Requests == 0:
		return "no request was sent"
	case c.Failed >= c.Requests:
		return "no request succeeded"
	case share > mostFailures:
		return fmt.Sprintf("%.1f %% of its requests failed", 100*share)
	}
	return ""
}

// Suspect reports whether a cell counts, though its load generator may have changed some of its figures.
func (c *Cell) Suspect() bool { return c.Verdict == suspect && c.Excluded() == "" }

// Doubt says why a cell is suspect, "" if nothing is known.
func (c *Cell) Doubt() string { return plain.Terminal(firstOf(c.Reasons)) }

// mostReason is how many characters of a reason are told: enough for the last line of a log and where it is.
const mostReason = 400

func join(what, why string) string {
	if why == "" {
		return what
	}
	if len(why) > mostReason {
		why = strings.ToValidUTF8(why[:mostReason], "") + "…"
	}
	return what + ": " + why
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// derive adds the figures that follow from others, the units and the price.
func (c *Cell) derive() {
	if c.Figures == nil {
		c.Figures = map[string]Figure{}
	}
	if f, has := c.Figures[MedianTPOT]; has && f.Value > 0 {
		c.Figures[PerUser] = f.over(1)
	}
	f, has := c.Figures[Output]
	if !has || !(f.Value > 0) {
		return
	}
	if c.Units > 0 && !math.IsInf(c.Units, 0) {
		c.Figures[PerUnit] = f.times(1 / c.Units)
	}
	if p, err := price.Parse(c.Price); err == nil && p.PerHour > 0 {
		c.Figures[Cost] = f.over(p.PerHour / 3600 * 1e6)
		c.Figures[PerMoney] = f.times(3600 / p.PerHour)
	}
}

// currency returns that of a cell, "" if it has no price.
func (c *Cell) currency() string {
	p, err := price.Parse(c.Price)
	if err != nil {
		return ""
	}
	return p.Currency
}

// Variant names the deployment with its parameters.
func (c *Cell) Variant() string {
	parts := []string{c.Deployment}
	for _, p := range c.Parameters {
		parts = append(parts, p.Name+"="+p.Value)
	}
	return strings.Join(parts, " ")
}

// load names the load, and what of it the figures are of.
func (c *Cell) load() string {
	if c.Stage == "" {
		return c.Load
	}
	return c.Load + ", " + c.Stage
}

// settingKey is the same for the repeats of a cell.
func (c *Cell) settingKey() string {
	return strings.Join([]string{c.Variant(), c.Workload, c.Load, c.Stage}, "\x00")
}
