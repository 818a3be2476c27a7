package outcome

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// made returns a cell that counts, with an output rate and a TPOT that are known to a hundredth.
func made(deployment, load string, output, tpot float64, parameters ...string) Cell {
	c := Cell{Cell: experiment.Cell{Deployment: deployment, Workload: "chat", Load: load, Repeat: 1,
		Status: experiment.Done}, HasReport: true, Verdict: "VALID", Requests: 100, Model: "m"}
	for i := 0; i+1 < len(parameters); i += 2 {
		c.Parameters = append(c.Parameters, experiment.Parameter{Name: parameters[i], Value: parameters[i+1]})
	}
	c.Name = strings.NewReplacer(" ", "-", "=", "-").Replace(c.Variant() + "-" + load)
	known := func(v float64) Figure { return Known(v, v*0.98, v*1.02, 0.01, 100) }
	c.Figures = map[string]Figure{Output: known(output), MedianTPOT: known(tpot), lateToken: known(10 * tpot)}
	return c
}

// find returns the setting of a variant at a load.
func find(t *testing.T, o *Outcome, variant, load string) *Setting {
	t.Helper()
	for _, s := range o.Settings {
		if s.Variant == variant && s.Load == load {
			return s
		}
	}
	t.Fatalf("no setting %s at %s", variant, load)
	return nil
}

// The figures that follow from others are what their definitions say.
func TestDerivedFigures(t *testing.T) {
	t.Parallel()
	c := made("d", "c=1", 500, 0.02)
	c.Units, c.Price = 4, "7.20 EUR/h"
	o := New("e", []Cell{c})
	f := o.Settings[0].Figures
	for name, want := range map[string]float64{PerUser: 50, PerUnit: 125, Cost: 4, PerMoney: 250_000} {
		if got := f[name]; math.Abs(got.Value-want) > 1e-9*want || !(got.Low < want && want < got.High) {
			t.Errorf("%s is %v (%v to %v), want %v", name, got.Value, got.Low, got.High, want)
		}
	}
	if o.Currency != "EUR" || len(o.Fronts) != 3 || o.Fronts[0].Y.Name != PerUnit {
		t.Errorf("currency %q, %d fronts", o.Currency, len(o.Fronts))
	}
}

// A cell that does not count is in no front, answer or effect, and the reason is told.
func TestExclusions(t *testing.T) {
	t.Parallel()
	set := func(s experiment.Status) func(*Cell) { return func(c *Cell) { c.Status = s } }
	for want, damage := range map[string]func(*Cell){
		"failed: no memory": func(c *Cell) {
			c.Status, c.Error = experiment.Failed, "no memory"
		},
		"it has not run": set(experiment.Planned),
		"it was cut: the program that ran it ended": set(experiment.Running),
		"its report cannot be read: x":              func(c *Cell) { c.Problem = "its report cannot be read: x" },
		"the load generator is INVALID: late": func(c *Cell) {
			c.Verdict, c.Reasons = "INVALID", []string{"late"}
		},
		"its records are partial":      func(c *Cell) { c.Partial = true },
		"no request was sent":          func(c *Cell) { c.Requests = 0 },
		"no request succeeded":         func(c *Cell) { c.Failed = c.Requests },
		"2.0 % of its requests failed": func(c *Cell) { c.Failed = 2 },
	} {
		bad := made("fast", "c=1", 9000, 0.001)
		damage(&bad)
		o := New("e", []Cell{made("slow", "c=1", 100, 0.02), bad, made("slower", "c=1", 50, 0.03)})
		if got := o.Cells[1].Excluded(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		a := o.Answers[0]
		if o.Counted() != 2 || len(o.Fronts[0].Points) != 2 || a.Best.Variant != "slow" || o.Effects[0].Settings != 2 {
			t.Errorf("%s: %d count, %d points, best %v, %d settings have effects", want, o.Counted(),
				len(o.Fronts[0].Points), a.Best.Variant, o.Effects[0].Settings)
		}
		if a.Told() || !strings.HasPrefix(a.Sure, "unsure: fast at c=1 had 9,000 tokens/s, and does not count (") {
			t.Errorf("%s: the answer is told, or does not say what it misses: %s", want, a.Sure)
		}
	}
	doubted := made("d", "c=1", 100, 0.01)
	doubted.Verdict = "SUSPECT"
	doubted.Reasons = []string{"late"}
	o := New("e", []Cell{doubted})
	if text := strings.Join(o.Notes, "\n"); o.Counted() != 1 || !o.Settings[0].Suspect ||
		!strings.Contains(text, "1 of 1 cell that count are SUSPECT") || !strings.Contains(text, "d-c-1: late") {
		t.Errorf("%d SUSPECT cells count, %q", o.Counted(), o.Notes)
	}
	if a := o.Answers[0]; a.Best != nil || !strings.HasPrefix(a.Text, "only one setting counts: d at c=1: ") ||
		!strings.HasSuffix(a.Text, " (SUSPECT)") {
		t.Errorf("one setting is called best: %+v", a)
	}
	one := made("d", "c=1", 1, 1)
	if one.Failed = 1; one.Excluded() != "" {
		t.Errorf("one failure in a hundred: %q", one.Excluded())
	}
}

// Settings that noise does not tell apart are alike, and the next is looked for at the load of the best first. What
// breaks the SLO is told where the question is of another thing.
func TestAlike(t *testing.T) {
	t.Parallel()
	cells := []Cell{made("a", "c=1", 100, 0.01), made("b", "c=1", 101, 0.01), made("a", "c=9", 500, 0.01),
		made("b", "c=9", 300, 0.01), made("b", "c=5", 400, 0.01)}
	for i := range cells {
		cells[i].SLO, cells[i].Kept = "p99(ttft)<1s", i > 0
	}
	o := New("e", cells)
	if a := o.Answers[0]; a.Best.Variant != "a" || a.Next.Load != "c=9" || !a.Told() || len(a.Alike) != 0 {
		t.Errorf("%+v", a)
	}
	a := o.Answers[1]
	if a.Told() || len(a.Alike) != 4 || a.Text != "all 5 settings are alike: 100 tokens/s" {
		t.Errorf("%q, %d alike", a.Text, len(a.Alike))
	}
	cells[4].Figures[MedianTPOT] = Known(0.02, 0.019, 0.021, 0.01, 100)
	if a := New("e", cells).Answers[1]; !strings.HasPrefix(a.Text, "alike are a at c=1: 100 tokens/s (") ||
		!strings.Contains(a.Text, " (SLO broken), and b at c=1, a at c=9, b at c=9") {
		t.Errorf("%q", a.Text)
	}
	nan := math.NaN()
	for i := range cells {
		cells[i].Figures[MedianTPOT] = Known(0.01+0.00001*float64(i), nan, nan, nan, nan)
	}
	if a := New("e", cells).Answers[1]; !strings.HasPrefix(a.Text, "all 5 settings are alike") {
		t.Errorf("of unknown noise: %q", a.Text)
	}
}

// No figure that follows from another has an interval that is upside down or reaches below zero.
func TestIntervalsInOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		value := math.Exp(4 * rng.NormFloat64())
		c := made("d", "c=1", 1, 1)
		for _, name := range []string{Output, MedianTPOT} {
			c.Figures[name] = Known(value, value*3*rng.NormFloat64(), value*3*rng.NormFloat64(), rng.Float64(), 1)
		}
		c.Price, c.Units = "1 USD/h", 2
		for name, f := range New("e", []Cell{c}).Settings[0].Figures {
			if unknown := math.IsNaN(f.Low) && math.IsNaN(f.High); !unknown && !(0 <= f.Low && f.Low <= f.Value &&
				f.Value <= f.High) {
				t.Fatalf("%s: %+v", name, f)
			}
		}
	}
}

// A front is of one workload; models that differ are told, and so are currencies.
func TestWorkloadsApart(t *testing.T) {
	t.Parallel()
	a, b := made("a", "c=1", 100, 0.01), made("b", "c=1", 200, 0.005)
	b.Workload, b.Model, a.Price, b.Price = "rag", "other", "1 USD/h", "1 EUR/h"
	o := New("e", []Cell{a, b})
	if len(o.Fronts) != 2 || o.Fronts[0].Points[0].Place != tradeoff.OnFront {
		t.Errorf("%d fronts, the first point is %s", len(o.Fronts), o.Fronts[0].Points[0].Place)
	}
	if all := strings.Join(o.Notes, "\n"); !strings.Contains(all, "different models (m, other)") ||
		!strings.Contains(all, "several currencies (USD, EUR)") || o.Currency != "" {
		t.Errorf("notes: %s", all)
	}
}

// What is best keeps the SLO, and is told from the next by the noise of both.
func TestAnswers(t *testing.T) {
	t.Parallel()
	cells := []Cell{made("a", "c=1", 100, 0.010), made("a", "c=9", 500, 0.020), made("b", "c=1", 101, 0.012),
		made("b", "c=9", 300, 0.040)}
	for i := range cells {
		cells[i].SLO, cells[i].Kept = "p99(ttft)<200ms", i != 1
	}
	o := New("e", cells)
	for i, want := range []struct{ best, next, sure string }{
		{"b c=9", "a c=1", "beyond noise: a at c=1 has ×0.33"},
		{"a c=1", "b c=1", "beyond noise: b at c=1 has ×0.83"},
		{"a c=1", "b c=1", "beyond noise: b at c=1 has ×1.20"},
	} {
		a := o.Answers[i]
		if got := a.Best.Variant + " " + a.Best.Load; got != want.best || a.Next.Variant+" "+a.Next.Load != want.next ||
			!strings.HasPrefix(a.Sure, want.sure) {
			t.Errorf("%s: %s, %q; want %+v", a.Question, got, a.Sure, want)
		}
	}
	for i := range cells {
		cells[i].Kept = false
	}
	if a := New("e", cells).Answers[0]; a.Best != nil || a.Text != "no setting keeps its SLO" {
		t.Errorf("%+v", a)
	}
}

// Repeats are one setting: their mean, with an interval by how much they differ.
func TestRepeats(t *testing.T) {
	t.Parallel()
	var cells []Cell
	for i, v := range []float64{100, 110, 121, 200, 220, 242} {
		c := made([]string{"a", "b"}[i/3], "c=1", v, 0.01)
		c.Name, c.Repeat = fmt.Sprint(c.Name, i), i%3+1
		cells = append(cells, c)
	}
	cells[1].Status = experiment.Failed // of a remain 100 and 121
	o := New("e", cells)
	a, b := find(t, o, "a", "c=1").Figures[Output], find(t, o, "b", "c=1").Figures[Output]
	// Between the logarithms of the repeats, a tenth apart, the variance is (2·0.0953² + 2·0.0953²) / (1 + 2).
	deviation := math.Sqrt(4 * math.Pow(math.Log(1.1), 2) / 3)
	if math.Abs(a.Value-110) > 1e-9 || math.Abs(a.Estimate.Error-deviation/math.Sqrt2) > 1e-12 ||
		a.Estimate.Freedom != 3 || math.Abs(b.Estimate.Error-deviation/math.Sqrt(3)) > 1e-12 {
		t.Errorf("a %+v, b %+v, want errors of %v", a, b, deviation)
	}
	if len(o.Settings) != 2 || o.Repeats != 3 || len(find(t, o, "a", "c=1").Excluded) != 1 {
		t.Errorf("%d settings", len(o.Settings))
	}
}

// The effects are those that the cells were made with, and the dependence on the load is named.
func TestEffects(t *testing.T) {
	t.Parallel()
	var cells []Cell
	for _, slots := range []string{"8", "16"} {
		for _, batch := range []string{"a", "b"} {
			for _, load := range []string{"c=1", "c=16"} {
				output := 100.0
				if batch == "b" {
					output *= 1.5
				}
				if slots == "16" && load == "c=16" {
					output *= 4
				}
				cells = append(cells, made("d", load, output, 0.01, "slots", slots, "batch", batch))
			}
		}
	}
	o := New("e", cells)
	e, _ := effectsOn(o, Output)
	if !e.Complete || e.Influences[0].Of.Name != "slots" && e.Influences[0].Of.Name != "load" {
		t.Errorf("complete %v, first %s", e.Complete, e.Influences[0].Of.Name)
	}
	total := 0.0
	for _, v := range e.Influences {
		total += v.Share
		if v.Of.Name == "batch" {
			x := v.Effects[0].Change
			if math.Abs(math.Exp(x.Log)-1.5) > 1e-9 || !x.Sure() || v.Effects[0].Varies {
				t.Errorf("batch: %+v", v.Effects[0])
			}
		}
	}
	// Of slots, load and both together the sums of squares are equal.
	square, batch := math.Pow(math.Log(4)/4, 2), math.Pow(math.Log(1.5)/2, 2)
	if want := (2*square + batch) / (3*square + batch); math.Abs(total-want) > 1e-9 {
		t.Errorf("shares add up to %v, want %v", total, want)
	}
	all, _ := json.Marshal(o.Matters())
	if !strings.Contains(string(all), "slots from 8 to 16 gives ×4.00 (3.92 to 4.08) at load c=16, and ×1.00 ") {
		t.Errorf("%s", all)
	}
	if !strings.Contains(string(all), "for it depends: ×1.00 to ×4.00") {
		t.Errorf("%s", all)
	}
}

// Deployments with parameters of their own have no matched pairs, and no effect is made up for them.
func TestParametersOfOneDeployment(t *testing.T) {
	t.Parallel()
	o := New("e", []Cell{made("a", "c=1", 100, 0.01, "slots", "1"), made("a", "c=1", 200, 0.01, "slots", "2"),
		made("b", "c=1", 300, 0.01, "batch", "1")})
	e, _ := effectsOn(o, Output)
	if e.Complete || len(e.Influences) != 2 || e.Influences[0].Of.Name != "slots" ||
		!math.IsNaN(e.Influences[1].Typical) || len(e.Influences[1].Effects) != 0 {
		t.Errorf("%+v", e)
	}
	all, _ := json.Marshal(o.Matters())
	if !strings.Contains(string(all), "unknown, as no two settings differ in it alone") {
		t.Errorf("%s", all)
	}
}

// Nothing is no reason to fail: no cells, none that counts, and figures that are no numbers.
func TestLittleToTell(t *testing.T) {
	t.Parallel()
	odd := made("d", "c=1", math.NaN(), 0)
	odd.Figures["goodput"] = Known(0, 0, 0, 0, math.Inf(1))
	odd.Figures[requests] = Known(math.Inf(1), math.NaN(), math.Inf(1), math.NaN(), 1)
	empty := made("d", "c=2", 1, 1)
	empty.Figures, empty.Units = nil, math.Inf(1)
	for _, cells := range [][]Cell{nil, {odd}, {odd, empty}, {{Cell: experiment.Cell{Status: experiment.Planned}}}} {
		o := New("e", cells)
		var text strings.Builder
		if err := o.WriteText(&text); err != nil {
			t.Error(err)
		}
		if err := o.WriteMarkdown(&text); err != nil {
			t.Error(err)
		}
		if err := o.WriteJSON(&text); err != nil || strings.Contains(text.String(), "NaN") {
			t.Errorf("%v\n%s", err, text.String())
		}
	}
}
