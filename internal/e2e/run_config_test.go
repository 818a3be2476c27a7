package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Every configuration in docs/config runs, shortened to a second.
func TestConfigurationsRun(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/config/*.yml")
	if err != nil || len(files) < 14 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "report")
			args := []string{"x", "llm", "run", "-c", file, "--out", out, "--load.interval", "0"}
			want := 10
			switch filepath.Base(file) {
			case "trace-replay.yml":
				want = 4
			case "workload-replay.yml", "otel-trace-replay.yml":
				want = 6
			case "weka-trace-replay.yml":
				want = 16
			case "synthetic-agentic.yml": // the calls follow from its seed
				want = 0
			case "concurrent.yml", "image.yml", "video.yml":
				args = append(args, "--load.stages", `[{"num_requests": 10, "concurrency_level": 4}]`)
			case "sweep.yml":
				args = append(args, "--load.sweep.num_requests", "200", "--load.sweep.stage_duration", "1",
					"--load.sweep.num_stages", "2")
				want = 0
			case "poisson.yml", "speech.yml": // the number is random, but follows from the seed
				args = append(args, "--load.stages", `[{"rate": 10, "duration": 1}]`)
				want = 0
			default:
				args = append(args, "--load.stages", `[{"rate": 10, "duration": 1}]`)
			}
			r := mustSucceed(t, k6(t, args...))
			s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json"))
			if filepath.Base(file) == "concurrent.yml" && s.Load.Delay != nil {
				t.Errorf("a closed loop has a schedule_delay of %v", *s.Load.Delay)
			}
			if want > 0 && s.Successes.Count != want || s.Successes.Count == 0 || s.Failures.Count != 0 {
				t.Errorf("%d succeeded and %d failed, want %d", s.Successes.Count, s.Failures.Count, want)
			}
			if strings.Contains(r.stdout, "=== START_SUMMARY ===") || !strings.Contains(r.stdout, "report: "+out) {
				t.Errorf("printed %q", r.stdout)
			}
			for _, name := range []string{"config.yaml", "validation.json", "records.jsonl",
				"stage_0_lifecycle_metrics.json", "inference-perf.partial.stage_0.yaml"} {
				if _, err := os.Stat(filepath.Join(out, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Under inference-perf's own arrivals the requests of a closed loop are due within a second and wait for a slot. The
// wait does not count against the load generator.
func TestOriginalConcurrency(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "report")
	r := mustSucceed(t, k6(t, "x", "llm", "run", "-c", "docs/config/concurrent.yml", "--out", out, "--load.interval",
		"0", "--x-llm.arrivals", "inference-perf",
		"--load.stages", `[{"num_requests": 40, "concurrency_level": 4}]`))
	text, err := os.ReadFile(filepath.Join(out, "stage_0_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Load struct {
			Count, Concurrency int
			Delay              struct{ Min, Max float64 } `json:"schedule_delay"`
		} `json:"load_summary"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if l := s.Load; l.Count != 40 || l.Concurrency != 4 || l.Delay.Min < 0 || l.Delay.Max < 1 {
		t.Errorf("%+v", l)
	}
	if strings.Contains(r.stdout, "sent late") {
		t.Errorf("the wait for a slot counts as lateness:\n%s", r.stdout)
	}
}

// The report says how the rates of a sweep were found.
func TestSweepBySteps(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "report")
	mustSucceed(t, k6(t, "x", "llm", "run", "-c", "docs/config/sweep.yml", "--out", out, "--x-llm.sweep", "steps",
		"--load.interval", "0", "--load.type", "constant",
		"--load.sweep.num_requests", "20", "--load.sweep.stage_duration", "1", "--load.sweep.num_stages", "2"))
	text, err := os.ReadFile(filepath.Join(out, "summary_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Load      struct{ Count int } `json:"load_summary"`
		Extension struct {
			Sweep struct {
				Method     string
				Saturation float64   `json:"saturation_rate"`
				Rates      []float64 `json:"stage_rates"`
				Requests   int       `json:"probe_requests"`
			}
		} `json:"xk6_llm"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if w := s.Extension.Sweep; w.Method != "rate steps" || w.Saturation != 2 ||
		!slices.Equal(w.Rates, []float64{1, 2}) ||
		w.Requests != 30 || s.Load.Count != 3 {
		t.Errorf("%+v, %d requests in the report", w, s.Load.Count)
	}
}

// A fault in a configuration is reported in one line, before any load.
func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		args       []string
		code       int
		want       string
	}{
		{"unknown key", "server: {base_url: x}\nload: {stagse: []}", nil, 2, "did you mean"},
		{"no server", "load: {stages: [{rate: 1, duration: 1}]}", nil, 2, "server: is missing"},
		{"sessions without a trace",
			"server: {base_url: x}\nload: {type: trace_session_replay, stages: [{concurrent_sessions: 1}]}\ndata: " +
				"{type: otel_trace_replay}", nil, 2, "data.otel_trace_replay: is missing"},
		{"a data set that is not there",
			"server: {type: mock, base_url: x}\nload: {stages: [{rate: 1, duration: 1}]}\ndata: {type: shareGPT, " +
				"path: none.json}", nil, 2, "none.json"},
		{"a flag's value", "server: {base_url: x}\nload: {stages: [{rate: 1, duration: 1}]}",
			[]string{"--load.interval", "soon"}, 2, "soon"},
		{"a bucket that cannot be reached",
			"server: {base_url: x}\nload: {stages: [{rate: 1, duration: 1}]}\nstorage: {simple_storage_service: " +
				"{bucket_name: b, endpoint_url: 'http://127.0.0.1:1'}}", nil, 2, "127.0.0.1:1"},
		{"a goodput constraint that does not exist",
			"server: {type: mock, base_url: x}\nload: {stages: [{rate: 1, duration: 1}]}\nreport: {goodput: " +
				"{constraints: {ttft_ms: 500}}}", nil, 2,
			`config.yml:3: report.goodput.constraints.ttft_ms: unknown latency`},
		{"conversations that no model reads",
			"server: {type: mock, base_url: x}\nload: {stages: [{rate: 1, duration: 1}]}\ndata: {type: " +
				"conversation_replay, conversation_replay: {max_model_len: 99}}", nil, 2,
			"config.yml:3: data.conversation_replay.max_model_len: must be at least 9127"},
		{"an argument", "", []string{"more.yml"}, 2, "more.yml"},
		{"no file", "", []string{"-c", "none.yml"}, 2, "none.yml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "config.yml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := k6(t, append([]string{"x", "llm", "run", "-c", path, "--out", filepath.Join(dir, "out")},
				tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.stderr, tt.want) {
				t.Errorf("exit code %d, want %d and %q in\n%s", r.code, tt.code, tt.want, r.stderr)
			}
		})
	}
}

// Ctrl-C, or a terminal that hangs up, ends the load, and the report covers what was sent until then. No file holds a
// secret.
func TestInterruptedConfiguration(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if s == os.Interrupt || runtime.GOOS != "windows" {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				interruptedConfiguration(t, s)
			})
		}
	}
}

func interruptedConfiguration(t *testing.T, s os.Signal) {
	out := filepath.Join(t.TempDir(), "report")
	r := run(t, 8*time.Second, s, "k6", "x", "llm", "run", "-c", "docs/config/constant.yml", "--out", out,
		"--load.stages", `[{"rate": 10, "duration": 60}]`, "--server.api_key", "sk-very-secret")
	report := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json"))
	if r.code != 105 || report.Successes.Count < 5 || report.Successes.Count > 100 {
		t.Errorf("exit code %d, %d succeeded\n%s", r.code, report.Successes.Count, r.stderr)
	}
	files, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text)+r.stdout+r.stderr, "very-secret") {
			t.Errorf("%s holds the key", path)
		}
	}
}

// No request together with its answer is longer than the model can read, however long the drawn prompts and the answers
// are.
func TestConversationsStayWithinTheModel(t *testing.T) {
	t.Parallel()
	const limit, vocabulary = 400, "scripts/data/sample-tokenizer.json"
	counter, err := tokenizer.ReadCounterAt(vocabulary, false, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range []string{"chat", "completion"} {
		path := write(t, "config.yml", fmt.Sprintf(`server: {type: mock, base_url: "http://localhost:8000"}
api: {type: %s, streaming: true}
tokenizer: {pretrained_model_name_or_path: %s}
load: {type: concurrent, interval: 0, stages: [{num_requests: 60, concurrency_level: 6}]}
report: {request_lifecycle: {per_request: true}}
data:
  type: conversation_replay
  conversation_replay:
    max_model_len: %d
    num_conversations: 12
    shared_system_prompt_len: 20
    dynamic_system_prompt_len: {type: lognormal, mean: 60, std_dev: 400, min: 1, max: 20000}
    turns_per_conversation: {type: uniform, min: 1, max: 8}
    input_tokens_per_turn: {type: uniform, min: 5, max: 60}
    output_tokens_per_turn: {type: uniform, min: 0, max: 60}
`, api, vocabulary, limit))
		out := filepath.Join(t.TempDir(), "report")
		r := mustSucceed(t, k6(t, "x", "llm", "run", "-c", path, "--out", out))
		if want := "the prompt was cut, as with its answer it was longer than maxModelLen"; !strings.Contains(r.stderr+
			r.stdout, want) {
			t.Errorf("%s: no word of %q", api, want)
		}
		later := 0
		requests, _ := readRecords(t, filepath.Join(out, "records.jsonl"))
		for _, q := range requests {
			var body struct {
				Prompt    string
				Messages  json.RawMessage
				MaxTokens int `json:"max_tokens"`
			}
			if err := json.Unmarshal([]byte(q.RequestBody), &body); err != nil {
				t.Fatal(err)
			}
			n := counter.CountSpecial(body.Prompt)
			if api == "chat" {
				n, _ = counter.CountChat(body.Messages, nil)
			}
			if n += body.MaxTokens; n > limit || body.MaxTokens == 0 {
				t.Errorf("%s, %s, turn %d: %d tokens, of them %d of the answer", api, q.SessionID, q.Turn, n,
					body.MaxTokens)
			}
			if q.Turn > 2 {
				later++
			}
		}
		if len(requests) != 60 || later < 5 {
			t.Errorf("%s: %d requests, %d of later turns", api, len(requests), later)
		}
	}
}

// The files and exit codes of k6 x llm run are those in docs/config.md.
func TestRunsOfConfigurations(t *testing.T) {
	t.Parallel()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(broken.Close)
	const mock = "server: {type: mock, base_url: x}\n"
	const breaker = "circuit_breakers: [{name: b, metrics: {matches: ['@'], rules: ['error']}, triggers: [{type: " +
		"consecutive, threshold: 3}]}]\n"
	failing := "server: {base_url: '" + broken.URL + "', model_name: m}\n"
	for name, tt := range map[string]struct {
		text string
		args []string
		code int
		want string
	}{
		"every request failed": {failing + "load: {interval: 0, stages: [{rate: 5, duration: 1}]}", nil, 1,
			"every request failed"},
		"none was sent": {mock + "load: {interval: 0, stages: [{rate: 0.01, duration: 1}]}", nil, 2,
			"the load sends nothing"},
		"a breaker": {failing + "load: {interval: 0, circuit_breakers: [b], stages: [{rate: 20, " +
			"duration: 30}]}\n" + breaker, nil, 108, "circuit breaker"},
		"an unknown flag": {mock + "load: {stages: [{rate: 5, duration: 1}]}",
			[]string{"--load.nonsense", "1"}, 2, "unknown flag"},
		"a key that is not used": {mock + "load: {interval: 0, stages: [{rate: 5, duration: 1}]}\ndata: " +
			"{shared_prefix: {}}", nil, 0, "data.shared_prefix has no effect: data.type mock does not use it"},
		"a key that does nothing": {
			mock + "load: {interval: 0, num_workers: 3, stages: [{rate: 5, duration: 1}]}", nil, 0,
			"load.num_workers has no effect here"},
		"a list by a flag": {mock + "load: {interval: 0, stages: [{rate: 0.01, duration: 1}]}",
			[]string{"--load.stages", `[{"rate": 5, "duration": 1}]`}, 0, ""},
		"a text by a flag": {mock + "load: {interval: 0, stages: [{rate: 5, duration: 1}]}",
			[]string{"--api.type", "chat"}, 0, ""},
		"records of mock are simulated": {mock + "load: {interval: 0, stages: [{rate: 5, duration: 1}]}", nil, 0,
			"simulat"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			r := k6(t, append([]string{"x", "llm", "run", "-c", write(t, "config.yml", tt.text), "--out", out},
				tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.stderr+r.stdout, tt.want) {
				t.Errorf("exit code %d, want %d and %q in\n%s\n%s", r.code, tt.code, tt.want, r.stdout, r.stderr)
			}
			_, err := os.Stat(filepath.Join(out, "summary_lifecycle_metrics.json"))
			if made := tt.code != 2; (err == nil) != made {
				t.Errorf("exit code %d, and the report: %v", r.code, err)
			}
		})
	}
}

// The report goes where the configuration says and is never overwritten; llmconv makes the same report again from the
// records.
func TestReportsOfConfigurations(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1") // a remark is printed about it
	dir := t.TempDir()
	config := write(t, "config.yml",
		"server: {type: mock, base_url: x}\nload: {interval: 0, stages: [{rate: 5, duration: 1}]}\nstorage: "+
			"{local_storage: {path: '"+dir+"/at-{timestamp}'}}\n")
	r := mustSucceed(t, k6(t, "x", "llm", "run", "-c", config))
	if want := "OTEL_ variables are not supported yet"; !strings.Contains(r.stderr, want) {
		t.Errorf("no word of %q in\n%s", want, r.stderr)
	}
	made, err := filepath.Glob(filepath.Join(dir, "at-20[0-9]*-[0-9]*"))
	if err != nil || len(made) != 1 {
		t.Fatalf("%q, %v", made, err)
	}
	if r := k6(t, "x", "llm", "run", "-c", config, "--out", made[0]); r.code != 2 ||
		!strings.Contains(r.stderr, "holds a report") {
		t.Errorf("a report is there already: exit code %d\n%s", r.code, r.stderr)
	}
	again := filepath.Join(dir, "again")
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", filepath.Join(made[0], "records.jsonl"), "-o", again, "--config",
		config))
	for _, name := range []string{"summary_lifecycle_metrics.json", "stage_0_lifecycle_metrics.json"} {
		if got, want := withoutHealth(t, filepath.Join(again, name)),
			withoutHealth(t, filepath.Join(made[0], name)); got != want {
			t.Errorf("%s made again differs:\n%s\nfrom\n%s", name, got, want)
		}
	}
	mustSucceed(t, k6(t, "x", "llm", "run", "-c", config, "--out", made[0], "--force"))
	r = mustSucceed(t, k6(t, "run", "--quiet", "-e", "CONFIG="+config, "--out",
		"llm="+filepath.Join(dir, "script.jsonl"), "scripts/inference-perf.js"))
	if requests, ended := readRecords(t, filepath.Join(dir, "script.jsonl")); len(requests) != 5 || !ended {
		t.Errorf("the script sent %d requests\n%s", len(requests), r.stderr)
	}
}
