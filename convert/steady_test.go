package convert

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func flat(float64) float64 { return 0.1 }

// coldFor returns TTFTs that fall to 0.1 s from six times that, by a factor of e in some seconds.
func coldFor(seconds float64) func(float64) float64 {
	return func(at float64) float64 { return 0.1 * (1 + 5*math.Exp(-at/seconds)) }
}

func growing(at float64) float64 { return 0.1 + at/20 }

func shaped(t *testing.T, shapes ...runtest.Shape) *run.Run {
	t.Helper()
	return mustRead(t, asRecords(t, runtest.Shaped(shapes...)))
}

// steadyText returns what is printed, in lines of any length.
func steadyText(t *testing.T, p *Report) string {
	t.Helper()
	var out strings.Builder
	if err := errors.Join(p.WriteVerdict(Screen{W: &out}), p.WriteTables(Screen{W: &out})); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Without being asked the report says what is steady, and its figures are of everything.
func TestSteadyByDefault(t *testing.T) {
	t.Parallel()
	r := shaped(t, runtest.Shape{Rate: 10, Seconds: 120, TTFT: coldFor(20)},
		runtest.Shape{Rate: 20, Seconds: 60, TTFT: growing}, runtest.Shape{Rate: 1, Seconds: 30, TTFT: flat})
	p := NewReport(r, Options{})
	s := p.Summary.Additions.Steady
	if s.Applied || p.Summary.Additions.Window != nil || p.Summary.Additions.Requests.Sent != 1200+1200+30 {
		t.Errorf("got %+v, window %+v, %d requests, want all of them", s, p.Summary.Additions.Window,
			p.Summary.Additions.Requests.Sent)
	}
	if cold := s.Stages[0]; !cold.Found || *cold.From < 20 || *cold.From > 80 || float64(*cold.To) < 119 {
		t.Errorf("got %+v, want 20…80 to 119.9 s", cold)
	}
	text := steadyText(t, p)
	for _, want := range []string{
		"warning: stage 0 is steady from ", "s: TTFT still fell (−", "/s); --steady reports on that",
		"warning: stage 1 has no steady state: TTFT grew by ", " %/s until the end",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s\nwant %q in it", text, want)
		}
	}
	if strings.Contains(text, "stage 2") || s.Stages[2].Reason != "it has 30 requests: it takes 80 to tell" {
		t.Errorf("of a short stage got %+v, and %s", s.Stages[2], text)
	}
	own := p.Stages[1].Additions
	if len(own.Steady.Stages) != 1 || own.Steady.Stages[0].Stage != 1 ||
		!slices.ContainsFunc(own.Warnings, func(w string) bool { return strings.Contains(w, "no steady state") }) {
		t.Errorf("stage 1 has %+v, warnings %q", own.Steady, own.Warnings)
	}
}

// On demand all figures are of the steady parts; a stage without one stays whole.
func TestKeepSteady(t *testing.T) {
	t.Parallel()
	r := shaped(t, runtest.Shape{Rate: 10, Seconds: 120, TTFT: coldFor(20)},
		runtest.Shape{Rate: 20, Seconds: 60, TTFT: growing})
	all := *NewReport(r, Options{}).Stages[0]
	s := KeepSteady(r)
	p := NewReport(r, Options{Steady: s})
	a, stage := p.Summary.Additions, p.Summary.Additions.Steady.Stages[0]
	if !s.Applied || a.Window == nil || !a.Window.Steady || a.Window.Left != 1200-stage.Requests {
		t.Errorf("got %+v, window %+v", s, a.Window)
	}
	if n := p.Stages[0].Additions.Requests.Sent; n != stage.Requests || n < 400 || n > 1000 {
		t.Errorf("stage 0 has %d requests, its steady part %d, want 400…1000", n, stage.Requests)
	}
	if n := p.Stages[1].Additions.Requests.Sent; n != 1200 {
		t.Errorf("stage 1 has %d requests, want all 1200", n)
	}
	before, _ := all.Successes.Latency.TTFT.At(99)
	after, _ := p.Stages[0].Successes.Latency.TTFT.At(99)
	if before < 0.5 || after > 0.2 {
		t.Errorf("p99(ttft) is %.3f of all and %.3f of the steady part, want 0.5 or more and 0.2 or less", before,
			after)
	}
	if rate := float64(*stage.Rate); math.Abs(rate-10) > 0.3 {
		t.Errorf("%.2f requests per second ended in the steady part, want 10", rate)
	}
	if stage.BegunBefore < 4 || stage.Unended < 4 || float64(s.Begin) < float64(*stage.From) {
		t.Errorf("got %+v, begins at %v: want some requests in flight at both ends", stage, s.Begin)
	}
	text := steadyText(t, p)
	for _, want := range []string{"steady: of stage 0: ", "steady: stage 1 has no steady state: TTFT grew by "} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s\nwant %q in it", text, want)
		}
	}
}

// What says nothing is told so, and nothing is left out.
func TestSteadyNeedsEnough(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]record.Line{
		"it has 50 requests: it takes 80 to tell": runtest.Shaped(runtest.Shape{Rate: 5, Seconds: 10, TTFT: flat}),
		"requests are sent for 0.995 s and take 2.4": runtest.Shaped(runtest.Shape{Rate: 200, Seconds: 1,
			TTFT: func(float64) float64 { return 2 }}),
	} {
		r := mustRead(t, asRecords(t, lines))
		before := len(r.Requests)
		s := KeepSteady(r)
		if len(s.Stages) != 1 || s.Stages[0].Found || !strings.HasPrefix(s.Stages[0].Reason, want) ||
			len(r.Requests) != before {
			t.Errorf("got %+v of %d requests, want %d and %q", s.Stages, len(r.Requests), before, want)
		}
	}
	ramp := runtest.Shaped(runtest.Shape{Rate: 10, Seconds: 60, TTFT: flat})
	ramp[0].(*record.Run).Scenarios[0].Stages[0].From = new(2.0)
	r := mustRead(t, asRecords(t, ramp))
	if s := KeepSteady(r); s.Stages[0].Reason != "its rate is a ramp from 2 to 10 requests per second" {
		t.Errorf("of a ramp got %+v", s.Stages[0])
	}
	if s := KeepSteady(&run.Run{}); s != nil {
		t.Errorf("without a request got %+v", s)
	}
}

// An outage is cut off, with what is before it or after it.
func TestSteadyBesideAnOutage(t *testing.T) {
	t.Parallel()
	lines := runtest.Shaped(runtest.Shape{Rate: 10, Seconds: 120, TTFT: func(at float64) float64 {
		if at > 40 && at < 45 {
			return 0.1 + 45 - at
		}
		return 0.1
	}})
	r := mustRead(t, asRecords(t, lines))
	s := KeepSteady(r).Stages[0]
	if !s.Found || *s.From < 44 || *s.From > 50 || *s.To < 119 || len(s.Cut) != 2 {
		t.Fatalf("got %+v, want 44…50 to 119.9 s", s)
	}
	if reason := s.Cut[0].Reason; !strings.Contains(reason, "no answer ended for some time from") ||
		!strings.HasSuffix(reason, "and the longest steady part is after it") {
		t.Errorf("got the reason %q", reason)
	}
}

// What --warmup leaves out is gone before the steady part is looked for, and dropped arrivals are left out with the
// requests.
func TestSteadyAfterWarmup(t *testing.T) {
	t.Parallel()
	lines := runtest.Shaped(runtest.Shape{Rate: 10, Seconds: 120, TTFT: coldFor(5)})
	start := lines[0].(*record.Run).Start
	early, late := start+35*second, start+100*second
	for _, due := range []*int64{&early, &late} {
		lines = append(lines, &record.Dropped{Scenario: "load", Due: due, Index: new(int64(5000)), Count: 1})
	}
	r := mustRead(t, asRecords(t, lines))
	r.LeaveOut(run.Cut{Warmup: 60})
	if s := KeepSteady(r).Stages[0]; !s.Found || s.Of != 600 || s.Requests < 550 || s.Requests != len(r.Requests) {
		t.Errorf("got %+v, %d requests are left; want nearly all of 600", s, len(r.Requests))
	}
	if n := r.DroppedCount(); n != 1 {
		t.Errorf("%d dropped arrivals are left, want that at 100 s", n)
	}
}

// The requests of a report on the steady parts are not cut again, and what was found holds.
func TestSteadyReportReadAgain(t *testing.T) {
	t.Parallel()
	r := shaped(t, runtest.Shape{Rate: 10, Seconds: 120, TTFT: coldFor(20)})
	s := KeepSteady(r)
	dir := t.TempDir()
	if _, err := NewReport(r, Options{Steady: s}).Write(dir, Files{Parquet: true}); err != nil {
		t.Fatal(err)
	}
	again, err := run.ReadFiles(run.Options{}, filepath.Join(dir, reportdir.Parquet))
	if err != nil {
		t.Fatal(err)
	}
	again.LeaveOut(run.Cut{})
	if got := KeepSteady(again); asJSON(t, got) != asJSON(t, s) || len(again.Requests) != len(r.Requests) {
		t.Errorf("got %d requests and %s, want %d and %s", len(again.Requests), asJSON(t, got), len(r.Requests),
			asJSON(t, s))
	}
	if a := NewReport(again, Options{}).Summary.Additions; !a.Steady.Applied || !a.Window.Steady {
		t.Errorf("got steady %+v, window %+v", a.Steady, a.Window)
	}
}
