package config

import (
	"reflect"
	"strings"
	"testing"
)

// rule is a configuration on one line and the error it must cause, without "config:1: "; want is empty if the
// configuration is accepted.
type rule struct{ text, want string }

// session makes the load fit for data in sessions.
const session = "load: {type: trace_session_replay, stages: [{concurrent_sessions: 1}]}, "

func testRules(t *testing.T, head string, rules []rule) {
	t.Helper()
	for _, tt := range rules {
		c, err := Parse([]byte("{" + head + tt.text + "}"))
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "config:1: ", "")
		}
		if got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
		if err == nil {
			checkRoundTrip(t, c)
		}
	}
}

const fine = "load: {stages: [{rate: 1, duration: 1}]}, "

func TestTypes(t *testing.T) {
	t.Parallel()
	testRules(t, fine, []rule{
		{"api: null", `api: expected a mapping, got null`},
		{"api: [1]", `api: expected a mapping, got a list`},
		{"api: {type: Chat}", `api.type: unknown value "Chat": did you mean "chat"?`},
		{"api: {type: 3}", `api.type: expected one of completion, chat, anthropic_messages, responses, embeddings, rerank, speech, transcription, image, video, got the number "3"`},
		{"api: {streaming: null}", `api.streaming: expected true or false, got null`},
		{"api: {streaming: 2}", `api.streaming: expected true or false, got the number "2"`},
		{"api: {streaming: maybe}", `api.streaming: expected true or false, got the string "maybe"`},
		{"api: {headers: {x: 1}}", `api.headers.x: expected a string, got the number "1": put it in quotes`},
		{"api: {headers: {x: yes}}", `api.headers.x: expected a string, got the boolean "yes": put it in quotes`},
		{"api: {headers: {x: 2020-01-01}}",
			`api.headers.x: expected a string, got the date "2020-01-01": put it in quotes`},
		{"api: {headers: {1: x}}", `api.headers.1: expected a string as key: put it in quotes`},
		{"api: {headers: {x: null}}", `api.headers.x: expected a string, got null`},
		{"api: {headers: [x]}", `api.headers: expected a mapping, got a list`},
		{"api: {headers: {}}", ``},
		{"api: {yes: 1}",
			`api.yes: unknown key, known are type, streaming, headers, slo_unit, slo_tpot_header, slo_ttft_header, ` +
				`response_format, embeddings, rerank, session_id_header_key, session_token_header_key`},
		{"api: {response_format: {}}", ``},
		{"api: {response_format: {json_schema: {b: [1, 2.5, null, yes], a: {}}}}", ``},
		{"api: {response_format: {json_schema: [1]}}",
			`api.response_format.json_schema: expected a mapping, got a list`},
		{"api: {slo_unit: min}", `api.slo_unit: unknown unit "min", known are s, ms, us`},
		{"api: {slo_unit: S, headers: {x-slo-ttft-s: '1'}}", ``},
		{"api: {headers: {x-slo-ttft-ms: '500', x-slo-class: gold, X-SLO-TPOT-ms: default}}", ``},
		{"api: {headers: {x-slo-ttft-ms: soon}}",
			`api.headers: the value of header "x-slo-ttft-ms" must be a positive number of ms, or "default"`},
		{"api: {headers: {x-slo-tpot-ms: '-5'}}",
			`api.headers: the value of header "x-slo-tpot-ms" must be a positive number of ms, or "default"`},
		{"api: {headers: {x-slo-ttft-s: '1'}}",
			`api.headers: header "x-slo-ttft-s" is not read: bounds are in ms, of the headers x-slo-ttft-ms and ` +
				`x-slo-tpot-ms`},
		{"api: {headers: {x-slo-itl-ms: '1'}}",
			`api.headers: header "x-slo-itl-ms": no bound is read from it, known are x-slo-ttft-ms and x-slo-tpot-ms`},
		{"api: {slo_ttft_header: x-mine, headers: {x-mine: '5', x-slo-ttft-s: '1'}}", ``},
		{"data: {path: 3}", `data.path: expected a string, got the number "3": put it in quotes`},
		{"report: {request_lifecycle: {summary: null, percentiles: [50, '99.9']}}", ``},
		{"report: {request_lifecycle: {percentiles: [101, -1, x]}}",
			"report.request_lifecycle.percentiles[0]: must be from 0 to 100, got " +
				"101\nreport.request_lifecycle.percentiles[1]: must be from 0 to 100, got -1\n" +
				`report.request_lifecycle.percentiles[2]: expected a finite number, got the string "x"`},
		{"report: {request_lifecycle: {percentiles: null}}",
			`report.request_lifecycle.percentiles: expected a list, got null`},
		{"report: {request_lifecycle: {max_error_messages: 2.5}}",
			`report.request_lifecycle.max_error_messages: expected a whole number, got the number "2.5"`},
		{"report: {request_lifecycle: {max_error_messages: 9223372036854775808}}",
			`report.request_lifecycle.max_error_messages: expected a whole number, got the number ` +
				`"9223372036854775808"`},
		{"report: {prometheus: null, goodput: {constraints: {ttft: 0.5, tpot: '1', ntpot: 2, itl: 1e-3, " +
			"request_latency: 9}}}", ``},
		{"report: {goodput: {constraints: {}}}", ``},
		{"report: {goodput: {constraints: {other: 1}}}",
			`report.goodput.constraints.other: unknown latency "other", known are ttft, tpot, ntpot, itl, ` +
				`request_latency, first_audio, rtf`},
		{"report: {goodput: {constraints: {itl: 1, time_to_first_token: 1}}}",
			`report.goodput.constraints.time_to_first_token: unknown latency "time_to_first_token": did you mean ` +
				`"ttft"? Known are ttft, tpot, ntpot, itl, request_latency, first_audio, rtf`},
		{"report: {goodput: {constraints: {a.b: 1, TPOT: 1}}}",
			`report.goodput.constraints.TPOT: unknown latency "TPOT": did you mean "tpot"? Known are tpot, ttft, ` +
				`ntpot, itl, request_latency, first_audio, rtf` +
				"\n" + `report.goodput.constraints.a.b: unknown latency "a.b", known are ttft, tpot, ntpot, itl, ` +
				`request_latency, first_audio, rtf`},
		{"report: {goodput: {constraints: {ttft: 0}}}", `report.goodput.constraints.ttft: must be above 0, got 0`},
		{"report: {goodput: {constraints: {ttft: -0.5}}}",
			`report.goodput.constraints.ttft: must be above 0, got -0.5`},
		{"report: {goodput: {constraints: {ttft: .nan}}}",
			`report.goodput.constraints.ttft: expected a finite number, got the number ".nan"`},
		{"report: {goodput: {constraints: {ttft: 500ms}}}",
			`report.goodput.constraints.ttft: expected a finite number, got the string "500ms"`},
		{"report: {goodput: {constraints: {ttft: null}}}",
			`report.goodput.constraints.ttft: expected a finite number, got null`},
		{"report: {goodput: {constraints: {ttft: .inf}}}",
			`report.goodput.constraints.ttft: expected a finite number, got the number ".inf"`},
		{"x-llm: {arrivals: inference-perf, data: ''}", ``},
		{"x-llm: {arrivals: exact}", `x-llm.arrivals: unknown value "exact", known are "", inference-perf`},
		{"x-llm: {salt: true}", `x-llm.salt: unknown key: did you mean "slo"?`},
	})
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	testRules(t, fine, []rule{
		{"dta: {}", `dta: unknown key: did you mean "data"?`},
		{"percentiles: [1]", `percentiles: unknown key: did you mean "report.request_lifecycle.percentiles"?`},
		{"request_lifecycle: {}", `request_lifecycle: unknown key: did you mean "report.request_lifecycle"?`},
		{"zzzzzzzzzzzz: 1",
			`zzzzzzzzzzzz: unknown key, known are api, data, load, metrics, report, storage, server, tokenizer, ` +
				`circuit_breakers, x-llm`},
		{"data: {shared_prefix: {num_group: 1}}",
			`data.shared_prefix.num_group: unknown key: did you mean "num_groups"?`},
		{"data: {shared_prefix: {num_groups: 1, num_prompts_per_group: 2}}", ``},
		{"data: {shared_prefix: {num_groups: 1, num_unique_system_prompts: 1}}",
			`data.shared_prefix.num_unique_system_prompts: is given twice, also as num_groups: leave one out`},
		{"storage: {local_storage: {path: a, bucket_name: b}}",
			`storage.local_storage.bucket_name: unknown key, known are path, report_file_prefix`},
	})
}

func TestServerRules(t *testing.T) {
	t.Parallel()
	testRules(t, fine, []rule{
		{"server: {}", `server.base_url: is required`},
		{"server: {base_url: x, type: VLLM}", `server.type: unknown value "VLLM": did you mean "vllm"?`},
		{"tokenizer: {load_timeout: 0}", `tokenizer.load_timeout: must be above 0, got 0`},
		{"tokenizer: {load_timeout: .nan}", `tokenizer.load_timeout: expected a finite number, got the number ".nan"`},
		{"tokenizer: {load_timeout: null, trust_remote_code: on}", ``},
		{"tokenizer: {}", ``},
		{"metrics: {}", `metrics.type: is required`},
		{"metrics: {type: default}", ``},
		{"metrics: {type: prometheus, prometheus: {}}",
			`metrics.prometheus: needs either a url or google_managed: true`},
		{"metrics: {type: prometheus, prometheus: {url: 'http://h:9090', google_managed: true}}",
			`metrics.prometheus.google_managed: is true although a url is given: leave one out`},
		{"metrics: {type: prometheus, prometheus: {url: 'ftp://h'}}",
			`metrics.prometheus.url: expected an http or https URL, got the string "ftp://h"`},
		{"metrics: {type: prometheus, prometheus: {url: 'http://h:9090', filters: ['a=\"b\"']}}", ``},
		{"metrics: {type: prometheus, prometheus: {google_managed: true}}", ``},
		{"storage: {google_cloud_storage: {}}", `storage.google_cloud_storage.bucket_name: is required`},
		{"storage: {simple_storage_service: {bucket_name: b, addressing_style: virtual}}", ``},
	})
}

func TestDistributionRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "data: {input_distribution: " + text + "}" }
	testRules(t, fine, []rule{
		{in("{}"), ``},
		{in("{type: poisson, mean: 1}"), ``},
		{in("{type: gauss}"),
			`data.input_distribution.type: unknown value "gauss", known are normal, skew_normal, lognormal, ` +
				`uniform, poisson, fixed`},
		{in("{min: 5, max: 4}"), `data.input_distribution.min: must not be above max (4), got 5`},
		{in("{min: 2000}"), `data.input_distribution.min: must not be above max (1024), got 2000`},
		{in("{std_dev: -1}"), `data.input_distribution.std_dev: must not be negative, got -1`},
		{in("{variance: 100}"), ``},
		{in("{variance: 0}"), ``},
		{in("{variance: 100, std_dev: 0}"), ``},
		{in("{variance: 100, std_dev: 10}"), ``},
		{in("{variance: 100, std_dev: 200}"),
			`data.input_distribution.variance: is 100 although std_dev is given as 200, which is not its root: ` +
				`leave one out`},
		{in("{variance: -1}"), `data.input_distribution.variance: must not be negative, got -1`},
		{in("{total_count: 3}"), ``},
		{in("5"), `data.input_distribution: expected a mapping, got a number`},
		{"data: {shared_prefix: {system_prompt_len: '7', question_len: {mean: 3}}}", ``},
		{"data: {shared_prefix: {system_prompt_len: x}}",
			`data.shared_prefix.system_prompt_len: expected a whole number or a distribution, got the string "x"`},
		{"data: {shared_prefix: {system_prompt_len: null}}",
			`data.shared_prefix.system_prompt_len: expected a whole number or a distribution, got null`},
		{"data: {shared_prefix: {question_distribution: {}, output_distribution: {}}}", ``},
		{"data: {shared_prefix: {question_len: {}, question_distribution: {}}}",
			`data.shared_prefix.question_distribution: is given although question_len is a distribution too: leave ` +
				`one out`},
		{"data: {shared_prefix: {output_len: {}, output_distribution: {}}}",
			`data.shared_prefix.output_distribution: is given although output_len is a distribution too: leave one out`},
	})
	if d := mustParse(t, "{"+fine+in("{variance: 100}")+"}").Data.Input; d.StdDev != 10 || *d.Variance != 100 {
		t.Errorf("got %+v", d)
	}
	if d := mustParse(t, "{"+fine+in("{variance: 0}")+"}").Data.Input; d.StdDev != 0 {
		t.Errorf("got %+v", d)
	}
}

func TestLegacyLengths(t *testing.T) {
	t.Parallel()
	p := mustParse(t,
		"{"+fine+"data: {shared_prefix: {question_len: 5, question_distribution: {mean: 9}, output_len: "+
			"6}}}").Data.SharedPrefix
	if got := p.QuestionLength(); got.Distribution == nil || got.Distribution.Mean != 9 {
		t.Errorf("question: got %+v", got)
	}
	if got, want := p.OutputLength(), (Length{N: 6}); got != want {
		t.Errorf("output: got %+v, want %+v", got, want)
	}
	if p.Groups != 10 || p.UsersPerGroup != 10 || p.SystemPrompt != (Length{N: 100}) {
		t.Errorf("got %+v", p)
	}
}

func TestMediaRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "data: {multimodal: " + text + "}" }
	testRules(t, fine, []rule{
		{in("{image: {count: {}, insertion_point: 0.5, resolutions: 720p, representation: webp}}"), ``},
		{in("{image: {insertion_point: {mean: 1}, resolutions: {height: 3, width: 4}}}"), ``},
		{in("{image: {resolutions: [{resolution: 4k, weight: 2}, {resolution: {height: 1, width: 1}}]}}"), ``},
		{in("{image: {resolutions: 8k}}"),
			`data.multimodal.image.resolutions[0].resolution: expected one of 1080p, 360p, 4k, 720p or {height, ` +
				`width}, got the string "8k"`},
		{in("{image: {resolutions: [{weight: 2}]}}"), `data.multimodal.image.resolutions[0].resolution: is required`},
		{in("{image: {insertion_point: x}}"),
			`data.multimodal.image.insertion_point: expected a number or a distribution, got the string "x"`},
		{in("{video: {profiles: {resolution: 360p, frames: 5}, representation: png_frames}}"), ``},
		{in("{video: {profiles: [{profile: {resolution: 360p, frames: 5}, weight: 3}]}}"), ``},
		{in("{audio: {durations: 2.5}}"), ``},
		{in("{audio: {durations: [{duration: 2.5, weight: 3}]}}"), ``},
		{in("{audio: {durations: x}}"),
			`data.multimodal.audio.durations[0].duration: expected a finite number, got the string "x"`},
		{"data: {visionarena: {insertion_point: null, hf_data_files: a}}", ``},
		{"data: {visionarena: {hf_data_files: [a, 3]}}",
			`data.visionarena.hf_data_files[1]: expected a string, got the number "3"`},
	})
	r := mustParse(t, "{"+fine+in("{image: {resolutions: 720p}}")+"}").Data.Multimodal.Image.Resolutions
	if want := []WeightedResolution{{Resolution{"720p", 1280, 720}, 1}}; !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestReplayRules(t *testing.T) {
	t.Parallel()
	otel := func(text string) string { return "data: {type: otel_trace_replay, otel_trace_replay: {" + text + "}}" }
	const at = "data.otel_trace_replay"
	testRules(t, session, []rule{
		{otel("trace_directory: a"), ``},
		{otel("trace_files: ['a/**']"), ``},
		{otel("hf_dataset_path: a/b"), ``},
		{otel("hf_dataset_path: {path: a/b, split: train, n: 3}"), ``},
		{otel("hf_dataset_path: {split: train}"), at + `.hf_dataset_path.path: is required`},
		{otel("hf_dataset_path: 3"),
			at + `.hf_dataset_path: expected a string or a mapping with a path, got the number "3"`},
		{otel(""), at + `: needs exactly one of trace_directory, trace_files and hf_dataset_path, got 0`},
		{otel("trace_directory: a, trace_files: [b]"),
			at + `: needs exactly one of trace_directory, trace_files and hf_dataset_path, got 2`},
		{otel("trace_directory: a, use_static_model: true"),
			at + `.static_model_name: is required by use_static_model`},
		{otel("trace_directory: a, static_model_name: m"),
			at + `.static_model_name: needs use_static_model: true or a model_mapping`},
		{otel("trace_directory: a, static_model_name: m, model_mapping: {a: b}"), ``},
		{otel("trace_directory: a, disable_output_substitution: true, inject_random_session_id: true"),
			at + `.disable_output_substitution: does not go with inject_random_session_id`},
		{otel("trace_directory: a, disable_output_substitution: true, duplicate_sessions_target: 2"),
			at + `.disable_output_substitution: does not go with duplicate_sessions_target`},
		{otel("trace_directory: a, default_max_tokens: 0, duplicate_sessions_target: 0, max_wait_ms: -1"),
			at + ".default_max_tokens: must be above 0, got 0\n" + at + ".duplicate_sessions_target: must be above " +
				"0, got 0\n" + at + ".max_wait_ms: must be at least 0, got -1"},
		{otel("trace_directory: a, tool_choice_mode: as_recorded, bad_tool_call_handling: use_recorded, " +
			"predecessor_wait_timeout_sec: 0"), ``},
		{"data: {type: weka_trace_replay, weka_trace_replay: {trace_files: [a], datagen_workers: 0}}",
			`data.weka_trace_replay.datagen_workers: must be at least 1, got 0`},
		{"data: {type: weka_trace_replay, weka_trace_replay: {}}",
			`data.weka_trace_replay: needs exactly one of trace_directory, trace_files and hf_dataset_path, got 0`},
		{"data: {type: weka_trace_replay, weka_trace_replay: {trace_files: [a], trace_idle_gap_cap_seconds: -1}}", ``},
	})
}

func TestAgenticRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string {
		return "data: {type: synthetic_agentic, synthetic_agentic: {num_sessions: 1, input_tokens_per_turn: {type: " +
			"fixed, mean: 100}, output_tokens_per_turn: {max: 50}, " + text + "}}"
	}
	const at = "data.synthetic_agentic"
	testRules(t, session, []rule{
		{in(""), ``},
		{"data: {type: synthetic_agentic}", at + `: is required by data.type "synthetic_agentic"`},
		{"data: {type: synthetic_agentic, synthetic_agentic: {}}", at + ".num_sessions: is required\n" + at +
			".input_tokens_per_turn: is required\n" + at + ".output_tokens_per_turn: is required"},
		{in("inject_random_session_id: true"), at + `.inject_random_session_id: must stay false for synthetic_agentic`},
		{in("duplicate_sessions_target: 3"), at + `.duplicate_sessions_target: must stay null for synthetic_agentic`},
		{in("skip_invalid_files: true"), at + `.skip_invalid_files: must stay false for synthetic_agentic`},
		{in("include_errors: false"), at + `.include_errors: must stay true for synthetic_agentic`},
		{in("include_errors: true, fanout_probability: 1.5"), at + `.fanout_probability: must be from 0 to 1, got 1.5`},
		{in("theme_mix: {}"), at + `.theme_mix: must name a theme with a weight above 0`},
		{in("theme_mix: {generic: 0}"), at + `.theme_mix: must name a theme with a weight above 0`},
		{in("theme_mix: {generic: -1, research_rag: 2}"), at + `.theme_mix.generic: must be at least 0, got -1`},
		{in("theme_mix: {genric: 1}"), at + `.theme_mix.genric: unknown theme: did you mean "generic"?`},
		{in("theme_mix: {generic: {weight: 1}, research_rag: '2'}"), ``},
		{in("theme_mix: {generic: {}}"), at + `.theme_mix.generic.weight: is required`},
		{in("theme_mix: {generic: x}"), at + `.theme_mix.generic: expected a number, got the string "x"`},
		{in("context_compaction: {trigger_tokens: {}}"), at + `.context_compaction.target_tokens: is required`},
		// 1000 + 380·8 + 1·(100 + 2·(50 + 1·50)) + 50
		{in("max_model_len: 4389"),
			at + `.max_model_len: must be at least 4390, which the longest session may need, got 4389`},
		{in("max_model_len: 4390"), ``},
		// 0 + 380·1 + 3·(100 + 4·(50 + 2·50)) + 50
		{in("max_model_len: 2529, shared_system_prompt_len: 0, tool_catalog_size_per_agent: {type: fixed, mean: 1}, " +
			"turns_per_session: {min: 1, max: 3}, " +
			"tool_loop_depth: {min: 1, max: 4}, parallel_tool_calls_per_step: {min: 1, max: 2}"),
			at + `.max_model_len: must be at least 2530, which the longest session may need, got 2529`},
	})
	a := mustParse(t, "{"+session+in("")+"}").Data.SyntheticAgentic
	if a.OverrideToolCallMaxTokens || !a.IncludeErrors || a.Turns.Type != Fixed || a.Turns.Mean != 1 ||
		len(a.Themes) != 4 {
		t.Errorf("got %+v", a)
	}
	if o := mustParse(t,
		"{"+session+
			"data: {type: otel_trace_replay, otel_trace_replay: {trace_directory: "+
			"a}}}").Data.OTel; !o.OverrideToolCallMaxTokens {
		t.Errorf("got %+v", o)
	}
}

func TestConversationRules(t *testing.T) {
	t.Parallel()
	const at = "data.conversation_replay.max_model_len: must be "
	in := func(text string) string {
		return "load: {stages: [{rate: 1, duration: 1}]}, data: {type: conversation_replay, conversation_replay: {" +
			text + "}}"
	}
	testRules(t, "", []rule{
		{in(""), ``},
		{in("max_model_len: null"), ``},
		{in("max_model_len: 0"), at + `above 0, got 0`},
		{in("max_model_len: -5"), at + `above 0, got -5`},
		{in("max_model_len: many"),
			`data.conversation_replay.max_model_len: expected a whole number, got the string "many"`},
		{in("max_model_len: 9127"), ``},
		{in("max_model_len: 9126"),
			at + `at least 9127, the tokens of the shortest first prompt and its answer, got 9126`},
		{in("shared_system_prompt_len: 300000"),
			at + `at least 300768, the tokens of the shortest first prompt and its answer, got 225000`},
		{in("max_model_len: 2000, shared_system_prompt_len: 100, dynamic_system_prompt_len: {type: lognormal, min: " +
			"1, max: 90000, mean: 800}, " +
			"output_tokens_per_turn: {min: 1, max: 1999}"), ``},
		{in("max_model_len: 2000, shared_system_prompt_len: 100, output_tokens_per_turn: {min: 1, max: 2000}"),
			at + `at least 2001, the tokens of the longest answer and of a prompt of one word, got 2000`},
		{in("max_model_len: 2000, shared_system_prompt_len: 100, dynamic_system_prompt_len: {type: fixed, mean: " +
			"1900}, " +
			"input_tokens_per_turn: {min: 10}, output_tokens_per_turn: {min: 1, max: 9}"),
			at + `at least 2011, the tokens of the shortest first prompt and its answer, got 2000`},
		{"load: {stages: [{rate: 1, duration: 1}]}, data: {type: mock, conversation_replay: {max_model_len: 10}}", ``},
	})
}

func TestLoadRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "load: {" + text + "}" }
	const one = "stages: [{rate: 1, duration: 1}], "
	testRules(t, "", []rule{
		{in("stages: []"), `load.stages: is missing: give stages, or a sweep`},
		{in("stages: []") + ", x-llm: {search: {over: rate}}", ``},
		{"x-llm: {search: {over: rate}}", ``},
		{in("stages: null"), `load.stages: expected a list, got null`},
		{in("stages: [3]"), `load.stages[0]: expected a mapping, got a number`},
		{in("stages: {rate: 1}"), `load.stages: expected a list, got a mapping`},
		{in("sweep: {type: linear}"), ``},
		{in("sweep: {}"), `load.sweep.type: is required`},
		{in("sweep: {type: linear, saturation_percentile: 200}"),
			`load.sweep.saturation_percentile: must be from 0 to 100, got 200`},
		{in(one + "sweep: {type: geometric}"), ``},
		{in("stages: [{rate: 0, duration: 1}]"), `load.stages[0].rate: must be above 0, got 0`},
		{in("stages: [{rate: 1, duration: 0}]"), `load.stages[0].duration: must be above 0, got 0`},
		{in("stages: [{rate: 1, duration: 2.5}]"),
			`load.stages[0].duration: expected a whole number, got the number "2.5"`},
		{in("stages: [{rate: '1', duration: 2.0}]"), ``},
		{in("stages: [{}]"), "load.stages[0].rate: is required\nload.stages[0].duration: is required"},
		{in("stages: [{rate: 1, duration: 1, num_requests: 3}]"),
			`load.stages[0].num_requests: is only for load.type "concurrent"`},
		{in("stages: [{rate: 1, duration: 1, concurrency_level: 3}]"),
			`load.stages[0].concurrency_level: is only for load.type "concurrent"`},
		{in("stages: [{rate: 1, duration: 1, num_requests: null}]"), ``},
		{in("stages: [{rate: 1, duration: 1, timeout: 3}]"),
			`load.stages[0].timeout: unknown key: did you mean "load.sweep.timeout"?`},
		{in("type: concurrent, stages: [{num_requests: 3, concurrency_level: 2, rate: 9, duration: 9}]"), ``},
		{in("type: concurrent, stages: [{rate: 1, duration: 1}]"),
			"load.stages[0].concurrency_level: is required"},
		{in("type: concurrent, stages: [{concurrency_level: 2}]"),
			"load.stages[0].num_requests: is missing: give num_requests, or a duration"},
		{in("type: concurrent, stages: [{concurrency_level: 2, duration: 30, warmup: 5}]"), ``},
		{in("type: concurrent, stages: [{concurrency_level: 2, num_requests: 9, duration: 1, warmup: 5}]"), ``},
		{in("type: concurrent, stages: [{concurrency_level: 2, duration: 0}]"),
			"load.stages[0].duration: must be above 0, got 0"},
		{in("type: concurrent, stages: [{concurrency_level: 2, duration: 5, warmup: 5}]"),
			"load.stages[0].warmup: must be shorter than the duration (5), got 5"},
		{in("stages: [{rate: 2, duration: 5, warmup: 5.5}]"),
			"load.stages[0].warmup: must be shorter than the duration (5), got 5.5"},
		{in("stages: [{rate: 2, duration: 5, warmup: -1}]"), "load.stages[0].warmup: must be at least 0, got -1"},
		{in("stages: [{rate: 2, duration: 5, warmup: 0.5}]"), ``},
		{in("type: concurrent, stages: [{num_requests: 0, concurrency_level: 0}]"),
			"load.stages[0].num_requests: must be above 0, got 0\nload.stages[0].concurrency_level: must be above " +
				"0, got 0"},
		{in("type: concurrent, sweep: {type: linear}"), `load.sweep: does not go with load.type "concurrent"`},
		{in("type: poison, " + one), `load.type: unknown value "poison": did you mean "poisson"?`},
		{in("type: trace_replay, " + one), `load.trace: is required by load.type "trace_replay"`},
		{in("type: trace_replay, trace: {}, " + one), `load.trace.file: is required`},
		{in("type: trace_replay, trace: {file: a, format: csv}, " + one),
			`load.trace.format: unknown value "csv", known are AzurePublicDataset`},
		{in("request_retries: -1, request_retry_backoff_sec: -1, stage_teardown_grace_seconds: -1, " + one),
			"load.request_retries: must be at least 0, got -1\nload.request_retry_backoff_sec: must be at least 0, " +
				"got -1\n" +
				"load.stage_teardown_grace_seconds: must be at least 0, got -1"},
		{in("num_workers: null, " + one), `load.num_workers: expected a whole number, got null`},
		{in("request_timeout: 0, base_seed: 5, " + one), ``},
		{in("lora_traffic_split: null, " + one), ``},
		{in("lora_traffic_split: [], " + one),
			`load.lora_traffic_split: must not be empty: leave it out for no adapters`},
		{in("lora_traffic_split: [{name: a, split: 0.5}, {name: b, split: 0.4}], " + one),
			`load.lora_traffic_split: must add up to 1, got 0.9`},
		{in("lora_traffic_split: [" + strings.Repeat("{name: a, split: 0.1}, ", 10) + "], " + one), ``},
		{in("circuit_breakers: [b], " + one), `load.circuit_breakers[0]: no entry of circuit_breakers is named "b"`},
	})
	s := mustParse(t,
		"{"+in("type: concurrent, stages: [{num_requests: 3, concurrency_level: 2, rate: 9, duration: 9}]")+
			"}").Load.Stages
	if c := s.Concurrent[0]; *c.Rate != 3 || *c.Duration != 1 || s.Len() != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestSessionRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string {
		return "load: {type: trace_session_replay, stages: [{" + text + "}]}, data: {type: otel_trace_replay, " +
			"otel_trace_replay: {trace_directory: a}}"
	}
	testRules(t, "", []rule{
		{in("concurrent_sessions: 0"), ``},
		{in(""), `load.stages[0].concurrent_sessions: is required`},
		{in("concurrent_sessions: -1"), `load.stages[0].concurrent_sessions: must be at least 0, got -1`},
		{in("concurrent_sessions: 2, session_rate: 3"),
			`load.stages[0].session_rate: must not be above concurrent_sessions (2), got 3`},
		{in("concurrent_sessions: 0, session_rate: 3"), ``},
		{in("concurrent_sessions: 0, session_rate: 0, num_sessions: 0, timeout: 0"),
			"load.stages[0].session_rate: must be above 0, got 0\nload.stages[0].num_sessions: must be above 0, got " +
				"0\nload.stages[0].timeout: must be above 0, got 0"},
		{in("concurrent_sessions: 0, rate: 3"),
			`load.stages[0].rate: unknown key, known are concurrent_sessions, session_rate, num_sessions, timeout`},
		{fine + "data: {type: otel_trace_replay, otel_trace_replay: {trace_directory: a}}",
			`data.type: "otel_trace_replay" needs load.type "trace_session_replay", got "constant"`},
		{session + "data: {type: mock}",
			`load.type: "trace_session_replay" needs a data.type of sessions, which "mock" is not: use ` +
				`"otel_trace_replay", "weka_trace_replay", "synthetic_agentic" or "workload_replay"`},
		{fine + "data: {type: random, use_chat_template: true}", ``},
		{fine + "data: {use_chat_template: true}",
			`data.use_chat_template: is only for data.type "random", got "mock"`},
		{fine + "data: {type: visionarena}", `data.visionarena: is required by data.type "visionarena"`},
		{fine + "data: {type: sharegpt}", `data.type: unknown value "sharegpt": did you mean "shareGPT"?`},
	})
}

func TestWorkloadRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return session + "data: {type: workload_replay, " + text + "}" }
	testRules(t, "", []rule{
		{in("path: a.jsonl"), ``},
		{in("workload: {file: a.jsonl}"), ``},
		{in("workload: {format: Mooncake, file: a.jsonl, block_size: 512, scope: session, share: 0.1, " +
			"filter: 'lambda s: True', columns: {time: ts}, num_dataset_entries: 5, session: {max_wait_ms: 0}}"), ``},
		{in(""), `data.workload: is required by data.type "workload_replay": give file, or data.path`},
		{in("workload: {}"), `data.workload.file: is missing: give it, or data.path`},
		{in("path: a, workload: {file: b}"), `data.workload.file: is given although data.path is too: leave one out`},
		{in("path: a, workload: {share: 0}"), `data.workload.share: must be above 0`},
		{in("path: a, workload: {share: 2, block_size: 0, num_dataset_entries: 0}"),
			"data.workload.share: must be from 0 to 1, got 2\ndata.workload.block_size: must be above 0, got " +
				"0\ndata.workload.num_dataset_entries: must be above 0, got 0"},
		{in("path: a, workload: {scope: all}"),
			`data.workload.scope: unknown value "all", known are "", trace, session`},
		{in("path: a, workload: {session: {use_static_model: true}}"),
			`data.workload.session.static_model_name: is required by use_static_model`},
		{fine + "data: {type: workload_replay, path: a}",
			`data.type: "workload_replay" needs load.type "trace_session_replay", got "constant"`},
	})
}

func TestClockRules(t *testing.T) {
	t.Parallel()
	const sessions, data = "load: {type: trace_session_replay}, ", "data: {type: workload_replay, path: a}, "
	testRules(t, "", []rule{
		{sessions + data + "x-llm: {clock: trace}", ``},
		{sessions + data + "x-llm: {clock: trace, speed: 2.5}", ``},
		{session + data + "x-llm: {clock: trace}", ``},
		{session + data + "x-llm: {speed: 0.5}", ``},
		{sessions + data, `load.stages: is missing: give stages, such as [{concurrent_sessions: 8}], or ` +
			`x-llm: {clock: trace} for the times of the trace`},
		{session + data + "x-llm: {clock: wall}", `x-llm.clock: unknown value "wall", known are "", trace`},
		{session + data + "x-llm: {speed: 0}", `x-llm.speed: must be above 0, got 0`},
		{"load: {type: trace_session_replay}, data: {type: synthetic_agentic, synthetic_agentic: {num_sessions: 1, " +
			"input_tokens_per_turn: {}, output_tokens_per_turn: {}}}, x-llm: {clock: trace}",
			`x-llm.clock: needs a trace with times, and data.type "synthetic_agentic" is made up`},
		{fine + "x-llm: {clock: trace, speed: 2}", "x-llm.clock: is for load.type \"trace_session_replay\", got " +
			"\"constant\"\nx-llm.speed: is for load.type \"trace_session_replay\", got \"constant\""},
	})
}

func TestBreakerRules(t *testing.T) {
	t.Parallel()
	in := func(text string) string { return "circuit_breakers: [" + text + "]" }
	const metrics = "metrics: {matches: [error]}, "
	testRules(t, fine, []rule{
		{in("{name: b, " + metrics + "triggers: [{type: consecutive, threshold: 3}, {type: rate_over_window, " +
			"window_sec: 5, threshold: 0.5}]}"), ``},
		{in("{}"), "circuit_breakers[0].name: is required\ncircuit_breakers[0].metrics: is " +
			"required\ncircuit_breakers[0].triggers: is required"},
		{in("{name: b, metrics: {matches: []}, triggers: []}"),
			`circuit_breakers[0].metrics.matches: must name at least one expression`},
		{in("{name: b, " + metrics + "triggers: [{type: consecutive, threshold: 0}]}"),
			`circuit_breakers[0].triggers[0].threshold: must be at least 1, got 0`},
		{in("{name: b, " + metrics +
			"triggers: [{type: rate_over_window, window_sec: 0, threshold: 2, min_samples: -1}]}"),
			"circuit_breakers[0].triggers[0].window_sec: must be above 0, got " +
				"0\ncircuit_breakers[0].triggers[0].threshold: must be from 0 to 1, got 2\n" +
				"circuit_breakers[0].triggers[0].min_samples: must be at least 0, got -1"},
		{in("{name: b, " + metrics + "triggers: [{}]}"),
			`circuit_breakers[0].triggers[0].type: is required: consecutive or rate_over_window`},
		{in("{name: b, " + metrics + "triggers: [{type: some}]}"),
			`circuit_breakers[0].triggers[0].type: expected consecutive or rate_over_window, got the string "some"`},
		{in("{name: b, " + metrics + "triggers: [3]}"),
			`circuit_breakers[0].triggers[0]: expected a mapping, got a number`},
	})
	c := mustParse(t,
		"{load: {stages: [{rate: 1, duration: 1}], circuit_breakers: [b]}, circuit_breakers: [{name: b, metrics: "+
			"{matches: [error]}, triggers: []}]}")
	if !reflect.DeepEqual(c.Load.CircuitBreakers, []string{"b"}) {
		t.Errorf("got %q", c.Load.CircuitBreakers)
	}
}

// Speech is streamed unless the configuration says otherwise, and nothing else is.
func TestSpeechIsStreamed(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]bool{
		"{type: speech}": true, "{type: speech, streaming: false}": false, "{type: speech, streaming: true}": true,
		"{type: transcription}": false, "{type: image}": false, "{type: chat}": false, "{}": false,
	} {
		c := mustParse(t, stages+"api: "+api+"\n")
		if c.API.Streaming != want {
			t.Errorf("%s: streaming %t", api, c.API.Streaming)
		}
		checkRoundTrip(t, c)
	}
}
