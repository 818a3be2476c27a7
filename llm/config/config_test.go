package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// mustParse parses a configuration that must be accepted.
func mustParse(t *testing.T, text string, overrides ...Override) *Config {
	t.Helper()
	c, err := Parse([]byte(text), overrides...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

// stages completes a configuration: a configuration without stages is an error.
const stages = "load: {stages: [{rate: 1, duration: 1}]}\n"

// TestOriginal reads configurations that users wrote and compares them, byte by byte, with the dumps that
// inference-perf 0.7.0 made of them.
func TestOriginal(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"random", "mock"} {
		dump, err := os.ReadFile(filepath.Join("testdata", name+".dump.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		original, err := Load(filepath.Join("testdata", name+".dump.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := Load(filepath.Join("testdata", name+".yml"))
		if err != nil {
			t.Fatal(err)
		}
		parsed.Settle(time.UnixMilli(*original.Load.BaseSeed), 1)
		if !reflect.DeepEqual(parsed, original) {
			t.Errorf("%s: got %+v, want %+v", name, parsed, original)
		}
		got, err := parsed.Redacted()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(dump) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, dump)
		}
	}
}

// example is the part that the smallest examples have in common.
const example = `
server: {type: vllm, base_url: "http://host:8000", model_name: m}
api: {type: completion, streaming: true}
tokenizer: {pretrained_model_name_or_path: m}
`

const (
	exampleLoad    = "load: {type: constant, stages: [{rate: 2, duration: 20}]}"
	exampleSession = "load: {type: trace_session_replay, stages: [{concurrent_sessions: 4, num_sessions: 20, " +
		"session_rate: 2}]}"
	exampleData = "data: {type: shareGPT}"
)

func TestExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ load, data string }{
		{exampleLoad, exampleData},
		{"load: {type: poisson, stages: [{rate: 4, duration: 60}, {rate: 8, duration: 60}]}", exampleData},
		{"load: {type: concurrent, stages: [{num_requests: 200, concurrency_level: 16}]}", exampleData},
		{"load: {type: constant, sweep: {type: linear, num_stages: 4, stage_duration: 30}}", exampleData},
		{"load: {type: trace_replay, trace: {file: t.csv}, stages: [{rate: 1, duration: 1}]}",
			"data: {type: random, trace: {file: t.csv}}"},
		{exampleLoad, "data: {type: mock}"},
		{exampleLoad,
			`data: {type: random, input_distribution: {type: fixed, mean: 64, min: 64, max: 64}, ` +
				`output_distribution: {type: fixed, mean: 32, min: 32, max: 32}}`},
		{exampleLoad,
			`data: {type: synthetic, input_distribution: {min: 8, max: 256, mean: 64, std_dev: 20}, ` +
				`output_distribution: {min: 8, max: 64, mean: 32, std_dev: 8}}`},
		{exampleLoad,
			`data: {type: shared_prefix, shared_prefix: {num_unique_system_prompts: 4, num_users_per_system_prompt: ` +
				`5, system_prompt_len: 128, question_len: 32, output_len: 16, seed: 7}}`},
		{exampleLoad, "data: {type: cnn_dailymail}"},
		{exampleLoad, "data: {type: billsum_conversations, path: billsum.json}"},
		{exampleLoad, "data: {type: infinity_instruct, path: inf.json}"},
		{exampleLoad,
			"data: {type: conversation_replay, conversation_replay: {num_conversations: 4, " +
				"shared_system_prompt_len: 100}}"},
		{exampleLoad, "data: {type: visionarena, visionarena: {num_rows: 10}}"},
		{exampleSession, "data: {type: otel_trace_replay, otel_trace_replay: {trace_directory: traces/}}"},
		{exampleSession, "data: {type: weka_trace_replay, weka_trace_replay: {trace_files: [a.json]}}"},
		{exampleSession,
			`data: {type: synthetic_agentic, synthetic_agentic: {num_sessions: 6, input_tokens_per_turn: {type: ` +
				`fixed, mean: 120}, output_tokens_per_turn: {type: fixed, mean: 20}}}`},
	} {
		c := mustParse(t, example+tt.load+"\n"+tt.data)
		if c.Server.ModelName != "m" || c.Server.BaseURL != "http://host:8000" || !c.Server.IgnoreEOS ||
			len(c.Warnings) > 0 {
			t.Errorf("%s: got %+v, warnings %q", tt.data, c.Server, c.Warnings)
		}
		if n := c.Load.Stages.Len(); n == 0 && c.Load.Sweep == nil {
			t.Errorf("%s: no stages", tt.load)
		}
		checkRoundTrip(t, c)
	}
}

// checkRoundTrip checks that a configuration stays the same when it is written and read again.
func checkRoundTrip(t *testing.T, c *Config) {
	t.Helper()
	text, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	kept := *c
	kept.Warnings = nil
	if !reflect.DeepEqual(again, &kept) {
		t.Errorf("got %+v\nwant %+v\nof\n%s", again, kept, text)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "null\n", "{}"} {
		_, err := Parse([]byte(text))
		if got := fmt.Sprint(err); got != "config:1: load.stages: is missing: give stages, or a sweep" {
			t.Errorf("%q: got %s", text, got)
		}
	}
	c := mustParse(t, stages)
	if c.API.Type != Completion || c.Data.Type != MockData || c.Storage.Local.Path != "reports-{timestamp}" ||
		c.Server != nil || c.Tokenizer != nil {
		t.Errorf("got %+v", c)
	}
	if c := mustParse(t, stages+"storage: null\n"); c.Storage != nil {
		t.Errorf("got %+v", c.Storage)
	}
	if c := mustParse(t, stages+"storage: {local_storage: null}\n"); c.Storage == nil || c.Storage.Local != nil {
		t.Errorf("got %+v", c.Storage)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "my.yml")
	if err := os.WriteFile(path, []byte("api:\n  type: chat\n  streming: true\n"+stages), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	if want := path + `:3: api.streming: unknown key: did you mean "streaming"?`; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Load(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat("/dev/zero"); err == nil && info.Mode()&os.ModeDevice != 0 {
		if _, err := Load("/dev/zero"); fmt.Sprint(err) != "configuration: /dev/zero is a device, not a file" {
			t.Errorf("got %v", err)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	c := mustParse(t, stages+`storage:
  local_storage: {path: "a-{timestamp}/{timestamp}"}
  google_cloud_storage: {bucket_name: b}
  simple_storage_service: {bucket_name: b, path: "{timestamp}"}
`)
	c.Settle(now, 0)
	got := []string{c.Storage.Local.Path, c.Storage.GCS.Path, c.Storage.S3.Path}
	want := []string{"a-20260304-050607/20260304-050607", "reports-20260304-050607", "20260304-050607"}
	if !slices.Equal(got, want) || *c.Load.BaseSeed != 1772600767008 || *c.Load.NumWorkers != 1 {
		t.Errorf("got %q, seed %d, %d workers", got, *c.Load.BaseSeed, *c.Load.NumWorkers)
	}
	c = mustParse(t, "storage: null\nload: {stages: [{rate: 1, duration: 1}], base_seed: 5, num_workers: 0}")
	c.Settle(now, 8)
	if *c.Load.BaseSeed != 5 || *c.Load.NumWorkers != 0 {
		t.Errorf("got seed %d, %d workers", *c.Load.BaseSeed, *c.Load.NumWorkers)
	}
}

func ExampleParse() {
	_, err := Parse([]byte("load:\n  stages:\n  - {rate: -3, duration: 1.5}\nserver: {base_ulr: " +
		"http://localhost:8000}\n"))
	fmt.Println(err)
	// Output:
	// config:3: load.stages[0].rate: must be above 0, got -3
	// config:3: load.stages[0].duration: expected a whole number, got the number "1.5"
	// config:4: server.base_ulr: unknown key: did you mean "base_url"?
}

func ExampleConfig_Redacted() {
	c, err := Parse([]byte(stages + "server: {base_url: http://localhost:8000, api_key: sesame}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := c.Redacted()
	_, server, _ := strings.Cut(string(text), "server:\n")
	fmt.Print(server, err)
	// Output:
	//   type: vllm
	//   model_name: null
	//   base_url: http://localhost:8000
	//   ignore_eos: true
	//   api_key: '***'
	//   cert_path: null
	//   key_path: null
	// tokenizer: null
	// circuit_breakers: null
	// <nil>
}
