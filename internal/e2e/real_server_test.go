package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// readPage holds options of a client that reads the server's page of metrics often.
const readPage = `serverMetrics: true, serverMetricsInterval: '200ms'`

// endpoint is a server that no one here wrote, as the load generator sees it.
type endpoint struct {
	url   string // its base URL
	model string // the folder of its tokenizer
}

// llamaCPP is llama.cpp's own server with a made-up model. internal/e2e/testdata/servers/llamacpp shows how the server
// and the model are made.
type llamaCPP struct {
	endpoint

	command []string
	kill    func() // ends the server at once, as SIGKILL does
}

// newLlamaCPP starts the server with the model that answers at once ("fast") or the one that takes milliseconds a token
// ("slow"). The server ends with the test. The test is skipped if `make deps` has not installed the server.
func newLlamaCPP(t *testing.T, model string, flags ...string) *llamaCPP {
	t.Helper()
	home := testenv.LlamaCPP(t)
	port := strconv.Itoa(freePort(t))
	s := &llamaCPP{endpoint: endpoint{url: "http://127.0.0.1:" + port, model: filepath.Join(home, model)}}
	python, file := filepath.Join(home, "bin", "python"), filepath.Join(s.model, "model.gguf")
	s.command = append([]string{python, "internal/e2e/testdata/servers/llamacpp/server.py", file, port}, flags...)
	s.start(t)
	return s
}

// start starts the server and waits until it has loaded its model.
func (s *llamaCPP) start(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.command[0], s.command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe() // its end of file ends the server, even if this process is killed
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
	})
	t.Cleanup(s.kill)
	hung := time.AfterFunc(time.Minute, s.kill)
	defer hung.Stop()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		s.kill()
		t.Fatalf("llama.cpp's server says %q, %v\n%s", line, err, stderr.String())
	}
}

// arrivals returns the options of a load of n requests, evenly spread over a second.
func arrivals(n int) string {
	return fmt.Sprintf("{stages: [{rate: %d, duration: '1s'}], executor: 'llm-arrival-rate'}", n)
}

// client returns the options of a client of the server that counts tokens, followed by the given ones.
func (s endpoint) client(options string) string {
	return fmt.Sprintf("{baseURL: '%s', tokenizer: '%s', %s}", s.url, s.model, options)
}

// run runs a script to its end. The arguments are those of k6 run, with the script last.
func (s endpoint) run(t *testing.T, args ...string) outcome {
	t.Helper()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	return readOutcome(t, records, k6(t, append([]string{"run", "--quiet", "--out", "llm=" + records}, args...)...))
}

// background starts a run as run does, and returns a function that waits for its end. The records go to the named file.
func (s endpoint) background(t *testing.T, records string, args ...string) (wait func() outcome) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	done := make(chan result, 1)
	go func() { done <- k6(t, append([]string{"run", "--quiet", "--out", "llm=" + records}, args...)...) }()
	return func() outcome {
		t.Helper()
		return readOutcome(t, records, <-done)
	}
}

// settings returns the arguments of k6 run for a script of the project, with settings such as RATE=5.
func (s endpoint) settings(script string, settings ...string) (args []string) {
	own := []string{"BASE_URL=" + s.url, "TOKENIZER=" + s.model, "SEED=1", "EXECUTOR=llm-arrival-rate"}
	for _, setting := range append(own, settings...) {
		args = append(args, "-e", setting)
	}
	return append(args, "scripts/"+script+".js")
}

var sample = regexp.MustCompile(`^(?:\w+:)?(\w+)(?:\{.*\})? (\S+)$`)

// page reads the server's page of metrics: the sum of the samples of each name, without the server's name before it.
func (s endpoint) page(t *testing.T) map[string]float64 {
	t.Helper()
	resp, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the page of metrics: status %d, %v\n%s", resp.StatusCode, err, text)
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if m := sample.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			number, _ := strconv.ParseFloat(m[2], 64)
			values[m[1]] += number
		}
	}
	return values
}

// await reads the page until its figures are as wanted.
func (s endpoint) await(t *testing.T, what string, wanted func(page map[string]float64) bool) map[string]float64 {
	t.Helper()
	var page map[string]float64
	for range 1200 {
		if page = s.page(t); wanted(page) {
			return page
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("after a minute the server has not %s: %v", what, page)
	return nil
}

// outcome holds what a run left: the summary on the screen, the records and the report.
type outcome struct {
	screen   string
	requests []*record.Request
	pages    []*record.Server
	code     int // of llmconv report
	report   diagnosis
}

// diagnosis holds the parts of a report that tests against real servers read.
type diagnosis struct {
	Successes struct {
		Throughput struct {
			Output float64 `json:"output_tokens_per_sec"`
		}
		OutputTokens *struct{ Total float64 } `json:"output_tokens"`
		Latency      struct {
			TTFT *struct{ Median float64 } `json:"time_to_first_token"`
		}
	}
	Failures struct {
		ByLabel map[string]struct{ Count int } `json:"by_label"`
	}
	Extension struct {
		Health struct {
			Verdict string
			Reasons []string
		} `json:"client_health"`
		Warnings []string
		Requests struct {
			Dropped       int
			ReasoningOnly int `json:"reasoning_only"`
			ToolCallsOnly int `json:"tool_calls_only"`
		}
		Finish map[string]int `json:"finish_reasons"`
		Tokens struct {
			Gaps struct {
				Chunk int `json:"chunk_gaps"`
			}
		}
		Latency struct {
			ChunkGap struct{ Mean float64 } `json:"chunk_gap"`
		}
		Server *struct {
			Waiting struct{ Max float64 }
			Counts  struct {
				Requests   *reconciled
				Prompt     *reconciled `json:"prompt_tokens"`
				Generation *reconciled `json:"generation_tokens"`
				TTFT       *reconciled `json:"time_to_first_token_mean"`
				CacheHits  *float64    `json:"prefix_cache_hit_share"`
			}
		}
	} `json:"xk6_llm"`
}

// reconciled is a count on the server's page beside the client's.
type reconciled struct{ Server, Client, Difference float64 }

func (r *reconciled) String() string {
	if r == nil {
		return "null"
	}
	return fmt.Sprintf("%v of the server, %v of the client, difference %v", r.Server, r.Client, r.Difference)
}

// nothingMeasured is k6's exit code after a run without a success.
const nothingMeasured = 110

// readOutcome reads what a run left. The run must have come to its end.
func readOutcome(t *testing.T, records string, ran result) outcome {
	t.Helper()
	all, want := lines(t, records), nothingMeasured
	if slices.ContainsFunc(only[*record.Request](all), func(q *record.Request) bool { return !q.Failed() }) {
		want = 0
	}
	if ran.code != want {
		t.Fatalf("exit code %d, want %d\n%s\n%s", ran.code, want, ran.stdout, ran.stderr)
	}
	o := outcome{screen: ran.stdout, requests: only[*record.Request](all), pages: only[*record.Server](all)}
	if len(only[*record.End](all)) != 1 {
		t.Errorf("%s has no end line", records)
	}
	dir := filepath.Join(t.TempDir(), "report")
	r := run(t, 0, nil, "llmconv", "report", records, "-o", dir)
	o.code = r.code
	text := testenv.ReadFile(t, filepath.Join(dir, "summary_lifecycle_metrics.json"))
	if err := json.Unmarshal([]byte(text), &o.report); err != nil {
		t.Fatalf("%v\n%s", err, r.stderr)
	}
	return o
}

// warns reports whether a warning of the report contains one of the texts.
func (o outcome) warns(texts ...string) bool {
	for _, warning := range o.report.Extension.Warnings {
		for _, text := range texts {
			if strings.Contains(warning, text) {
				return true
			}
		}
	}
	return false
}
