package convert

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// queued returns requests to a server with one place, at four fifths of its capacity.
func queued(n int) (list []*record.Request) {
	rng, wait, at := rand.New(rand.NewPCG(0x9e3779b97f4a7c15, 0xd1b54a32d192ed03)), 0.0, 0.0
	for range n {
		latency := wait + 0.1*rng.ExpFloat64()
		list = append(list, replied(at, 1+int64(1000*latency), 2))
		gap := 0.125 * rng.ExpFloat64()
		wait, at = max(0, latency-gap), at+gap
	}
	return list
}

func gated(t *testing.T, gates string) Options {
	t.Helper()
	o := objectives("")
	var err error
	if o.Gates, err = slo.Parse(gates); err != nil {
		t.Fatal(err)
	}
	return o
}

// The interval of a gate on a percentile is that of the percentile's certainty, if no request failed.
func TestGateHasTheIntervalOfTheCertainty(t *testing.T) {
	t.Parallel()
	a := NewReport(runOf(t, queued(3000)...), gated(t, "p50(ttft)<1s")).Summary.Additions
	known, ok := a.Latency.TTFT.known(50)
	in := a.Gates[0].Interval
	if !ok || in.Low == nil || float64(*in.Low) != known.Low || (in.High != nil) != known.Certified ||
		in.High != nil && float64(*in.High) != known.High || float64(*a.Gates[0].Design) < 5 {
		t.Errorf("the gate has %+v, and the certainty %+v", a.Gates[0], known)
	}
}

// Failures and drops that come in a row tell less of others than as many that are spread over the run.
func TestGateOnFailuresInARow(t *testing.T) {
	t.Parallel()
	of := func(failed func(i int) bool) Gate {
		list := several(4000, 100, 2)
		for i := range list {
			if failed(i) {
				list[i] = replied(float64(i)/10, 0, 0)
			}
		}
		return NewReport(runOf(t, list...), gated(t, "p95(ttft)<500ms")).Summary.Additions.Gates[0]
	}
	spread, row := of(func(i int) bool { return i%33 == 0 }), of(func(i int) bool { return i/120 == 20 })
	if spread.Status != gate.Pass || row.Status != gate.Inconclusive || row.Failed != 120 {
		t.Errorf("spread: %s; in a row: %s", spread.Sentence(), row.Sentence())
	}
	r := runOf(t, several(4000, 100, 2)...)
	for i := range 120 {
		due := r.Requests[2400].Start + int64(i)
		r.Dropped = append(r.Dropped, &record.Dropped{Scenario: "s", Due: &due, Count: 1})
	}
	if g := NewReport(r, gated(t, "p95(ttft)<500ms")).Summary.Additions.Gates[0]; g.Status != gate.Inconclusive ||
		g.Dropped != 120 {
		t.Errorf("dropped in a row: %s", g.Sentence())
	}
}

// A gate without an answer says in words what its requests could have shown; one with an answer need not.
func TestGateSaysWhatItCouldSee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		gate     string
		requests int
		want     string
	}{
		{"p99(ttft)<500ms", 100, "100 requests are too few to PASS; they would FAIL, 4 times in 5, if 5.45 % were " +
			"over 500 ms, where 1.00 % may be"},
		{"p99(ttft)<500ms", 1000, ""},
		{"failures<1%", 100, "100 requests are too few to PASS; they would FAIL, 4 times in 5, if 5.45 % failed, " +
			"where 1.00 % may"},
		{"goodput(ttft<500ms,latency<1s)>=99%", 100, "100 requests are too few to PASS; they would FAIL, 4 times in " +
			"5, if 5.45 % were over a bound, where 1.00 % may be"},
	} {
		g := NewReport(runOf(t, several(tt.requests, 100, 2)...), gated(t, tt.gate)).Summary.Additions.Gates[0]
		if g.could != tt.want {
			t.Errorf("%s: got %q, want %q; %s", tt.gate, g.could, tt.want, g.Sentence())
		}
	}
	list := several(2000, 100, 2)
	for i := 0; i < len(list); i += 100 {
		list[i] = replied(float64(i)/10, 900, 2)
	}
	g := NewReport(runOf(t, list...), gated(t, "p99(ttft)<500ms")).Summary.Additions.Gates[0]
	want := "with 2,000 requests it would PASS, 4 times in 5, if at most 0.452 % were over 500 ms, and FAIL from " +
		"1.72 % on; 1.00 % may be"
	if g.could != want {
		t.Errorf("got %q, want %q; %s", g.could, want, g.Sentence())
	}
}
