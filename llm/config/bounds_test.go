package config

import (
	"slices"
	"strings"
	"testing"
)

// numberKinds holds the kinds of the schema's numbers, by the longest end of the dotted key that matches. A number that
// is not listed must be above 0.
var numberKinds = map[string]string{
	"load.interval": "time, 0 too", "load.request_timeout": "time, 0 too",
	"load.request_retry_backoff_sec": "time, 0 too", "load.stage_teardown_grace_seconds": "time, 0 too",
	"load.request_retries": "0 too", "load.num_workers": "any", "load.worker_max_concurrency": "0 too",
	"load.worker_max_tcp_connections": "0 too", "load.base_seed": "0 too",
	"load.sweep.timeout": "time", "load.sweep.stage_duration": "time", "load.sweep.saturation_percentile": "0 too",
	"x-llm.warmup":                       "time, 0 too",
	"metrics.prometheus.scrape_interval": "time, 0 too", "tokenizer.load_timeout": "time",
	"report.request_lifecycle.max_error_messages": "0 too",
	".min": "0 too", ".max": "0 too", ".mean": "0 too", ".std_dev": "0 too, any size", ".variance": "0 too, any size",
	".total_count": "0 too", ".skew": "any",
	".top_n": "0 too",
	".seed":  "0 too", ".shared_system_prompt_len": "0 too", ".max_depth": "0 too", ".fanout_probability": "0 too",
	".max_wait_ms":                  "0 too",
	"data.workload.share":           "0 too",
	".predecessor_wait_timeout_sec": "time, 0 too", ".trace_idle_gap_cap_seconds": "any", // 0 or less: no cap
}

func kindOf(key string) string {
	longest, kind := "", ""
	for end, k := range numberKinds {
		if strings.HasSuffix(key, end) && len(end) > len(longest) {
			longest, kind = end, k
		}
	}
	return kind
}

// refused reports whether a value of a key is refused by an error that names both.
func refused(t *testing.T, key, value string) bool {
	t.Helper()
	_, err := Parse([]byte("load: {stages: [{rate: 1, duration: 1}]}"), Override{Key: key, Value: value})
	if err == nil {
		return false
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if at, text, ok := strings.Cut(line, ": "); ok && at == "--"+key &&
			(strings.HasPrefix(text, "must ") || strings.HasPrefix(text, "expected ")) {
			return true
		}
	}
	return false
}

// Every number of the schema must refuse values that make no sense for it.
func TestBoundsOfAllNumbers(t *testing.T) {
	t.Parallel()
	count := 0
	for _, k := range Keys() {
		isNumber := k.Type == "int" || k.Type == "float" || k.Type == "int or distribution"
		if !isNumber || k.Name == "data.synthetic_agentic.duplicate_sessions_target" { // refuses every number
			continue
		}
		count++
		kind := kindOf(k.Name)
		if k.Type == "int or distribution" {
			kind = "0 too"
		}
		signed, zero := kind == "any", kind == "any" || strings.Contains(kind, "0 too")
		for value, want := range map[string]bool{
			"-1": !signed, "0": !zero, "1": false, "NaN": true, ".inf": true,
			"1e300":               !strings.Contains(kind, "any") || k.Type == "int",
			"9223372036854775807": !strings.Contains(kind, "any"),
			"99999999999": strings.HasPrefix(kind, "time") ||
				slices.Contains([]string{"fanout_probability", "saturation_percentile", "num_stages", "share"},
					lastPart(k.Name)),
		} {
			if value == "1" && lastPart(k.Name) == "max_model_len" || lastPart(k.Name) == "min" &&
				strings.HasPrefix(value, "9999") {
				continue // bounded by other keys
			}
			if got := refused(t, k.Name, value); got != want {
				t.Errorf("--%s %q: refused is %t, want %t", k.Name, value, got, want)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d numbers", count)
	}
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Keys lists a list or a map as a whole, so this covers the numbers inside of them.
func TestBoundsWithinLists(t *testing.T) {
	t.Parallel()
	const long = "must not be longer than 1000000h, which is 114 years, got "
	breaker := func(trigger string) string {
		return "circuit_breakers: [{name: a, metrics: {matches: [x]}, triggers: [{" + trigger + "}]}], " + fine
	}
	testRules(t, "", []rule{
		{"load: {stages: [{rate: 1, duration: 99999999999}]}", "load.stages[0].duration: " + long + "99999999999s"},
		{"load: {stages: [{rate: 1, duration: 18446744074}]}", "load.stages[0].duration: " + long + "18446744074s"},
		{"load: {stages: [{rate: 1, duration: 3600000000}]}", ""},
		{"load: {stages: [{rate: 1e300, duration: 1}]}",
			"load.stages[0].rate: must be at most 9007199254740992, got 1e300"},
		{"load: {stages: [{rate: .inf, duration: 0}]}",
			"load.stages[0].rate: expected a finite number, got the number \".inf\"\nload.stages[0].duration: must " +
				"be above 0, got 0"},
		{"load: {type: concurrent, stages: [{num_requests: 9223372036854775807, concurrency_level: -1}]}",
			"load.stages[0].num_requests: must be at most 9007199254740992, got " +
				"9223372036854775807\nload.stages[0].concurrency_level: must be above 0, got -1"},
		{"load: {stages: [{rate: 1, duration: 1}], lora_traffic_split: [{name: a, split: 1.5}, {name: b, split: " +
			"-0.5}]}",
			"load.lora_traffic_split[0].split: must be from 0 to 1, got 1.5\nload.lora_traffic_split[1].split: must " +
				"be from 0 to 1, got -0.5"},
		{fine + "report: {goodput: {constraints: {ttft: 1e300}}}", "report.goodput.constraints.ttft: " + long +
			"1e+300s"},
		{fine + "report: {goodput: {constraints: {tttf: 0.5, tpot: -9}}}",
			"report.goodput.constraints.tpot: must be above 0, got -9\n" +
				`report.goodput.constraints.tttf: unknown latency "tttf": did you mean "ttft"? Known are ttft, tpot, ` +
				`ntpot, itl, request_latency, first_audio, rtf`},
		{fine + "api: {slo_unit: s, headers: {x-slo-ttft-s: '1e300'}}",
			`api.headers: the value of header "x-slo-ttft-s" must be a positive number of s, or "default"`},
		{fine + "api: {slo_unit: us, headers: {x-slo-ttft-us: '5e-324'}}",
			`api.headers: the value of header "x-slo-ttft-us" must be a positive number of us, or "default"`},
		{breaker("type: rate_over_window, window_sec: 1e12, threshold: -1"),
			"circuit_breakers[0].triggers[0].window_sec: " + long +
				"1000000000000s\ncircuit_breakers[0].triggers[0].threshold: must be from 0 to 1, got -1"},
		{breaker("type: rate_over_window, window_sec: 0, threshold: 2, min_samples: -1"),
			"circuit_breakers[0].triggers[0].window_sec: must be above 0, got 0\n" +
				"circuit_breakers[0].triggers[0].threshold: must be from 0 to 1, got " +
				"2\ncircuit_breakers[0].triggers[0].min_samples: must be at least 0, got -1"},
		{breaker("type: consecutive, threshold: 0"),
			"circuit_breakers[0].triggers[0].threshold: must be at least 1, got 0"},
		{fine + "data: {multimodal: {image: {resolutions: {width: 0, height: -1}}, audio: {durations: [{duration: " +
			"0, weight: -1}]}, video: {profiles: {resolution: 4k, frames: 0}}}}",
			"data.multimodal.image.resolutions[0].resolution.width: must be above 0, got " +
				"0\ndata.multimodal.image.resolutions[0].resolution.height: must be above 0, got -1\n" +
				"data.multimodal.audio.durations[0].duration: must be above 0, got " +
				"0\ndata.multimodal.audio.durations[0].weight: must be at least 0, got -1\n" +
				"data.multimodal.video.profiles[0].profile.frames: must be above 0, got 0"},
		{session[:len(session)-2] + ", data: {type: weka_trace_replay, weka_trace_replay: {trace_files: [a], " +
			"default_block_size: 0, num_dataset_entries: -1}}",
			"data.weka_trace_replay.default_block_size: must be above 0, got " +
				"0\ndata.weka_trace_replay.num_dataset_entries: must be above 0, got -1"},
		// Values to which inference-perf gives a meaning.
		{"load: {request_timeout: 0, interval: 0, num_workers: 0, request_retries: 0, stage_teardown_grace_seconds: " +
			"0, stages: [{rate: 0.001, duration: 1}]}", ""},
		{"load: {request_timeout: null, stages: [{rate: 1, duration: 1}]}, metrics: {type: default, prometheus: " +
			"{url: 'http://h', scrape_interval: 0}}, tokenizer: {load_timeout: null}", ""},
		{session[:len(session)-2] + ", data: {type: weka_trace_replay, weka_trace_replay: {trace_files: [a], " +
			"trace_idle_gap_cap_seconds: -1, predecessor_wait_timeout_sec: 0}}", ""},
	})
}

// A message shows only the beginning of a long value, wherever the value stands.
func TestLongValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("日", 100_000)
	for _, text := range []string{
		"api: {type: " + long + "}", "api: {streaming: " + long + "}", "api: {slo_unit: " + long + "}", long + ": 1",
		"api: {" + long + ": 1}", "api: {headers: {" + long + ": 1}}",
		"api: {headers: {x-slo-" + long + "-ms: '1'}}", "load: {circuit_breakers: [" + long + "]}",
		"load: {interval: " + long + "}", "load: {type: " + long + "}",
		"report: {goodput: {constraints: {" + long + ": 1}}}", "load: {base_seed: -" + strings.Repeat("9", 100_000) +
			"}", "load: {interval: -" + strings.Repeat("9", 100_000) + "}",
		"load: {base_seed: '-" + strings.Repeat("0", 100_000) + "1'}",
		"metrics: {type: prometheus, prometheus: {url: " + long + "}}", "&" + long + " x", "*" + long,
		"!" + long + " x", `"\` + long + `"`,
		"data: {shared_prefix: {output_len: " + long + "}}", "data: {multimodal: {image: {resolutions: " + long + "}}}",
		"x-llm: {arrivals: " + long + "}", "[" + long, "{" + long + ": {" + long,
	} {
		_, err := Parse([]byte(text))
		if err == nil {
			t.Errorf("%.40s…: accepted", text)
			continue
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if len(line) > 1000 {
				t.Errorf("%.40s…: got %d bytes: %.200s…", text, len(line), line)
			}
		}
	}
	for _, o := range []Override{{Key: long, Value: "1"}, {Key: "load.interval", Value: long},
		{Key: "load.stages", Value: long}, {Key: "api." + long, Value: "x"}, {Key: "api.type", Value: long}} {
		if _, err := Parse([]byte("load: {stages: [{rate: 1, duration: 1}]}"), o); err == nil ||
			len(err.Error()) > 2000 {
			t.Errorf("--%.20s %.20s: got %.200v…", o.Key, o.Value, err)
		}
	}
}
