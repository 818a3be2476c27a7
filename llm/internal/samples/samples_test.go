package samples

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.k6.io/k6/v2/ext"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func register(t *testing.T) (*Metrics, *metrics.TagSet) {
	t.Helper()
	registry := metrics.NewRegistry()
	m, err := Register(&lib.TestPreInitState{
		Registry: registry, BuiltinMetrics: metrics.RegisterBuiltinMetrics(registry),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, registry.RootTagSet()
}

// withJSON is k6's report of its use by a run with --out json.
var withJSON = reportOf{"outputs": []string{"json"}}

// answer returns the record of a request with three tokens that was sent 2 ms late.
func answer() *record.Request {
	return &record.Request{
		ID: "a-1", SessionID: "s-1", Streaming: true, Due: new(int64(1e9 - 2e6)), Start: 1e9, End: 2e9,
		Chunks: []int64{100_000, 200_000, 500_000},
		Usage:  json.RawMessage(`{"prompt_tokens":7,"completion_tokens":3}`),
	}
}

// values formats samples as name=value.
func values(samples []metrics.Sample) []string {
	list := make([]string, len(samples))
	for i, s := range samples {
		list[i] = fmt.Sprintf("%s=%g", s.Metric.Name, s.Value)
	}
	return list
}

func TestSamples(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	failed := answer()
	failed.ErrorType = record.ErrorReset
	good := answer()
	good.Good = new(true)
	unfinished := answer()
	unfinished.ErrorType, unfinished.Good = record.ErrorCanceled, new(false)
	left := answer()
	left.ErrorType, left.Good = record.ErrorAbandoned, new(false)
	warmup := answer()
	warmup.Warmup, warmup.Good = true, new(true)
	empty := &record.Request{Start: 1e9, End: 2e9, Streaming: true}
	for _, tt := range []struct {
		name string
		r    *record.Request
		mode ITLMode
		want string
	}{
		{
			"a success", answer(), ITLRequest,
			"llm_requests=1 llm_request_failed=0 llm_schedule_delay=2 llm_request_duration=1000 llm_ttft=100 " +
				"llm_tpot=200 llm_ntpot=333.333333 llm_itl=200 " +
				"llm_prompt_tokens=7 llm_tokens_in=7 llm_completion_tokens=3 llm_tokens_out=3",
		},
		{"a request of a warm-up", warmup, ITLAll, "llm_events=1"},
		{
			"every gap", answer(), ITLAll,
			"llm_requests=1 llm_request_failed=0 llm_schedule_delay=2 llm_request_duration=1000 llm_ttft=100 " +
				"llm_tpot=200 llm_ntpot=333.333333 llm_itl=100 llm_itl=300 " +
				"llm_prompt_tokens=7 llm_tokens_in=7 llm_completion_tokens=3 llm_tokens_out=3",
		},
		{
			"judged, no ITL", good, ITLOff,
			"llm_requests=1 llm_request_failed=0 llm_good=1 llm_schedule_delay=2 llm_request_duration=1000 " +
				"llm_ttft=100 llm_tpot=200 llm_ntpot=333.333333 " +
				"llm_prompt_tokens=7 llm_tokens_in=7 llm_completion_tokens=3 llm_tokens_out=3",
		},
		{"an unfinished request is in no share", unfinished, ITLAll, "llm_requests=1 llm_schedule_delay=2"},
		{"a request whose user left likewise", left, ITLAll, "llm_requests=1 llm_schedule_delay=2"},
		{"a failure has no latencies", failed, ITLAll, "llm_requests=1 llm_request_failed=1 llm_schedule_delay=2"},
		{"a success without tokens", empty, ITLRequest,
			"llm_requests=1 llm_request_failed=0 llm_request_duration=1000 llm_completion_tokens=0 llm_tokens_out=0"},
	} {
		c := m.Request(tt.r, tt.r.Counts(), metrics.TagsAndMeta{Tags: tags}, tt.mode)
		got := strings.Join(values(c.GetSamples()), " ")
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestOnlyRequestCountsCarryTheRecord(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	m.outputs.usage = withJSON
	user := map[string]string{"mine": "x"}
	vu := metrics.TagsAndMeta{Tags: tags, Metadata: user}
	for _, s := range m.Request(answer(), answer().Counts(), vu, ITLRequest).GetSamples() {
		text, carried := s.Metadata[record.MetadataKey]
		if carried != (s.Metric == m.Requests) {
			t.Errorf("%s: record carried is %t", s.Metric.Name, carried)
		}
		if s.Metadata["request_id"] != "a-1" || s.Metadata["session_id"] != "s-1" || s.Metadata["mine"] != "x" {
			t.Errorf("%s: metadata %v", s.Metric.Name, s.Metadata)
		}
		if !s.Time.Equal(time.Unix(2, 0)) {
			t.Errorf("%s: at %v, want the request's end", s.Metric.Name, s.Time)
		}
		if !carried {
			continue
		}
		line, err := record.Parse([]byte(text))
		if r, ok := line.(*record.Request); err != nil || !ok || r.ID != "a-1" || len(r.Chunks) != 3 {
			t.Errorf("carried %s: %v", text, err)
		}
	}
	if len(user) != 1 {
		t.Errorf("the VU's metadata was changed: %v", user)
	}
}

func TestEventsCarryTheirLine(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	m.outputs.usage = withJSON
	samples := m.Event(&record.Dropped{Scenario: "s", Count: 1}, tags).GetSamples()
	if len(samples) != 1 || samples[0].Metric.Name != record.MetricEvents ||
		!strings.HasPrefix(samples[0].Metadata[record.MetadataKey],
			`{"type":"dropped","scenario":"s"`) {
		t.Errorf("got %+v", samples)
	}
}

// Each gap has the instant of the token that ends it, so the last gap has the instant of the last token. All other
// samples have the request's end.
func TestGapsHaveTheInstantsOfTokens(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	q := answer()
	var gaps []metrics.Sample
	var end time.Time
	for _, s := range m.Request(q, q.Counts(), metrics.TagsAndMeta{Tags: tags}, ITLAll).GetSamples() {
		if s.Metric == m.ITL {
			gaps = append(gaps, s)
		} else if end.IsZero() {
			end = s.Time
		} else if !s.Time.Equal(end) {
			t.Errorf("%s is at %v, want %v", s.Metric.Name, s.Time, end)
		}
	}
	first, last, n := q.TokenSpan()
	start := end.Add(-q.Latency())
	if len(gaps) != n-1 || n < 3 {
		t.Fatalf("%d gaps of %d tokens", len(gaps), n)
	}
	at := start.Add(first)
	for i, s := range gaps {
		if at = at.Add(time.Duration(s.Value * 1e6)); at.Sub(s.Time).Abs() > time.Microsecond {
			t.Errorf("gap %d is at %v, want %v", i, s.Time, at)
		}
	}
	if got := gaps[len(gaps)-1].Time; !got.Equal(start.Add(last)) {
		t.Errorf("the last gap is at %v, want %v", got, start.Add(last))
	}
}

// reportOf is k6's report of its use.
type reportOf map[string]any

func (r reportOf) Map() map[string]any { return r }

// Metadata is made only for outputs that may read it.
func TestMetadataIsMadeForOutputsThatReadIt(t *testing.T) {
	t.Parallel()
	extension := func(kind ext.ExtensionType, name string) *ext.Extension {
		return &ext.Extension{Type: kind, Name: name}
	}
	for _, tt := range []struct {
		report reportOf
		want   bool
	}{
		{nil, false},
		{reportOf{"outputs": []string{"json"}}, true},
		{reportOf{"outputs": []string{"experimental-prometheus-rw", "csv"}}, true},
		{reportOf{"outputs": []string{"experimental-prometheus-rw", "cloud"}}, false},
		{reportOf{"outputs": []string{"an output of a later k6"}}, true},
		{reportOf{"extensions": []any{extension(ext.JSExtension, "k6/x/other"), extension(ext.OutputExtension, "llm")}},
			false},
		{reportOf{"extensions": []any{extension(ext.OutputExtension, "kafka")}}, true},
	} {
		m, tags := register(t)
		m.outputs.usage = tt.report
		vu := metrics.TagsAndMeta{Tags: tags, Metadata: map[string]string{"mine": "x"}}
		c := m.Request(answer(), answer().Counts(), vu, ITLRequest)
		c.AddIteration(m, vu, time.Unix(1, 0), time.Unix(2, 0))
		for _, s := range append(c.GetSamples(), m.Event(&record.Client{}, tags).GetSamples()...) {
			if (s.Metadata != nil) != tt.want {
				t.Errorf("%v: %s has metadata %v", tt.report, s.Metric.Name, s.Metadata)
			}
		}
	}
}

// The line is the same whether or not the metadata holds it.
func TestText(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	want, err := record.Append([]byte("before "), answer())
	if err != nil {
		t.Fatal(err)
	}
	for _, report := range []reportOf{nil, withJSON} {
		m.outputs = outputs{usage: report}
		c := m.Request(answer(), answer().Counts(), metrics.TagsAndMeta{Tags: tags}, ITLRequest)
		if got, err := c.AppendText([]byte("before ")); err != nil || string(got) != string(want) {
			t.Errorf("%v: got %s (%v)\nwant %s", report, got, err, want)
		}
	}
}

// A request that ends its iteration is pushed with the samples that k6 makes of iterations.
func TestAddIteration(t *testing.T) {
	t.Parallel()
	m, tags := register(t)
	failed := answer()
	failed.ErrorType = record.ErrorReset
	for _, r := range []*record.Request{answer(), failed} {
		for _, mode := range []ITLMode{ITLRequest, ITLAll} {
			c := m.Request(r, r.Counts(), metrics.TagsAndMeta{Tags: tags}, mode)
			room := cap(c.samples)
			base := tags.With("scenario", "s")
			c.AddIteration(m, metrics.TagsAndMeta{Tags: base}, time.Unix(1, 0), time.Unix(3, 0))
			all := c.GetSamples()
			last := all[len(all)-2:]
			if got := strings.Join(values(last), " "); got != "iteration_duration=2000 iterations=1" {
				t.Errorf("got %s", got)
			}
			for _, s := range last {
				if s.Tags != base || !s.Time.Equal(time.Unix(3, 0)) {
					t.Errorf("%s has the tags %v and is at %v", s.Metric.Name, s.Tags.Map(), s.Time)
				}
			}
			if cap(all) != room {
				t.Errorf("%s, failed %t: the samples were moved, as there was room for %d", mode, r.Failed(), room)
			}
		}
	}
}

// Requests that differ in one of their tags have sets of their own.
func TestRequestTags(t *testing.T) {
	t.Parallel()
	m, root := register(t)
	for range 2 { // from the second time on the sets are found
		for _, tt := range []struct {
			vu   *metrics.TagSet
			r    *record.Request
			want string
		}{
			{root, &record.Request{Model: "a", API: "chat", Stage: -1}, "map[api:chat model:a]"},
			{root, &record.Request{Model: "a", API: "chat"}, "map[api:chat model:a stage:0]"},
			{root, &record.Request{Model: "b", API: "chat"}, "map[api:chat model:b stage:0]"},
			{root, &record.Request{Model: "b", API: "completion"}, "map[api:completion model:b stage:0]"},
			{root, &record.Request{Model: "b", API: "chat", Adapter: "b", Stage: 1},
				"map[adapter:b api:chat model:b stage:1]"},
			{root, &record.Request{Model: "b", API: "chat", ErrorType: "http"},
				"map[api:chat error_type:http model:b stage:0]"},
			{root.With("scenario", "s"), &record.Request{Model: "a", API: "chat"},
				"map[api:chat model:a scenario:s stage:0]"},
		} {
			if got := fmt.Sprint(m.requestTags(tt.vu, tt.r).Map()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		}
	}
}

// Goroutines that read tokens run while k6 takes the samples of many requests, also of every second arrival.
func TestTakingSamplesGivesWay(t *testing.T) { // alone, as it takes all processors but one away
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	m, tags := register(t)
	var all []*Container
	for i := range int64(1000) {
		r := answer()
		r.Index = 2*i + 1
		all = append(all, m.Request(r, r.Counts(), metrics.TagsAndMeta{Tags: tags}, ITLRequest))
	}
	var turns, done atomic.Int64
	go func() {
		for done.Load() == 0 {
			turns.Add(1)
			runtime.Gosched()
		}
	}()
	for _, c := range all {
		c.GetSamples()
	}
	done.Store(1)
	if n := turns.Load(); n < 20 {
		t.Errorf("%d turns of another goroutine in 1000 requests, want 20", n)
	}
}

func TestRegisterTwiceReturnsTheSameMetrics(t *testing.T) {
	t.Parallel()
	test := &lib.TestPreInitState{Registry: metrics.NewRegistry()}
	a, err := Register(test)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Register(test)
	if err != nil || a.TTFT != b.TTFT || a.Good != b.Good {
		t.Errorf("got other handles, %v", err)
	}
}

func TestRegisterNamesTheConflict(t *testing.T) {
	t.Parallel()
	registry := metrics.NewRegistry()
	registry.MustNewMetric("llm_tpot", metrics.Counter)
	_, err := Register(&lib.TestPreInitState{Registry: registry})
	if err == nil || !strings.HasPrefix(err.Error(), "registering llm_tpot: ") {
		t.Errorf("got %v", err)
	}
}

func TestParseITLMode(t *testing.T) {
	t.Parallel()
	if _, err := ParseITLMode("some"); err == nil || err.Error() != "must be 'request', 'all' or 'off', got \"some\"" {
		t.Errorf("got %v", err)
	}
}

// parse reads scenarios as k6 does.
func parse(t *testing.T, text string) lib.ScenarioConfigs {
	t.Helper()
	var configs lib.ScenarioConfigs
	if err := json.Unmarshal([]byte(text), &configs); err != nil {
		t.Fatal(err)
	}
	return configs
}

const severalScenarios = `{
	"b": {"executor": "ramping-arrival-rate", "startTime": "5s", "startRate": 15, "timeUnit": "10s", "preAllocatedVUs": 1, "stages": [
		{"target": 15, "duration": "2s"}, {"target": 30, "duration": "0s"}, {"target": 60, "duration": "4s"}]},
	"a": {"executor": "constant-arrival-rate", "rate": 3, "duration": "10s", "preAllocatedVUs": 1},
	"c": {"executor": "shared-iterations", "startTime": "1m", "vus": 4, "iterations": 40},
	"d": {"executor": "per-vu-iterations", "startTime": "2m", "vus": 4, "iterations": 10},
	"e": {"executor": "constant-vus", "startTime": "3m", "vus": 4, "duration": "10s"},
	"f": {"executor": "ramping-vus", "startTime": "4m", "startVUs": 1, "stages": [{"target": 5, "duration": "10s"}]}
}`

func TestScenariosAreNumberedByStartTime(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(Scenarios(parse(t, severalScenarios)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"name":"a","executor":"constant-arrival-rate","start_time":0,"stages":[{"index":0,"rate":3,"duration":10}]},` +
		`{"name":"b","executor":"ramping-arrival-rate","start_time":5,"stages":[{"index":1,"rate":1.5,"duration":2},{"index":2,"from_rate":3,"rate":6,"duration":4}]},` +
		`{"name":"c","executor":"shared-iterations","start_time":60,"stages":[{"index":3,"requests":40,"concurrency":4}]},` +
		`{"name":"d","executor":"per-vu-iterations","start_time":120,"stages":[{"index":4,"requests":40,"concurrency":4}]},` +
		`{"name":"e","executor":"constant-vus","start_time":180,"stages":[{"index":5,"duration":10,"concurrency":4}]},` +
		`{"name":"f","executor":"ramping-vus","start_time":240,"stages":[{"index":6}]}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNewRun(t *testing.T) {
	t.Parallel()
	segment, err := lib.NewExecutionSegmentFromString("1/2:1")
	if err != nil {
		t.Fatal(err)
	}
	opts := lib.Options{RunTags: map[string]string{"testrun_name": "tr", "instance_id": "7"}, ExecutionSegment: segment}
	env := func(value string) func(string) (string, bool) {
		return func(name string) (string, bool) { return value, name == record.RunIDEnv && value != "" }
	}
	run := NewRun(opts, env(""))
	if run.ID != "tr" || run.Instance != "7" || run.Segment != "1/2:1" || run.Schema != record.Schema ||
		run.Versions["go"] == "" || run.Start == 0 {
		t.Errorf("got %+v", run)
	}
	if got := NewRun(opts, env("id")).ID; got != "id" {
		t.Errorf("a tag goes before the environment's id: got %q, want %q", got, "id")
	}
	a, b := NewRun(lib.Options{}, env("")), NewRun(lib.Options{}, env(""))
	if a.ID == "" || a.ID != b.ID || a.Segment != "0:1" || a.Instance == "" {
		t.Errorf("got %+v and %+v", a, b)
	}
}
