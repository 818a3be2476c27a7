package outcome

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// repeated returns the cells of settings a, b, c … with the output rates of their repeats.
func repeated(rates ...[]float64) (cells []Cell) {
	for i, list := range rates {
		for k, rate := range list {
			c := made(string(rune('a'+i)), "c=1", rate, 0.01)
			c.Name, c.Repeat = fmt.Sprintf("%s.%d", c.Name, k+1), k+1
			cells = append(cells, c)
		}
	}
	return cells
}

// Intervals of the ratio of two settings hold the truth in about 95 of 100 experiments, although both know by how much
// repeats differ from the same ones; also where one setting has far more noise than the others.
func TestIntervalsOfRepeats(t *testing.T) {
	t.Parallel()
	const experiments = 2000
	for name, noise := range map[string][]float64{"two": {0.1, 0.1}, "three": {0.1, 0.1, 0.1},
		"six": {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, "one of four is noisy": {1, 0.05, 0.05, 0.05}} {
		rng := rand.New(rand.NewPCG(3, 4))
		held := 0
		for range experiments {
			rates := make([][]float64, len(noise))
			for i, deviation := range noise {
				for range 2 {
					rates[i] = append(rates[i], 100*math.Exp(deviation*rng.NormFloat64()))
				}
			}
			o := New("e", repeated(rates...))
			a, b := o.Settings[len(noise)-2].Figures[Output], o.Settings[len(noise)-1].Figures[Output]
			if c := tradeoff.Ratio(a.Estimate, b.Estimate); !c.Sure() {
				held++
			}
		}
		if share := float64(held) / experiments; share < 0.93 {
			t.Errorf("%s: the intervals hold the truth in %.4f", name, share)
		} else {
			t.Logf("%s: %.4f", name, share)
		}
	}
}

// A repeat that something has disturbed is named, and makes wide the intervals of its own setting alone.
func TestDisturbedRepeat(t *testing.T) {
	t.Parallel()
	calm := [][]float64{{100, 103}, {200, 196}, {300, 309}, {150, 148}}
	o := New("e", repeated(append(calm, []float64{157, 307})...))
	text := strings.Join(o.Notes, "\n")
	if !strings.Contains(text, "the repeats of e at c=1 differ by ×2: output tokens per second is 157 tokens/s in "+
		"e-c-1.1, and 307 tokens/s in e-c-1.2;") || !strings.Contains(text, "the intervals of this setting are wide") {
		t.Errorf("notes: %s", text)
	}
	disturbed, others := find(t, o, "e", "c=1").Figures[Output], find(t, o, "a", "c=1").Figures[Output]
	if e := disturbed.Estimate; e.Shared || e.Freedom != 1 || math.Abs(e.Error-math.Log(307./157)/2) > 1e-12 {
		t.Errorf("the disturbed setting has %+v", e)
	}
	if e := others.Estimate; !e.Shared || e.Freedom != 4 || e.Error > 0.03 {
		t.Errorf("the others have %+v", e)
	}
	if c := tradeoff.Ratio(others.Estimate, disturbed.Estimate); c.Sure() {
		t.Errorf("it is told apart by repeats that differ by a factor of two: %+v", c)
	}
	if o = New("e", repeated(calm...)); strings.Contains(strings.Join(o.Notes, "\n"), "differ by") {
		t.Errorf("notes on calm repeats: %q", o.Notes)
	}
	// Of two settings no one can say whose repeats are as they should be.
	o = New("e", repeated([]float64{157, 307}, []float64{100, 103}))
	if text = strings.Join(o.Notes, "\n"); !strings.Contains(text, "the intervals of all settings are wider for it") {
		t.Errorf("notes: %s", text)
	}
}

// Cells of a deployment that do not count for one reason are told in a line.
func TestFailuresAlike(t *testing.T) {
	t.Parallel()
	var cells []Cell
	for i := range 8 {
		c := made([]string{"a", "b"}[i/6], fmt.Sprint("c=", i), 100, 0.01)
		c.Status, c.Error = experiment.Failed, "it was never ready"
		if i == 7 {
			c.Error = "no memory"
		}
		cells = append(cells, c)
	}
	o := New("e", cells)
	want := []Failure{{"a: 6 cells", "failed: it was never ready", 6}, {"b-c-6", "failed: it was never ready", 1},
		{"b-c-7", "failed: no memory", 1}}
	if got := o.FailuresAlike(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var text, markdown strings.Builder
	if err := o.WriteText(&text); err != nil || strings.Count(text.String(), "never ready") != 2 {
		t.Errorf("%v\n%s", err, text.String())
	}
	if err := o.WriteMarkdown(&markdown); err != nil || strings.Count(markdown.String(), "- a: 6 cells: ") != 1 {
		t.Errorf("%v\n%s", err, markdown.String())
	}
}

// What cannot be seen is left out, and what is unsure as a mean is not called noise.
func TestBrief(t *testing.T) {
	t.Parallel()
	effect := func(log, low, high, least, most float64, pairs, varies bool) Influence {
		return Influence{Influence: tradeoff.Influence{Effects: []tradeoff.Effect{{From: "4", To: "16", Pairs: 2,
			Change: tradeoff.Change{Log: log, Low: low, High: high}, Least: least, Most: most, OfPairs: pairs,
			Varies: varies}}}}
	}
	const unsure = "×1.18 (0.43 to 3.22) from 4 to 16"
	mean := func(pairs, varies bool) Influence { return effect(0.168, -0.84, 1.17, 0.08, 0.256, pairs, varies) }
	for want, v := range map[string]Influence{
		"stays as it is": effect(1e-4, -1e-3, 1e-3, 0, 2e-4, true, true),
		"×1.00 (0.95 to 1.05) from 4 to 16, within noise":        effect(0, -0.05, 0.05, 0, 1e-4, true, true),
		unsure + ", unsure as a mean of 2 pairs: ×1.08 to ×1.29": mean(true, false),
		unsure + ", for it depends: ×1.08 to ×1.29":              mean(true, true),
		unsure + ", within noise":                                mean(false, false),
	} {
		if got := v.brief(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A setting that noise does not tell from the best is no reason to keep silent on one that is behind at the same load.
func TestBehindAtTheSameLoad(t *testing.T) {
	t.Parallel()
	o := New("e", []Cell{made("a", "c=4", 100, 0.01), made("b", "c=4", 30, 0.01), made("b", "c=8", 99, 0.01)})
	const want = "not told apart within noise; clearly behind: b at c=4 has ×0.30 ("
	if a := o.Answers[0]; !strings.HasPrefix(a.Sure, want) {
		t.Errorf("%q, want %q", a.Sure, want)
	}
}
