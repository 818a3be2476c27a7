package convert

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-307b789f/xk6-llm/convert/internal/rates"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Energy is what the devices on the server's own pages used in the time of a group, busy or idle, and the tokens of the
// group's successes that ended meanwhile. A page of Prometheus has its own figures; see package prometheus.
type Energy struct {
	// Source is counter, where each page counts joules, or power, where they are the power between two samples, by
	// the trapezoidal rule.
	Source  string `json:"source"`
	Level   Float  `json:"level"`        // of the intervals
	From    Float  `json:"from_seconds"` // of the first sample, since the first start of the run
	To      Float  `json:"to_seconds"`
	Devices Float  `json:"devices"`
	Joules  Float  `json:"joules"`
	Watts   Float  `json:"watts_mean"`
	// PerToken is in joules per token, of prompts and completions together; null without tokens.
	PerToken      *Estimate `json:"joules_per_token"`
	PerCompletion *Estimate `json:"joules_per_completion_token"`
	TokensPer     *Estimate `json:"all_tokens_per_joule"` // prompts and completions
	PerRequest    *Estimate `json:"joules_per_request"`   // of the successes
}

// meter is what the pages showed at an instant: joules since some beginning, and watts.
type meter struct {
	at            int64
	joules, watts float64 // NaN where a page shows none
	devices       float64
}

// newEnergy returns nil if no page shows power or energy at two instants within the group's time, if a device's counter
// began anew, or if a cut left out requests that the devices worked for all the same.
func newEnergy(g *subset) *Energy {
	if len(g.run.Servers) == 0 || len(g.all) == 0 || g.part || g.run.Cut.Adapters != nil ||
		g.run.Clock != run.RecordTick {
		return nil
	}
	meters := metersOf(g)
	if len(meters) < 2 {
		return nil
	}
	joules, source := joulesBetween(meters)
	if source == "" {
		return nil
	}
	first, last := meters[0], meters[len(meters)-1]
	zero := run.FirstStart(g.run)
	e := &Energy{Source: source, Level: rates.Level, From: Float(g.run.Seconds(first.at - zero)),
		To: Float(g.run.Seconds(last.at - zero)), Devices: Float(first.devices), Joules: Float(floats.Sum(joules))}
	e.Watts = e.Joules / (e.To - e.From)
	t := tokensBetween(g, meters)
	e.PerToken, e.PerCompletion = estimateRatio(joules, t.total), estimateRatio(joules, t.completion)
	e.TokensPer, e.PerRequest = estimateRatio(t.total, joules), estimateRatio(joules, t.successes)
	return e
}

// metersOf returns what the pages showed together, at each sample within the group's time.
func metersOf(g *subset) (list []meter) {
	start, end := g.all[0].Start, g.all[0].End
	for _, q := range g.all {
		start, end = min(start, q.Start), max(end, q.End)
	}
	sources := map[string]bool{}
	for _, line := range g.run.Servers {
		if hasMeter(line) {
			sources[line.Source] = true
		}
	}
	newest := map[string]*record.Server{}
	for _, line := range g.run.Servers {
		if !hasMeter(line) {
			continue
		}
		newest[line.Source] = line
		if len(newest) == len(sources) && line.Time >= start && line.Time <= end {
			list = append(list, read(line.Time, newest))
		}
	}
	return list
}

func hasMeter(line *record.Server) bool {
	_, power := line.Values[record.ServerGPUPower]
	_, energy := line.Values[record.ServerGPUEnergy]
	return power || energy
}

// read adds up what the pages show at an instant.
func read(at int64, pages map[string]*record.Server) meter {
	m := meter{at: at}
	for _, page := range pages {
		m.joules += valueOf(page, record.ServerGPUEnergy)
		m.watts += valueOf(page, record.ServerGPUPower)
		m.devices += page.Values[record.ServerGPUs]
	}
	return m
}

// valueOf returns a figure of a page, NaN if it has none.
func valueOf(page *record.Server, name string) float64 {
	if v, known := page.Values[name]; known {
		return v
	}
	return unknown
}

// joulesBetween returns the energy used between neighbouring samples, and how it is known; "" if it is not.
func joulesBetween(meters []meter) (joules []float64, source string) {
	counted, powered := true, true
	for i, m := range meters {
		counted = counted && !math.IsNaN(m.joules) && (i == 0 || m.joules >= meters[i-1].joules)
		powered = powered && !math.IsNaN(m.watts)
	}
	for i := 1; i < len(meters); i++ {
		before, after := meters[i-1], meters[i]
		if counted {
			joules = append(joules, after.joules-before.joules)
		} else {
			joules = append(joules, (before.watts+after.watts)/2*float64(after.at-before.at)/run.RecordTick.Instant)
		}
	}
	switch {
	case counted && floats.Sum(joules) > 0:
		return joules, "counter"
	case powered && floats.Sum(joules) > 0:
		return joules, "power"
	}
	return nil, ""
}

// tokensBetween returns the tokens of the successes that ended between neighbouring samples.
func tokensBetween(g *subset, meters []meter) tokensOver {
	n := len(meters) - 1
	t := tokensOver{total: make([]float64, n), completion: make([]float64, n), successes: make([]float64, n)}
	for _, q := range g.ok {
		at, exact := slices.BinarySearchFunc(meters, q.End,
			func(m meter, end int64) int { return cmp.Compare(m.at, end) })
		if !exact {
			at--
		}
		if at < 0 || at >= n {
			continue
		}
		t.successes[at]++
		t.completion[at] += outputTokens(g, q)
		t.total[at] += inputTokens(g, q) + outputTokens(g, q)
	}
	return t
}

// estimateRatio returns the ratio of two sums over the same spans of time; nil if it is unknown.
func estimateRatio(above, below []float64) *Estimate {
	r, known := rates.Ratio(above, below)
	if !known {
		return nil
	}
	e := &Estimate{Value: Float(r.Value)}
	if !math.IsNaN(r.Low) {
		e.Low, e.High = new(Float(r.Low)), new(Float(r.High))
	}
	return e
}
