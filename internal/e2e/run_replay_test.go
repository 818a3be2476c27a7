package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// replays are the data of session replays that inference-perf and this module send alike.
var replays = map[string]string{
	"synthetic_agentic": `{type: synthetic_agentic, synthetic_agentic: {num_sessions: 5, fanout_probability: 0.3,
    turns_per_session: {type: fixed, mean: 2, min: 2, max: 2}, shared_system_prompt_len: 200,
    input_tokens_per_turn: {type: uniform, min: 300, max: 500},
    output_tokens_per_turn: {type: fixed, mean: 20, min: 20, max: 20},
    tool_call_latency_sec: {type: fixed, mean: 0, min: 0, max: 0},
    user_think_time_sec: {type: fixed, mean: 0, min: 0, max: 0}}}`,
	"otel_trace_replay": `{type: otel_trace_replay, otel_trace_replay: {trace_files: ["docs/config/traces/otel/*.json"],
    max_wait_ms: 200, duplicate_sessions_target: 5, attribute_to_label_map: {customer: customer}}}`,
}

const replayConfig = `
server: {type: vllm, base_url: "http://127.0.0.1:%d", model_name: sim}
api: {type: chat, streaming: true}
tokenizer: {pretrained_model_name_or_path: %q}
load:
  {type: trace_session_replay, base_seed: 1, num_workers: 1, interval: 0,
   stages: [{concurrent_sessions: 2, num_sessions: 3}, {concurrent_sessions: 0}]}
data: %s
report:
  session_lifecycle: {summary: true, per_stage: true, per_session: true}
  request_lifecycle: {summary: true, per_stage: true, per_request: true}
storage: {local_storage: {path: %q}}
`

// The same configuration gives inference-perf and this module reports with the same files and keys, and as many
// sessions in each stage.
func TestReportsOfReplaysAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	original := filepath.Join(filepath.Dir(testenv.InferencePerf(t)), "inference-perf")
	port, tokenizer := simulator(t, "127.0.0.1", "--itl", "2ms", "--ttft", "10ms"), fastTokenizer(t)
	for name, data := range replays {
		dir := t.TempDir()
		theirs, ours, file := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours"), filepath.Join(dir, "config.yml")
		text := fmt.Sprintf(replayConfig, port, tokenizer, data, theirs)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(original, "-c", file)
		cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: inference-perf: %v\n%s", name, err, out)
		}
		mustSucceed(t, k6(t, "x", "llm", "run", "-c", file, "--out", ours))
		compareReports(t, name, theirs, ours)
		for _, stage := range []string{"stage_0", "stage_1", "summary"} {
			file := stage + "_session_lifecycle_metrics.json"
			their, our := sessionsOf(t, theirs, file), sessionsOf(t, ours, file)
			if their.Sessions != our.Sessions || our.Failed != 0 || their.Failed != 0 ||
				name == "otel_trace_replay" && their.Calls != our.Calls || our.Calls < our.Sessions {
				t.Errorf("%s, %s: got %+v, want %+v", name, file, our, their)
			}
		}
	}
}

// sessionCounts are the counts of a report on sessions.
type sessionCounts struct {
	Sessions int `json:"num_sessions"`
	Failed   int `json:"num_sessions_failed"`
	Calls    int `json:"total_events_completed"`
}

func sessionsOf(t *testing.T, dir, name string) (c sessionCounts) {
	t.Helper()
	readJSON(t, filepath.Join(dir, name), &c)
	return c
}

func readJSON(t *testing.T, path string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// compareReports compares the files of two reports, and the keys in them. Files about sessions have the same keys but
// for xk6_llm. Those about requests lack none but the texts of answers, which records hold only if asked.
func compareReports(t *testing.T, name, theirs, ours string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(theirs, "*"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%s: inference-perf wrote %q, %v", name, files, err)
	}
	for _, file := range files {
		base := filepath.Base(file)
		if _, err := os.Stat(filepath.Join(ours, base)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if filepath.Ext(base) != ".json" || base == "validation.json" {
			continue
		}
		want, got := map[string]bool{}, map[string]bool{}
		var their, our any
		readJSON(t, file, &their)
		readJSON(t, filepath.Join(ours, base), &our)
		addPaths(want, their, "")
		addPaths(got, our, "")
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if !got[path] && !strings.HasPrefix(path, "[].info.output_message.") {
				t.Errorf("%s: %s lacks %s", name, base, path)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(got)) {
			if !want[path] && strings.Contains(base, "session") {
				t.Errorf("%s: %s has %s, which inference-perf's has not", name, base, path)
			}
		}
	}
}

// addPaths adds the paths of all keys in a JSON value but those below xk6_llm.
func addPaths(paths map[string]bool, value any, at string) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if key != "xk6_llm" {
				paths[at+"."+key] = true
				addPaths(paths, member, at+"."+key)
			}
		}
	case []any:
		for _, item := range v {
			addPaths(paths, item, at+"[]")
		}
	}
}

// fastTokenizer returns a folder from which both programs read the sample tokenizer.
func fastTokenizer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"tokenizer.json":        []byte(testenv.ReadFile(t, "scripts/data/sample-tokenizer.json")),
		"tokenizer_config.json": []byte(`{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 131072}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
