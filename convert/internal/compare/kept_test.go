package compare

import (
	"strings"
	"testing"
)

func bounds(t testing.TB, texts ...string) []Gate {
	t.Helper()
	gates, err := ParseBounds(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return gates
}

func TestParseBounds(t *testing.T) {
	t.Parallel()
	gates := bounds(t, "p99(ttft)<+5%, failures<=1%, requests_per_sec>-3%; chat: p50(itl) < -2%")
	for i, want := range []struct {
		text  string
		above bool
		kind  gateKind
	}{{"p99(ttft)<+5%", true, relative}, {"failures<1%", true, absolute}, {"requests_per_sec>-3%", false, relative},
		{"chat: p50(itl)<-2%", true, relative}} {
		if g := gates[i]; g.String() != want.text || g.above != want.above || g.kind != want.kind || !g.kept {
			t.Errorf("got %+v, want %+v", g, want)
		}
	}
	for text, want := range map[string]string{
		"p99(ttft)":     "no comparison in it; write METRIC>BOUND or METRIC<BOUND, as in p99(ttft)<+5%",
		"p99(ttft)<5%":  "a percentage of what?",
		"ttft<500ms":    `"ttft" has many values`,
		"failures<=<1%": "is not a number with a unit",

		"p99(ttft)<500": "500 has no unit: write 500ms or 500s",
		// the sign of the other flag would turn the gate round
		"mean(ttft)>+5%":             "--gate says what is to hold: write mean(ttft)<+5%",
		"p99(ttft)>=500ms":           "write p99(ttft)<500ms",
		"failures>1%":                "write failures<1%",
		"failures>+0.5pp":            "write failures<+0.5pp",
		"session_failures>1%":        "write session_failures<1%",
		"mean(real_time_factor)>1":   "write mean(real_time_factor)<1",
		"p99(missing_seconds)>100ms": "write p99(missing_seconds)<100ms",
		"p50(schedule_delay)>+1ms":   "write p50(schedule_delay)<+1ms",
		"requests_per_sec<-3%":       "write requests_per_sec>-3%",
		"output_tokens_per_sec<100":  "write output_tokens_per_sec>100",
		"goodput<10":                 "write goodput>10",
		"good<99%":                   "write good>99%",
		"continuity<99%":             "write continuity>99%",
		"capacity<-5%":               "write capacity>-5%",
		"capacity(strict)<15":        "write capacity(strict)>15",
		"chat: p99(ttft)>500ms":      "write p99(ttft)<500ms",
		"mean(connect)>+2ms":         "write mean(connect)<+2ms",
	} {
		if _, err := ParseBounds(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// A gate passes, fails or is open as the whole interval is within, beyond, or on both sides of the bound.
func TestKeptGates(t *testing.T) {
	t.Parallel()
	slower := usual(1500)
	slower.slower, slower.failureRate = 1.1, 0.04
	base, fresh := usual(1500).run(1), slower.run(2)
	for _, tt := range []struct {
		gate, reason string
		want         Status
	}{
		{"mean(ttft)<+5%", "mean(ttft) 10", GateFailed},
		{"mean(ttft)<+20%", ", of 14", GatePassed},
		{"mean(ttft)<+9.5%", "requests a side would decide it", GateUndecided},
		{"mean(ttft)<+50ms", "ms]", GatePassed},
		{"mean(ttft)<1s", "NEW is 115 ms [", GatePassed},
		{"mean(ttft)<100ms", "NEW is", GateFailed},
		{"requests_per_sec>-20%", "", GatePassed},
		{"requests_per_sec>-1%", "", GateFailed},
		{"failures<1%", "NEW is 4.", GateFailed},
		{"failures<10%", "", GatePassed},
		{"failures<+1pp", "", GateFailed},
		{"failures<+20pp", "", GatePassed},
		{"p50(ttft)<300ms", "with failures as slower than any", GatePassed},
		{"p99(ttft)<10s", "a failure", GateFailed}, // 4 % failed
		{"p99(tpot)<+5%", "", GateUndecided},
		{"mean(schedule_delay)<+5%", "NEW does not have", GateFailed},
	} {
		r := mustCompare(t, base, fresh, Options{Resamples: 300, Gates: bounds(t, tt.gate)})
		g := r.Gates[0]
		if g.Status != tt.want || !strings.Contains(g.Reason, tt.reason) || r.Status != tt.want {
			t.Errorf("%s: %s, %q, answer %s; want %s, %q", tt.gate, g.Status, g.Reason, r.Status, tt.want, tt.reason)
		}
		if open := g.Needs != nil; open != (g.Status == GateUndecided) {
			t.Errorf("%s: %s needs %v", tt.gate, g.Status, g.Needs)
		}
	}
}

// What never happened in few requests may happen in others.
func TestKeptGateOnNoFailures(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]Status{100: GateUndecided, 1000: GatePassed} {
		r := mustCompare(t, usual(n).run(3), usual(n).run(4), Options{Resamples: 200,
			Gates: bounds(t, "failures<+1pp")})
		if r.Status != want {
			t.Errorf("%d requests: %s, %s", n, r.Status, r.Gates[0].Reason)
		}
	}
}

// A gate whose bound is the truth itself passes in few runs, and fails in few.
func TestKeptGateOfKnownTruth(t *testing.T) {
	t.Parallel()
	const pairs = 300
	slower := usual(400)
	slower.slower, slower.phi = 1.1, 0.5
	same := slower
	same.slower = 1
	passed, failed := 0, 0
	for i := range uint64(pairs) {
		r := mustCompare(t, same.run(2*i), slower.run(2*i+1), Options{Resamples: 200, Percentiles: []float64{90},
			Gates: bounds(t, "mean(ttft)<+10%")})
		passed += count(r.Status == GatePassed)
		failed += count(r.Status == GateFailed)
	}
	if most := chance(pairs, 0.025); passed > most || failed > most {
		t.Errorf("of %d runs at the bound %d passed and %d failed", pairs, passed, failed)
	}
}

// Runs that differ by more than their requests explain, as on machines with neighbours, are no false alarms.
func TestReplicatesThatDiffer(t *testing.T) {
	t.Parallel()
	const pairs = 120
	alone, several := 0, 0
	for i := range uint64(pairs) {
		var sides [2][]Side
		for k := range 6 {
			p := usual(300)
			p.slower = 1 + 0.1*float64(int(i*13+uint64(k)*7)%5-2)/2 // of each run, from the same set on both sides
			s := p.run(i*6 + uint64(k) + 1)
			sides[k%2] = append(sides[k%2], s)
		}
		o := Options{Resamples: 200, Percentiles: []float64{50}}
		one, err := CompareSides(sides[0][:1], sides[1][:1], o)
		if err != nil {
			t.Fatal(err)
		}
		three, err := CompareSides(sides[0], sides[1], o)
		if err != nil {
			t.Fatal(err)
		}
		alone += count(one.Verdict == Worse)
		several += count(three.Verdict == Worse)
		if m := three.metric("mean(ttft)"); m.Runs == nil || len(m.Runs.Base) != 3 || m.Runs.Freedom != 4 ||
			m.Runs.Deviation == nil || three.Base.Runs != 3 || three.Base.Requests != 900 {
			t.Fatalf("got %+v of %+v", m.Runs, three.Base)
		}
	}
	if several > chance(pairs, 0.05) || alone < 2*several {
		t.Errorf("of %d equal sides %d of one run and %d of three were called worse", pairs, alone, several)
	}
}

// A side of one run differs from others of its kind as much as those of the other side do.
func TestOneRunAgainstSeveral(t *testing.T) {
	t.Parallel()
	var fresh []Side
	for k := range 4 {
		p := usual(400)
		p.slower = 1 + 0.1*float64(k)
		fresh = append(fresh, p.run(uint64(k+10)))
	}
	o := Options{Resamples: 200}
	narrow := mustCompare(t, usual(400).run(1), fresh[0], o).metric("mean(ttft)")
	r, err := CompareSides([]Side{usual(400).run(1)}, fresh, o)
	if err != nil {
		t.Fatal(err)
	}
	wide := r.metric("mean(ttft)")
	if width(wide) < 3*width(narrow) || wide.Verdict == Worse {
		t.Errorf("%s beside %s", wide.sentence(wide.Verdict), narrow.sentence(narrow.Verdict))
	}
}

func width(m *Metric) float64 { return m.Interval.High - m.Interval.Low }

// Without gates a comparison passes if the headline figures rule out that NEW is worse by more than the margin.
func TestAnswerWithoutGates(t *testing.T) {
	t.Parallel()
	slower := usual(2000)
	slower.slower = 1.2
	for _, tt := range []struct {
		base, fresh Side
		margin      float64
		want        Status
	}{
		{usual(2000).run(1), usual(2000).run(2), 0.3, GatePassed},
		{usual(2000).run(1), usual(2000).run(2), 0.001, GateUndecided},
		{usual(2000).run(1), slower.run(2), 0.3, GateFailed},
		{slower.run(2), usual(2000).run(1), 0.1, GatePassed},
		{usual(10).run(1), usual(10).run(2), 0.3, GateUndecided},
	} {
		r := mustCompare(t, tt.base, tt.fresh, Options{Resamples: 200, Margin: tt.margin, RelativeFloor: -1})
		if r.Status != tt.want || (r.Status == GateUndecided) != (len(r.Open) > 0) {
			t.Errorf("margin %v: %s, %s, %q; want %s", tt.margin, r.Status, r.Verdict, r.Open, tt.want)
		}
	}
}
