package prometheus

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Energy per token has an interval of the parts of the window. Devices whose energy is known in two ways have the
// figure without one, and so has a window too short for parts.
func TestEnergyPerToken(t *testing.T) {
	t.Parallel()
	const one = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION A"
	for name, c := range map[string]struct {
		values map[string]float64
		parts  int
		has    bool
	}{
		"counter":         {map[string]float64{one: 6e6}, 6, true},
		"two ways":        {map[string]float64{one: 6e6, "DCGM_FI_DEV_POWER_USAGE B": 300}, 6, false},
		"without parts":   {map[string]float64{one: 6e6}, 0, false},
		"power":           {map[string]float64{"DCGM_FI_DEV_POWER_USAGE B": 100}, 6, true},
		"no energy known": {map[string]float64{"DCGM_FI_DEV_GPU_UTIL A": 50}, 6, false},
	} {
		f := newFake(t, func(q string) string {
			if strings.HasPrefix(q, "sum(") { // of a part of the window
				for key, v := range c.values {
					if metric, _, _ := strings.Cut(key, " "); strings.Contains(q, metric+"{") {
						return answered(map[bool]string{true: "1e6", false: "100"}[v > 1000])
					}
				}
			}
			return gpus(c.values)(q)
		})
		s, r := both, aRun()
		s.Stages = false
		r.Client.PromptTokens, r.Client.OutputTokens = 600, 60
		for i := range c.parts {
			at := r.Start.Add(time.Duration(i) * 10 * time.Second)
			r.Client.Parts = append(r.Client.Parts, Part{Window{at, at.Add(10 * time.Second)}, 100, 10})
		}
		files, _ := collect(t, open(t, Source{URL: f.URL}), s, r)
		holds(t, files[0].Document)
		total := files[0].Additions.Accelerators.Total
		if total.Energy == nil {
			if total.PerToken != nil {
				t.Errorf("%s: %v joules per token of an unknown energy", name, total.PerToken.Value)
			}
			continue
		}
		for what, pair := range map[string]struct {
			got  *Estimate
			want float64
		}{"per token": {total.PerToken, *total.Energy / 660}, "per output token": {total.PerOutput, *total.Energy / 60},
			"tokens per joule": {total.TokensPer, 660 / *total.Energy}} {
			e := pair.got
			if e == nil || math.Abs(e.Value/pair.want-1) > 1e-9 || (e.Low != nil) != c.has {
				t.Errorf("%s, %s: %+v, want %v with an interval: %t", name, what, e, pair.want, c.has)
			}
			if e != nil && e.Low != nil && (*e.Low > e.Value || *e.High < e.Value) {
				t.Errorf("%s, %s: %v lies outside [%v, %v]", name, what, e.Value, *e.Low, *e.High)
			}
		}
	}
}

// Parts of a window last four scrapes at least, and cover it.
func TestCut(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	for seconds, want := range map[int]int{100: 0, 299: 0, 300: 5, 600: 10, 36000: 20} {
		parts := Settings{ScrapeInterval: 15 * time.Second}.Cut(Window{start,
			start.Add(time.Duration(seconds) * time.Second)})
		if len(parts) != want {
			t.Errorf("%d s have %d parts, want %d", seconds, len(parts), want)
		}
		if want > 0 && (parts[0].Start != start || parts[want-1].End != start.Add(time.Duration(seconds)*time.Second)) {
			t.Errorf("the parts of %d s are from %v to %v", seconds, parts[0].Start, parts[want-1].End)
		}
	}
}
