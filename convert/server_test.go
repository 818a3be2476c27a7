package convert

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// servedLines returns a run with requests at seconds 10 and 12 that take two seconds each, and samples of a server's
// page.
func servedLines(samples ...*record.Server) []record.Line {
	lines := []record.Line{&record.Run{
		Schema: record.Schema, ID: "r", Segment: "0:1", Versions: map[string]string{},
		Scenarios: []record.Scenario{{Name: "s", Executor: "shared-iterations",
			Stages: []record.Stage{{Index: 0}, {Index: 1}}}},
	}}
	for _, s := range samples {
		lines = append(lines, s)
	}
	for i := range int64(2) {
		start := (10 + 2*i) * second
		lines = append(lines, &record.Request{
			ID: "q", Scenario: "s", Index: i, Stage: int(i), Start: start, End: start + 2*second - 1, Streaming: true,
			Chunks: []int64{500_000, 1_000_000},
			Usage:  json.RawMessage(`{"prompt_tokens":7,"completion_tokens":3}`),
		})
	}
	return append(lines, &record.End{Status: "finished"})
}

// at returns a sample of a page, at the given second of the run.
func at(seconds float64, source string, values ...any) *record.Server {
	s := &record.Server{Time: int64(seconds * 1e9), Source: source, Engine: "vllm", Values: map[string]float64{}}
	for i := 0; i < len(values); i += 2 {
		name, _ := values[i].(string)
		value, _ := values[i+1].(float64)
		s.Values[name] = value
	}
	return s
}

func served(t *testing.T, samples ...*record.Server) *Report {
	t.Helper()
	return NewReport(mustRead(t, asRecords(t, servedLines(samples...))), Options{})
}

// asJSON writes whole numbers without a point.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(".0,", ",", ".0}", "}").Replace(string(text))
}

// sampled returns a sample with counters: answered requests, and tokens in proportion.
func sampled(seconds, running, requests float64) *record.Server {
	return at(seconds, "a", record.ServerRunning, running, record.ServerWaiting, 2*running, record.ServerRequests,
		100+requests, record.ServerPromptTokens, 7*requests,
		record.ServerGenerationTokens, 3*requests, record.ServerTTFTSum, 0.4*requests, record.ServerTTFTCount, requests)
}

func TestServerOfTheRunAndOfStages(t *testing.T) {
	t.Parallel()
	r := served(t, sampled(8, 9, 0), sampled(9, 9, 0), sampled(11, 1, 0), sampled(13, 2, 1), sampled(15, 9, 2),
		sampled(16, 9, 2))
	got := r.Summary.Additions.Server
	if want := `{"mean":1.5,"max":2}`; asJSON(t, got.Running) != want || got.Samples != 2 || got.Waiting.Max != 4 ||
		got.KVCache != nil || got.GPUs != nil {
		t.Errorf("got %s, want running %s of 2 samples within", asJSON(t, got), want)
	}
	c := got.Counts
	if c.From != -1 || c.To != 5 {
		t.Errorf("from %v to %v, want the samples around: -1 and 5", c.From, c.To)
	}
	for what, pair := range map[string][2]string{
		"requests":          {asJSON(t, c.Requests), `{"server":2,"client":2,"difference":0}`},
		"prompt tokens":     {asJSON(t, c.Prompt), `{"server":14,"client":14,"difference":0}`},
		"generation tokens": {asJSON(t, c.Generated), `{"server":6,"client":6,"difference":0}`},
		"sources":           {asJSON(t, got.Sources), `[{"url":"a","engine":"vllm"}]`},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %s, want %s", what, pair[0], pair[1])
		}
	}
	if c.TTFT.Server != 0.4 || *c.TTFT.Client != 0.5 || *c.TTFT.Difference > -0.09 || c.Preemptions != nil ||
		c.PrefixHits != nil {
		t.Errorf("got %s", asJSON(t, c))
	}
	first := r.Stages[0].Additions.Server
	if first.Samples != 1 || first.Counts.From != -1 || first.Counts.To != 3 ||
		asJSON(t, first.Counts.Requests) != `{"server":1,"client":1,"difference":0}` {
		t.Errorf("stage 0: got %s", asJSON(t, first))
	}
}

// With two replicas, and devices on a page of their own, some figures are added up and others are averaged.
func TestServerOfSeveralPages(t *testing.T) {
	t.Parallel()
	var samples []*record.Server
	for _, seconds := range []float64{9, 11, 13, 15} {
		samples = append(samples,
			at(seconds, "a", record.ServerRunning, seconds, record.ServerKVCacheUsage, 0.5, record.ServerRequests,
				seconds, record.ServerPrefixCacheHits, seconds, record.ServerPrefixCacheQueries, 2*seconds),
			at(seconds+0.1, "b", record.ServerRunning, 1.0, record.ServerKVCacheUsage, 0.25, record.ServerRequests,
				2*seconds, record.ServerPreemptions, 3.0),
			at(seconds+0.2, "c", record.ServerGPUs, 2.0, record.ServerGPUUtilization, 0.5, record.ServerGPUTemperature,
				50.0, record.ServerGPUEnergy, 100*seconds))
	}
	samples[len(samples)-1].Failed = 2
	got := served(t, samples...).Summary.Additions.Server
	if asJSON(t, got.Running) != `{"mean":13,"max":14}` || asJSON(t, got.KVCache) != `{"mean":0.375,"max":0.375}` ||
		got.Samples != 6 || got.Failed != 2 {
		t.Errorf("got %s", asJSON(t, got))
	}
	if c := got.Counts; c.Requests.Server != 18 || *c.PrefixHits != 0.5 || *c.Preemptions != 0 || c.TTFT != nil ||
		c.Prompt != nil {
		t.Errorf("got %s", asJSON(t, c))
	}
	if d := got.GPUs; d.Devices != 2 || *d.Energy != 600 || d.Utilization.Mean != 0.5 || d.Temperature.Max != 50 ||
		d.Power != nil {
		t.Errorf("got %s", asJSON(t, d))
	}
}

func TestServerWithoutMuch(t *testing.T) {
	t.Parallel()
	dead := at(15, "a")
	dead.Failed = 6
	for name, tt := range map[string]struct {
		samples []*record.Server
		want    string
	}{
		"none": {nil, `null`},
		"a page that never answered": {[]*record.Server{dead},
			`{"sources":[],"failed_scrapes":6,"restarts":0,"samples":0,"running":null,"waiting":null,"kv_cache_usage":null,"counts":null,"accelerators":null}`},
		"one sample, before": {[]*record.Server{at(9, "a", record.ServerRunning, 1.0)},
			`{"sources":[{"url":"a","engine":"vllm"}],"failed_scrapes":0,"restarts":0,"samples":0,"running":null,"waiting":null,"kv_cache_usage":null,"counts":null,"accelerators":null}`},
		"a server that began anew": {[]*record.Server{at(9, "a", record.ServerRequests, 5.0),
			at(15, "a", record.ServerRequests, 1.0)},
			`{"sources":[{"url":"a","engine":"vllm"}],"failed_scrapes":0,"restarts":1,"samples":0,"running":null,"waiting":null,"kv_cache_usage":null,"counts":{"from_seconds":-1,"to_seconds":5,"requests":null,"prompt_tokens":null,"generation_tokens":null,"time_to_first_token_mean":null,"preemptions":null,"prefix_cache_hit_share":null},"accelerators":null}`},
		"a counter from its first on": {[]*record.Server{at(9, "a", record.ServerRunning, 0.0),
			at(15, "a", record.ServerRequests, 1.0)},
			`{"sources":[{"url":"a","engine":"vllm"}],"failed_scrapes":0,"restarts":0,"samples":0,"running":null,"waiting":null,"kv_cache_usage":null,"counts":{"from_seconds":-1,"to_seconds":5,"requests":{"server":1,"client":2,"difference":-1},"prompt_tokens":null,"generation_tokens":null,"time_to_first_token_mean":null,"preemptions":null,"prefix_cache_hit_share":null},"accelerators":null}`},
	} {
		if got := asJSON(t, served(t, tt.samples...).Summary.Additions.Server); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

// A server that was restarted between any two samples is noticed, even if it has counted more since than before.
// Counters of the other pages stay, as do figures that no page with a restart has.
func TestServerStartedAgain(t *testing.T) {
	t.Parallel()
	tokens := func(seconds, n float64) *record.Server {
		return at(seconds, "a", record.ServerRunning, 1.0, record.ServerGenerationTokens, n)
	}
	for name, tt := range map[string]struct {
		samples  []*record.Server
		restarts int
		want     string // generation tokens
	}{
		"never": {[]*record.Server{tokens(9, 0), tokens(11, 0), tokens(12, 240), tokens(15, 990)}, 0,
			`{"server":990,"client":6,"difference":984}`},
		"in between": {[]*record.Server{tokens(9, 0), tokens(11, 240), tokens(12, 30), tokens(15, 990)}, 1,
			`null`},
		"twice": {[]*record.Server{tokens(9, 5), tokens(11, 2), tokens(12, 30), tokens(15, 29)}, 2,
			`null`},
		"no counter at first": {[]*record.Server{tokens(9, 0), tokens(11, 240),
			at(12, "a", record.ServerRunning, 0.0), tokens(15, 990)}, 1, `null`},
		"no counter at the end": {[]*record.Server{tokens(9, 10), tokens(11, 240),
			at(15, "a", record.ServerRunning, 0.0)}, 1, `null`},
		"a page that failed": {[]*record.Server{tokens(9, 0), tokens(11, 240), at(12, "a"), tokens(15, 990)}, 0,
			`{"server":990,"client":6,"difference":984}`},
		"before the run": {[]*record.Server{tokens(7, 50), tokens(9, 0), tokens(15, 6)}, 0,
			`{"server":6,"client":6,"difference":0}`},
		"after the run": {[]*record.Server{tokens(9, 0), tokens(15, 6), tokens(16, 0)}, 0,
			`{"server":6,"client":6,"difference":0}`},
		"another counter fell": {[]*record.Server{
			at(9, "a", record.ServerRequests, 5.0, record.ServerGenerationTokens, 0.0),
			at(11, "a", record.ServerRequests, 1.0, record.ServerGenerationTokens, 4.0),
			at(15, "a", record.ServerRequests, 6.0, record.ServerGenerationTokens, 9.0),
		}, 1, `null`},
		"another start, at no lower counts": {[]*record.Server{
			at(9, "a", record.ServerProcessStart, 1000.0, record.ServerGenerationTokens, 4.0), at(11, "a"),
			at(15, "a", record.ServerProcessStart, 1010.5, record.ServerGenerationTokens, 4.0),
		}, 1, `null`},
		"another start, and more than before": {[]*record.Server{
			at(9, "a", record.ServerProcessStart, 1000.0, record.ServerGenerationTokens, 4.0),
			at(15, "a", record.ServerProcessStart, 1010.5, record.ServerGenerationTokens, 9.0),
		}, 1, `null`},
		"a start that is worked out anew": {[]*record.Server{
			at(9, "a", record.ServerProcessStart, 1000.0, record.ServerGenerationTokens, 4.0),
			at(12, "a", record.ServerGenerationTokens, 5.0), at(15, "a", record.ServerProcessStart, 1000.01,
				record.ServerGenerationTokens, 10.0),
		}, 0, `{"server":6,"client":6,"difference":0}`},
		"a page of devices beside": {[]*record.Server{
			tokens(9, 0), at(9.1, "b", record.ServerGPUEnergy, 50.0), tokens(11, 4),
			at(11.1, "b", record.ServerGPUEnergy, 10.0), tokens(15, 6), at(15.1, "b", record.ServerGPUEnergy, 60.0),
		}, 1, `{"server":6,"client":6,"difference":0}`},
	} {
		added := served(t, tt.samples...).Summary.Additions
		if got := asJSON(t, added.Server.Counts.Generated); got != tt.want || added.Server.Restarts != tt.restarts {
			t.Errorf("%s: got %s and %d restarts, want %s and %d", name, got, added.Server.Restarts, tt.want,
				tt.restarts)
		}
		warned := slices.ContainsFunc(added.Warnings, func(w string) bool {
			return strings.Contains(w, "it was started again")
		})
		if warned != (tt.restarts > 0) {
			t.Errorf("%s: warnings %q", name, added.Warnings)
		}
	}
}

// Requests that the server gave up and the client did not are those of others, such as a gateway's retries.
func TestServerGaveUpRequestsOfOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		given float64
		want  string
	}{
		{0, ""}, {1, "the server gave up 1 request beside this run's failures"},
		{6, "the server gave up 6 requests beside this run's failures"},
	} {
		report := served(t, at(9, "a", record.ServerRequests, 5.0), at(15, "a", record.ServerRequests, 7.0,
			record.ServerGivenUp, tt.given))
		warnings := strings.Join(report.Summary.Additions.Warnings, "\n")
		if got := strings.Contains(warnings, "gave up"); got != (tt.want != "") ||
			!strings.Contains(warnings, tt.want) {
			t.Errorf("%v given up: got %q, want %q", tt.given, warnings, tt.want)
		}
	}
}

// If two instances read a page, their clocks may differ: a later reading may bear an earlier instant.
func TestServerReadByTwoInstances(t *testing.T) {
	t.Parallel()
	lines := servedLines(sampled(9, 1, 0), sampled(11, 1, 1), sampled(15, 1, 2))
	other := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Instance: "b", Segment: "0:1",
		Versions: map[string]string{}, Scenarios: lines[0].(*record.Run).Scenarios}}
	other = append(other, sampled(9.5, 1, 0), sampled(11.5, 1, 0), sampled(14.5, 1, 2), &record.End{Status: "finished"})
	run, err := run.Read(run.Options{Force: true}, run.Source{Name: "a", Reader: bytes.NewReader(asRecords(t, lines))},
		run.Source{Name: "b", Reader: bytes.NewReader(asRecords(t, other))})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarize(run, Options{}).Additions.Server
	if want := `{"server":2,"client":2,"difference":0}`; s.Restarts != 0 || asJSON(t, s.Counts.Requests) != want {
		t.Errorf("got %d restarts and %s, want %s", s.Restarts, asJSON(t, s.Counts.Requests), want)
	}
}

// An engine's first token is the first of any kind, so it is compared with the client's first output of any kind.
func TestServerTTFTIsOfAnyOutput(t *testing.T) {
	t.Parallel()
	lines := servedLines(sampled(9, 1, 0), sampled(15, 1, 2))
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok {
			q.Reasoning = []int64{400_000}
		}
	}
	got := Summarize(mustRead(t, asRecords(t, lines)), Options{}).Additions.Server.Counts.TTFT
	if want := `{"server":0.4,"client":0.4,"difference":0}`; asJSON(t, got) != want {
		t.Errorf("got %s, want %s", asJSON(t, got), want)
	}
}

// The server counts requests that the report leaves out, so there is nothing to compare.
func TestServerOfAWindow(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, servedLines(sampled(9, 1, 0), sampled(15, 1, 2))))
	r.LeaveOut(run.Cut{Stages: []int{1}})
	counts := Summarize(r, Options{}).Additions.Server.Counts
	if got := asJSON(t, counts.Requests); got != `{"server":2,"client":null,"difference":null}` {
		t.Errorf("got %s", got)
	}
}

func TestSchemaOfTheServersPage(t *testing.T) {
	t.Parallel()
	samples := []*record.Server{sampled(9, 1, 0), sampled(11, 1, 0), sampled(15, 1, 2)}
	for _, s := range samples {
		for _, name := range []string{
			record.ServerKVCacheUsage, record.ServerPreemptions, record.ServerPrefixCacheQueries,
			record.ServerPrefixCacheHits, record.ServerGPUs, record.ServerGPUUtilization,
			record.ServerGPUMemory, record.ServerGPUPower, record.ServerGPUEnergy, record.ServerGPUTemperature,
			record.ServerGPUClock,
		} {
			s.Values[name] = float64(s.Time / second)
		}
	}
	whole := []byte(asJSON(t, served(t, samples...).Summary))
	s := loadSchema(t, "report")
	if err := s.Validate(whole); err != nil {
		t.Error(err)
	}
	if bytes.Contains(whole[bytes.Index(whole, []byte(`"server":{`)):bytes.Index(whole, []byte(`"definitions"`))],
		[]byte("null")) {
		t.Errorf("not everything is known: %s", whole)
	}
	more := loose
	more.Optional = append(more.Optional[:len(more.Optional):len(more.Optional)], "/xk6_llm/server",
		"/xk6_llm/timeline", "/xk6_llm/timeline/server_*")
	if accepted, err := s.Accepted(whole, more); err != nil || len(accepted) > 0 {
		t.Errorf("accepted %q, %v", accepted, err)
	}
}
