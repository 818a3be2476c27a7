package dropin

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

const (
	server = "server: {base_url: 'http://s', model_name: m}\n"
	load   = "load: {stages: [{rate: 1, duration: 1}]}\n"

	sessions = "load: {type: trace_session_replay, stages: [{concurrent_sessions: 1}]}\n"
)

func mustParse(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRemarks(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"load: {num_workers: -1, worker_max_concurrency: 5, " +
			"stages: [{rate: 1, duration: 1}]}\n": "load.num_workers has no effect here: one process",
		load + "tokenizer: {trust_remote_code: true}\n": "tokenizer.trust_remote_code has no effect " +
			"here: tokenizers are read, never run",
		load + "data: {type: random, " +
			"input_distribution: {total_count: 5}}\n": "data.input_distribution.total_count has no effect here: ",
		load + "api: {type: anthropic_messages, response_format: {type: json_object}}\n": "api.response_format has " +
			"no effect: api.type anthropic_messages has no field for it",
	} {
		if notes := strings.Join(Remarks(mustParse(t, server+yaml)), "\n"); !strings.Contains(notes, want) {
			t.Errorf("%s is not in %q", want, notes)
		}
	}
	const lengths = "input_distribution: {mean: 20}, output_distribution: {mean: 20}"
	for _, plain := range []string{
		"", "data: {type: random, " + lengths + "}\n", "data: {type: synthetic, corpus_file_path: c, " + lengths +
			"}\n",
		"data: {type: shareGPT, path: x, " + lengths + "}\n", "data: {type: shared_prefix, shared_prefix: {}}\n",
		"data: {type: conversation_replay, conversation_replay: {}}\n", "data: {type: random, trace: {file: t.csv}}\n",
	} {
		if notes := Remarks(mustParse(t, server+load+plain)); len(notes) > 0 {
			t.Errorf("%q: got %q, want no remark", plain, notes)
		}
	}
	for _, plain := range []string{
		"{type: otel_trace_replay, otel_trace_replay: {trace_directory: a}}",
		"{type: weka_trace_replay, weka_trace_replay: {trace_files: [a]}}", "{type: workload_replay, path: a}",
		"{type: workload_replay, workload: {file: a}}", "{type: synthetic_agentic, synthetic_agentic: " +
			"{num_sessions: 1, input_tokens_per_turn: {}, output_tokens_per_turn: {}}}",
	} {
		c := mustParse(t, sessionConfig+"report: {session_lifecycle: {per_session: true}}\ndata: "+plain)
		if notes := Remarks(c); len(notes) > 0 {
			t.Errorf("%q: got %q, want no remark", plain, notes)
		}
	}
}

// Remarks names every key without effect when it is set, and does not name it when it has its default.
func TestRemarksNameKeysWithoutEffect(t *testing.T) {
	t.Parallel()
	set := map[string]string{
		"load.num_workers":            "load: {num_workers: 4, stages: [{rate: 1, duration: 1}]}\n",
		"load.worker_max_concurrency": "load: {worker_max_concurrency: 5, stages: [{rate: 1, duration: 1}]}\n",
		"load.worker_max_tcp_connections": "load: {worker_max_tcp_connections: 5, " +
			"stages: [{rate: 1, duration: 1}]}\n",
		"tokenizer.trust_remote_code":          load + "tokenizer: {trust_remote_code: true}\n",
		"tokenizer.load_timeout":               load + "tokenizer: {load_timeout: 5}\n",
		"data.input_distribution.total_count":  load + "data: {type: random, input_distribution: {total_count: 5}}\n",
		"data.output_distribution.total_count": load + "data: {type: random, output_distribution: {total_count: 5}}\n",
	}
	addReplayKeys(set)
	for _, n := range noEffect {
		want := n.key + " has no effect here: " + n.why
		if got := Remarks(mustParse(t, server+set[n.key])); len(got) > 2 || !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", set[n.key], got, want)
		}
	}
	const usual = "load: {worker_max_concurrency: 100, worker_max_tcp_connections: 2500, stages: [{rate: 1, " +
		"duration: 1}]}\ntokenizer: {load_timeout: 300}\n"
	if got := Remarks(mustParse(t, server+usual)); len(got) > 0 {
		t.Errorf("defaults: got %q, want no remark", got)
	}
}

// addReplayKeys adds configurations that set the keys of sessions that have no effect.
func addReplayKeys(set map[string]string) {
	data := map[string]string{
		"data.otel_trace_replay": "api: {type: chat}\ndata: {type: otel_trace_replay, otel_trace_replay: " +
			"{trace_directory: a, %s}}\n",
		"data.weka_trace_replay": "api: {type: chat}\ndata: {type: weka_trace_replay, weka_trace_replay: " +
			"{trace_directory: a, %s}}\n",
		"data.workload.session": "api: {type: chat}\ndata: {type: workload_replay, workload: {file: a, session: " +
			"{%s}}}\n",
		"data.synthetic_agentic": "api: {type: chat}\ndata: {type: synthetic_agentic, synthetic_agentic: " +
			"{num_sessions: 1, input_tokens_per_turn: {}, output_tokens_per_turn: {}, %s}}\n",
	}
	values := map[string]string{
		"use_static_model":  "use_static_model: true, static_model_name: m", // one takes the other
		"static_model_name": "use_static_model: true, static_model_name: m",
		"model_mapping":     "model_mapping: {a: b}", "default_max_tokens": "default_max_tokens: 7",
		"ignore_trace_delays": "ignore_trace_delays: true", "use_think_time_only": "use_think_time_only: true",
		"datagen_workers": "datagen_workers: 2",
	}
	for _, n := range replayNoEffect {
		at := strings.LastIndexByte(n.key, '.')
		set[n.key] = sessions + strings.Replace(data[n.key[:at]], "%s", values[n.key[at+1:]], 1)
	}
}

// Remarks names each key of another type of data or of load, on a line of its own.
func TestRemarksNameUnusedKeys(t *testing.T) {
	t.Parallel()
	const breaker = "circuit_breakers: [{name: b, metrics: {matches: ['@']}, triggers: [{type: consecutive, " +
		"threshold: 2}]}]\n"
	for yaml, want := range map[string]string{
		"data: {type: random, shared_prefix: {}, path: x}\n": "data.path has no effect: data.type " +
			"random does not use it\ndata.shared_prefix has no effect: data.type random does not use it",
		"data: {type: random, corpus_file_path: c.txt}\n": "data.corpus_file_path has no " +
			"effect: data.type random does not use it",
		"data: {type: mock, input_distribution: {}}\n": "data.input_distribution has no " +
			"effect: data.type mock does not use it",
		"data: {type: shared_prefix, output_distribution: {}}\n": "data.output_distribution has no " +
			"effect: data.type shared_prefix does not use it",
		"data: {type: synthetic, trace: {file: t.csv}}\n": "data.trace has no effect: " +
			"data.type synthetic does not use it",
		"data: {type: shareGPT, conversation_replay: {}}\n": "data.conversation_replay has no " +
			"effect: data.type shareGPT does not use it",
		"data: {type: mock, visionarena: {}}\n": "data.visionarena has no effect: " +
			"data.type mock does not use it",
		"data: {type: shared_prefix, multimodal: {image: {}}}\n": "api.type: requests with media are sent as " +
			"chats, as inference-perf sends them",
		breaker: `circuit breaker "b" has no effect: ` +
			`load.circuit_breakers does not name it`,
		"data: {type: random, trace: {file: t.csv}, input_distribution: {}}\n": "data.input_distribution and " +
			"output_distribution have no effect: the lengths are those of data.trace",
	} {
		if got := strings.Join(Remarks(mustParse(t, server+load+yaml)), "\n"); got != want {
			t.Errorf("%s: got %q, want %q", yaml, got, want)
		}
	}
	const trace = "load: {trace: {file: t.csv}, stages: [{rate: 1, duration: 1}]}\n"
	if got, want := strings.Join(Remarks(mustParse(t, server+trace)), "\n"),
		"load.trace has no effect: load.type constant does not use it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const breaker = "circuit_breakers: [{name: b, metrics: {matches: ['@', %s]}, triggers: [{type: consecutive, " +
		"threshold: 2}]}]\n"
	for yaml, want := range map[string]string{
		server + load: "",
		server + load + "data: {type: random, input_distribution: {min: 1, max: 9, mean: 9}}\n": "",
		server + load + "data: {type: shareGPT, input_distribution: {min: 1, max: 9}}\n":        "",
		server + load + strings.Replace(breaker, "%s", "error", 1):                              "",
		load: "server: is missing",
		load + "server: {base_url: 'http://h', api_key: '***'}\n": "server.api_key: *** stands for a secret that " +
			"was left out: give it by --server.api_key",
		load + "server: {base_url: 'http://***@h'}\n": "server.base_url: *** stands for a secret " +
			"that was left out: give it by --server.base_url",
		load + "server: {base_url: 'http://h/v1?v=1&api-key=***'}\n": "server.base_url: *** stands for a secret " +
			"that was left out: give it by --server.base_url",
		server + load +
			"tokenizer: {token: '***'}\n": "tokenizer.token: *** stands for a secret",
		server + load +
			"api: {headers: {x-trace: '***'}}\n": "api.headers.x-trace: *** stands for a secret that was left out: " +
			"give it by --api.headers '{\"x-trace\": \"…\"}'",
		server + load +
			"api: {headers: {Authorization: 'Bearer ***'}}\n": "api.headers.Authorization: *** stands for a secret",
		server + load +
			"api: {headers: {x-trace: 'a***b'}}\n": "",
		server + load +
			"metrics: {type: prometheus, prometheus: {url: 'http://***@h/'}}\n": "metrics.prometheus.url: *** " +
			"stands for a secret",
		server + load +
			"metrics: {type: prometheus, prometheus: {url: 'http://u:p@h/***'}}\n": "",
		server + load +
			"api: {type: speech}\nx-llm: {slo: 'p99(ttft)<1s'}\n": "x-llm.slo: p99(ttft)<1s is about tokens, which " +
			"only text has: speech has first_audio, rtf and a latency",
		server + load +
			"x-llm: {gate: 'p99(rtf)<1'}\n": "x-llm.gate: p99(rtf)<1 is about sounds: answers of api \"completion\" ",
		server + load +
			"x-llm: {client: {label: chat}, gate: 'failures<1%; chta: p99(ttft)<1s'}\n": "x-llm.gate: no request has " +
			"the label \"chta\": did you mean \"chat\"?",
		server + load +
			"x-llm: {client: {label: chat}, slo: 'chat: p99(ttft)<1s'}\n": "",
		server + load +
			"x-llm: {slo: 'chat: p99(ttft)<1s'}\n": "x-llm.slo: no request has the label \"chat\": none has any",
		server + load +
			"api: {type: anthropic_messages}\n": "",
		server + load +
			"data: {type: visionarena, visionarena: {}}\n": "api.type: must be chat, anthropic_messages or responses " +
			"for data.type visionarena, whose requests have images, got completion",
		server + load +
			"api: {type: responses}\ndata: {type: visionarena, visionarena: {}}\n": "",
		server + load +
			"api: {type: chat}\ndata: {type: visionarena, visionarena: {hf_dataset_name: parquet}}\n": "" +
			"data.visionarena.hf_data_files: is missing",
		server + load +
			"data: {type: random, input_distribution: " +
			"{min: 10, max: 20, mean: 50}}\n": "data.input_distribution.mean: " +
			"must be from min (10) to max (20), got 50",
		server + load +
			"data: {type: synthetic, output_distribution: " +
			"{min: 10, max: 20, mean: 5}}\n": "data.output_distribution.mean: must be from min (10) to max (20), got 5",
		server + load +
			"data: {type: random, output_distribution: " +
			"{type: lognormal, max: 20}}\n": "data.output_distribution.mean: " +
			"must be from min (10) to max (20), got 512",
		server + load +
			"data: {type: random, output_distribution: {type: uniform, max: 20}}\n": "",
		server + load +
			"data: {type: random, output_distribution: {type: fixed, mean: 9}}\n": "",
		server + load +
			"data: {type: shared_prefix, shared_prefix: " +
			"{question_len: {max: 20}}}\n": "data.shared_prefix.question_len.mean: " +
			"must be from min (10) to max (20), got 512",
		server + load +
			"data: {type: shared_prefix, shared_prefix: " +
			"{output_distribution: {max: 20}}}\n": "data.shared_prefix.output_distribution.mean: must be",
		server + load +
			"data: {type: conversation_replay, conversation_replay: " +
			"{input_tokens_per_turn: {max: 20}}}\n": "data.conversation_replay.input_tokens_per_turn.mean: must be",
		server + load + "data: {type: conversation_replay, conversation_replay: {tool_call_latency_sec: {min: 1, " +
			"max: 3}}}\n": "data.conversation_replay.tool_call_latency_sec.mean: must be",
		server + load +
			"data: {type: mock, conversation_replay: {input_tokens_per_turn: {max: 20}}}\n": "",
		server + load + strings.Replace(breaker, "%s", "'error['",
			1): "circuit_breakers[0]: matches[1]: expression \"error[\" at column 7",
		server + sessions + "data: {type: otel_trace_replay, otel_trace_replay: {trace_directory: a}}\n": "api.type: " +
			"must be chat, anthropic_messages or responses for data.type otel_trace_replay, got completion",
		server + sessions + "api: {type: chat}\ndata: {type: otel_trace_replay}\n": "data.otel_trace_replay: is " +
			"missing",
		server + load + "api: {type: transcription}\n": "data.type: must be sound for api.type transcription, got " +
			"mock: data.path names a file of sound or a folder, and without it sounds are made up",
		server + load + "api: {type: speech}\ndata: {type: sound}\n": "api.type: must be transcription for data.type " +
			"sound, got speech",
		server + load + "api: {type: transcription}\ndata: {type: sound}\n":             "",
		server + load + "api: {type: transcription}\nx-llm: {dataset: {type: sound}}\n": "",
		server + sessions + "api: {type: chat}\ndata: {type: weka_trace_replay}\n": "data.weka_trace_replay: is " +
			"missing",
		server + sessions + "api: {type: anthropic_messages}\ndata: {type: weka_trace_replay, " +
			"weka_trace_replay: {trace_directory: a}}\n": "",
		server + sessions + "api: {type: chat}\ndata: {type: synthetic_agentic, synthetic_agentic: {num_sessions: 1, " +
			"input_tokens_per_turn: {}, output_tokens_per_turn: {max: 20}}}\n": "data.synthetic_agentic." +
			"output_tokens_per_turn.mean: must be from min (10) to max (20), got 512",
		"server: {base_url: 'http://s'}\n" + sessions + "api: {type: chat}\ndata: {type: synthetic_agentic, " +
			"synthetic_agentic: {num_sessions: 1, input_tokens_per_turn: {}, output_tokens_per_turn: " +
			"{}}}\n": "tokenizer.pretrained_model_name_or_path: is missing: messages " +
			"have lengths in tokens; or give x-llm: {dataset: {tokensPerWord: 1.3}}",
		server + load +
			"x-llm: {data: inference-perf}\ndata: {type: shareGPT, path: x}\n": "x-llm.data: inference-perf is " +
			"known for",
		server + load + "x-llm: {data: {parts: [{share: 1, type: mock}]}}\n": "",
		server + load + "x-llm: {data: {parts: [{share: 1, type: mock}]}}\ndata: {type: shareGPT}\n": "data.type: " +
			"leave it out: x-llm.data.parts are the data, got shareGPT",
		server + load + "x-llm: {data: {parts: [{share: 1, type: mock}]}, media: {pool: {size: 1}}}\n": "x-llm.data." +
			"parts: have their own media",
	} {
		err := Refused(mustParse(t, yaml))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}
