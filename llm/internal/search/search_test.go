package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// server is a scripted server: what becomes of a probe.
type server func(s *Search, p Probe) record.SearchProbe

// up is a server that carries loads below an edge, for certain. Its p99 TTFT is 300 ms at the edge.
func up(edge float64) server {
	return func(s *Search, p Probe) record.SearchProbe { return probe(s, p.Value < edge, true, p.Value/edge) }
}

// probe makes the outcome of a probe that is the same for all tiers. ttft is in parts of 300 ms.
func probe(s *Search, pass, certain bool, ttft float64) record.SearchProbe {
	out := record.SearchProbe{Stage: len(s.known.probes), Certain: certain, Requests: 600, Seconds: 30, Verdict: valid,
		Tiers: map[string]string{}}
	for _, t := range s.o.Tiers {
		judge(&out, t, pass, certain, 0.3*ttft)
	}
	out.Outcome = out.Tiers[s.o.Tiers[0].Name]
	return out
}

// judge sets the outcome of a tier.
func judge(out *record.SearchProbe, t Tier, pass, certain bool, ttft float64) {
	outcome, off := Fail, -0.1
	if pass {
		outcome, off = Pass, 0.001
	}
	out.Tiers[t.Name] = outcome
	for _, o := range t.SLO {
		out.Shares = append(out.Shares, record.SearchShare{Objective: o.String(), Needed: needed(o),
			Share: new(needed(o) + off), Outcome: outcome, Certain: certain, Latency: new(ttft)})
	}
}

// unstable makes an outcome one of a server that is overloaded.
func unstable(out record.SearchProbe) record.SearchProbe {
	out.Unstable = true
	return out
}

// unanswered makes an outcome one of a server that answers nothing.
func unanswered(out record.SearchProbe) record.SearchProbe {
	out.Requests, out.Failed = 60, 60
	for i := range out.Shares {
		out.Shares[i].Share, out.Shares[i].Latency = new(float64(0)), nil
	}
	return out
}

// refused makes an outcome one of a client that did not keep up.
func refused(out record.SearchProbe) record.SearchProbe {
	out.Verdict, out.Reasons = "INVALID", []string{"requests were sent late"}
	return out
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

// tried writes the probes of a search: 1+ 2+ 4- in doubling, [3-] in bisection, (2+) held, and 4? refused.
func tried(line *record.Search) string {
	var list []string
	for _, p := range line.Probes {
		sign := map[string]string{Pass: "+", Fail: "-", Refused: "?"}[p.Outcome]
		form := map[string]string{Doubling: "%v%s", Bisection: "[%v%s]", Hold: "(%v%s)"}[p.Phase]
		list = append(list, fmt.Sprintf(form, p.Value, sign))
	}
	return strings.Join(list, " ")
}

// within returns options with loads from min to max; 0 stands for none.
func within(least, most float64) arrival.SearchOptions {
	o := options()
	o.Min, o.Max = null.NewFloat(least, least > 0), null.NewFloat(most, most > 0)
	return o
}

// concurrency makes options those of a search over a concurrency.
func concurrency(o arrival.SearchOptions) arrival.SearchOptions {
	o.Over = null.StringFrom(Concurrency)
	return o
}

func resolution(r float64) arrival.SearchOptions {
	o := options()
	o.Resolution = null.FloatFrom(r)
	return o
}

func probes(n int64) arrival.SearchOptions {
	o := options()
	o.MaxProbes = null.IntFrom(n)
	return o
}

func TestSearch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		given                      arrival.SearchOptions
		serve                      server
		tried, stop, text, because string
	}{
		"normal": {options(), up(15.7), "1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)", Converged,
			"holds at 15.3/s (p99 TTFT 292 ms, 600 requests), breaks at 16/s (306 ms)",
			"the edge lies between 15.3/s and 16/s; certain (95 %): between 15.3/s and 16/s"},
		"below 1/s": {options(), up(0.3), "1- 0.5- 0.25+ [0.354-] [0.297+] [0.324-] [0.31-] (0.297+)", Converged,
			"holds at 0.297/s (p99 TTFT 297 ms, 600 requests), breaks at 0.31/s (310 ms)",
			"the edge lies between 0.297/s and 0.31/s; certain (95 %): between 0.297/s and 0.31/s"},
		"no capacity": {options(), func(s *Search, p Probe) record.SearchProbe {
			return unstable(probe(s, false, true, 40))
		}, "1- 0.5- 0.25- 0.125- 0.0625- 0.0312- 0.0156-", MinFails,
			"breaks already at 0.0156/s (requests in flight grow without bound)",
			"0.0156/s, the lowest load that was tried, breaks the SLO already: requests in flight grow without bound"},
		"more than max": {within(0, 10), up(15.7), "1+ 2+ 4+ 8+ 10+ (10+)", MaxReached,
			"holds at all tried loads, up to 10/s (p99 TTFT 191 ms, 600 requests)",
			"10/s, the highest load to try, keeps the SLO; certain (95 %): above 10/s"},
		"max below 1": {within(0, 0.5), up(1), "0.5+ (0.5+)", MaxReached,
			"holds at all tried loads, up to 0.5/s (p99 TTFT 150 ms, 600 requests)",
			"0.5/s, the highest load to try, keeps the SLO; certain (95 %): above 0.5/s"},
		"min fails": {within(20, 0), func(s *Search, p Probe) record.SearchProbe {
			return unstable(probe(s, false, true, 2))
		}, "20-", MinFails, "breaks already at 20/s (requests in flight grow without bound)",
			"20/s, the lowest load that was tried, breaks the SLO already: requests in flight grow without bound"},
		"min fails with failures": {within(20, 0), func(s *Search, p Probe) record.SearchProbe {
			out := probe(s, false, true, 2)
			out.Failed, out.Shares[0].Latency = 60, nil
			return out
		}, "20-", MinFails, "breaks already at 20/s (10 % failed, 600 requests)",
			"20/s, the lowest load that was tried, breaks the SLO already: 89 % of 600 requests keep " +
				"p99(ttft)<300ms, 99 % have to"},
		"min fails by latency": {within(20, 0), up(15.7), "20- 40- 80-", MinFails,
			"breaks already at 20/s (p99 TTFT 382 ms, 600 requests)",
			"20/s, the lowest load that was tried, breaks the SLO already: 89 % of 600 requests keep " +
				"p99(ttft)<300ms, 99 % have to"},
		"concurrency": {concurrency(options()), up(12.5), "1+ 2+ 4+ 8+ 16- [11+] [13-] [12+] (12+)", Converged,
			"holds at 12 at a time (p99 TTFT 288 ms, 600 requests), breaks at 13 at a time (312 ms)",
			"the edge lies between 12 at a time and 13 at a time; certain (95 %): between 12 at a time and 13 at a " +
				"time"},
		"concurrency of 1": {concurrency(options()), up(1.5), "1+ 2- (1+)", Converged,
			"holds at 1 at a time (p99 TTFT 200 ms, 600 requests), breaks at 2 at a time (400 ms)",
			"the edge lies between 1 at a time and 2 at a time; certain (95 %): between 1 at a time and 2 at a time"},
		"no concurrency": {concurrency(options()), up(0.5), "1- 2- 4-", MinFails,
			"breaks already at 1 at a time (p99 TTFT 600 ms, 600 requests)",
			"1 at a time, the lowest load that was tried, breaks the SLO already: 89 % of 600 requests keep " +
				"p99(ttft)<300ms, 99 % have to"},
		"resolution 1 %": {resolution(0.01), up(15.7), "1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] [15.6+] " +
			"[15.8-] [15.7-] (15.6+)", Converged,
			"holds at 15.6/s (p99 TTFT 298 ms, 600 requests), breaks at 15.7/s (300 ms)",
			"the edge lies between 15.6/s and 15.7/s; certain (95 %): between 15.6/s and 15.7/s"},
		"resolution 0.1 %": {resolution(0.001), up(1.05), "1+ 2- [1.41-] [1.19-] [1.09-] [1.04+] [1.06-] [1.05-] " +
			"[1.045+] [1.047+] [1.048+] [1.049+] (1.049+)", Converged,
			"holds at 1.049/s (p99 TTFT 300 ms, 600 requests), breaks at 1.05/s (300 ms)",
			"the edge lies between 1.049/s and 1.05/s; certain (95 %): between 1.049/s and 1.05/s"},
		"probes exhausted": {probes(6), up(15.7), "1+ 2+ 4+ 8+ 16- [11.3+]", ProbesExhausted,
			"holds at 11.3/s (p99 TTFT 216 ms, 600 requests), breaks at 16/s (306 ms)",
			"6 probes did not suffice: the edge lies between 11.3/s and 16/s; certain (95 %): between 11.3/s and " +
				"16/s; set a higher maxProbes or resolution"},
		"probes exhausted in doubling": {probes(3), up(15.7), "1+ 2+ 4+", ProbesExhausted,
			"holds at all tried loads, up to 4/s (p99 TTFT 76.4 ms, 600 requests)",
			"3 probes did not suffice: no load up to 4/s fails; certain (95 %): above 4/s; set a higher " +
				"maxProbes or resolution"},
	} {
		line := run(t, tt.given, tt.serve)
		if got := tried(line); got != tt.tried || line.StopReason != tt.stop {
			t.Errorf("%s: got %s and %s, want %s and %s", name, got, line.StopReason, tt.tried, tt.stop)
		}
		if line.Text != tt.text || line.Reason != tt.because {
			t.Errorf("%s: got %q,\n%q,\nwant %q,\n%q", name, line.Text, line.Reason, tt.text, tt.because)
		}
		if len(line.Tiers) != 1 || line.Tiers[0].Text != line.Text || line.Tiers[0].StopReason != line.StopReason {
			t.Errorf("%s: got tiers %+v", name, line.Tiers)
		}
	}
}

// After a wrong estimate in doubling the edge is looked for on the other side.
func TestWrongEstimates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edge        float64
		wrong       map[string]bool // outcomes other than those of the edge, by load and phase
		tried, text string
	}{
		"a pass in doubling": {15.7, map[string]bool{"16 doubling": true},
			"1+ 2+ 4+ 8+ 16+ 32- [22.6-] [19-] [16-] [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)",
			"holds at 15.3/s (p99 TTFT 292 ms, 600 requests), breaks at 16/s (306 ms)"},
		"a pass that the hold takes back": {15.2, map[string]bool{"15.3 bisection": true},
			"1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] [16-] (15.3-) (14.6+)",
			"holds at 14.6/s (p99 TTFT 288 ms, 600 requests), breaks at 15.3/s (302 ms)"},
		"a failure of a short probe": {15.7, map[string]bool{"8 doubling": false},
			"1+ 2+ 4+ 8- [5.66+] [6.73+] [7.34+] [7.66+] [8+] 16- [11.3+] [13.4+] [14.6+] [15.3+] [16-] (15.3+)",
			"holds at 15.3/s (p99 TTFT 292 ms, 600 requests), breaks at 16/s (306 ms)"},
	} {
		line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
			pass, wrong := tt.wrong[fmt.Sprint(p.Value, " ", p.Phase)]
			if !wrong {
				pass = p.Value < tt.edge
			}
			far := math.Abs(math.Log(p.Value/tt.edge)) > 1
			return probe(s, pass, far, p.Value/tt.edge)
		})
		if got := tried(line); got != tt.tried || line.Text != tt.text || line.StopReason != Converged {
			t.Errorf("%s: got %s\n%s (%s)\nwant %s\n%s", name, got, line.Text, line.StopReason, tt.tried, tt.text)
		}
	}
}

// What is not certain is in no interval, and the reason says what would make it so.
func TestInterval(t *testing.T) {
	t.Parallel()
	line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
		out := probe(s, p.Value < 0.6, p.Value > 0.9, p.Value/0.6)
		out.Requests = 30
		return out
	})
	if line.Interval[0] != nil || line.Interval[1] == nil || *line.Interval[1] != 1 {
		t.Errorf("got %v, want nothing up to 1", line.Interval)
	}
	const want = "the edge lies between 0.595/s and 0.621/s; certain (95 %): below 1/s; for more, let a " +
		"probe take 25m (option probe, --duration)"
	if line.Reason != want {
		t.Errorf("got %q, want %q", line.Reason, want)
	}
}

// Probes that are not certain alone are so together. Where the first of them that is not comes, the interval ends.
func TestIntervalOfSeveralProbes(t *testing.T) {
	t.Parallel()
	shares := map[float64]float64{1: 1, 2: 1, 4: 1, 8: 1, 16: 0.96, 11.3: 1, 13.4: 0.995, 14.6: 0.98, 14: 0.997}
	line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
		out := probe(s, shares[p.Value] >= 0.99, false, 0.3)
		out.Shares[0].Share, out.Shares[0].Effective = new(shares[p.Value]), 300
		if p.Phase == Doubling && p.Value < 16 {
			out.Shares[0].Effective = 10
		}
		return out
	})
	if line.HighestPassing == nil || *line.HighestPassing != 14 {
		t.Fatalf("got %s, want 14/s", tried(line))
	}
	low, high := line.Interval[0], line.Interval[1]
	if low == nil || *low != 11.3 || high == nil || *high != 16 {
		t.Errorf("got %v to %v after %s, want 11.3 to 16", show(low), show(high), tried(line))
	}
}

func show(v *float64) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(*v)
}

// Where probes are long enough to be certain, the interval gets its ends.
func TestLoadsAroundTheAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sure        func(value float64) bool
		low, high   float64
		tried, rest string
	}{
		"certain everywhere": {func(v float64) bool { return true }, 0, 0, "(15.3+)",
			"certain (95 %): between 15.3/s and 16/s"},
		"certain a fifth from the edge": {func(v float64) bool { return v < 12.5 || v > 18 }, 0, 0,
			"[16-] (15.3+) (16-) (18.4-)", "certain (95 %): between 11.3/s and 18.4/s"},
		"certain far from the edge": {func(v float64) bool { return v < 4 || v > 20 }, 0, 0,
			"[16-] (15.3+) (16-) (12.2+) (9.56+) (18.4-) (23-)", "certain (95 %): between 2/s and 23/s"},
		"without probe": {func(v float64) bool { return v < 12.5 || v > 18 }, 0, 0, "[16-] (15.3+)",
			"certain (95 %): above 11.3/s"},
		"within bounds": {func(v float64) bool { return false }, 10, 17,
			"10+ 17- [13+] [14.9+] [15.9-] [15.4+] (15.4+) (15.9-) (12.3+)", "certain (95 %): nothing"},
	} {
		given := within(tt.low, tt.high)
		if name != "without probe" {
			given.Probe = types.NullDurationFrom(10 * time.Minute)
		}
		line := run(t, given, func(s *Search, p Probe) record.SearchProbe {
			return probe(s, p.Value < 15.7, tt.sure(p.Value), p.Value/15.7)
		})
		if got := tried(line); !strings.HasSuffix(got, tt.tried) || !strings.Contains(line.Reason, tt.rest) {
			t.Errorf("%s: got %s, %s\nwant %s, %s", name, got, line.Reason, tt.tried, tt.rest)
		}
	}
}

func TestTiersShareProbes(t *testing.T) {
	t.Parallel()
	edges := map[string]float64{"chat": 5.1, "batch": 15.7, "any": 1e9}
	serve := func(s *Search, p Probe) record.SearchProbe {
		out := probe(s, true, true, 1)
		out.Shares = nil
		for _, t := range s.o.Tiers {
			judge(&out, t, p.Value < edges[t.Name], true, 0.3*p.Value/edges[t.Name])
		}
		out.Outcome = out.Tiers[s.o.Tiers[0].Name]
		return out
	}
	tiers := []arrival.SearchTier{{Name: "chat", SLO: "p99(ttft)<100ms"}, {Name: "batch", SLO: "p95(ttft)<1s"},
		{Name: "any", SLO: "failures<50%"}}
	given := arrival.SearchOptions{Max: null.FloatFrom(40)}
	apart := 0
	for i := range tiers {
		given.Tiers = tiers[i : i+1]
		apart += len(run(t, given, serve).Probes)
	}
	given.Tiers = tiers
	line := run(t, given, serve)
	if got, want := tried(line), "1+ 2+ 4+ 8- [5.66-] [4.76+] [5.19-] [4.97+] 16- [11.3-] [13.4-] [14.6-] [15.3-] "+
		"32- 40- (40-) (15.3-) (4.97+)"; got != want || len(line.Probes) >= apart {
		t.Errorf("got %s, want %s, less than %d probes", got, want, apart)
	}
	for i, want := range []struct{ text, stop string }{
		{"holds at 4.97/s (p99 TTFT 292 ms, 600 requests), breaks at 5.19/s (305 ms)", Converged},
		{"holds at 15.3/s (p95 TTFT 292 ms, 600 requests), breaks at 16/s (306 ms)", Converged},
		{"holds at all tried loads, up to 40/s (49.9 % failed, 600 requests)", MaxReached},
	} {
		if tier := line.Tiers[i]; tier.Text != want.text || tier.StopReason != want.stop {
			t.Errorf("got %q, %s, want %q, %s", tier.Text, tier.StopReason, want.text, want.stop)
		}
	}
	if line.StopReason != Converged || line.Text != line.Tiers[0].Text {
		t.Errorf("got %s, %q, want those of the first tier", line.StopReason, line.Text)
	}
}

// A server that fills batches may be too slow at low loads.
func TestLatencyFallsWithLoad(t *testing.T) {
	t.Parallel()
	batches := func(s *Search, p Probe) record.SearchProbe {
		return probe(s, p.Value > 3 && p.Value < 15.7, true, 1)
	}
	for _, tt := range []struct {
		given       arrival.SearchOptions
		tried, text string
	}{
		{within(1, 0), "1- 2- 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)", "holds at 15.3/s"},
		{concurrency(options()), "1- 2- 4+ 8+ 16- [11+] [13+] [14+] [15+] (15+)", "holds at 15 at a time"},
		{options(), "1- 0.5- 0.25- 0.125- 0.0625- 0.0312- 0.0156- 2- 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)",
			"holds at 15.3/s"},
		{within(1, 1.5), "1- 1.5-", "breaks already at 1/s"},
	} {
		line := run(t, tt.given, batches)
		if got := tried(line); got != tt.tried || !strings.HasPrefix(line.Text, tt.text) {
			t.Errorf("got %s, %s\nwant %s, %s", got, line.Text, tt.tried, tt.text)
		}
		found := line.HighestPassing != nil
		if line.NonMonotone != found || found && *line.Interval[0] > *line.Interval[1] {
			t.Errorf("%s: got non-monotone %t and %v", line.Text, line.NonMonotone, line.Interval)
		}
	}
}

// No load makes a server quick enough whose every answer is too slow.
func TestHopelessSLO(t *testing.T) {
	t.Parallel()
	line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
		out := probe(s, false, true, 10)
		out.Shares[0].Share = new(float64(0))
		return out
	})
	const want = "breaks already at 0.5/s (p99 TTFT 3,000 ms, 600 requests)"
	if got := tried(line); got != "1- 0.5- 2- 4-" || line.StopReason != MinFails || line.Text != want {
		t.Errorf("got %s, %s, %s", got, line.StopReason, line.Text)
	}
}

func TestServerDies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		deadFrom            int // number of the probe
		until               int
		tried, stop, reason string
	}{
		"for good": {4, 100, "1+ 2+ 4+ 8+ 16- 8-", UnstableServer, "the server stopped answering at 16/s: all 60 " +
			"requests failed, and then at 8/s too, which it had carried before"},
		"and comes back": {4, 5, "1+ 2+ 4+ 8+ 16- 8+ [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)", Converged,
			"the edge lies between 15.3/s and 16/s; certain (95 %): between 15.3/s and 16/s"},
		"in the hold": {9, 100, "1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3-) (15.3-)", UnstableServer,
			"the server stopped answering at 15.3/s: all 60 requests failed, and again when the load was repeated"},
		"for a hold": {9, 10, "1+ 2+ 4+ 8+ 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3-) (15.3+)", UnstableServer,
			"the server changed during the search: 15.3/s failed for certain in stage 9, and passed for certain in " +
				"stage 10"},
		"from the start": {0, 100, "1-", MinFails, "none of 60 requests at 1/s was answered"},
	} {
		line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
			if p.Number >= tt.deadFrom && p.Number < tt.until {
				return unanswered(probe(s, false, true, 1))
			}
			return up(15.7)(s, p)
		})
		if got := tried(line); got != tt.tried || line.StopReason != tt.stop || line.Reason != tt.reason {
			t.Errorf("%s: got %s\n%s: %s\nwant %s\n%s: %s", name, got, line.StopReason, line.Reason, tt.tried, tt.stop,
				tt.reason)
		}
	}
}

func TestClientDoesNotKeepUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refuses             func(p Probe) bool
		tried, stop, reason string
	}{
		"once": {func(p Probe) bool { return p.Number == 2 || p.Number == 5 },
			"1+ 2+ 4? 4+ 8+ 16? 16- [11.3+] [13.4+] [14.6+] [15.3+] (15.3+)", Converged,
			"the edge lies between 15.3/s and 16/s; certain (95 %): between 15.3/s and 16/s"},
		"twice": {func(p Probe) bool { return p.Value > 7 }, "1+ 2+ 4+ 8? 8?", ClientLimited,
			"the load generator did not keep up at 8/s, twice in a row: requests were sent late"},
		"now and then": {func(p Probe) bool { return p.Number%2 == 0 },
			"1? 1+ 2? 2+ 4? 4+ 8? 8+ 16? 16- [11.3?] [11.3+] [13.4?] [13.4+] [14.6?] [14.6+] [15.3?] [15.3+] (15.3?) " +
				"(15.3+)",
			Converged, "the edge lies between 15.3/s and 16/s; certain (95 %): between 15.3/s and 16/s"},
	} {
		line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
			if tt.refuses(p) {
				return refused(probe(s, false, true, 5))
			}
			return up(15.7)(s, p)
		})
		if got := tried(line); got != tt.tried || line.StopReason != tt.stop || line.Reason != tt.reason {
			t.Errorf("%s: got %s\n%s: %s\nwant %s\n%s: %s", name, got, line.StopReason, line.Reason, tt.tried, tt.stop,
				tt.reason)
		}
		if line.LowestFailing != nil && *line.LowestFailing != 16 {
			t.Errorf("%s: a refused load counts as failing: %v", name, *line.LowestFailing)
		}
	}
}

func TestClientThatOftenDoesNotKeepUp(t *testing.T) {
	t.Parallel()
	given := resolution(0.001)
	given.MaxProbes = null.IntFrom(8)
	line := run(t, given, func(s *Search, p Probe) record.SearchProbe {
		if p.Number%2 == 0 {
			return refused(probe(s, false, true, 5))
		}
		return up(15.7)(s, p)
	})
	const want = "the load generator did not keep up in 5 of 9 probes: requests were sent late"
	if line.StopReason != ClientLimited || line.Reason != want {
		t.Errorf("got %s: %s, want %s", line.StopReason, line.Reason, want)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	if line := s.Line(); line.Text != "no load was tried" || line.StopReason != "" || line.HighestPassing != nil {
		t.Errorf("got %+v before the first probe", line)
	}
	for range 5 {
		p, _ := s.Next()
		s.Done(p, up(15.7)(s, p))
	}
	if line := s.Line(); line.StopReason != "" || *line.HighestPassing != 8 {
		t.Errorf("got %+v, want a search that goes on", line)
	}
	s.Stop(Interrupted, "stopped by the user")
	s.Stop(Converged, "too late")
	line := s.Line()
	if _, more := s.Next(); more || line.StopReason != Interrupted || line.Reason != "stopped by the user" ||
		line.Tiers[0].StopReason != Interrupted || !strings.HasPrefix(line.Text, "holds at 8/s") {
		t.Errorf("got %+v, want what was known when it was stopped", line)
	}
}

// A probe that was on its way when the search was stopped counts.
func TestDoneAfterStop(t *testing.T) {
	t.Parallel()
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Next()
	s.Stop(Interrupted, "stopped by the user")
	s.Done(p, up(15.7)(s, p))
	if line := s.Line(); line.StopReason != Interrupted || *line.HighestPassing != 1 {
		t.Errorf("got %+v, want the probe in it", line)
	}
}

// One probe of few requests is no cliff if another of the same load shows none.
func TestNoCliffByChance(t *testing.T) {
	t.Parallel()
	line := run(t, options(), func(s *Search, p Probe) record.SearchProbe {
		out := probe(s, p.Value < 15.7, true, p.Value/15.7)
		switch {
		case p.Phase == Hold:
			out.Shares[0].Latency = new(0.1)
		case p.Value < 15.7:
			out.Shares[0].Latency = new(0.25)
		default:
			out.Shares[0].Latency = new(0.4)
		}
		return out
	})
	if line.Cliff || !strings.Contains(line.Text, "holds at 15.3/s (p99 TTFT 100 ms") {
		t.Errorf("got cliff %t, %s", line.Cliff, line.Text)
	}
}

func TestBindingAndCliff(t *testing.T) {
	t.Parallel()
	given := options()
	given.SLO = null.StringFrom("p99(ttft)<300ms, p95(tpot)<50ms, failures<1%")
	for name, tt := range map[string]struct {
		breaks func(*record.SearchProbe)
		text   string
		bind   string
		cliff  bool
	}{
		"latency": {func(p *record.SearchProbe) {
			p.Shares[0].Share, p.Shares[0].Outcome, p.Shares[0].Latency = new(0.98), Fail, new(0.35)
			p.Shares[1].Share, p.Shares[1].Outcome, p.Shares[1].Latency = new(0.80), Fail, new(0.052)
		}, "holds at 15.3/s (p95 TPOT 20.0 ms, 600 requests), breaks at 16/s (52.0 ms)", "p95(tpot)<50ms", false},
		"cliff": {func(p *record.SearchProbe) {
			p.Shares[0].Share, p.Shares[0].Outcome, p.Shares[0].Latency = new(0.5), Fail, new(3.5)
		}, "holds at 15.3/s (p99 TTFT 200 ms, 600 requests), breaks at 16/s (3,500 ms)", "p99(ttft)<300ms", true},
		"failures": {func(p *record.SearchProbe) {
			p.Failed = 120
			p.Shares[0].Share, p.Shares[0].Outcome, p.Shares[0].Latency = new(0.81), Fail, nil
			p.Shares[2].Share, p.Shares[2].Outcome = new(0.8), Fail
		}, "holds at 15.3/s (none failed, 600 requests), breaks at 16/s (20 % failed)", "failures<1%", true},
		"unstable": {func(p *record.SearchProbe) {
			p.Unstable = true
			p.Shares[0].Share, p.Shares[0].Outcome, p.Shares[0].Latency = new(0.9), Fail, new(0.5)
		}, "holds at 15.3/s (p99 TTFT 200 ms, 600 requests), breaks at 16/s (requests in flight grow without bound)",
			"p99(ttft)<300ms", false},
	} {
		line := run(t, given, func(s *Search, p Probe) record.SearchProbe {
			out := probe(s, true, true, 2.0/3)
			out.Shares[1].Latency, out.Shares[2].Latency, out.Shares[2].Share = new(0.02), nil, new(float64(1))
			if p.Value > 15.7 {
				out.Outcome, out.Tiers["slo"] = Fail, Fail
				tt.breaks(&out)
			}
			return out
		})
		if line.Text != tt.text || line.Binding != tt.bind || line.Cliff != tt.cliff {
			t.Errorf("%s: got %q, %s, cliff %t, want %q, %s, %t", name, line.Text, line.Binding, line.Cliff, tt.text,
				tt.bind, tt.cliff)
		}
	}
}

// Random servers with one edge, whose short probes may be wrong near it.
func TestSearchFindsTheEdge(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		src := rand.New(rand.NewPCG(seed, 1))
		edge := math.Exp(math.Log(0.02) + src.Float64()*math.Log(1e6))
		res := []float64{0.01, 0.05, 0.2, 1}[src.IntN(4)]
		given := resolution(res)
		given.MaxProbes = null.IntFrom(100)
		if src.IntN(2) == 0 {
			given.Over, edge = null.StringFrom(Concurrency), edge+1
		}
		line := run(t, given, up(edge))
		if line.StopReason != Converged || line.NonMonotone {
			t.Fatalf("seed %d: edge %v: got %s: %s", seed, edge, line.StopReason, tried(line))
		}
		low, high := *line.HighestPassing, *line.LowestFailing
		near := high/low <= 1+res+1e-9 || given.Over.Valid && high-low == 1
		if !(low < edge && edge <= high) || !near {
			t.Errorf("seed %d: edge %v: got %v to %v", seed, edge, low, high)
		}
		// Doublings to the edge and beyond, halvings of the ratio 2, and the hold. Digits cost one more at times.
		halvings := math.Max(0, math.Ceil(math.Log2(math.Ln2/math.Log1p(res))))
		bound := 2 + math.Ceil(math.Abs(math.Log2(edge))) + halvings + 2
		if n := float64(len(line.Probes)); n > bound {
			t.Errorf("seed %d: edge %v, resolution %v: %v probes, want at most %v: %s", seed, edge, res, n, bound,
				tried(line))
		}
	}
}

// Servers that answer anything at all: the search ends, says why, and repeats no load that is certain.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		src := rand.New(rand.NewPCG(seed, 2))
		given := within(float64(src.IntN(3)), 0)
		if src.IntN(2) == 0 {
			given = concurrency(given)
		}
		certainty := src.Float64()
		tiers := []arrival.SearchTier{{Name: "a", SLO: "p99(ttft)<1s"}, {Name: "b", SLO: "p95(ttft)<1s,failures<1%"}}
		given.SLO, given.Tiers = null.String{}, tiers[:1+src.IntN(2)]
		line := run(t, given, func(s *Search, p Probe) record.SearchProbe {
			out := probe(s, true, true, 1)
			out.Shares = nil
			for _, t := range s.o.Tiers {
				judge(&out, t, src.IntN(2) == 0, src.Float64() < certainty, src.Float64())
			}
			out.Outcome, out.Unstable = out.Tiers["a"], out.Tiers["a"] == Fail && src.IntN(4) == 0
			switch src.IntN(12) {
			case 0:
				return refused(out)
			case 1:
				return unanswered(out)
			case 2:
				out.Shares, out.Tiers, out.Requests = nil, nil, 0
			}
			return out
		})
		if line.StopReason == "" || line.Reason == "" || line.Text == "" {
			t.Errorf("seed %d: got %+v", seed, line)
		}
		if line.HighestPassing != nil && line.LowestFailing != nil && *line.HighestPassing >= *line.LowestFailing {
			t.Errorf("seed %d: got %s: %s", seed, line.Text, tried(line))
		}
		for _, text := range []string{line.Text, line.Reason} {
			if strings.Contains(text, "NaN") || strings.Contains(text, "%!") || strings.Contains(text, "()") {
				t.Errorf("seed %d: got %q", seed, text)
			}
		}
	}
}
