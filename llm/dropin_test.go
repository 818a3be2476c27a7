package llm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// configured runs config() over a YAML file and returns one part of the result.
func configured(t *testing.T, yaml, part string) string {
	t.Helper()
	v := newVUWith(t, New(), map[string]string{"PWD": "/here"})
	for path, text := range map[string]string{"/scripts/c.yml": yaml,
		"/here/t.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n5,1,1\n5.25,1,1\n7,1,1\n"} {
		if err := fsext.WriteFile(v.files, path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sorted(t, v.run(t, `JSON.stringify(config('c.yml').`+part+`)`).String())
}

const (
	someServer = "server: {base_url: 'http://h:8000/', model_name: m}\n"
	someLoad   = "load: {base_seed: 7, stages: [{rate: 2, duration: 3}]}\n"
)

// has checks that a JSON object has the wanted members, and lacks those that are null in want.
func has(t *testing.T, name, object, want string) {
	t.Helper()
	var got, wanted map[string]any
	if err := json.Unmarshal([]byte(object), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	for key, value := range wanted {
		a, err := json.Marshal(got[key])
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Errorf("%s: %s is %s, want %s", name, key, a, b)
		}
	}
}

func TestConfigMakesAClient(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"server: {base_url: 'http://h/prefix/', model_name: m}\n" + someLoad: `{"baseURL":"http://h/prefix/v1"}`,
		"server: {base_url: 'http://h/api/v3', model_name: m}\n" + someLoad:  `{"baseURL":"http://h/api/v3"}`,
		someServer +
			someLoad: `{"baseURL":"http://h:8000","api":"completion","model":"m","streaming":false,"ignoreEOS":true,"text":false,"timeout":null,"slo":null,"tokenizer":null}`,
		someServer + "api: {type: chat, streaming: true, headers: {a: b}}\nload: {request_timeout: 1.5, " +
			"request_retries: 2, stages: [{rate: 1, duration: 1}]}\n": `{"api":"chat","streaming":true,"headers":{"a":"b"},"timeout":1500,"retries":2,"retryBackoff":500,"sloHeaders":null}`,
		"server: {base_url: x, type: mock, api_key: k, ignore_eos: false}\ntokenizer: " +
			"{pretrained_model_name_or_path: t.json}\n" +
			someLoad: `{"baseURL":"sim:?tokenizer=t.json","apiKey":"k","ignoreEOS":false,"model":null,"tokenizer":"t.json"}`,
		someServer +
			"load: {lora_traffic_split: [{name: a, split: 1}], stages: [{rate: 1, duration: 1}]}\n": `{"adapters":[{"name":"a","split":1}]}`,
		someServer + someLoad + "report: {goodput: {constraints: {ttft: 0.5}}, request_lifecycle: {per_request: " +
			"true}}\n": `{"slo":{"ttft":500},"text":true}`,
		someServer + someLoad + "api: {headers: {X-SLO-TTFT-s: '1'}, slo_unit: s, response_format: {json_schema: " +
			"{type: object}}}\n": `{"sloHeaders":{"unit":"s"},"responseFormat":{"type":"json_schema","name":"structured_output","jsonSchema":{"type":"object"}}}`,
		someServer + someLoad + "report: {request_lifecycle: {per_request: true, per_request_fields: {request: " +
			"false, response: false}}}\n": `{"text":false}`,
		someServer + someLoad + "report: {request_lifecycle: {per_request: true, per_request_fields: {request: " +
			"false}}}\n": `{"text":true}`,
		"server: {base_url: 'http://h/v1/', type: sglang, cert_path: c, key_path: k}\n" +
			someLoad: `{"baseURL":"http://h/v1","certPath":"/here/c","keyPath":"/here/k","ignoreEOS":true}`,
		"server: {base_url: 'http://h/v1/', type: tgi, cert_path: c, key_path: k}\n" +
			someLoad: `{"baseURL":"http://h/v1","certPath":"/here/c","keyPath":"/here/k","ignoreEOS":true}`,
		"server: {base_url: x, cert_path: c.pem, key_path: /k.pem}\n" +
			someLoad: `{"certPath":"/here/c.pem","keyPath":"/k.pem"}`,
	} {
		has(t, yaml, configured(t, yaml, "client"), want)
	}
}

func TestConfigMakesADataset(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"": `{"type":"mock","api":"completion"}`,
		"data: {type: random, input_distribution: {type: fixed, mean: 64.9}, output_distribution: {min: 1, max: 9, " +
			"mean: 5, std_dev: 2}}\n": `{"type":"random","tokenizer":"m","seed":7,"inputDistribution":64,"outputDistribution":{"max":9,"mean":5,"min":1,"skew":0,"stdDev":2,"type":"normal"}}`,
		"data: {type: random, trace: {file: t.csv}, use_chat_template: true}\n":                   `{"trace":"/here/t.csv","useChatTemplate":true,"inputDistribution":null}`,
		"data: {type: shareGPT, path: d/x.json, input_distribution: {min: 3, max: 5, mean: 4}}\n": `{"type":"shareGPT","path":"/here/d/x.json","seed":null,"tokenizer":null,"inputDistribution":{"max":5,"mean":4,"min":3,"skew":0,"stdDev":200,"type":"normal"}}`,
		"data: {type: billsum_conversations, path: x.json, output_distribution: {type: fixed, mean: 40, min: 3, " +
			"max: 90}}\n": `{"outputDistribution":{"max":90,"mean":40,"min":3,"skew":0,"stdDev":200,"type":"fixed"}}`,
		"data: {type: shared_prefix, shared_prefix: {num_groups: 3, question_distribution: {type: fixed, mean: 8}, " +
			"seed: 1, enable_multi_turn_chat: true}}\n": `{"seed":1,"sharedPrefix":{"enableMultiTurnChat":true,"numUniqueSystemPrompts":3,"numUsersPerSystemPrompt":10,"outputLen":50,"questionLen":8,"systemPromptLen":100}}`,
		"data: {type: conversation_replay, conversation_replay: {num_conversations: 2, max_model_len: 9900, " +
			"tool_call_latency_sec: {type: fixed, mean: 0.5}}}\n": `{"seed":42,"conversationReplay":{"maxModelLen":9900,"numConversations":2,"sharedSystemPromptLen":8359,"toolCallLatencySec":0.5}}`,
		"data: {type: conversation_replay, conversation_replay: {tool_call_latency_sec: {type: uniform, min: 1, " +
			"max: 3, mean: 2}}}\n": `{"conversationReplay":{"numConversations":200,"sharedSystemPromptLen":8359,"toolCallLatencySec":{"max":3,"mean":2,"min":1,"skew":0,"stdDev":200,"type":"uniform"}}}`,
		"data: {type: synthetic, corpus_file_path: c.txt, input_distribution: {}, output_distribution: {}}\n": `{"corpusFilePath":"/here/c.txt"}`,
	} {
		has(t, yaml, configured(t, someServer+someLoad+yaml, "dataset"), want)
	}
}

func TestConfigMakesALoad(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		someLoad: `{"executor":"llm-arrival-rate","arrival":"constant","seed":7,"stages":[{"duration":"3s","rate":2}],"interval":"1s","gracefulStop":"2m0s"}`,
		someLoad + "x-llm: {arrivals: inference-perf}\n":                                                            `{"arrival":"inference-perf"}`,
		"load: {type: poisson, interval: 0, stage_teardown_grace_seconds: 5, stages: [{rate: 0.5, duration: 4}]}\n": `{"arrival":"poisson","stages":[{"duration":"4s","rate":0.5}],"interval":"0s","gracefulStop":"5s"}`,
		"load: {type: poisson, stages: [{rate: 0.5, duration: 4}]}\nx-llm: {arrivals: inference-perf}\n":            `{"arrival":"inference-perf-poisson"}`,
		"load: {type: concurrent, stages: [{num_requests: 9, concurrency_level: 3}]}\nx-llm: {arrivals: " +
			"inference-perf}\n": `{"arrival":"inference-perf","stages":[{"concurrency":3,"requests":9}]}`,
		"load: {type: concurrent, stages: [{num_requests: 9, concurrency_level: 12}]}\n": `{"stages":[{"concurrency":9,"requests":9}]}`,
		"load: {type: concurrent, stages: [{concurrency_level: 4, duration: 30}, {concurrency_level: 8, " +
			"num_requests: 99}]}\n": `{"stages":[{"concurrency":4,"duration":"30s"},{"concurrency":8,"requests":99}]}`,
		"load: {stages: [{rate: 1, duration: 30, warmup: 2.5}, {rate: 2, duration: 30}]}\nx-llm: {warmup: 5}\n": `{"stages":[{"duration":"30s","rate":1,"warmup":"2.5s"},{"duration":"30s","rate":2,"warmup":"5s"}]}`,
		"load: {type: trace_replay, trace: {file: t.csv}, stages: [{rate: 1, duration: 2}]}\n":                  `{"arrival":"trace","trace":[0,0.25]}`,
		"load: {type: trace_replay, trace: {file: t.csv}, stages: [{rate: 1, duration: 1}]}\ndata: {type: random, " +
			"trace: {file: t.csv}}\n": `{"arrival":"trace","trace":[0,0.25,2]}`,
	} {
		has(t, yaml, configured(t, someServer+yaml, "scenarios.load"), want)
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`config()`:       "which configuration?",
		`config('x')`:    "configuration /scripts/x does not exist",
		`config({a: 1})`: "unknown key",
		`config({load: {stages: [{rate: 1, duration: 1}]}})`: "server: is missing",
		`config({server: {base_url: 'x'}, load: {sweep: {type: 'linear'}}})`: "load.sweep: needs two runs: use `k6 " +
			"x llm run`",
		`config({server: {base_url: 'x'}, data: {type: 'visionarena', visionarena: {}}, load: {stages: [{rate: 1, ` +
			`duration: 1}]}})`: "api.type: must be chat, anthropic_messages or responses for data.type visionarena",
		`config({server: {base_url: 'x', cert_path: 'c'}, load: {stages: [{rate: 1, duration: 1}]}})`: "server.cert_path: and key_path are needed both",
		`config({server: {base_url: 'x'}, load: {type: 'trace_replay', trace: {file: '/scripts/t.csv'}, stages: ` +
			`[{rate: 9, duration: 9}]}})`: "the stages ask for 81 requests, and the file has 2",
	} {
		v := newVU(t, New())
		if err := fsext.WriteFile(v.files, "/scripts/t.csv", []byte("TIMESTAMP\n5\n5.25\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := v.RunOnEventLoop(call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", call, err, want)
		}
	}
}

// Flags of a command line override the file.
func TestConfigTakesOverrides(t *testing.T) {
	t.Parallel()
	v := newVUWith(t, New(),
		map[string]string{record.OverridesEnv: `[["load.stages", "[{\"rate\": 4, \"duration\": 5}]"]]`})
	got := sorted(t,
		v.run(t, `JSON.stringify(config({server: {base_url: 'x'}, load: {stages: [{rate: 1, duration: `+
			`1}]}}).scenarios.load)`).String())
	has(t, "overridden", got, `{"stages":[{"duration":"5s","rate":4}]}`)
}

// The client gets the options of config() unchanged, headers included.
func TestHeadersOfAConfiguration(t *testing.T) {
	t.Parallel()
	server, v := newRecorder(t, 0), newVU(t, New())
	v.run(t, fmt.Sprintf(
		`const c = config({server: {type: 'vllm', base_url: '%s', model_name: 'm'}, api: {type: 'chat', headers: {'x-trace': 'a'}},
		load: {type: 'constant', stages: [{rate: 1, duration: 1}]}, data: {type: 'mock'}});
		const client = new Client(c.client);`, server.URL))
	v.start(t)
	v.run(t, "client.chat('hi')")
	server.mu.Lock()
	defer server.mu.Unlock()
	if server.trace != "a" {
		t.Errorf("the server got x-trace: %q", server.trace)
	}
}

// A key that is given twice causes a warning with its name and line. *** is not sent as a secret.
func TestConfigWarns(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	const given = someServer + "load: {stages: [{rate: 2, rate: 3, duration: 3}]}\n"
	if err := fsext.WriteFile(v.files, "/scripts/c.yml", []byte(given), 0o600); err != nil {
		t.Fatal(err)
	}
	log, hook := logtest.NewNullLogger()
	v.VU.InitEnvField.Logger = log
	v.run(t, `config('c.yml')`)
	const want = "config: /scripts/c.yml:2: rate: given twice in one mapping, the last counts"
	if last := hook.LastEntry(); last == nil || last.Message != want || last.Level.String() != "warning" {
		t.Errorf("got %v, want a warning: %s", last, want)
	}
	_, err := v.VU.Runtime().RunString(`config({load: {stages: [{rate: 2, duration: 3}]}, server: {base_url: ` +
		`'http://h', api_key: '***'}})`)
	if err == nil || !strings.Contains(err.Error(), "server.api_key: *** stands for a secret that was left out: "+
		"give it by --server.api_key") {
		t.Errorf("got %v", err)
	}
}
