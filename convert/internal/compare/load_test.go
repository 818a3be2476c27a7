package compare

import (
	"bytes"
	"strings"
	"testing"
)

// steady returns a run of so many requests a second, all alike but for a slow change, over 60 s.
func steady(rate int, asked string) Side {
	s := Side{Name: strings.Repeat("a long name ", 6), Seconds: 60, Asked: asked,
		Doubt: "load generator SUSPECT: " + strings.Repeat("a long reason ", 8)}
	for k := range 60 * rate {
		at := float64(k) / float64(rate)
		s.Requests = append(s.Requests, Request{Start: at, End: at + 0.5, TTFT: 0.1 + float64(k%7)*1e-4, TPOT: 0.01,
			NTPOT: 0.01, ITL: 0.01, Latency: 0.5 + float64(k%5)*1e-4, Output: 10, Input: 10})
	}
	return s
}

// A rate follows the load that was asked for, so it is no merit of the server.
func TestDifferentLoads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		base, fresh string
		want        Verdict
	}{
		{"5 requests/s", "10 requests/s", Same}, {"5 requests/s", "", Better}, {"", "", Better},
	} {
		r := mustCompare(t, steady(5, tt.base), steady(10, tt.fresh), Options{Resamples: 200}, "requests_per_sec>+10%")
		if r.Verdict != tt.want {
			t.Errorf("%q against %q: %s, %q, want %s", tt.base, tt.fresh, r.Verdict, r.Reasons, tt.want)
		}
		if differ := tt.want == Same; differ != (r.Loads != "") || differ != (r.Gates[0].Status == GateUndecided) {
			t.Errorf("%q against %q: %q, gate %s", tt.base, tt.fresh, r.Loads, r.Gates[0].Status)
		}
	}
}

// On a terminal no line is longer than it is wide, and a reason of both runs stands once.
func TestTextFitsTheTerminal(t *testing.T) {
	t.Parallel()
	r := mustCompare(t, steady(1, "1 requests/s"), steady(2, "2 requests/s"), Options{Resamples: 200})
	r.Columns, r.All = 80, true
	var buf bytes.Buffer
	if err := r.WriteText(&buf); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(buf.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if n := strings.Count(buf.String(), "SUSPECT"); n != 1 {
		t.Errorf("the reason stands %d times:\n%s", n, buf.String())
	}
}
