package dropin

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

var updateDocs = flag.Bool("update-docs", false, "write the table of docs/config.md anew")

// keyRemarks holds remarks on keys that this module honours in a way different from inference-perf.
var keyRemarks = map[string]string{
	"api.type": "inference-perf has the first three, and after 0.7.0 `embeddings` and `rerank`; `transcription` " +
		"sends data.type `sound`",
	"api.streaming":                  "left out: true for `speech`, whose beginning only a stream tells",
	"api.response_format.type":       "`anthropic_messages` has no field for a format",
	"api.embeddings.batch_size":      "items k·batch_size on of the data are the texts of request k",
	"api.embeddings.encoding_format": "null: the server's",
	"api.rerank.document_count":      "made of the texts of the data, the query first",
	"api.rerank.route":               "follows server.base_url as it is",
	"api.slo_unit": "the unit of the bounds in the headers `x-slo-ttft-…` and " +
		"`x-slo-tpot-…` of api.headers",
	"data.type": "`prompts`, `workload_replay` and `sound` are ours; " +
		"[datasets.md](datasets.md) describes the others",
	"data.path": "may be a name on the Hugging Face hub",
	"data.visionarena.hf_dataset_name": "a name, or a folder; or data.path; `parquet` or `json`: hf_data_files are " +
		"local files",
	"data.visionarena.hf_split":          "a word of the files' names",
	"data.visionarena.hf_data_files":     "may have `*` and `?`",
	"data.visionarena.insertion_point":   "a distribution is drawn in fractions; null: anywhere",
	"data.otel_trace_replay.trace_files": "may have `*`, `?` and `**`",
	"data.weka_trace_replay.trace_files": "likewise",
	"data.otel_trace_replay.hf_dataset_path": "a name, or `{path, data_files}`; other options " +
		"for loading have no effect",
	"data.weka_trace_replay.hf_dataset_path": "likewise; `traces.jsonl` unless data_files names others",
	"data.otel_trace_replay.max_wait_ms":     "0: nothing waits",
	"data.otel_trace_replay.disable_output_substitution": "what was recorded is sent, in place of the " +
		"server's own answers",
	"data.weka_trace_replay.num_dataset_entries": "of `hf_dataset_path`",
	"data.synthetic_agentic.seed":                "not base_seed; the sessions keep their order",
	"data.workload.format":                       "null: found out by the first record; see [sessions](#sessions)",
	"data.workload.file":                         "a file, a folder, or a pattern with `*`, `?` and `**`; or data.path",
	"data.workload.block_size":                   "tokens of a hashed block; null: that of the format",
	"data.workload.columns": "of `format: log`, by what they hold: time, prompt, messages, input_tokens, " +
		"output_tokens, session, body, headers",
	"data.workload.scope":     "where blocks with equal hashes are equal texts; empty: as the format says",
	"data.workload.share":     "of the sessions to keep, drawn by base_seed",
	"data.shared_prefix.seed": "null: base_seed",
	"data.conversation_replay.max_model_len": "null: 225000. No request is longer, its answer included; a load that " +
		"cannot fit is refused",
	"data.conversation_replay.tool_call_latency_sec.type": "between an answer and the next turn; drawn to the " +
		"millisecond, not to the second",
	"load.type": "`constant` is evenly spaced and `poisson` exponential, unless " +
		"x-llm.arrivals says otherwise; `trace_session_replay`: [sessions](#sessions)",
	"load.sweep.type": "with `k6 x llm run`; refused by config()",
	"load.base_seed": "also seeds the arrivals and the adapters' split, so that runs can " +
		"be repeated; [drawn once for a run](#seeds)",
	"load.stage_teardown_grace_seconds": "how long the requests of a stage may continue past its end; the rest is " +
		"cut off and recorded as `canceled`",
	"load.lora_traffic_split":              "the sum of the shares may differ from 1 by 1e-9",
	"load.circuit_breakers":                "the run ends, with the requests in flight recorded; exit code 108",
	"report.request_lifecycle.per_request": "texts of requests and answers are kept if the fields ask for them",
	"report.goodput.constraints": "in seconds, above 0, of ttft, tpot, ntpot, itl, request_latency and first_audio; " +
		"rtf is a number; other names are refused",
	"server.type": "`vllm`, `sglang` and `tgi` get the same requests; `mock` is the " +
		"built-in simulator, unless `--server.base_url` names a server",
	"server.base_url": "`/v1` is added, as inference-perf does, unless its path has a " +
		"version or ends in an endpoint; a slash at the end is removed",
	"server.api_key":                          "never in a log, a record or a report",
	"server.cert_path":                        "for every type of server",
	"tokenizer.pretrained_model_name_or_path": "a file, a folder or a name on the hub",
	"x-llm.warmup": "seconds: the `warmup` of each stage that does not state its own; `until-stable`: a warm-up " +
		"before all stages " +
		"([additions](config.md#additions-to-stages))",
	"load.stages": "with [additions](config.md#additions-to-stages) of ours",
	"x-llm.sweep": "`steps`: the highest rate that the server keeps up with, found by " +
		"doubling; otherwise, as in inference-perf, by how fast a burst ends. The report says which",
	"x-llm.clock": "`trace`: [sessions](#sessions) begin when they began in the trace",
	"x-llm.speed": "divides these times, and the waits within sessions",
	"x-llm.search": "a search for the highest load within an SLO, in place of stages, by the names of the options in " +
		"scripts ([search.md](search.md)): `{over: rate, slo: p99(ttft)<500ms}`; without slo and tiers it is that of " +
		"x-llm.slo",
	"x-llm.slo": "what each stage must keep, such as `p99(ttft)<500ms,failures<1%` ([reports.md](reports.md))",
	"x-llm.price": "what the deployment costs, for the [cost of tokens](metrics.md#cost): `98.32 USD/h`, or " +
		"`4.10 EUR/h x8` for eight devices",
	"x-llm.price_ratio": "how the kinds of tokens share that cost: `prompt=1,cached=0.1,completion=4`",
	"x-llm.steady": "`true`: the report is on the [steady part](reports.md#steady-state) of each stage alone, and " +
		"says what " +
		"is cut and why",
	"x-llm.gate": "what the whole run must keep, in the same words; the exit code of `k6 x llm run` is 1 if it " +
		"does not",
	"x-llm.api_key_env": "the environment variable that holds the API key",
	"x-llm.client": "options of [Client](index.d.ts) by their names in scripts, over those that the rest of the " +
		"configuration stands for: `{endpoint: /v2/chat, extraBody: {temperature: 0}}`",
	"x-llm.dataset": "options of Dataset, likewise: `{column: question}`",
	"x-llm.media": "options of the media in prompts, likewise, beside those of data.multimodal: " +
		"`{pool: {size: 100, reuse: 0.5}}` ([datasets.md](datasets.md#images-videos-and-sounds-in-prompts))",
	"data.multimodal.image.representation":  "`webp` is sent as webp",
	"data.multimodal.image.insertion_point": "a distribution is drawn in fractions; null: anywhere",
	"data.multimodal.image.count.type":      "of single requests of any data.type; `x-llm.media` can take its place",
	"data.multimodal.video.profiles":        "null: 512 × 512 with 10 frames",
	"data.multimodal.image.resolutions":     "null: 512 × 512",
	"data.multimodal.audio.durations":       "seconds; null: 1",
	"data.multimodal.video.representation":  "`png_frames` and `jpeg_frames` are as many images",
	"data.shared_prefix.multimodal.image.count.type": "of the system prompts: the same files in all requests of a " +
		"group",
	"x-llm.load": "options of scenarios() about the load, likewise: `{arrival: gamma, burstiness: 0.3}`",
	"x-llm.arrivals": "`inference-perf`: its own shapes of constant, poisson and " +
		"concurrent loads ([load.md](load.md))",
	"x-llm.data": "`inference-perf`: the prompts it makes, of `random`, `synthetic` " +
		"and single `shared_prefix`, refused for other data; or a [mix](#mixes): " +
		"`{parts: [{share: 0.7, label: chat, …}]}`",
	"metrics.type": "`default`: no server is asked; `prometheus`: the files of " +
		"[server-metrics.md](server-metrics.md)",
	"metrics.prometheus.filters": "label matchers of PromQL, such as `namespace='prod'`",
	"metrics.prometheus.scrape_interval": "`load.interval` stays unchanged: the window of a stage ends where the " +
		"next stage begins",
}

// note returns the remark on a key in docs/config.md.
func note(name string) string {
	for _, n := range noEffect {
		if name == n.key || strings.HasPrefix(name, n.key+".") {
			return "no effect: " + n.why
		}
	}
	return keyRemarks[name]
}

// docs/config.md lists every key of the schema.
func TestConfigDocsHaveEveryKey(t *testing.T) {
	const path, begin, end = "../../../docs/config.md", "<!-- keys -->\n", "<!-- end of keys -->\n"
	var table strings.Builder
	table.WriteString("\n| key | type | default | here |\n|---|---|---|---|\n")
	known := map[string]bool{}
	for _, key := range config.Keys() {
		known[key.Name] = true
		kind := key.Type
		if len(key.Choices) > 0 {
			kind = "one of " + strings.Join(key.Choices, ", ")
		}
		fallback := ""
		if key.Default != "" {
			fallback = "`" + key.Default + "`"
		}
		name := "`" + key.Name + "`"
		for _, alias := range key.Aliases {
			name += ", `" + alias + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", name, strings.ReplaceAll(kind, "|", `\|`), fallback,
			note(key.Name))
	}
	table.WriteString("\n")
	for name := range keyRemarks {
		if !known[name] {
			t.Errorf("there is a remark on %s, which is not a key", name)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), begin)
	got, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	if got == table.String() {
		return
	}
	if !*updateDocs {
		t.Fatalf("%s: the table of keys is not up to date; -update-docs writes it anew", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
