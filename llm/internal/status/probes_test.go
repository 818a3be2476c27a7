package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searched is a plan whose second scenario is a search: its stages are told as they begin.
func searched() []record.Scenario {
	return []record.Scenario{
		{Name: "steady", Stages: []record.Stage{steady(0, 2, 100)}},
		{Name: "load", Stages: []record.Stage{}},
	}
}

// probe returns the position of a request of a probe that is due at an instant, in seconds after zero.
func probe(i int, rate, due float64) Position {
	return Position{Scenario: "load", Started: zero, HasStage: true, Stage: i, Due: after(due),
		Probe: &record.Stage{Index: 1 + i, Rate: &rate}}
}

// A search asks for the rate of its probe until that ends, and for nothing until the next one begins.
func TestProbesAreToldAsTheyBegin(t *testing.T) {
	t.Parallel()
	b := New(zero, searched()[1:], 1)
	b.Sent(after(0), probe(0, 10, 0))
	var got []string
	take := func(at float64) {
		s := b.Take(after(at))
		got = append(got, s.stage()+" "+asks(s))
	}
	take(5)
	b.EndProbe("load", steady(1, 10, 5))
	take(10)
	b.Sent(after(12), probe(2, 20, 12)) // all arrivals of the one before were dropped
	take(15)
	b.EndProbe("load", steady(3, 20, 4))
	take(20)
	want := []string{"probe 1  5s 10.0/s", "probe 1 10s 0.0/s", "probe 3  3s 12.0/s", "probe 3  8s 4.0/s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The summary has a row for each probe, and begins with the answer.
func TestSummaryOfASearch(t *testing.T) {
	t.Parallel()
	s := Summary{Board: New(zero, searched(), 1), Failures: new(Failures)}
	for i, rate := range []float64{10, 20} {
		r := &record.Request{Scenario: "load", Stage: 1 + i, Start: after(float64(i)).UnixNano(), Streaming: true,
			End: after(float64(i) + 1).UnixNano(), Chunks: answers(200_000, 1000, 5)}
		s.Board.Done(r, tokens(5), s.Board.Sent(after(float64(i)), probe(i, rate, float64(i))))
	}
	s.Searches = []*record.Search{{Scenario: "load", StopReason: "converged", Reason: "the edge lies between them",
		SearchAnswer: record.SearchAnswer{Text: "holds at 10/s (p99 TTFT 200 ms, 1 request)"}}}
	const data = `{"metrics": {}, "state": {"testRunDurationMs": 2000}}`
	got := text(t, s, data)
	for _, want := range []string{
		"\n  OK: 2 requests sent, none failed, none dropped, in 2s\n" +
			"  search: holds at 10/s (p99 TTFT 200 ms, 1 request)\n  the edge lies between them\n",
		"  load          1        10.0 ", "  load          2        20.0 ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	s.Searches[0].StopReason = "client_limited"
	s.Searches[0].Tiers = []record.SearchTier{{Name: "fast", SearchAnswer: record.SearchAnswer{Text: "breaks"}},
		{Name: "slow", SearchAnswer: record.SearchAnswer{Text: "holds"}}}
	got = text(t, s, data)
	if want := "\n  CHECK: 2 requests sent, none failed, none dropped, in 2s\n  search, fast: breaks\n" +
		"  search, slow: holds\n"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

// Probes take no memory but that of their stages, whose starts stay known while further ones begin.
func TestManyProbes(t *testing.T) {
	t.Parallel()
	b := New(zero, searched(), 1)
	for i := range 50 {
		ticket := b.Sent(after(float64(i)), probe(i, 1, float64(i)))
		b.Done(&record.Request{Scenario: "load", Stage: 1 + i, Start: 1, End: 2}, tokens(1), ticket)
	}
	for i := range 50 {
		s := b.stage(1 + i)
		if s == nil || !s.began.Equal(after(float64(i))) || s.figures.requests != 1 || *s.Rate != 1 {
			t.Fatalf("probe %d: %+v", i, s)
		}
	}
	if d := b.Take(after(49)).Into; d != 0 {
		t.Errorf("%v into the last probe, want %v", d, time.Duration(0))
	}
}
