package prometheus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// All queries of inference-perf, in its order.
func TestOriginalQueries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		engine  Engine
		filters []string
		count   int
	}{{VLLM, nil, 141}, {SGLang, []string{"namespace='n'"}, 37}, {TGI, nil, 27}} {
		text, err := os.ReadFile(filepath.Join("testdata", string(tt.engine)+".queries"))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		got := originals(tt.engine, tt.engine.matchers("M", tt.filters), 59500*time.Millisecond, time.Unix(0, 0))
		if len(got) != tt.count || len(want) != tt.count {
			t.Errorf("%s: got %d queries, want %d, in testdata %d", tt.engine, len(got), tt.count, len(want))
			continue
		}
		for i, q := range got {
			if line := q.name + "\t" + q.text; line != want[i] {
				t.Errorf("%s, query %d:\ngot  %s\nwant %s", tt.engine, i, line, want[i])
			}
		}
	}
}

func TestRangeSeconds(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration]int64{0: 0, 500 * time.Millisecond: 0, 1500 * time.Millisecond: 2,
		2500 * time.Millisecond: 2, 2501 * time.Millisecond: 3} {
		if got := rangeSeconds(span); got != want {
			t.Errorf("%v: got %d, want %d", span, got, want)
		}
	}
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		engine  Engine
		model   string
		filters []string
		want    string
	}{
		{VLLM, "m", nil, "model_name='m'"},
		{VLLM, `a'b\`, []string{"job='x'", "zone!='y'"}, `model_name='a\'b\\',job='x',zone!='y'`},
		{SGLang, "", []string{"job='x'"}, "job='x'"},
		{TGI, "m", nil, ""},
	} {
		if got := tt.engine.matchers(tt.model, tt.filters); got != tt.want {
			t.Errorf("%s, %q, %q: got %s, want %s", tt.engine, tt.model, tt.filters, got, tt.want)
		}
	}
}

// The counters of a stage's window are read once everything has been scraped, but never in the next stage.
func TestWindow(t *testing.T) {
	t.Parallel()
	s, at := Settings{ScrapeInterval: 15 * time.Second}, func(sec int64) time.Time { return time.Unix(sec, 0) }
	span := Window{at(100), at(130)}
	for _, tt := range []struct{ limit, settled int64 }{{1000, 147}, {140, 140}, {131, 131}, {125, 130}} {
		w := s.window(span, at(tt.limit))
		if !w.settled.Equal(at(tt.settled)) || w.seconds() != 30 {
			t.Errorf("limit %d: got %d, %v s, want %d, 30 s", tt.limit, w.settled.Unix(), w.seconds(), tt.settled)
		}
	}
}

func TestExactQueries(t *testing.T) {
	t.Parallel()
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	w := window{start: at(1000), end: at(31000), settled: at(48000), step: 15 * time.Second}
	const f = "model_name='m'"
	got := map[string]named{}
	for _, q := range exactly(VLLM, f, w) {
		got[q.name] = q
	}
	w.restarted = true
	for _, q := range exactly(VLLM, f, w) {
		got["restarted "+q.name] = q
	}
	for name, want := range map[string]question{
		"requests_total": {
			"sum(vllm:request_success_total{model_name='m'} or vllm:request_success{model_name='m'}) - " +
				"(sum(vllm:request_success_total{model_name='m'} offset 47000ms or " +
				"vllm:request_success{model_name='m'} offset 47000ms) or vector(0))",
			w.settled,
		},
		"request_latency_median": {
			"histogram_quantile(0.5, sum by (le) (vllm:e2e_request_latency_seconds_bucket{model_name='m'}) - (sum " +
				"by (le) (vllm:e2e_request_latency_seconds_bucket{model_name='m'} offset 47000ms) or sum by (le) " +
				"(vllm:e2e_request_latency_seconds_bucket{model_name='m'}) * 0))",
			w.settled,
		},
		"queue_length_mean":  {"sum(avg_over_time(vllm:num_requests_waiting{model_name='m'}[30000ms]))", w.end},
		"kv_cache_usage_max": {"max_over_time(avg(vllm:kv_cache_usage_perc{model_name='m'})[30000ms:15000ms])", w.end},
		"output_tokens_total": {"sum(vllm:generation_tokens_total{model_name='m'} or " +
			"vllm:generation_tokens{model_name='m'}) - (sum(vllm:generation_tokens_total{model_name='m'} offset " +
			"47000ms or vllm:generation_tokens{model_name='m'} offset 47000ms) or vector(0))", w.settled},
		"restarted requests_total": {
			"sum(increase(vllm:request_success_total{model_name='m'}[47000ms]) or " +
				"increase(vllm:request_success{model_name='m'}[47000ms]))", w.settled,
		},
		"restarted request_latency_p99": {"histogram_quantile(0.99, sum by (le) " +
			"(increase(vllm:e2e_request_latency_seconds_bucket{model_name='m'}[47000ms])))", w.settled},
	} {
		if got[name].question != want {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got[name].question, want)
		}
	}
	if _, twice := got["request_success_count_total"]; twice {
		t.Error("a metric is asked for twice")
	}
}

func TestParseEngine(t *testing.T) {
	t.Parallel()
	if got, err := ParseEngine("sglang"); got != SGLang || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := ParseEngine("triton"); err == nil || err.Error() != `unknown engine "triton", known are vllm, `+
		`sglang, tgi` {
		t.Errorf("got %v", err)
	}
}

// The documentation lists each name that is asked for.
func TestDocsHaveEveryName(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "server-metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Engine{VLLM, SGLang, TGI} {
		for _, m := range e.metrics() {
			if !strings.Contains(string(text), "`"+m.name+"`") ||
				!strings.Contains(string(text), "\n| "+m.field+" | ") {
				t.Errorf("%s, %s is missing", m.field, m.name)
			}
		}
	}
	for _, m := range acceleratorMetrics {
		if !strings.Contains(string(text), "`"+m.name) || !strings.Contains(string(text), "\n| "+m.figure+" | ") {
			t.Errorf("%s, %s is missing", m.figure, m.name)
		}
	}
}
