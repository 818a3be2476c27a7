package compare

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseGates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, metric string
		above        bool
		kind         gateKind
		bound        float64
	}{
		{"p99(ttft)>+5%", "p99(ttft)", true, relative, 0.05},
		{" p99.9( itl ) < -2.5 % ", "p99.9(itl)", false, relative, -0.025},
		{"mean(itl)>+2ms", "mean(itl)", true, change, 0.002},
		{"p50(tpot)>+150us", "p50(tpot)", true, change, 150e-6},
		{"p50(tpot)>+150µs", "p50(tpot)", true, change, 150e-6},
		{"p99(ttft)>500ms", "p99(ttft)", true, absolute, 0.5},
		{"p99(request_latency)>1.5s", "p99(request_latency)", true, absolute, 1.5},
		{"requests_per_sec<-3%", "requests_per_sec", false, relative, -0.03},
		{"requests_per_sec<100", "requests_per_sec", false, absolute, 100},
		{"output_tokens_per_sec<-50", "output_tokens_per_sec", false, change, -50},
		{"failures>1%", "failures", true, absolute, 0.01},
		{"failures>0", "failures", true, absolute, 0},
		{"failures>+0.5pp", "failures", true, change, 0.005},
		{"failures>+50%", "failures", true, relative, 0.5},
		{"good<99%", "good", false, absolute, 0.99},
		{"goodput<-5%", "goodput", false, relative, -0.05},
		{"mean(schedule_delay)>+0", "mean(schedule_delay)", true, change, 0},
	} {
		gates, err := ParseGates(tt.text)
		if err != nil {
			t.Error(err)
			continue
		}
		g := gates[0]
		if g.metric.String() != tt.metric || g.above != tt.above || g.kind != tt.kind ||
			fmt.Sprintf("%.9g", g.bound) != fmt.Sprintf("%.9g", tt.bound) {
			t.Errorf("%q: got %s, above %t, kind %d, bound %v", tt.text, g.metric, g.above, g.kind, g.bound)
		}
	}
}

func TestParseSeveralGates(t *testing.T) {
	t.Parallel()
	gates, err := ParseGates("p99(ttft)>+5%, failures>1%", "p99(ttft) > +5%")
	if err != nil || len(gates) != 2 || gates[0].String() != "p99(ttft)>+5%" || gates[1].String() != "failures>1%" {
		t.Errorf("got %v, %v", gates, err)
	}
}

const knownMetrics = "known are mean(ttft), pN(ttft), mean(tpot), pN(tpot), mean(ntpot), pN(ntpot), mean(itl), " +
	"pN(itl), mean(request_latency), " +
	"pN(request_latency), mean(schedule_delay), pN(schedule_delay), requests_per_sec, inputs_per_sec, " +
	"output_tokens_per_sec, total_tokens_per_sec, mean(time_to_first_audio), pN(time_to_first_audio), " +
	"mean(real_time_factor), pN(real_time_factor), mean(missing_seconds), pN(missing_seconds), continuity, " +
	"mean(seconds_per_picture), pN(seconds_per_picture), " +
	"images_per_sec, videos_per_sec, audios_per_sec, goodput, failures, good, mean(session_duration), " +
	"pN(session_duration), mean(tfut), pN(tfut), session_failures, mean(connect), " +
	"pN(connect), mean(first_byte), pN(first_byte), mean(chunk), pN(chunk), capacity"

func TestGateErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": `gate "": no comparison in it; write METRIC>BOUND or METRIC<BOUND, as in ` +
			`p99(ttft)>+5%`,
		"p99(ttft)": `gate "p99(ttft)": no comparison in it; write METRIC>BOUND or METRIC<BOUND, as in ` +
			`p99(ttft)>+5%`,
		"p99(ttfb)>+5%": `gate "p99(ttfb)>+5%": unknown metric "p99(ttfb)", ` + knownMetrics,
		"p99(ttft>+5%":  `gate "p99(ttft>+5%": unknown metric "p99(ttft", ` + knownMetrics,
		"ttft>+5%":      `gate "ttft>+5%": "ttft" has many values; write mean(ttft) or p99(ttft)`,
		"max(ttft)>+5%": `gate "max(ttft)>+5%": unknown statistic "max", known are mean and p0 to p100, as ` +
			`in p99 or p99.9`,
		"p101(ttft)>+5%": `gate "p101(ttft)>+5%": unknown statistic "p101", known are mean and p0 to p100, ` +
			`as in p99 or p99.9`,
		"p1e1(ttft)>+5%": `gate "p1e1(ttft)>+5%": unknown statistic "p1e1", known are mean and p0 to p100, ` +
			`as in p99 or p99.9`,
		"mean(goodput)<-5%": `gate "mean(goodput)<-5%": "goodput" has one value only; write it without mean()`,
		"p99(ttft)>5%": `gate "p99(ttft)>5%": a percentage of what? Write +5% for a rise against BASE, or ` +
			`-5% for a fall`,
		"p99(ttft)>-5%": `gate "p99(ttft)>-5%": it would trip without any change; write >+5% for a rise, ` +
			`or <-5% for a fall`,
		"goodput<+5%": `gate "goodput<+5%": it would trip without any change; write >+5% for a rise, or ` +
			`<-5% for a fall`,
		"p99(ttft)>500":   `gate "p99(ttft)>500": 500 has no unit: write 500ms or 500s`,
		"p99(ttft)>+5":    `gate "p99(ttft)>+5": +5 has no unit: write +5ms or +5s`,
		"failures<1%":     `gate "failures<1%": --fail-on says what is to fail: write failures>1%`,
		"p99(ttft)<500ms": `gate "p99(ttft)<500ms": --fail-on says what is to fail: write p99(ttft)>500ms`,
		"goodput>5":       `gate "goodput>5": --fail-on says what is to fail: write goodput<5`,
		"capacity(a)>15":  `gate "capacity(a)>15": --fail-on says what is to fail: write capacity(a)<15`,
		"p99(ttft)>+5pp":  `gate "p99(ttft)>+5pp": unit "pp" does not fit p99(ttft); use %, us, ms or s`,
		"failures>0.5":    `gate "failures>0.5": 0.5 has no unit: write 0.5% or 50.0%`,
		"requests_per_sec<-3ms": `gate "requests_per_sec<-3ms": unit "ms" does not fit requests_per_sec; use % ` +
			`with a sign, or a bare number of requests/s`,
		"failures>NaN": `gate "failures>NaN": bound "NaN" is not a number with a unit, as in +5%, 500ms ` +
			`or +0.5pp`,
		"failures>=1%": `gate "failures>=1%": bound "=1%" is not a number with a unit, as in +5%, 500ms ` +
			`or +0.5pp`,
		"failures>1.2.3%": `gate "failures>1.2.3%": bound "1.2.3%" is not a number with a unit, as in +5%, ` +
			`500ms or +0.5pp`,
		"failures>": `gate "failures>": bound "" is not a number with a unit, as in +5%, 500ms or +0.5pp`,
		"failures>1%,x>1,good<x": "gate \"x>1\": unknown metric \"x\", " + knownMetrics +
			"\ngate \"good<x\": bound \"x\" is not a number with a unit, as in +5%, 500ms or +0.5pp",
	} {
		if gates, err := ParseGates(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v\nwant %s", text, gates, err, want)
		}
	}
}

func TestGatesDecide(t *testing.T) {
	t.Parallel()
	slower := usual(1500)
	slower.slower, slower.failureRate = 1.1, 0.04
	base, fresh := usual(1500).run(1), slower.run(2)
	for i := range base.Requests {
		base.Requests[i].Good, fresh.Requests[i].Good = Good, Bad
	}
	fresh.Requests[0].TPOT = 0
	for i := range base.Requests {
		base.Requests[i].NTPOT = nan()
		fresh.Requests[i].ITL = nan()
	}
	for _, tt := range []struct {
		gate   string
		want   Status
		reason string
	}{
		{"mean(ttft)>+5%", GateFailed, "beyond the bound, and hardly chance (p < 0.001)"},
		{"mean(ttft)>+15%", GatePassed, "mean(ttft)"},
		{"mean(ttft)>+5ms", GateFailed, "beyond the bound"},
		{"mean(ttft)>+50ms", GatePassed, "mean(ttft)"},
		{"mean(ttft)<-1%", GatePassed, "mean(ttft)"},
		{"mean(ttft)>100ms", GateFailed, "the bound is 100 ms"},
		{"mean(ttft)>1s", GatePassed, "NEW is 1"},
		{"p99(ttft)>+1%", "", ""},
		{"failures>1%", GateFailed, "the bound is 1.00 %"},
		{"failures>+50%", GateFailed, "from zero: beyond the bound"},
		{"failures>+1pp", GateFailed, "beyond the bound"},
		{"good<50%", GateFailed, "NEW is 0 %"},
		{"goodput<-5%", GateFailed, "-100.0 %"},
		{"mean(itl)>+5%", GateFailed, "NEW does not have mean(itl)"},
		{"mean(itl)>5ms", GateFailed, "NEW does not have mean(itl)"},
		{"mean(schedule_delay)>+5%", GateFailed, "NEW does not have mean(schedule_delay)"},
		{"mean(ntpot)>+5%", GateUndecided, "BASE does not have mean(ntpot)"},
		{"mean(ntpot)>1s", GatePassed, "NEW is"},
	} {
		r := mustCompare(t, base, fresh, Options{Resamples: 300}, tt.gate)
		g := r.Gates[0]
		if tt.gate == "p99(ttft)>+1%" { // decided by the data; only its agreement with the interval is known beforehand
			if m := r.metric("p99(ttft)"); (g.Status == GateFailed) != (m.Interval.Low > 0 && *m.Relative > 0.01) {
				t.Errorf("%s: %s, though the figure is %s", tt.gate, g.Status, m.sentence(m.Verdict))
			}
			continue
		}
		if g.Status != tt.want || !strings.Contains(g.Reason, tt.reason) {
			t.Errorf("%s: got %s, %q; want %s, %q", tt.gate, g.Status, g.Reason, tt.want, tt.reason)
		}
		if r.Passed != (tt.want != GateFailed) {
			t.Errorf("%s: passed %t", tt.gate, r.Passed)
		}
	}
}

// A change beyond the bound that may be chance does not trip.
func TestGateWantsSignificance(t *testing.T) {
	t.Parallel()
	wide := usual(40)
	wide.spread = 1
	for seed := range uint64(50) {
		r := mustCompare(t, wide.run(seed), wide.run(seed+100), Options{Resamples: 200}, "mean(ttft)>+5%")
		m, g := r.metric("mean(ttft)"), r.Gates[0]
		if m.judged && *m.Relative > 0.05 && m.Interval.Low <= 0 {
			if g.Status != GatePassed || !strings.Contains(g.Reason, "may be chance") {
				t.Errorf("got %+v", g)
			}
			return
		}
	}
	t.Error("none of 50 pairs differed by more than 5 % by chance")
}

func FuzzParseGates(f *testing.F) {
	for _, text := range []string{"p99(ttft)>+5%", "mean(itl)>+2ms,failures>1%", "good<99%", "p99.9(tpot)<-1us", "x>1",
		"p(ttft)>+1%", "failures>+.5pp", "\xff>+1", "p99(ttft)>+1e999%", "mean(itl)>-1e-400s", "p1e308(ttft)>+1%",
		"\x1b[2J>1", "good<\u202e99%", strings.Repeat("a,", 500)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		gates, err := ParseGates(text)
		if err != nil {
			if gates != nil || !strings.Contains(err.Error(), "gate ") {
				t.Errorf("%q: got %v with the error %v", text, gates, err)
			}
			return
		}
		for _, g := range gates {
			again, err := ParseGates(g.String())
			if err != nil || len(again) != 1 || again[0] != g {
				t.Errorf("%q: %q was read as %v, %v", text, g, again, err)
			}
			if !finite(g.bound) {
				t.Errorf("%q: bound %v", text, g.bound)
			}
		}
	})
}
