package compare

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// written returns a result in a format.
func written(t *testing.T, r *Result, format string) string {
	t.Helper()
	var text bytes.Buffer
	if err := formats[format](r, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// What --inconclusive makes of an open answer is in all formats, with what it was: of gates, and of headline figures.
func TestSettle(t *testing.T) {
	t.Parallel()
	base, fresh := usual(60).run(2), usual(60).run(1)
	gates := bounds(t, "p99(ttft)<+5%, mean(ttft)<10s")
	for _, tt := range []struct {
		gates                    []Gate
		as                       Status
		passed                   bool
		failures, skipped, title string
	}{
		{gates, "", true, `failures="0"`, `skipped="1"`, "Load test: INCONCLUSIVE: 1 of 2 gates undecided"},
		{gates, GateFailed, false, `failures="1"`, `skipped="0"`,
			"Load test: INCONCLUSIVE, settled as FAIL: 1 of 2 gates undecided"},
		{gates, GatePassed, true, `failures="0"`, `skipped="0"`,
			"INCONCLUSIVE, settled as PASS: 1 of 2 gates undecided"},
		{nil, GateFailed, false, "INCONCLUSIVE, settled as FAIL: ", "<failure",
			"answer: INCONCLUSIVE, settled as FAIL: "},
		{nil, "", true, `failures="0"`, "<skipped", "answer: INCONCLUSIVE: "},
	} {
		r, err := Compare(base, fresh, Options{Resamples: 200, Gates: tt.gates})
		if err != nil || r.Status != GateUndecided {
			t.Fatalf("got %v, %v", r.Status, err)
		}
		if tt.as != "" {
			Settle(r, tt.as)
		}
		junit, markdown, json := written(t, r, "xml"), written(t, r, "md"), written(t, r, "json")
		if !strings.Contains(junit, tt.failures) || !strings.Contains(junit, tt.skipped) {
			t.Errorf("settled as %q: JUnit is %s", tt.as, junit)
		}
		if !strings.Contains(markdown, tt.title) {
			t.Errorf("settled as %q: Markdown is %s", tt.as, markdown)
		}
		if r.Passed != tt.passed || strings.Contains(json, `"settled_as": "`+string(tt.as)+`"`) != (tt.as != "") {
			t.Errorf("settled as %q: passed %t, %s", tt.as, r.Passed, json)
		}
	}
}

// With few runs a side, an open answer says why its intervals are wide, and what to do.
func TestFewRunsAreNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		base, fresh int
		want        string
	}{
		{1, 2, "with one run on a side the deviation between runs is that of the other side's 2 runs (1 degree of " +
			"freedom): one more run a side narrows this"},
		{2, 2, "the deviation between runs is that of 2 runs a side (2 degrees of freedom): one more run a side " +
			"narrows this"},
		{1, 1, ""},
		{3, 3, ""},
	} {
		var sides [2][]Side
		for i, n := range []int{tt.base, tt.fresh} {
			for k := range n {
				p := usual(400)
				p.slower = 1 + 0.1*float64(i) + 0.2*float64(k)
				sides[i] = append(sides[i], p.run(uint64(10*i+k+1)))
			}
		}
		r, err := CompareSides(sides[0], sides[1], Options{Resamples: 200, Gates: bounds(t, "mean(ttft)<+11%")})
		if err != nil || r.Status != GateUndecided {
			t.Fatalf("got %v %v, %v", r.Status, r.Gates, err)
		}
		if got := r.Reasons[len(r.Reasons)-1]; tt.want != "" && got != tt.want ||
			tt.want == "" && strings.Contains(got, "narrows this") {
			t.Errorf("%d : %d runs: got %q, want %q", tt.base, tt.fresh, got, tt.want)
		}
	}
}

// A time that is the same only because its change is too small to matter is shown by how small it is.
func TestTinyTimesAreShownInMilliseconds(t *testing.T) {
	t.Parallel()
	base, fresh := usual(200).run(1), usual(200).run(2)
	for i := range base.Requests {
		base.Requests[i].ScheduleDelay = 1e-5 * float64(i%7)
		fresh.Requests[i].ScheduleDelay = 1e-5 * float64((i*3)%8)
	}
	r := mustCompare(t, base, fresh, Options{Resamples: 200})
	m := r.metric("p50(schedule_delay)")
	if m.Verdict != Same || !strings.Contains(m.change(), " ms [") {
		t.Errorf("got %s", m.judgement())
	}
}

// The tables of a terminal and of Markdown have the same figures in sight, those among them that leave the answer open.
func TestBriefTablesAgree(t *testing.T) {
	t.Parallel()
	r := mustCompare(t, usual(60).run(2), usual(60).run(1), Options{Resamples: 200})
	text := written(t, r, "txt")
	markdown, _, _ := strings.Cut(written(t, r, "md"), "<details>")
	for i := range r.Metrics {
		m := &r.Metrics[i]
		inText := strings.Contains(text, "\n"+m.Name+" ")
		inMarkdown := strings.Contains(markdown, "\n| "+plain.Markdown(m.Name)+" |")
		if inText != inMarkdown || m.opens != "" && !inText {
			t.Errorf("%s: in the text %t, in Markdown %t, open %q", m.Name, inText, inMarkdown, m.opens)
		}
	}
}
