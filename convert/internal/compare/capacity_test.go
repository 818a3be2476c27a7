package compare

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// searched returns a search that is certain of a load from low to high.
func searched(highest, low, high float64) Search {
	return Search{Tier: "slo", SLO: "p99(ttft)<500ms", Over: "rate", Arrival: "poisson", Highest: &highest, Fails: true,
		Interval: [2]*float64{&low, &high}, Confidence: 0.95}
}

func side(searches ...Search) Side { return Side{Name: "run", Searches: searches} }

func gates(t *testing.T, texts ...string) []Gate {
	t.Helper()
	list, err := ParseGates(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCapacities(t *testing.T) {
	t.Parallel()
	base := searched(15.6, 15.4, 16.4)
	openEnd := func(s *Search) { s.Fails, s.Interval[1] = false, nil }
	lowUnknown := func(s *Search) { s.Interval[0] = nil }
	noneHolds := func(s *Search) { s.Highest, s.Interval[0] = nil, nil }
	unsure := func(s *Search) { s.Interval = [2]*float64{} }
	change := func(s Search, change func(*Search)) Search {
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		base, fresh Search
		want        Verdict
		text        string
	}{
		"better": {base, searched(18.1, 16.8, 19.7), Better,
			"capacity: 15.6/s → 18.1/s (+16 %, between +2.4 % and +28 % at 90 %): better"},
		"worse": {base, searched(12, 11.8, 12.5), Worse,
			"capacity: 15.6/s → 12.0/s (-23 %, between -28 % and -19 % at 90 %): worse"},
		"the same": {searched(100, 99, 103), searched(101, 99, 104), Same,
			"capacity: 100/s → 101/s (+1 %, between -3.9 % and +5.1 % at 90 %): same"},
		"wide": {base, searched(18.1, 12, 19.7), Unclear,
			"capacity: 15.6/s → 18.1/s (+16 %, between -27 % and +28 % at 90 %): not decided"},
		"up to the maximum": {base, change(searched(32, 32, 0), openEnd), Better,
			"capacity: 15.6/s → ≥ 32.0/s (+105 %, at least +95 % at 90 %): better"},
		"nothing certain below": {base, change(searched(10, 0, 12), lowUnknown), Worse,
			"capacity: 15.6/s → 10.0/s (-36 %, at most -22 % at 90 %): worse"},
		"nothing holds": {base, change(searched(0, 0, 1), noneHolds), Worse,
			"capacity: 15.6/s → none (at most -94 % at 90 %): worse"},
		"nothing held": {change(searched(0, 0, 1), noneHolds), base, Better,
			"capacity: none → 15.6/s (at least +1440 % at 90 %): better"},
		"nothing is certain": {base, change(searched(17, 0, 0), unsure), Unclear,
			"capacity: 15.6/s → 17.0/s (+9 %): not decided"},
		"not monotone": {searched(10, 10, 10), searched(12, 9, 11), Unclear,
			"capacity: 10.0/s → 12.0/s (+20 %, between -10 % and +20 % at 90 %): not decided"},
		"within the noise": {searched(100, 100, 100), searched(101.5, 101, 102), Same,
			"capacity: 100/s → 102/s (+1.5 %, between +1 % and +2 % at 90 %): same"},
		"another SLO": {base, change(base, func(s *Search) { s.SLO = "failures<1%" }), Unclear,
			"capacity: 15.6/s → 15.6/s: not compared, the SLOs differ: BASE p99(ttft)<500ms, NEW failures<1%"},
		"over another load": {base, change(base, func(s *Search) { s.Over = "concurrency" }), Unclear,
			"capacity: 15.6/s → 15.6 at a time: not compared, the searches are over different loads: BASE rate, NEW " +
				"concurrency"},
		"other arrivals": {base, change(base, func(s *Search) { s.Arrival = "constant" }), Unclear,
			"capacity: 15.6/s → 15.6/s: not compared, the arrivals differ: BASE poisson, NEW constant"},
	} {
		result, err := Compare(side(tt.base), side(tt.fresh), Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := result.Capacities[0]
		if c.Text != tt.text || c.Verdict != tt.want || result.Verdict != tt.want ||
			result.Passed != (tt.want != Worse) {
			t.Errorf("%s: got %s, overall %s, %q\nwant %s, %q", name, c.Verdict, result.Verdict, c.Text, tt.want,
				tt.text)
		}
		figures, err := CompareFigures(Figures{Searches: []Search{tt.base}}, Figures{Searches: []Search{tt.fresh}},
			Options{})
		if err != nil || figures.Capacities[0] != c && figures.Capacities[0].Text != c.Text {
			t.Errorf("%s: of reports alone: %v, %+v", name, err, figures.Capacities)
		}
	}
}

// Tiers are matched by their names; what has no partner is said.
func TestTiers(t *testing.T) {
	t.Parallel()
	tier := func(name string, highest float64) Search {
		s := searched(highest, highest, highest)
		s.Tier = name
		return s
	}
	r, err := Compare(side(tier("a", 10), tier("b", 20), tier("old", 1)),
		side(tier("b", 25), tier("a", 10), tier("n e w", 1)),
		Options{Gates: gates(t, "capacity<-1%,capacity(a)<-1%,capacity(n e w)<2,capacity(gone)<1")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"capacity(b): 20.0/s → 25.0/s (+25 %, between +25 % and +25 % at 90 %): better",
		"capacity(a): 10.0/s → 10.0/s (0 %, between 0 % and 0 % at 90 %): same",
		"capacity(n e w): none → 1.00/s: not compared, BASE did not search for this SLO",
	}
	if got := strings.Join(r.Reasons, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	if note := `not compared: the tier "old" is in BASE alone`; r.Notes[0] != note {
		t.Errorf("notes %q, want %q", r.Notes, note)
	}
	for i, status := range []Status{GatePassed, GatePassed, GateFailed, GateFailed} {
		if r.Gates[i].Status != status {
			t.Errorf("%s: %s, %s; want %s", r.Gates[i].Expression, r.Gates[i].Status, r.Gates[i].Reason, status)
		}
	}
}

func TestGatesOnCapacity(t *testing.T) {
	t.Parallel()
	none := Search{Tier: "slo", SLO: "p99(ttft)<500ms", Over: "rate", Arrival: "poisson", Fails: true}
	other := searched(10, 10, 10)
	other.SLO = "failures<1%"
	base := searched(15.6, 15.4, 16.4)
	for _, tt := range []struct {
		gate        string
		base, fresh []Search
		want        Status
		reason      string
	}{
		{"capacity<-5%", []Search{base}, []Search{searched(12, 11.8, 12.5)}, GateFailed, "hardly chance"},
		{"capacity<-30%", []Search{base}, []Search{searched(12, 11.8, 12.5)}, GatePassed, "worse"},
		{"capacity<-2", []Search{base}, []Search{searched(12, 11.8, 12.5)}, GateFailed, "hardly chance"},
		{"capacity<-5%", []Search{base}, []Search{searched(14, 11.8, 17)}, GatePassed, "may be chance"},
		{"capacity>+5%", []Search{base}, []Search{searched(18.1, 16.8, 19.7)}, GateFailed, "hardly chance"},
		{"capacity<16", []Search{base}, []Search{searched(15, 14, 16)}, GateFailed,
			"NEW is 15.0/s, the bound is 16.0/s"},
		{"capacity<14", nil, []Search{searched(15, 14, 16)}, GatePassed, "NEW is 15.0/s"},
		{"capacity<-5%", nil, []Search{searched(15, 14, 16)}, GateUndecided, "BASE did not search"},
		{"capacity<-5%", []Search{base}, nil, GateFailed, "NEW does not have capacity"},
		{"capacity<-5%", []Search{base}, []Search{none}, GateFailed, "NEW has no load that keeps the SLO"},
		{"capacity<-5%", []Search{none}, []Search{base}, GateUndecided, "BASE has no load"},
		{"capacity<-5%", []Search{base}, []Search{other}, GateUndecided, "the SLOs differ"},
		{"failures>1%", []Search{base}, []Search{base}, GateUndecided, "figures of a search are of no single load"},
	} {
		r, err := Compare(side(tt.base...), side(tt.fresh...), Options{Gates: gates(t, tt.gate)})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Gates[0]; got.Status != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: got %s, %q; want %s, %q", tt.gate, got.Status, got.Reason, tt.want, tt.reason)
		}
		if r.Passed != (tt.want != GateFailed) {
			t.Errorf("%s: passed %v", tt.gate, r.Passed)
		}
	}
	if _, err := ParseGates("capacity<5%"); err == nil || !strings.Contains(err.Error(), "a percentage of what?") {
		t.Errorf("got %v", err)
	}
	if _, err := ParseGates("capacity<5ms"); err == nil || !strings.Contains(err.Error(), "of requests at a time") {
		t.Errorf("got %v", err)
	}
}

// Every format has the capacity, and none a figure that was not compared.
func TestCapacityInAllFormats(t *testing.T) {
	t.Parallel()
	r, err := Compare(side(searched(15.6, 15.4, 16.4)), side(searched(12, 11.8, 12.5)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const sentence = "capacity: 15.6/s → 12.0/s (-23 %, between -28 % and -19 % at 90 %): worse"
	for name, format := range map[string]struct {
		write func(*Result, io.Writer) error
		wants []string
	}{
		"text":     {(*Result).WriteText, []string{"verdict: worse\n  " + sentence, "intervals: from the loads"}},
		"markdown": {(*Result).WriteMarkdown, []string{"### Load test: worse", "- " + sentence}},
		"junit":    {(*Result).WriteJUnit, []string{`failures="1"`, `name="capacity"`, sentence}},
		"json":     {(*Result).WriteJSON, []string{`"verdict": "worse"`, `"relative_change_low": -0.28`, `"metrics": []`}},
	} {
		var out bytes.Buffer
		if err := format.write(r, &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range format.wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out.String())
			}
		}
		if strings.Contains(out.String(), "ttft)\t") || strings.Contains(out.String(), "bootstrap") {
			t.Errorf("%s has figures:\n%s", name, out.String())
		}
	}
	var out bytes.Buffer
	if err := r.WriteJSON(&out); err != nil || !json.Valid(out.Bytes()) {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestSearchAgainstAnotherRun(t *testing.T) {
	t.Parallel()
	r, err := Compare(side(), side(searched(1, 1, 1)), Options{})
	const want = "NEW is a search and BASE is none, so capacities are not compared"
	if err != nil || r.searches || len(r.Notes) == 0 || r.Notes[0] != want {
		t.Errorf("got %v, %q", err, r.Notes)
	}
}
