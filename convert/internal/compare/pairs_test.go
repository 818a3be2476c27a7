package compare

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sentPairs describes pairs of requests to one server, or to it and something that adds a delay.
type sentPairs struct {
	n      int
	delay  float64 // of the other
	warm   float64 // by how much the second of a pair is faster
	rhythm float64 // how much of a latency is like that before
	order  float64 // share of pairs whose base is sent first; 0 means a half
	shape  string  // of the times of answers: log-normal by default, two modes or heavy tail
}

// time draws the logarithm of how many times the usual an answer takes.
func (s sentPairs) time(rng *rand.Rand) float64 {
	switch s.shape {
	case "two modes": // three in ten take ten times as long
		slow := float64(count(rng.Float64() < 0.3))
		return 0.1*rng.NormFloat64() + slow*math.Ln10
	case "heavy tail": // Pareto's of shape 2
		return rng.ExpFloat64() / 2
	}
	return 0.3 * rng.NormFloat64()
}

// send returns the pairs. Prompts differ, and each answer takes a log-normal time.
func (s sentPairs) send(seed uint64) Arm {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	rng := rand.New(rand.NewChaCha8(key)) // PCGs of neighbouring seeds resemble each other
	load, arm := 0.0, Arm{Name: "gateway"}
	for i := range s.n {
		load = s.rhythm*load + math.Sqrt(1-s.rhythm*s.rhythm)*rng.NormFloat64()
		prompt := rng.NormFloat64() / 3
		request := func(second bool, delay float64) Request {
			v := 0.1*math.Exp(s.time(rng)+0.3*load+prompt) + delay
			if second {
				v -= s.warm
			}
			return Request{Start: float64(i), TTFT: v, Latency: 2 * v, ITL: math.NaN()}
		}
		p := Pair{BaseFirst: rng.Float64() < max(s.order, 0.5) || s.order > 1}
		p.Base, p.Other = request(!p.BaseFirst, 0), request(p.BaseFirst, s.delay)
		arm.Pairs = append(arm.Pairs, p)
	}
	return arm
}

func mustComparePairs(t *testing.T, arm Arm, o Options) *Result {
	t.Helper()
	r, err := ComparePairs("endpoint", "direct", []Arm{arm}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Groups[0]
}

// Of a server and itself, intervals of the overhead exclude 0 in no more runs than they say, whether or not the second
// of a pair finds a warm cache.
func TestPairsOfOneServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []sentPairs{{n: 200}, {n: 200, warm: 0.02}, {n: 400, warm: 0.02, rhythm: 0.9},
		{n: 200, warm: 0.02, shape: "two modes"}, {n: 200, warm: 0.02, shape: "heavy tail"}} {
		runs := 200_000 / tt.n
		missed := map[string]int{}
		for seed := range uint64(runs) {
			r := mustComparePairs(t, tt.send(seed), Options{Resamples: 200, Percentiles: []float64{50, 90, 99}})
			for _, m := range r.Metrics {
				if m.Interval == nil {
					t.Fatalf("%+v: %s has no interval: %q", tt, m.Name, m.Warnings)
				}
				if m.Interval.Low > 0 || m.Interval.High < 0 {
					missed[m.Name]++
				}
			}
		}
		t.Logf("%+v: of %d intervals exclude 0: %v", tt, runs, missed)
		for name, n := range missed {
			if n > runs*6/100 {
				t.Errorf("%+v: of %d intervals of %s %d exclude 0", tt, runs, name, n)
			}
		}
	}
}

// What a gateway adds is found beside what being second does, and both are right.
func TestOverheadBesideAWarmCache(t *testing.T) {
	t.Parallel()
	r := mustComparePairs(t, sentPairs{n: 2000, delay: 0.005, warm: 0.02}.send(4), Options{Resamples: 300})
	m := r.metric("p50(ttft)")
	if m.Interval.Low > 0.005 || m.Interval.High < 0.005 || m.Interval.Low < 0 || *m.Change > 0.012 {
		t.Errorf("got an overhead of %s, want 5 ms", m.overhead())
	}
	e := r.Pairs.Order
	at := slices.IndexFunc(e, func(e OrderEffect) bool { return e.Name == "p50(ttft)" })
	if at < 0 || e[at].Interval.Low > -0.02 || e[at].Interval.High < -0.02 {
		t.Errorf("got order effects %+v, want one of -20 ms on p50(ttft)", e)
	}
}

// Why the second of a pair is faster is told for sure only if the server found more of its prompt cached, and nothing
// of an order in which the requests were not sent.
func TestOrderOfPairs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first, second int64
		overlap       bool
		want          string
	}{
		{0, 0, false, "faster: the server may cache prompts"},
		{9, 9, false, "faster: the server may cache prompts"},
		{9, 90, false, "faster: the server caches prompts, 90 cached tokens against 9 of the first"},
		{9, 90, true, ""},
	} {
		arm := sentPairs{n: 500, warm: 0.02}.send(1)
		arm.Facts.CachedFirst, arm.Facts.CachedSecond = tt.first, tt.second
		for i := range arm.Pairs {
			arm.Pairs[i].Overlapping = tt.overlap
		}
		r := mustComparePairs(t, arm, Options{Resamples: 100})
		text := strings.Join(r.Pairs.orderTexts(), "\n")
		if !strings.Contains(text, tt.want) || tt.overlap && (text != "" || r.Pairs.Order != nil) {
			t.Errorf("%+v: got %q and %+v", tt, text, r.Pairs.Order)
		}
	}
}

// A figure that rests on too few pairs has no interval, and says how many it needs. What is odd is told.
func TestFewAndOddPairs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pairs sentPairs
		note  string
		needs map[string]string
	}{
		{sentPairs{n: 10}, "", map[string]string{"mean(ttft)": "needs 20 pairs", "p99(ttft)": "needs 100 pairs"}},
		{sentPairs{n: 300}, "", map[string]string{"p99(ttft)": "", "p50(ttft)": ""}},
		{sentPairs{n: 300, order: 2}, "all pairs were sent in one order", map[string]string{"p99(ttft)": ""}},
		{sentPairs{n: 300, order: 0.9}, "the orders are out of balance",
			map[string]string{"p99(ttft)": "needs 100 pairs"}},
		{sentPairs{}, "no pair has two whole answers", nil},
	} {
		r := mustComparePairs(t, tt.pairs.send(1), Options{Resamples: 100})
		for name, want := range tt.needs {
			m := r.metric(name)
			if got := strings.Join(m.Warnings, "; "); got != want || (m.Interval == nil) != (want != "") {
				t.Errorf("%+v: %s has the interval %v, %q; want %q", tt.pairs, name, m.Interval, got, want)
			}
		}
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
			t.Errorf("%+v: got notes %q, want %q", tt.pairs, notes, tt.note)
		}
	}
}

// Gates bound the overhead, and alone decide whether it passes.
func TestGatesOnPairs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		gates  string
		passed bool
		want   string
	}{
		{"p50(ttft)>+2ms", false, "FAIL: 1 of 1 gates"},
		{"p50(ttft)>+20ms", true, "PASS: 1 of 1 gates"},
		{"p99(ttft)>+2ms,p50(chunk)>+1ms", false, "FAIL: 1 of 2 gates"},
		{"", true, ""},
	} {
		o := Options{Resamples: 100}
		if tt.gates != "" {
			var err error
			if o.Gates, err = ParseGates(tt.gates); err != nil {
				t.Fatal(err)
			}
		}
		r, err := ComparePairs("endpoint", "direct", []Arm{sentPairs{n: 1000, delay: 0.01}.send(1)}, o)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		for _, write := range []func() error{func() error { return r.WriteText(&text) },
			func() error { return r.WriteMarkdown(&text) }, func() error { return r.WriteJUnit(&text) },
			func() error { return r.WriteJSON(&text) }} {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		if r.Passed != tt.passed || !strings.Contains(text.String(), tt.want) {
			t.Errorf("%s: passed %t, want %t and %q in\n%s", tt.gates, r.Passed, tt.passed, tt.want, &text)
		}
	}
}

// goldenPairs compares a gateway with the server behind it, and that with itself.
func goldenPairs(t *testing.T) *Result {
	t.Helper()
	gateway, same := sentPairs{n: 1000, delay: 0.005, warm: 0.02}.send(1), sentPairs{n: 60, order: 2}.send(2)
	gateway.Name, same.Name = "gate|<b>way", "direct again"
	gateway.Facts = PairFacts{Failed: 2, Alone: 1, Chunks: ChunkFacts{Base: 4000, Other: 4000, BaseReads: 4000,
		OtherReads: 1000, Merged: 1000, Later: &Differences{4000, 0.005, 0.02, 0.04}},
		Bytes: ByteFacts{Base: 1000, Other: 2000, Changed: 1000}, CachedSecond: 16000}
	gates, err := ParseGates("p50(ttft)>+2ms")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ComparePairs("endpoint", "direct", []Arm{gateway, same}, Options{Resamples: 300, Gates: gates})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
