package runtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The SLOs of a search of [SearchLines].
const (
	SearchSLO   = "p99(ttft)<500ms"
	RelaxedSLO  = "p90(ttft)<800ms"
	searchScene = "load"
	transient   = 3 // seconds
	perProbe    = 120
)

// probe is a load of a search and what the search said about it.
type probe struct {
	phase, outcome string
	value          float64
	certain        bool
}

// searchProbes are the probes of a search whose server breaks SearchSLO from 17/s on. The third is refused and
// repeated.
var searchProbes = []probe{
	{phase: "doubling", value: 4, outcome: record.ProbePassed},
	{phase: "doubling", value: 8, outcome: record.ProbePassed, certain: true},
	{phase: "doubling", value: 16, outcome: record.ProbeRefused},
	{phase: "doubling", value: 16, outcome: record.ProbePassed},
	{phase: "doubling", value: 32, outcome: record.ProbeFailed, certain: true},
	{phase: "bisection", value: 22.6, outcome: record.ProbeFailed, certain: true},
	{phase: "bisection", value: 19, outcome: record.ProbeFailed},
	{phase: "bisection", value: 17.4, outcome: record.ProbeFailed},
	{phase: "hold", value: 16.7, outcome: record.ProbePassed, certain: true},
}

// SearchLines returns the run of a search over the rate as it is recorded, with a line of the search after each probe.
// The loads are those of a server whose capacity is scale times 17 requests per second: of each probe's 120 requests
// more are over the bound the higher its load is. Those of the transient, 3 s at the beginning of each probe, are slow.
func SearchLines(scale float64) []record.Line {
	rng := rand.New(rand.NewPCG(3, 4))
	at := 1_700_000_000 * Second
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "search", Instance: "a", Segment: "0:1", Start: at,
			Versions: map[string]string{"k6": "v2.2.0"}, Scenarios: []record.Scenario{
				{Name: searchScene, Executor: record.ExecutorName, Stages: []record.Stage{}}}},
		&record.Client{Simulator: true, Options: map[string]any{"api": "chat"}},
	}
	search := &record.Search{Scenario: searchScene, Over: record.OverRate, Arrival: "poisson", Resolution: 0.05,
		Confidence: 0.95, SearchAnswer: record.SearchAnswer{SLO: SearchSLO}, Tiers: []record.SearchTier{}}
	index := int64(0)
	for stage, p := range searchProbes {
		p.value = math.Round(p.value*scale*100) / 100
		requests, end := probeRequests(rng, p, scale, stage, at, &index)
		for _, r := range requests {
			lines = append(lines, r)
		}
		lines = append(lines, &record.Stage{Index: stage, Rate: new(p.value), Duration: new(float64(end-at) / 1e9),
			Warmup: new(float64(transient)), Start: at, End: end, Status: "completed"})
		search.Probes = append(slices.Clone(search.Probes), searchProbe(stage, p, requests, float64(end-at)/1e9))
		line := *search
		lines = append(lines, &line)
		at = end + 2*Second // until the server is drained
	}
	concludeSearch(search, scale)
	return append(lines, search)
}

// probeRequests returns the requests of a probe that begins at an instant, and the end of its stage.
func probeRequests(rng *rand.Rand, p probe, scale float64, stage int, at int64, index *int64) ([]*record.Request,
	int64) {
	var list []*record.Request
	due, measured := float64(at), 0
	slowest := 60 + 440*math.Pow(p.value/scale/17, 3) // ms until the first chunk
	for measured < perProbe {
		due += rng.ExpFloat64() / p.value * 1e9
		warmup := due < float64(at+transient*Second)
		ttft := slowest * (0.8 + 0.2*rng.Float64())
		late := int64(100_000)
		if p.outcome == record.ProbeRefused {
			late = 300_000_000
		}
		if warmup {
			ttft *= 3
		} else {
			measured++
		}
		start := int64(due) + late
		us := int64(ttft*1000) - late/1000
		r := &record.Request{ID: fmt.Sprintf("s-%d", *index), API: "chat", Model: "m", Streaming: true, Stage: stage,
			Scenario: searchScene, Index: *index, Due: new(int64(due)), Start: start, Warmup: warmup, Status: 200,
			Connected: start + 1, FirstByte: start + us*1000, Chunks: []int64{us, us + 10_000, us + 20_000},
			End: start + (us+20_000)*1000, BytesSent: 100, BytesReceived: 300, FinishReason: "length",
			Usage: []byte(`{"prompt_tokens":10,"completion_tokens":3}`)}
		*index++
		list = append(list, r)
	}
	return list, int64(due)
}

// searchProbe returns what a search says of a probe.
func searchProbe(stage int, p probe, requests []*record.Request, seconds float64) record.SearchProbe {
	out := record.SearchProbe{Stage: stage, Value: p.value, Phase: p.phase, Outcome: p.outcome, Certain: p.certain,
		Binding: SearchSLO, Requests: perProbe, Transient: transient, Seconds: seconds + 2, Verdict: "VALID",
		Reasons: []string{}, Tiers: map[string]string{}}
	if p.outcome == record.ProbeRefused {
		out.Verdict, out.Reasons = "INVALID", []string{"requests were sent late: p99 300.0 ms after they were due"}
	}
	var latencies []float64
	for _, r := range requests {
		if !r.Warmup {
			latencies = append(latencies, float64(r.Start-*r.Due)/1e9+float64(r.Chunks[0])/1e6)
		}
	}
	slices.Sort(latencies)
	out.Shares = []record.SearchShare{shareOf(SearchSLO, 0.99, 0.5, latencies),
		shareOf(RelaxedSLO, 0.9, 0.8, latencies)}
	out.Share, out.Bounds = out.Shares[0].Share, out.Shares[0].Bounds
	for name, s := range map[string]record.SearchShare{"strict": out.Shares[0], "relaxed": out.Shares[1]} {
		out.Tiers[name] = s.Outcome // also of a probe that is refused
	}
	return out
}

// shareOf judges sorted latencies by one bound, with bounds of two standard errors.
func shareOf(objective string, needed, limit float64, latencies []float64) record.SearchShare {
	n, kept := float64(len(latencies)), 0.0
	for _, l := range latencies {
		if l < limit {
			kept++
		}
	}
	share := kept / n
	off := 2*math.Sqrt(share*(1-share)/n) + 1/n
	s := record.SearchShare{Objective: objective, Needed: needed, Share: new(share), Outcome: record.ProbePassed,
		Bounds:  [2]*float64{new(max(0, share-off)), new(min(1, share+off))},
		Latency: new(latencies[int(math.Ceil(needed*n))-1]), Effective: n / 2}
	if share < needed {
		s.Outcome = record.ProbeFailed
	}
	s.Certain = *s.Bounds[0] > needed || *s.Bounds[1] < needed
	return s
}

// concludeSearch sets the answer of a search.
func concludeSearch(s *record.Search, scale float64) {
	load := func(x float64) *float64 { return new(math.Round(x*scale*100) / 100) }
	answer := func(slo string, pass, fail, certain float64) record.SearchAnswer {
		return record.SearchAnswer{SLO: slo, HighestPassing: load(pass), LowestFailing: load(fail),
			Interval: [2]*float64{load(pass), load(certain)}, Binding: slo,
			Text: fmt.Sprintf("holds at %.3g/s, breaks at %.3g/s", *load(pass), *load(fail))}
	}
	s.SearchAnswer = answer(SearchSLO, 16.7, 17.4, 22.6)
	s.Text = fmt.Sprintf("holds at %.3g/s (p99 TTFT 474 ms, 120 requests), breaks at %.3g/s (529 ms)",
		*s.HighestPassing, *s.LowestFailing)
	s.Tiers = []record.SearchTier{
		{Name: "strict", SearchAnswer: s.SearchAnswer, StopReason: "converged"},
		{Name: "relaxed", SearchAnswer: answer(RelaxedSLO, 19, 22.6, 22.6), StopReason: "probes_exhausted"},
	}
	s.StopReason, s.Reason = "converged", "the two loads lie within 5 % of each other"
}
