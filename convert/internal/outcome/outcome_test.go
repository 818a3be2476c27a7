package outcome

import (
	"encoding/json"
	"fmt"
	"math"
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
	o := New("e", []Cell{c}, Options{})
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
		"the load generator is SUSPECT: late": func(c *Cell) {
			c.Verdict, c.Reasons = "SUSPECT", []string{"late"}
		},
		"the load generator is INVALID": func(c *Cell) { c.Verdict = "INVALID" },
		"its records are partial":       func(c *Cell) { c.Partial = true },
		"no request was sent":           func(c *Cell) { c.Requests = 0 },
		"no request succeeded":          func(c *Cell) { c.Failed = c.Requests },
		"2.0 % of its requests failed":  func(c *Cell) { c.Failed = 2 },
	} {
		bad := made("fast", "c=1", 9000, 0.001)
		damage(&bad)
		o := New("e", []Cell{made("slow", "c=1", 100, 0.02), bad}, Options{})
		if got := o.Cells[1].Excluded(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if o.Counted() != 1 || len(o.Fronts[0].Points) != 1 || o.Answers[0].Best.Variant != "slow" ||
			len(o.Effects) != 0 {
			t.Errorf("%s: %d count, %d points, best %v, %d effects", want, o.Counted(), len(o.Fronts[0].Points),
				o.Answers[0].Best.Variant, len(o.Effects))
		}
	}
	doubted := made("d", "c=1", 100, 0.01)
	doubted.Verdict = "SUSPECT"
	if o := New("e", []Cell{doubted}, Options{Suspect: true}); o.Counted() != 1 ||
		!strings.Contains(strings.Join(o.Notes, "\n"), "SUSPECT, but counted: 1 cell,") {
		t.Errorf("%d SUSPECT cells count, %q", o.Counted(), o.Notes)
	}
	one := made("d", "c=1", 1, 1)
	if one.Failed = 1; one.Excluded() != "" {
		t.Errorf("one failure in a hundred: %q", one.Excluded())
	}
}

// A front is of one workload; models that differ are told, and so are currencies.
func TestWorkloadsApart(t *testing.T) {
	t.Parallel()
	a, b := made("a", "c=1", 100, 0.01), made("b", "c=1", 200, 0.005)
	b.Workload, b.Model, a.Price, b.Price = "rag", "other", "1 USD/h", "1 EUR/h"
	o := New("e", []Cell{a, b}, Options{})
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
	o := New("e", cells, Options{})
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
	if a := New("e", cells, Options{}).Answers[0]; a.Best != nil || a.Text != "no setting keeps its SLO" {
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
	o := New("e", cells, Options{})
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
	o := New("e", cells, Options{})
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
		made("b", "c=1", 300, 0.01, "batch", "1")}, Options{})
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
		o := New("e", cells, Options{})
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
