package search

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// server is a scripted server: what becomes of a probe.
type server func(s *Search, p Probe) record.SearchProbe

// up is a server that carries loads below an edge, for certain. Its p99 TTFT is 300 ms at the edge.
func up(edge float64) server {
	return func(s *Search, p Probe) record.SearchProbe {
		return probe(s, p, p.Value < edge, true, 0.3*p.Value/edge)
	}
}

// probe makes a probe of which all tiers have the same outcome.
func probe(s *Search, p Probe, pass, certain bool, ttft float64) record.SearchProbe {
	out := record.SearchProbe{Stage: p.Number, Certain: certain, Requests: 600, Seconds: 30, Verdict: valid,
		Tiers: map[string]string{}}
	for _, t := range s.o.Tiers {
		judgeTier(&out, t, pass, certain, ttft)
	}
	out.Outcome = out.Tiers[s.o.Tiers[0].Name]
	return out
}

// judgeTier sets the outcome of a tier.
func judgeTier(out *record.SearchProbe, t Tier, pass, certain bool, ttft float64) {
	outcome, share := Fail, 0.9
	if pass {
		outcome, share = Pass, 0.995
	}
	out.Tiers[t.Name] = outcome
	for _, o := range t.SLO {
		if share < needed(o) != pass {
			share += 0.0001
		}
		out.Shares = append(out.Shares, record.SearchShare{Objective: o.String(), Needed: needed(o), Share: new(share),
			Outcome: outcome, Certain: certain, Latency: new(ttft), Effective: 600})
	}
}

// options returns options with an SLO.
func options() arrival.SearchOptions {
	return arrival.SearchOptions{SLO: null.StringFrom("p99(ttft)<300ms")}
}

// run runs a whole search.
func run(t *testing.T, given arrival.SearchOptions, serve server) *record.Search {
	t.Helper()
	s, err := New(given)
	if err != nil {
		t.Fatal(err)
	}
	for p, more := s.Next(); more; p, more = s.Next() {
		if p.Number != len(s.known.probes) || p.Longest <= 0 {
			t.Fatalf("got %+v as probe %d", p, len(s.known.probes))
		}
		if p.Number > 3*s.o.MaxProbes {
			t.Fatalf("%d probes and no end: %s", p.Number, tried(s.Line()))
		}
		s.Done(p, serve(s, p))
	}
	return s.Line()
}

// tried writes the probes of a search as 1+ 2+ 4-, in doubling, [3-] in bisection and (2+) held; ? for refused ones.
func tried(line *record.Search) string {
	var list []string
	for _, p := range line.Probes {
		sign := map[string]string{Pass: "+", Fail: "-", Refused: "?"}[p.Outcome]
		form := map[string]string{Doubling: "%v%s", Bisection: "[%v%s]", Hold: "(%v%s)"}[p.Phase]
		list = append(list, fmt.Sprintf(form, p.Value, sign))
	}
	return strings.Join(list, " ")
}

func TestNormalSearch(t *testing.T) {
	t.Parallel()
	line := run(t, options(), up(15.7))
	if got, want := tried(line), "1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if line.StopReason != Converged || *line.HighestPassing != 15.3 || *line.LowestFailing != 16 {
		t.Errorf("got %+v", line)
	}
	const want = "holds at 15.3/s (p99 TTFT 292 ms, 600 requests), breaks at 16/s (306 ms)"
	if line.Text != want {
		t.Errorf("got %q, want %q", line.Text, want)
	}
	if math.IsNaN(line.Resolution) {
		t.Error(line.Resolution)
	}
}
