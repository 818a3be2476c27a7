package convert

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// pricedLines returns a run of one stage of so many seconds: requests at the given rate with gaps by rng (nil: even),
// each of 0.5 s, 100 prompt tokens, of which 40 were cached, and 50 completion tokens.
func pricedLines(rng *rand.Rand, rate float64, seconds int) []record.Line {
	start := 1_700_000_000 * runtest.Second
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start,
			Scenarios: []record.Scenario{{Name: "load", Executor: "constant-arrival-rate",
				Stages: []record.Stage{{Index: 0, Rate: new(rate), Duration: new(float64(seconds))}}}}},
		&record.Client{Options: map[string]any{"api": "chat"}},
	}
	at := 0.0
	for i := 0; ; i++ {
		gap := 1 / rate
		if rng != nil {
			gap = rng.ExpFloat64() / rate
		}
		if at += gap; at >= float64(seconds) {
			return lines
		}
		due := start + int64(at*1e9)
		lines = append(lines, &record.Request{ID: fmt.Sprint(i), Scenario: "load", Index: int64(i), API: "chat",
			Model:     "m",
			Streaming: true, Start: due, End: due + runtest.Second/2, Chunks: []int64{100_000, 400_000}, Status: 200,
			Usage: []byte(`{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":40}}`)})
	}
}

func shared(t *testing.T, text, ratio string) price.Shared {
	t.Helper()
	s, err := price.ParseBoth(text, ratio)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func costOfLines(t *testing.T, lines []record.Line, p price.Shared) *Cost {
	t.Helper()
	return NewReport(mustRead(t, asRecords(t, lines)), Options{Price: p}).Stages[0].Additions.Cost
}

// The cost of a time is shared out over its tokens, to the last cent.
func TestCost(t *testing.T) {
	t.Parallel()
	c := costOfLines(t, pricedLines(nil, 10, 100), shared(t, "36 USD/h x2", "prompt=1,cached=0.1,completion=4"))
	seconds, requests := 99.9+0.5, 1000.0 // from the first start to the last end
	total := 72.0 / 3600 * seconds
	unit := total / (requests * (60 + 0.1*40 + 4*50)) * 1e6
	for name, pair := range map[string][2]Float{
		"total": {c.Total, Float(total)}, "per request": {c.PerRequest.Value, Float(total / requests)},
		"prompt":            {c.PerMillion["prompt"].Value, Float(total / (requests * 100) * 1e6)},
		"cached":            {c.PerMillion["cached"].Value, Float(total / (requests * 40) * 1e6)},
		"completion":        {c.PerMillion["completion"].Value, Float(total / (requests * 50) * 1e6)},
		"all":               {c.PerMillion["total"].Value, Float(total / (requests * 150) * 1e6)},
		"shared by prompts": {c.Shared["prompt"].Value, Float(unit)}, "by cached": {c.Shared["cached"].Value,
			Float(unit / 10)},
		"by completions": {c.Shared["completion"].Value, Float(4 * unit)},
	} {
		if math.Abs(float64(pair[0]/pair[1]-1)) > 1e-8 {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if v := c.PerMillion["total"]; v.Low == nil || !(*v.Low < v.Value && v.Value < *v.High) || *v.High > v.Value*1.02 {
		t.Errorf("an even load costs %v from %v to %v", v.Value, v.Low, v.High)
	}
}

// What nobody told is null and never guessed: without a price there is no cost, without a success none per token, and
// no share of cached tokens if the server does not count them.
func TestCostIsNeverGuessed(t *testing.T) {
	t.Parallel()
	p := shared(t, "36 USD/h", "prompt=1,cached=0.1,completion=4")
	if c := costOfLines(t, pricedLines(nil, 10, 5), price.Shared{}); c != nil {
		t.Errorf("without a price a cost of %v", c.Total)
	}
	lines := pricedLines(nil, 10, 5)
	for _, line := range lines {
		if q, is := line.(*record.Request); is {
			q.Usage = []byte(`{"prompt_tokens":100,"completion_tokens":50}`)
		}
	}
	c := costOfLines(t, lines, p)
	if c.PerMillion["cached"] != nil || c.Shared["completion"] != nil || c.PerMillion["completion"] == nil {
		t.Errorf("cached tokens that nobody counted cost %v, a share of %v", c.PerMillion["cached"],
			c.Shared["completion"])
	}
	if c.PerMillion["completion"].Low != nil {
		t.Error("5 s have an interval")
	}
	for _, line := range lines {
		if q, is := line.(*record.Request); is {
			q.ErrorType = record.ErrorConnect
		}
	}
	if c := costOfLines(t, lines, p); c != nil {
		t.Errorf("a run without a success costs %v per request", c.PerRequest)
	}
	both := pricedLines(nil, 10, 60)
	stages := &both[0].(*record.Run).Scenarios[0].Stages
	*stages = []record.Stage{{Index: 0, Rate: new(10.0), Duration: new(30.0)},
		{Index: 1, Rate: new(10.0), Duration: new(30.0)}}
	for _, line := range both {
		if q, is := line.(*record.Request); is && q.Index > 300 {
			q.Stage = 1
		}
	}
	if c := NewReport(mustRead(t, asRecords(t, both)),
		Options{Price: p}).Summary.Additions.Cost; c.PerRequest.Low != nil {
		t.Error("figures of two loads have an interval")
	}
}

// The intervals of a random load hold the cost at its true rate in 95 % of the runs, give or take three standard
// errors.
func TestCoverageOfCosts(t *testing.T) {
	t.Parallel()
	const runs = 400
	held := 0
	for i := range uint64(runs) {
		rng := rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, i^0xd1b54a32d192ed03))
		c := costOfLines(t, pricedLines(rng, 20, 40), shared(t, "3600 USD/h", ""))
		if e := c.PerRequest; e.Low != nil && *e.Low <= 1.0/20 && *e.High >= 1.0/20 {
			held++
		}
	}
	if share := float64(held) / runs; share < 0.917 || share > 0.983 {
		t.Errorf("%.1f %% of the intervals hold the truth, want 95 %%", 100*share)
	}
}

// metered adds pages of two devices at each second: watts each, and their joules if counted.
func metered(lines []record.Line, seconds int, watts float64, counted bool) []record.Line {
	start := 1_700_000_000 * runtest.Second
	for i := range seconds {
		values := map[string]float64{record.ServerGPUs: 2, record.ServerGPUPower: 2 * watts}
		if counted {
			values[record.ServerGPUEnergy] = 1e6 + 2*watts*float64(i)
		}
		lines = append(lines, &record.Server{Time: start + int64(i)*runtest.Second, Source: "http://a/metrics",
			Values: values})
	}
	return lines
}

// Joules are those of the devices between the first and the last page, over the tokens of the answers that ended
// meanwhile, whether the pages count joules or show the power alone.
func TestEnergy(t *testing.T) {
	t.Parallel()
	for source, counted := range map[string]bool{"counter": true, "power": false} {
		lines := metered(pricedLines(nil, 10, 100), 100, 250, counted)
		e := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Summary.Additions.Energy
		if e == nil || e.Source != source {
			t.Fatalf("%s: energy %+v", source, e)
		}
		// The pages from second 1 to 99 lie within the load; 980 answers, those begun from 0.5 to 98.5 s, ended there.
		for name, pair := range map[string][2]Float{"joules": {e.Joules, 98 * 500}, "watts": {e.Watts, 500},
			"per token": {e.PerToken.Value, 98 * 500.0 / (980 * 150)}, "per request": {e.PerRequest.Value, 50},
			"tokens per joule": {e.TokensPer.Value, 980 * 150 / (98 * 500.0)}, "devices": {e.Devices, 2}} {
			if math.Abs(float64(pair[0]/pair[1]-1)) > 0.002 {
				t.Errorf("%s, %s: %v, want %v", source, name, pair[0], pair[1])
			}
		}
		if v := e.TokensPer; v.Low == nil || *v.High > v.Value*1.02 || *v.Low < v.Value*0.98 {
			t.Errorf("%s: tokens per joule of an even load from %v to %v", source, v.Low, v.High)
		}
	}
}

// There is no figure of energy where nobody knows it: with one page alone, where a device's counter began anew and no
// page shows power, and of a single adapter.
func TestEnergyIsNeverGuessed(t *testing.T) {
	t.Parallel()
	energy := func(lines []record.Line, cut run.Cut) *Energy {
		r := mustRead(t, asRecords(t, lines))
		r.LeaveOut(cut)
		return NewReport(r, Options{}).Summary.Additions.Energy
	}
	restarted := metered(pricedLines(nil, 10, 20), 20, 250, true)
	for _, line := range restarted {
		if page, is := line.(*record.Server); is {
			delete(page.Values, record.ServerGPUPower)
			if page.Time > 1_700_000_010*runtest.Second {
				page.Values[record.ServerGPUEnergy] -= 1e6
			}
		}
	}
	whole := metered(pricedLines(nil, 10, 20), 20, 250, true)
	for name, e := range map[string]*Energy{
		"no page": energy(pricedLines(nil, 10, 5), run.Cut{}), "restarted": energy(restarted, run.Cut{}),
		"one page": energy(metered(pricedLines(nil, 10, 2), 2, 250, true), run.Cut{}),
		"adapters": energy(whole, run.Cut{Adapters: []string{""}}),
	} {
		if e != nil {
			t.Errorf("%s: energy of %v J", name, e.Joules)
		}
	}
	if energy(whole, run.Cut{}) == nil {
		t.Error("no energy of a whole run")
	}
}

// The terminal has a line of costs and one of energy, of the whole run where there are several stages.
func TestTableOfCosts(t *testing.T) {
	t.Parallel()
	lines := metered(pricedLines(nil, 10, 60), 60, 250, true)
	var out strings.Builder
	p := NewReport(mustRead(t, asRecords(t, lines)), Options{Price: shared(t, "36 USD/h", "")})
	if err := p.WriteTables(Screen{W: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cost: USD 6.7", " per million total tokens, USD ",
		"each if it alone bore the whole cost",
		"energy: 500 W, 1.0", " J per completion token, ", " J per token (prompt and completion)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "of the whole run") {
		t.Errorf("one stage is told from the whole run:\n%s", out.String())
	}
	stages := &lines[0].(*record.Run).Scenarios[0].Stages
	*stages = []record.Stage{{Index: 0, Rate: new(10.0), Duration: new(30.0)},
		{Index: 1, Rate: new(10.0), Duration: new(30.0)}}
	for _, line := range lines {
		if q, is := line.(*record.Request); is && q.Start >= lines[0].(*record.Run).Start+30*runtest.Second {
			q.Stage = 1
		}
	}
	out.Reset()
	p = NewReport(mustRead(t, asRecords(t, lines)), Options{Price: shared(t, "36 USD/h", "")})
	if err := p.WriteTables(Screen{W: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cost of the whole run: USD ", "energy of the whole run: 500 W, "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
