package sim

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape returns the page as text, and as a parser understands it.
func scrape(t *testing.T, s *Server) (string, map[string]*dto.MetricFamily) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatalf("the page is not in the text format: %v\n%s", err, w.Body)
	}
	return w.Body.String(), families
}

// value adds up the series of a metric; for a histogram it returns count and sum.
func value(f *dto.MetricFamily) string {
	var total, observed float64
	for _, m := range f.GetMetric() {
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		observed += float64(m.GetHistogram().GetSampleCount())
	}
	total = math.Round(total*1e9) / 1e9
	if f.GetType() == dto.MetricType_HISTOGRAM {
		return fmt.Sprintf("%v of %v", observed, total)
	}
	return fmt.Sprint(total)
}

func check(t *testing.T, families map[string]*dto.MetricFamily, want map[string]string) {
	t.Helper()
	for name, want := range want {
		if f := families[name]; f == nil {
			t.Errorf("%s is missing", name)
		} else if got := value(f); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Two requests in a row, the second of which waits 5 ms of the first one's 80: each has 5 prompt tokens and 4 output
// tokens.
func twoRequests(t *testing.T, s *Server) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		stream(t, s, 5, 4)
	}()
	time.Sleep(75 * ms)
	stream(t, s, 5, 4)
	<-done
}

func TestMetricsAgreeWithTheTruth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		engine string
		names  int // metrics on the page
		want   map[string]string
	}{
		{"vllm", 20, map[string]string{
			"vllm:prompt_tokens_total": "10", "vllm:generation_tokens_total": "8", "vllm:request_success_total": "2",
			"vllm:num_preemptions_total": "0",
			"vllm:num_requests_running":  "0", "vllm:num_requests_waiting": "0", "vllm:kv_cache_usage_perc": "0",
			"vllm:time_to_first_token_seconds": "2 of 0.105", "vllm:inter_token_latency_seconds": "6 of 0.06",
			"vllm:time_per_output_token_seconds":         "6 of 0.06",
			"vllm:request_time_per_output_token_seconds": "2 of 0.02", "vllm:e2e_request_latency_seconds": "2 of 0.165",
			"vllm:request_queue_time_seconds": "2 of 0.005", "vllm:request_prefill_time_seconds": "2 of 0.1",
			"vllm:request_decode_time_seconds":    "2 of 0.06",
			"vllm:request_inference_time_seconds": "2 of 0.16", "vllm:request_prompt_tokens": "2 of 10",
			"vllm:request_generation_tokens":         "2 of 8",
			"vllm:request_max_num_generation_tokens": "2 of 8", "vllm:request_params_n": "2 of 2",
			"vllm:request_params_max_tokens": "2 of 8",
		}},
		{"sglang", 16, map[string]string{
			"sglang:prompt_tokens_total": "10", "sglang:generation_tokens_total": "8", "sglang:num_requests_total": "2",
			"sglang:num_aborted_requests_total": "0",
			"sglang:num_running_reqs":           "0", "sglang:num_queue_reqs": "0", "sglang:num_used_tokens": "0",
			"sglang:max_total_num_tokens": "524288", "sglang:token_usage": "0",
			"sglang:time_to_first_token_seconds": "2 of 0.105", "sglang:inter_token_latency_seconds": "6 of 0.06",
			"sglang:time_per_output_token_seconds": "2 of 0.02",
			"sglang:e2e_request_latency_seconds":   "2 of 0.165", "sglang:queue_time_seconds": "2 of 0.005",
			"sglang:prompt_tokens_histogram": "2 of 10", "sglang:generation_tokens_histogram": "2 of 8",
		}},
		{"tgi", 12, map[string]string{
			"tgi_request_count": "2", "tgi_request_success": "2", "tgi_request_failure": "0",
			"tgi_batch_current_size": "0", "tgi_queue_size": "0",
			"tgi_request_duration": "2 of 0.165", "tgi_request_queue_duration": "2 of 0.005",
			"tgi_request_inference_duration":           "2 of 0.16",
			"tgi_request_mean_time_per_token_duration": "2 of 0.04", "tgi_request_input_length": "2 of 10",
			"tgi_request_generated_tokens": "2 of 8",
			"tgi_request_max_new_tokens":   "2 of 8",
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) { o.MaxNumSeqs, o.Metrics = 1, []string{tt.engine} })
			twoRequests(t, s)
			text, families := scrape(t, s)
			tt.want["process_start_time_seconds"] = "9.466848e+08" // when virtual time begins
			check(t, families, tt.want)
			if len(tt.want) != len(families) {
				t.Errorf("%s: the page has %d metrics, looked at %d\n%s", tt.engine, len(families), len(tt.want), text)
			}
		})
	}
}

func TestLabelsOfVLLM(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.Model = "m" })
		text, _ := scrape(t, s)
		for _, want := range []string{
			`vllm:num_requests_running{engine="0",model_name="m"} 0`,
			`vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"} 0`,
			`vllm:time_to_first_token_seconds_bucket{engine="0",model_name="m",le="0.001"} 0`,
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	})
}

// The page shows requests that run and wait, and the tokens they hold.
func TestGaugesFollowTheLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) {
			o.MaxNumSeqs, o.KVCacheTokens, o.Metrics = 2, 100, []string{"vllm", "sglang", "tgi", "dcgm"}
		})
		done := make(chan struct{})
		for range 3 {
			go func() {
				stream(t, s, 10, 4)
				done <- struct{}{}
			}()
		}
		time.Sleep(65 * ms) // two run and have two tokens each
		_, families := scrape(t, s)
		check(t, families, map[string]string{
			"vllm:num_requests_running": "2", "sglang:num_running_reqs": "2", "tgi_batch_current_size": "2",
			"vllm:num_requests_waiting": "1", "sglang:num_queue_reqs": "1", "tgi_queue_size": "1",
			"tgi_request_count":        "3",
			"vllm:kv_cache_usage_perc": "0.24", "sglang:token_usage": "0.24", "sglang:num_used_tokens": "24",
			"vllm:prompt_tokens_total": "20", "vllm:generation_tokens_total": "4", "vllm:request_success_total": "0",
			"DCGM_FI_DEV_GPU_UTIL": "200", "DCGM_FI_DEV_POWER_USAGE": "800", "DCGM_FI_DEV_GPU_TEMP": "150",
			"DCGM_FI_DEV_SM_CLOCK": "3960",
			// 2 devices, 400 W, 65 ms, in mJ
			"DCGM_FI_DEV_FB_USED": fmt.Sprint(2 * 72 << 10), "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "52000",
		})
		for range 3 {
			<-done
		}
		// Two requests ran for the first 80 of the 160 ms, one for the other 80.
		_, families = scrape(t, s)
		check(t, families, map[string]string{
			"DCGM_FI_DEV_GPU_UTIL": "0", "DCGM_FI_DEV_POWER_USAGE": "200", "DCGM_FI_DEV_GPU_TEMP": "70",
			"DCGM_FI_DEV_SM_CLOCK":                 "690",
			"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "104000", // 2·(100 W·0.16 s + 300 W·(0.08 + 0.04) s)
			"sglang:num_used_tokens":               "0",
		})
	})
}

// A gap between chunks is one observation for vLLM, and one for each token of the chunk for SGLang.
func TestGapsOfChunksOfSeveralTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.TokensPerChunk, o.Metrics = 4, []string{"vllm", "sglang"} })
		stream(t, s, 0, 10)
		_, families := scrape(t, s)
		check(t, families, map[string]string{"vllm:inter_token_latency_seconds": "2 of 0.06",
			"sglang:inter_token_latency_seconds": "6 of 0.06", "vllm:generation_tokens_total": "10"})
		for _, b := range families["sglang:inter_token_latency_seconds"].GetMetric()[0].GetHistogram().GetBucket() {
			if b.GetUpperBound() == 0.01 && b.GetCumulativeCount() != 6 {
				t.Errorf("%d of 6 tokens within 10 ms", b.GetCumulativeCount())
			}
		}
	})
}

func TestMetricsOfWholeAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.OutputTokens = 3 })
		s.ServeHTTP(&sink{header: http.Header{}},
			post(t, "/v1/completions", `{"model":"sim","prompt":"a b","max_tokens":7}`))
		text, families := scrape(t, s)
		check(t, families, map[string]string{
			"vllm:time_to_first_token_seconds": "1 of 0.05", "vllm:inter_token_latency_seconds": "2 of 0.02",
			"vllm:e2e_request_latency_seconds": "1 of 0.07",
			"vllm:prompt_tokens_total":         "2", "vllm:generation_tokens_total": "3",
			"vllm:request_params_max_tokens": "1 of 7", "vllm:request_generation_tokens": "1 of 3",
			"vllm:kv_cache_usage_perc": "0",
		})
		if !strings.Contains(text, `finished_reason="stop",model_name="sim"} 1`) {
			t.Errorf("not counted as stopped\n%s", text)
		}
	})
}

// Failed requests are in no histogram of requests; what they generated is in the counters.
func TestMetricsOfFailures(t *testing.T) {
	t.Parallel()
	all := []string{"vllm", "sglang", "tgi"}
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.FailureRate, o.FailureKind, o.Metrics = 1, FailStream, all })
		stream(t, s, 3, 4)
		_, families := scrape(t, s)
		check(t, families, map[string]string{
			"vllm:prompt_tokens_total": "3", "vllm:generation_tokens_total": "1", "vllm:request_success_total": "0",
			"vllm:e2e_request_latency_seconds": "0 of 0",
			"tgi_request_count":                "1", "tgi_request_failure": "1",
			"sglang:num_aborted_requests_total": "0",
		})
	})
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.Metrics = all })
		<-s.opens(t, 55*ms)
		_, families := scrape(t, s)
		check(t, families, map[string]string{
			"vllm:generation_tokens_total": "1", "vllm:num_requests_running": "0", "sglang:num_used_tokens": "0",
			"sglang:num_requests_total": "0",
			"tgi_request_failure":       "0", "sglang:num_aborted_requests_total": "1",
		})
	})
}

func TestOpenMetricsIfAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.Metrics = []string{"vllm", "tgi"} })
		stream(t, s, 1, 2)
		req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		text := w.Body.String()
		if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "application/openmetrics-text") {
			t.Errorf("got content type %q", kind)
		}
		if !strings.HasSuffix(text, "# EOF\n") || !strings.Contains(text, "\ntgi_request_success 1.0\n") ||
			!slices.Contains(strings.Split(text, "\n"), "# TYPE vllm:prompt_tokens counter") {
			t.Errorf("no OpenMetrics:\n%s", text)
		}
	})
}

// The cost of a token for the page: a histogram of each engine and two additions.
func BenchmarkToken(b *testing.B) {
	for _, names := range []string{"vllm", "vllm,sglang,tgi,dcgm"} {
		b.Run(names, func(b *testing.B) {
			o := DefaultOptions()
			o.Metrics = strings.Split(names, ",")
			s, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			g := &generation{s: s, life: s.life.Load()}
			now := time.Now()
			g.wrote(now, 0, 1)
			for b.Loop() {
				now = now.Add(10 * ms)
				g.wrote(now, 1, 2)
			}
		})
	}
}
