package search

import (
	"testing"
	"time"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	o, err := Check(options())
	if err != nil {
		t.Fatal(err)
	}
	if o.Over != Rate || o.Min != 0 || o.Max != 0 || o.Resolution != 0.05 || o.Confidence != 0.95 ||
		o.MaxProbes != 20 || o.Probe != 15*time.Second || o.Hold != 30*time.Second || !o.stretch {
		t.Errorf("got %+v", o)
	}
	if len(o.Tiers) != 1 || o.Tiers[0].Name != "slo" || o.Tiers[0].Text() != "p99(ttft)<300ms" {
		t.Errorf("got tiers %+v", o.Tiers)
	}
	given := options()
	given.Probe = types.NullDurationFrom(5 * time.Minute)
	if o, err = Check(given); err != nil || o.Probe != 5*time.Minute || o.Hold != 10*time.Minute || o.stretch {
		t.Errorf("got %+v, %v, want a hold of twice the probe, and the times as they were given", o, err)
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	o, err := Check(arrival.SearchOptions{Tiers: []arrival.SearchTier{{Name: "chat", SLO: "ttft=500ms, tpot=50ms"},
		{Name: "batch", SLO: "failures<1%"}}})
	if err != nil || len(o.Tiers) != 2 {
		t.Fatalf("got %+v, %v", o, err)
	}
	if chat := o.Tiers[0].SLO; len(chat) != 1 || needed(chat[0]) != 0.99 {
		t.Errorf("got %+v, want bounds that 99 %% of the requests keep", chat)
	}
	if batch := o.Tiers[1].SLO; needed(batch[0]) != 0.99 {
		t.Errorf("got %v of failures<1%%, want 0.99", needed(batch[0]))
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	tier := func(names ...string) (list []arrival.SearchTier) {
		for _, name := range names {
			list = append(list, arrival.SearchTier{Name: name, SLO: "ttft=1s"})
		}
		return list
	}
	float, text := null.FloatFrom, null.StringFrom
	for want, change := range map[string]func(*arrival.SearchOptions){
		`search.over: unknown load "rates": did you mean rate?`: func(o *arrival.SearchOptions) { o.Over = text("rates") },
		`search.over: unknown load "users", known are rate, concurrency`: func(o *arrival.SearchOptions) {
			o.Over = text("users")
		},
		"search.slo is missing: write slo: 'p99(ttft)<500ms, failures<1%'": func(o *arrival.SearchOptions) {
			o.SLO = null.String{}
		},
		"search.slo is empty: write slo: 'p99(ttft)<500ms, failures<1%'": func(o *arrival.SearchOptions) {
			o.SLO = text(" ")
		},
		`search.slo: column 18: unknown latency "tft": did you mean "ttft"? Known are ttft, tpot, ntpot, itl, ` +
			`request_latency, first_audio, rtf, latency`: func(o *arrival.SearchOptions) { o.SLO = text("failures<1%, p99(tft)<500ms") },
		"search.slo: no server can keep failures<0": func(o *arrival.SearchOptions) {
			o.SLO = text("ttft=1s, failures<0")
		},
		"search takes slo or tiers, not both": func(o *arrival.SearchOptions) { o.Tiers = tier("a") },
		"search.tiers[1].name is missing: write tiers: [{name: 'chat', slo: 'p99(ttft)<500ms, failures<1%'}]": func(
			o *arrival.SearchOptions) {
			o.SLO, o.Tiers = null.String{}, tier("a", " ")
		},
		`search.tiers[2].name: "a" is the name of tiers[0] too`: func(o *arrival.SearchOptions) {
			o.SLO, o.Tiers = null.String{}, tier("a", "b", "a")
		},
		"search.tiers[0].slo: column 1: a percentile has parentheses: write p99(ttft)<1s": func(
			o *arrival.SearchOptions) {
			o.SLO, o.Tiers = null.String{}, []arrival.SearchTier{{Name: "a", SLO: "p99ttft<1s"}}
		},
		"search.min must be positive, got 0":              func(o *arrival.SearchOptions) { o.Min = float(0) },
		"search.max must be positive, got -1":             func(o *arrival.SearchOptions) { o.Max = float(-1) },
		"search.max must not be above 1000000, got 1e+07": func(o *arrival.SearchOptions) { o.Max = float(1e7) },
		"search.min (5) must not be above search.max (4)": func(o *arrival.SearchOptions) {
			o.Min, o.Max = float(5), float(4)
		},
		"search.min must be a whole number of requests at a time, got 1.5": func(o *arrival.SearchOptions) {
			o.Over, o.Min = text("concurrency"), float(1.5)
		},
		"search.resolution must be from 0.001 to 1, as 0.05 for 5 %, got 5": func(o *arrival.SearchOptions) {
			o.Resolution = float(5)
		},
		"search.confidence must be from 0.5 to below 1, as 0.95, got 95": func(o *arrival.SearchOptions) {
			o.Confidence = float(95)
		},
		"search.maxProbes must be from 3 to 1000, got 2": func(o *arrival.SearchOptions) {
			o.MaxProbes = null.IntFrom(2)
		},
		"search.probe must be at least 1s, got 30ms": func(o *arrival.SearchOptions) {
			o.Probe = types.NullDurationFrom(30 * time.Millisecond)
		},
		"search.hold must not be longer than 1000h0m0s, got 1001h0m0s": func(o *arrival.SearchOptions) {
			o.Hold = types.NullDurationFrom(1001 * time.Hour)
		},
	} {
		given := options()
		change(&given)
		if _, err := New(given); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A search that cannot be certain in the default time gives slow loads more of it, within bounds.
func TestSlowLoadsGetMoreTime(t *testing.T) {
	t.Parallel()
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		value float64
		phase string
		want  time.Duration
	}{
		{100, Bisection, 15 * time.Second},
		{5, Bisection, 40 * time.Second}, // 200 requests, of which 2 may be over p99
		{0.5, Bisection, time.Minute},
		{10, Doubling, 15 * time.Second},
		{0.2, Doubling, 50 * time.Second}, // 10 requests
		{1.0 / 64, Doubling, time.Minute},
		{10, Hold, 40 * time.Second},
		{4, Hold, 100 * time.Second},
		{0.5, Hold, 2 * time.Minute},
	} {
		if got := s.known.longest(tt.value, tt.phase); got != tt.want {
			t.Errorf("%s at %v/s: got %v, want %v", tt.phase, tt.value, got, tt.want)
		}
	}
	given := options()
	given.Probe = types.NullDurationFrom(2 * time.Second)
	brief, err := New(given)
	if err != nil {
		t.Fatal(err)
	}
	for rate, want := range map[float64]time.Duration{
		10: 2 * time.Second, 0.5: 10 * time.Second, // for five requests
		0.01: time.Minute,
	} {
		if got := brief.known.longest(rate, Bisection); got != want {
			t.Errorf("probes of 2s at %v/s: got %v, want %v", rate, got, want)
		}
	}
	if got, want := s.o.Longest(), 2*4*(25*15+6*30)*time.Second; got != want {
		t.Errorf("the search takes at most %v, want %v", got, want)
	}
}
