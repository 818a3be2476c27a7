package scrape

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// written lists figures as name=value in order.
func written(values map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, fmt.Sprintf("%s=%g", name, values[name]))
	}
	return strings.Join(parts, " ")
}

const vllmPage = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a"} 3.0
vllm:num_requests_running{engine="1",model_name="a"} 2.0
vllm:num_requests_waiting{engine="0",model_name="a \" } 7 # {"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="a"} 0.25
vllm:gpu_cache_usage_perc{engine="0",model_name="a"} 0.9
vllm:prompt_tokens_total{engine="0",model_name="a"} 1.234e+06
vllm:prompt_tokens_created{engine="0",model_name="a"} 1.7e+09
vllm:request_success_total{engine="0",finished_reason="stop",model_name="a"} 4.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="a"} 5.0
vllm:request_success_total{engine="0",finished_reason="abort",model_name="a"} 6.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="a"} 0.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="a"} 9.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="a"} 1.5
python_info{version="3.12"} 1.0
`

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, page, engine, want string }{
		{"vLLM, two engines", vllmPage, "vllm",
			"given_up=6 kv_cache_usage=0.375 prompt_tokens=1.234e+06 requests=9 running=5 ttft_count=9 " +
				"ttft_seconds_sum=1.5 waiting=1"},
		{"vLLM before 0.9",
			"vllm:gpu_cache_usage_perc{model_name=\"a\"} 0.9\nvllm:gpu_prefix_cache_hits_total " +
				"3\nvllm:gpu_prefix_cache_queries_total 4\n", "vllm",
			"kv_cache_usage=0.9 prefix_cache_hits=3 prefix_cache_queries=4"},
		{
			"OpenMetrics: fractions of seconds, an exemplar, units, an end",
			"# TYPE vllm:prompt_tokens counter\n# UNIT vllm:prompt_tokens tokens\n" +
				"vllm:prompt_tokens_total{model_name=\"a\"} 5.0 1700000000.25 # {trace_id=\"x } y\"} 1.0 " +
				"1700000000.5\nvllm:num_requests_running 2 1700000000.25\n# EOF\n",
			"vllm", "prompt_tokens=5 running=2",
		},
		{
			"SGLang",
			"sglang:num_running_reqs{model_name=\"a\",tp_rank=\"0\"} 2\nsglang:num_queue_reqs 1\nsglang:token_usage " +
				"0.12\nsglang:num_requests_total 8\nsglang:num_aborted_requests_total 3\n" +
				"sglang:prompt_tokens_total 80\nsglang:generation_tokens_total 90\nsglang:cached_tokens_total 20\n",
			"sglang",
			"generation_tokens=90 given_up=3 kv_cache_usage=0.12 prefix_cache_hits=20 prefix_cache_queries=80 " +
				"prompt_tokens=80 requests=8 running=2 waiting=1",
		},
		{
			"TGI", "tgi_batch_current_size 2\ntgi_queue_size 1\ntgi_request_success 8\ntgi_request_input_length_sum " +
				"80\ntgi_request_generated_tokens_sum 90\n", "tgi",
			"generation_tokens=90 prompt_tokens=80 requests=8 running=2 waiting=1",
		},
		{
			"llama.cpp",
			"llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\nllamacpp:prompt_tokens_total " +
				"80\nllamacpp:tokens_predicted_total 90\n", "llama.cpp",
			"generation_tokens=90 prefix_cache_queries=80 prompt_tokens=80 running=2 waiting=1",
		},
		{
			"llama.cpp that counts cached tokens apart",
			"llamacpp:prompt_tokens_total 18\nllamacpp:prompt_tokens_cached_total " +
				"3816\nllamacpp:tokens_predicted_total 90\n", "llama.cpp",
			"generation_tokens=90 prefix_cache_hits=3816 prefix_cache_queries=3834 prompt_tokens=3834",
		},
		{"llama.cpp, all cached", "llamacpp:prompt_tokens_cached_total 5\n", "llama.cpp",
			"prefix_cache_hits=5 prefix_cache_queries=5 prompt_tokens=5"},
		{
			"devices",
			"DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 90\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\"} 70\nDCGM_FI_DEV_FB_USED{gpu=\"0\"} " +
				"2\nDCGM_FI_DEV_FB_USED{gpu=\"1\"} 1\n" +
				"DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 300.5\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\"} " +
				"2500\nDCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 60\nDCGM_FI_DEV_GPU_TEMP{gpu=\"1\"} 55\n" +
				"DCGM_FI_DEV_SM_CLOCK 1980\n",
			"", "gpu_energy_joules=2.5 gpu_memory_used_bytes=3.145728e+06 gpu_power_watts=300.5 " +
				"gpu_sm_clock_mhz=1980 gpu_temperature_celsius=60 gpu_utilization=0.8 gpus=2",
		},
		{"the first engine counts, devices go along",
			"sglang:num_running_reqs 9\nvllm:num_requests_running 2\nDCGM_FI_DEV_GPU_TEMP 40\n", "vllm",
			"gpu_temperature_celsius=40 running=2"},
		{"what is no number",
			"vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\nvllm:prompt_tokens_total " +
				"many\nvllm:generation_tokens_total\nvllm:request_success_total{ 3\nvllm:num_preemptions_total 1\n",
			"vllm", "preemptions=1"},
		{"the start of the process", "process_start_time_seconds 1.5e9\nvllm:num_requests_running 2\n", "vllm",
			"process_start_seconds=1.5e+09 running=2"},
		{"the start of two",
			"vllm:num_requests_running 2\nprocess_start_time_seconds{p=\"1\"} " +
				"7\nprocess_start_time_seconds{p=\"2\"} 9\n", "vllm", "process_start_seconds=9 running=2"},
		{"the start of an exporter", "process_start_time_seconds 1.5e9\nDCGM_FI_DEV_GPU_TEMP 40\n", "",
			"gpu_temperature_celsius=40"},
		{"the start of anything", "process_start_time_seconds 1.5e9\n", "", ""},
		{"nothing that is known", "go_goroutines 7\n<html>\n\x00\n{}\n", "", ""},
		{"nothing", "", "", ""},
	} {
		s := Parse(tt.page)
		if got := written(s.Values); s.Engine != tt.engine || got != tt.want {
			t.Errorf("%s: got %q, %s\nwant %q, %s", tt.name, s.Engine, got, tt.engine, tt.want)
		}
	}
}

func TestParseNamesTheModels(t *testing.T) {
	t.Parallel()
	many := ""
	for i := range 3 * maxModels {
		many += fmt.Sprintf("vllm:num_requests_running{model_name=\"m%02d\"} 1\n", i)
	}
	for _, tt := range []struct {
		page   string
		models int
		want   string
	}{
		{vllmPage, 2, "a|a \" } 7 # {"},
		{"vllm:num_requests_running{model_name=\"b\"} 1\nvllm:num_requests_waiting{model_name=\"a\"} 1\n" +
			"vllm:prompt_tokens_total{model_name=\"b\"} 1\n", 2, "a|b"},
		{"vllm:num_requests_running{model_name=\"a\"} 1\nsglang:num_running_reqs{model_name=\"b\"} 1\n", 1, "a"},
		{"vllm:num_requests_running{model_name=\"\"} 1\nvllm:num_requests_waiting{model_name=\"" +
			strings.Repeat("x", maxModel+1) + "\"} 1\n", 0, ""},
		{many, maxModels, ""},
	} {
		got := Parse(tt.page).Models
		if len(got) != tt.models || tt.want != "" && strings.Join(got, "|") != tt.want {
			t.Errorf("%.80s…: got %q, want %d: %s", tt.page, got, tt.models, tt.want)
		}
	}
}

func TestParseLimitsSeries(t *testing.T) {
	t.Parallel()
	values := Parse(strings.Repeat("vllm:num_requests_running 1\n", maxSeries+5)).Values
	if values[record.ServerRunning] != maxSeries {
		t.Errorf("got %v, want %d", values[record.ServerRunning], maxSeries)
	}
}

// The page of the simulator has the names of the table for each engine it can pretend to be, in both formats.
func TestParseReadsTheSimulator(t *testing.T) {
	t.Parallel()
	for engine, want := range map[string]string{
		"vllm": "generation_tokens=4 given_up=0 kv_cache_usage=0 preemptions=0 prompt_tokens=2 requests=1 running=0 " +
			"ttft_count=1 waiting=0",
		"sglang": "generation_tokens=4 given_up=0 kv_cache_usage=0 prefix_cache_queries=2 prompt_tokens=2 requests=1 " +
			"running=0 ttft_count=1 waiting=0",
		"tgi": "generation_tokens=4 prompt_tokens=2 requests=1 running=0 waiting=0",
	} {
		o := sim.DefaultOptions()
		o.TTFT, o.ITL, o.Metrics = 0, 0, []string{engine}
		s, err := sim.New(o)
		if err != nil {
			t.Fatal(err)
		}
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v1/completions",
			strings.NewReader(`{"model":"sim","prompt":"a b","max_tokens":4,"stream":true}`)))
		for _, accept := range []string{"", "application/openmetrics-text;version=1.0.0"} {
			req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			req.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, req)
			shown := Parse(w.Body.String())
			values := shown.Values
			if ttft, ok := values[record.ServerTTFTSum]; ok && (ttft <= 0 || ttft > 1) {
				t.Errorf("%s: TTFT %v", engine, ttft)
			}
			if started := values[record.ServerProcessStart]; math.Abs(started-float64(time.Now().Unix())) > 100 {
				t.Errorf("%s: started at %v", engine, started)
			}
			delete(values, record.ServerTTFTSum) // depends on real time, as this does
			delete(values, record.ServerProcessStart)
			if text := written(values); shown.Engine != engine || text != want {
				t.Errorf("%s, accepting %q: got %q, %s\nwant %s", engine, accept, shown.Engine, text, want)
			}
			if named := engine != "tgi"; named != slices.Equal(shown.Models, []string{"sim"}) {
				t.Errorf("%s: got models %q", engine, shown.Models)
			}
		}
	}
}

func TestDocsListEveryFigure(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/server-page.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Figures() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/server-page.md does not list %s", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(vllmPage)
	f.Add("DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 9e307\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\"} 1.7e308\n")
	f.Add("vllm:num_requests_running{a=\"\\")
	f.Add("vllm:num_requests_running{a=\"b\",} 1 2 3 # {} 4\r\n")
	f.Add("vllm:num_requests_running 1e999\nvllm:num_requests_running NaN\nvllm:num_requests_running " +
		"-Inf\nvllm:num_requests_running 0x1p2000\n")
	f.Add("vllm:num_requests_running{a=\"\x1b[2J\u202e\\n\"} 1\x00\n" + strings.Repeat("{", 500) + "\n" +
		strings.Repeat("x", 5000) + " 1\n")
	f.Fuzz(func(t *testing.T, page string) {
		s := Parse(page)
		if len(s.Models) > maxModels || !slices.IsSorted(s.Models) {
			t.Errorf("%q has models %q", page, s.Models)
		}
		for name, value := range s.Values {
			if math.IsNaN(value) || math.IsInf(value, 0) || !slices.Contains(Figures(), name) {
				t.Errorf("%q has %s=%v", page, name, value)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	s, err := sim.New(sim.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	page := w.Body.String()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		Parse(page)
	}
}
