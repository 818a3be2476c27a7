package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/executor"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// takesAll is a script that passes the result of config() on: unchanged, spread, and through JSON. It checks that all
// values are JavaScript values.
const takesAll = `(function (source) {
	const plain = (v, at) => {
		if (v === null || ['string', 'number', 'boolean'].includes(typeof v)) return;
		if (Array.isArray(v)) { v.forEach((item, i) => plain(item, at + '[' + i + ']')); return; }
		if (typeof v !== 'object' || Object.getPrototypeOf(v) !== Object.prototype) throw new Error(at + ' is no value of JavaScript');
		for (const key of Object.keys(v)) plain(v[key], at + '.' + key);
	};
	const c = config(source), text = JSON.stringify(c), again = JSON.parse(text);
	plain(c, 'config');
	if (JSON.stringify(config(source)) !== text) throw new Error('another one at the second call');
	const spread = {...c.client, headers: {...c.client.headers, 'x-more': 'a'}, slo: {...c.client.slo, request_latency: '1s'}};
	for (const options of [c.client, again.client, spread]) new Client(options);
	for (const options of [c.dataset, again.dataset, {...c.dataset}]) new Dataset(options);
	c.report.percentiles.push(98);
	return JSON.stringify({scenarios: again.scenarios, client: again.client, dataset: again.dataset, report: again.report});
})`

// handOn reads a configuration with overrides in a VU of its own, and returns the result of config() as JSON.
func handOn(t *testing.T, root *RootModule, source string, overrides [][2]string) (map[string]map[string]any, error) {
	t.Helper()
	list, err := json.Marshal(overrides)
	if err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	v := newVUWith(t, root, map[string]string{"PWD": home, record.OverridesEnv: string(list),
		"HF_HUB_OFFLINE": "1"})
	v.VU.InitEnvField.FileSystems["file"] = fsext.NewOsFs()
	call, _ := sobek.AssertFunction(v.run(t, takesAll))
	given, err := call(sobek.Undefined(), v.VU.Runtime().ToValue(source))
	if err != nil {
		return nil, err
	}
	read, _ := sobek.AssertFunction(v.VU.Runtime().Get("config"))
	if direct, err := read(sobek.Undefined(), v.VU.Runtime().ToValue(source)); err != nil {
		t.Error(err)
	} else if at := foreign(direct.Export(), "config()"); at != "" {
		t.Errorf("%s: JavaScript has no such value", at)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal([]byte(given.String()), &all); err != nil {
		t.Fatal(err)
	}
	for name, scenario := range all["scenarios"] {
		raw, _ := json.Marshal(scenario)
		c, err := executor.NewConfig(name, raw)
		if err != nil {
			return all, err
		}
		for _, err := range c.Validate() {
			return all, err
		}
	}
	return all, nil
}

// foreign returns the path of a value that no script could have made, or "" if there is none. A trace may be a Go list.
func foreign(value any, at string) string {
	switch x := value.(type) {
	case nil, string, bool, int64, float64:
		return ""
	case map[string]any:
		for key, inner := range x {
			if where := foreign(inner, at+"."+key); where != "" {
				return where
			}
		}
		return ""
	case []any:
		for i, inner := range x {
			if where := foreign(inner, fmt.Sprintf("%s[%d]", at, i)); where != "" {
				return where
			}
		}
		return ""
	case []float64:
		if strings.HasSuffix(at, ".trace") {
			return ""
		}
	}
	return fmt.Sprintf("%s, a %T", at, value)
}

// base returns a configuration in which the keys of a kind have an effect.
func base(t *testing.T, key string) string {
	t.Helper()
	home, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	lengths := "input_distribution: {mean: 30}, output_distribution: {mean: 20}"
	sections := map[string]string{
		"server": "{base_url: 'http://h:8000', model_name: m}",
		"load":   "{base_seed: 7, stages: [{rate: 2, duration: 3}]}", "data": "{type: mock}",
		"tokenizer": "{pretrained_model_name_or_path: " + home + "/scripts/data/sample-tokenizer.json}",
	}
	for start, data := range map[string]string{
		"data.input_distribution.": "{type: random, " + lengths + "}", "data.output_distribution.": "{type: random, " +
			lengths + "}",
		"data.use_chat_template": "{type: random, " + lengths + "}", "data.corpus_file_path": "{type: synthetic, " +
			lengths + "}",
		"data.trace.":         "{type: random, trace: {file: docs/config/trace.csv}}",
		"data.shared_prefix.": "{type: shared_prefix, shared_prefix: {system_prompt_len: 20}}",
		"data.conversation_replay.": "{type: conversation_replay, conversation_replay: {shared_system_prompt_len: " +
			"30, num_conversations: 3}}",
		"data.path": "{type: shareGPT}", "x-llm.data": "{type: random, " + lengths + "}",
	} {
		if strings.HasPrefix(key, start) {
			sections["data"] = data
		}
	}
	if strings.HasPrefix(key, "data.visionarena.") {
		sections["api"] = "{type: chat}"
		sections["data"] = "{type: visionarena, path: scripts/data/visionarena-sample.parquet, visionarena: {}}"
	}
	if strings.HasPrefix(key, "data.multimodal.") || key == "x-llm.media" {
		sections["api"] = "{type: chat}"
		sections["data"] = "{type: synthetic, " + lengths + ", multimodal: " + someMedia + "}"
	}
	if strings.HasPrefix(key, "data.shared_prefix.multimodal.") {
		sections["data"] = "{type: shared_prefix, shared_prefix: {multimodal: " + someMedia + "}}"
	}
	longest := ""
	for start, data := range sessionData {
		if strings.HasPrefix(key, start) && len(start) > len(longest) {
			longest = start
			sections["data"], sections["api"] = data, "{type: chat}"
			sections["load"] = "{base_seed: 7, type: trace_session_replay, stages: [{concurrent_sessions: 1}]}"
		}
	}
	switch {
	case strings.HasPrefix(key, "load.trace."):
		sections["load"] = "{base_seed: 7, type: trace_replay, trace: {file: docs/config/trace.csv}, stages: " +
			"[{rate: 1, duration: 1}]}"
	case key == "load.circuit_breakers":
		sections["circuit_breakers"] = "[{name: b, metrics: {matches: [error]}, triggers: [{type: consecutive, " +
			"threshold: 3}, {type: rate_over_window, window_sec: 5, threshold: 0.5}]}]"
	case strings.HasPrefix(key, "metrics."):
		sections["metrics"] = "{type: default}"
	case strings.HasPrefix(key, "api.embeddings."):
		sections["api"] = "{type: embeddings}"
	case strings.HasPrefix(key, "api.rerank."):
		sections["api"] = "{type: rerank}"
	case strings.HasPrefix(key, "api.response_format"):
		sections["api"] = "{response_format: {json_schema: {z: {type: object}, a: [1, 2.5, null, true]}}}"
	case key == "server.cert_path" || key == "server.key_path":
		sections["server"] = fmt.Sprintf("{base_url: 'https://h', model_name: m, cert_path: %s/testdata/none.pem, "+
			"key_path: %[1]s/testdata/none.pem}", home)
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		text.WriteString(name + ": " + sections[name] + "\n")
	}
	path := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sessionData holds data in sessions by the beginnings of keys that are about it.
var sessionData = map[string]string{
	"data.otel_trace_replay.": "{type: otel_trace_replay, otel_trace_replay: {trace_directory: " +
		"docs/config/traces/otel}}",
	"data.otel_trace_replay.trace_":  "{type: otel_trace_replay}",
	"data.otel_trace_replay.hf_":     "{type: otel_trace_replay}",
	"data.weka_trace_replay.":        "{type: weka_trace_replay, weka_trace_replay: {trace_files: " + wekaFiles + "}}",
	"data.weka_trace_replay.trace_d": "{type: weka_trace_replay}",
	"data.weka_trace_replay.trace_f": "{type: weka_trace_replay}",
	"data.weka_trace_replay.hf_":     "{type: weka_trace_replay}",
	"data.workload.":                 mooncakeData, "x-llm.clock": mooncakeData, "x-llm.speed": mooncakeData,
	"data.synthetic_agentic.": "{type: synthetic_agentic, synthetic_agentic: {num_sessions: 2, " +
		"input_tokens_per_turn: {type: uniform, max: 600}, output_tokens_per_turn: {mean: 31}, context_compaction: " +
		"{trigger_tokens: {mean: 31}, target_tokens: {mean: 31}}, tool_catalog_size_per_agent: {mean: 31, max: 900}, " +
		"parallel_tool_calls_per_step: {mean: 31, max: 900}}}",
}

const wekaFiles = `["docs/config/traces/weka/1.json"]`

const mooncakeData = "{type: workload_replay, workload: {file: docs/config/mooncake.jsonl, block_size: 32}}"

// someMedia is media of all kinds, whose numbers allow the values below.
const someMedia = "{image: {count: {mean: 31, max: 600}}, video: {count: {mean: 31, max: 600}}, audio: {count: " +
	"{mean: 31, max: 600}}}"

// sampleTokenizer returns the path of the scripts' tokenizer. (A tokenizer's name may be on the hub, so config() does
// not change it.)
func sampleTokenizer() string {
	abs, _ := filepath.Abs("../scripts/data/sample-tokenizer.json")
	return abs
}

// given holds values of keys, by the dotted key, or by the end of all keys that end alike.
var given = map[string]string{
	"api.type": "chat", "api.headers": `{"X-A": "b", "Authorization": "Bearer s"}`, "api.slo_unit": "s",
	"api.slo_tpot_header": "x-mine", "api.slo_ttft_header": "x-mine",
	"api.response_format.type":        "json_object",
	"api.response_format.json_schema": `{"type": "object", "properties": {"z": {}, "a": {}}}`,
	".encoding_format":                "base64", ".query_field": "question", ".documents_field": "texts",
	"api.rerank.route": "/rerank",
	"data.type":        "mock", "data.path": "scripts/data/sharegpt-sample.json",
	"data.corpus_file_path": "README.md",
	"data.trace.file":       "docs/config/trace.csv",
	".min":                  "5", ".max": "600", ".mean": "31", ".std_dev": "2.5", ".variance": "4.5", ".skew": "0.5",
	".total_count": "3", "_distribution.type": "uniform",
	".turns_per_conversation.type": "uniform", "dynamic_system_prompt_len.type": "lognormal",
	"tokens_per_turn.type": "normal", "tool_call_latency_sec.type": "fixed",
	"synthetic_agentic.max_model_len": "3000000", "_prompt_len": "21", "question_len": `{"type": "fixed", "mean": 8}`,
	"output_len": `{"min": 3, "max": 9, "mean": 4}`, ".seed": "9", "max_model_len": "60000",
	"load.type": "poisson", "load.interval": "0.25",
	"load.stages":           `[{"rate": 0.5, "duration": 30}, {"rate": 2.25, "duration": 10}]`,
	"load.trace.file":       "docs/config/trace.csv",
	"load.circuit_breakers": `["b"]`, "load.request_timeout": "1.5",
	"load.lora_traffic_split": `[{"name": "a", "split": 0.3}, {"name": "b", "split": 0.7}]`,
	"load.base_seed":          "9007199254740992", "load.request_retries": "2", "metrics.type": "default",
	"metrics.prometheus.url": "http://h:9090", "metrics.prometheus.filters": `["a='b'"]`,
	"percentiles":                "[1, 99.9]",
	"report.goodput.constraints": `{"ttft": 0.5, "tpot": 0.05, "ntpot": 1, "itl": 0.0625, "request_latency": 9}`,
	"addressing_style":           "path", "server.type": "mock", "server.base_url": "http://h/prefix",
	"server.api_key": "k",
	"tokenizer.pretrained_model_name_or_path": sampleTokenizer(),
	"x-llm.search":   `{"over": "rate", "slo": "p99(latency)<5s", "probe": "20s"}`,
	"x-llm.arrivals": "inference-perf", "x-llm.data": "inference-perf", "x-llm.sweep": "steps",
	"x-llm.slo": "p99(ttft)<500ms", "x-llm.gate": "failures<1%", "x-llm.client": `{"text": true}`,
	"x-llm.dataset": `{"maxTokens": 5}`, "x-llm.load": `{"drain": false}`,
	"load.trace.format": "AzurePublicDataset", "data.trace.format": "AzurePublicDataset",
	"data.workload.format": "mooncake", "data.workload.file": "docs/config/mooncake.jsonl", ".block_size": "32",
	".otel_trace_replay.trace_directory": "docs/config/traces/otel",
	".otel_trace_replay.trace_files":     `["docs/config/traces/otel/?.json"]`,
	".weka_trace_replay.trace_directory": "docs/config/traces/weka", ".weka_trace_replay.trace_files": wekaFiles,
	"visionarena.hf_data_files": `["*.parquet"]`, "visionarena.insertion_point": "0.5",
	".hf_dataset_path": "nobody/none", "attribute_to_header_map": `{"customer": "x-customer"}`,
	"attribute_to_label_map": `{"customer": "c"}`,
	".columns":               `{"time": "timestamp"}`, ".scope": "session", ".share": "0.5", ".filter": "lambda s: True",
	".model_mapping": `{"a": "b"}`, ".tool_choice_mode": "as_recorded", ".bad_tool_call_handling": "use_recorded",
	".fanout_probability": "0.5", ".theme_mix": `{"generic": 1}`,
	"_session.type": "fixed", "_depth.type": "uniform", "_spawn.type": "fixed", "_agent.type": "fixed",
	"_step.type": "fixed", "_time_sec.type": "fixed", "_tokens.type": "fixed", "x-llm.clock": "trace",
	".count.type": "uniform", ".insertion_point": "0.5", ".resolutions": `"1080p"`, ".image.representation": "jpeg",
	".video.representation": "png_frames", ".durations": "2.5",
	".profiles":   `{"resolution": {"width": 8, "height": 6}, "frames": 3}`,
	"x-llm.media": `{"pool": {"size": 3, "reuse": 0.5}, "content": "solid"}`,
	"circuit_breakers": `[{"name": "b", "metrics": {"matches": ["error"], "rules": ["status == '503'"]}, ` +
		`"triggers": [{"type": "consecutive", "threshold": 3}]}]`,
}

// refusals holds the beginnings of keys that config() or a Client refuses, with a part of the error.
var refusals = map[string]string{
	"data.otel_trace_replay.hf_": "nobody/none: there is no such file here",
	"data.weka_trace_replay.hf_": "nobody/none: there is no such file here",
	"load.sweep.":                "needs two runs", "data.use_chat_template": "the tokenizer has no chat template",
	"data.synthetic_agentic.inject_random_session_id":  "must stay false",
	"data.synthetic_agentic.duplicate_sessions_target": "must stay null",
	"data.synthetic_agentic.skip_invalid_files":        "must stay false",
	"x-llm.api_key_env":                                "is not set",
	"server.cert_path":                                 "does not exist", "server.key_path": "does not exist",
}

func valueOf(key, kind string) string {
	longest, value := "", ""
	for end, v := range given {
		if strings.HasSuffix(key, end) && len(end) > len(longest) {
			longest, value = end, v
		}
	}
	switch {
	case longest != "":
		return value
	case kind == "bool":
		return "true"
	case kind == "int" || kind == "float" || kind == "float or word":
		return "3"
	case kind == "string":
		return "some-" + key[strings.LastIndexByte(key, '.')+1:]
	}
	return ""
}

var keyRow = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| ([^|]*) \\|")

// Client, Dataset and the executor accept the result of config() for every key of docs/config.md.
func TestEveryKeyOfAConfigurationIsTaken(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- keys -->")
	rows, root := keyRow.FindAllStringSubmatch(table, -1), New()
	if len(rows) < 300 {
		t.Fatalf("%d keys", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(row[1], ", ") {
			key := strings.Trim(name, "`")
			value, refusal := valueOf(key, row[2]), ""
			for start, words := range refusals {
				if strings.HasPrefix(key, start) {
					refusal = words
				}
			}
			if value == "" && refusal == "" {
				t.Errorf("%s, a %s: this test has no value for it", key, row[2])
				continue
			}
			overrides := [][2]string{{key, value}}
			switch {
			case refusal != "" && value == "":
				overrides[0][1] = map[bool]string{true: "linear", false: "0.5"}[key == "load.sweep.type"]
			case strings.HasPrefix(key, "load.sweep.") && key != "load.sweep.type":
				overrides = append(overrides, [2]string{"load.sweep.type", "linear"})
			case strings.HasSuffix(key, ".use_static_model"):
				name := strings.TrimSuffix(key, "use_static_model") + "static_model_name"
				overrides = append(overrides, [2]string{name, "m"})
			case strings.HasSuffix(key, ".static_model_name"):
				name := strings.TrimSuffix(key, "static_model_name") + "use_static_model"
				overrides = append(overrides, [2]string{name, "true"})
			case key == "x-llm.price":
				overrides[0][1] = "98.32 USD/h"
			case key == "x-llm.price_ratio":
				overrides[0][1] = "prompt=1,completion=4"
				overrides = append(overrides, [2]string{"x-llm.price", "98.32 USD/h"})
			case key == "x-llm.search":
				overrides = append(overrides, [2]string{"load.stages", `[]`})
			case key == "x-llm.warmup":
				overrides = append(overrides, [2]string{"load.stages", `[{"rate": 1, "duration": 4}]`})
			case key == "api.slo_tpot_header", key == "api.slo_ttft_header", key == "api.slo_unit":
				overrides = append(overrides, [2]string{"api.headers", `{"X-Mine": "2"}`})
			case strings.HasPrefix(key, "storage."):
				overrides = append(overrides, [2]string{key[:strings.LastIndexByte(key, '.')] + ".bucket_name", "b"})
				if strings.HasPrefix(key, "storage.local_storage") {
					overrides = overrides[:1]
				}
			case strings.HasPrefix(key, "metrics.prometheus.") && key != "metrics.prometheus.url" &&
				key != "metrics.prometheus.google_managed":
				overrides = append(overrides, [2]string{"metrics.prometheus.url", "http://h:9090"})
			}
			if strings.HasSuffix(key, "bucket_name") {
				overrides = overrides[:1]
			}
			_, err := handOn(t, root, base(t, key), overrides)
			switch {
			case refusal == "" && err != nil:
				t.Errorf("--%s %q: %v", key, value, err)
			case refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal) &&
				!strings.Contains(err.Error(), "--"+key)):
				t.Errorf("--%s %q: got %v, want %q", key, value, err, refusal)
			}
		}
	}
}

// Client, Dataset and the executor accept the result of config() for the lists and the types of the table.
func TestConfigurationsAreTaken(t *testing.T) {
	t.Parallel()
	root := New()
	files, err := filepath.Glob("../docs/config/*.yml")
	more, _ := filepath.Glob("../convert/testdata/inference-perf/*/config.yml")
	files = append(append(files, more...), "config/testdata/mock.yml", "config/testdata/random.yml",
		"../scripts/data/inference-perf-sample.yml", "../examples/kubernetes/config.yml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		abs, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		overrides := [][2]string{{"server.base_url", "http://h"},
			{"tokenizer.pretrained_model_name_or_path", sampleTokenizer()}}
		if strings.Contains(file, "kubernetes") { // its data set is in a volume
			overrides = append(overrides, [2]string{"data.path", "scripts/data/sharegpt-sample.json"})
		}
		_, err = handOn(t, root, abs, overrides)
		if strings.HasSuffix(file, "/sweep.yml") {
			if err == nil || !strings.Contains(err.Error(), "load.sweep: needs two runs") {
				t.Errorf("%s: got %v", file, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Secrets and the order of a schema's keys survive JSON.
func TestConfigThroughJSON(t *testing.T) {
	t.Parallel()
	all, err := handOn(t, New(), base(t, "api.response_format"),
		[][2]string{{"server.api_key", "k"}, {"api.headers", `{"X-A": "b"}`}})
	if err != nil {
		t.Fatal(err)
	}
	c := all["client"]
	if c["apiKey"] != "k" || c["headers"].(map[string]any)["X-A"] != "b" {
		t.Errorf("got %v", c)
	}
	v := newVU(t, New())
	const schema = `{"z":{"y":1,"b":[true,null]},"a":2.5}`
	got := v.run(t, `JSON.stringify(config({server: {base_url: 'x'}, load: {stages: [{rate: 1, duration: 1}]}, api: `+
		`{response_format: {json_schema: `+schema+`}}}).client.responseFormat.jsonSchema)`).String()
	if got != schema {
		t.Errorf("got %s, want the order of %s", got, schema)
	}
}
