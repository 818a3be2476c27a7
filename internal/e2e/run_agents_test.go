package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// agentsConfig makes a session whose structure leaves nothing to chance: two rounds, tools called in pairs, and two
// sub-agents in each round.
const agentsConfig = `
server: {type: vllm, base_url: %q, model_name: sim}
api: {type: chat, streaming: true}
tokenizer: {pretrained_model_name_or_path: %q}
load: {type: trace_session_replay, num_workers: 1, interval: 0, stages: [{concurrent_sessions: 1}]}
data:
  type: synthetic_agentic
  synthetic_agentic:
    num_sessions: 1
    turns_per_session: {type: fixed, mean: 2, min: 0, max: 9}
    fanout_probability: 1.0
    max_depth: 1
    sub_agents_per_spawn: {type: fixed, mean: 2, min: 0, max: 9}
    parallel_tool_calls_per_step: {type: fixed, mean: 2, min: 0, max: 9}
    input_tokens_per_turn: {type: fixed, mean: 400, min: 0, max: 400}
    output_tokens_per_turn: {type: fixed, mean: 20, min: 0, max: 20}
    tool_call_latency_sec: {type: fixed, mean: 0, min: 0, max: 0}
    user_think_time_sec: {type: fixed, mean: 0, min: 0, max: 0}
storage: {local_storage: {path: %q}}
`

// chatBody is the body of a request of a chat, as far as both programs must agree on it.
type chatBody struct {
	Messages []map[string]json.RawMessage `json:"messages"`
	Tools    []map[string]json.RawMessage `json:"tools"`
	Choice   json.RawMessage              `json:"tool_choice"`
	Limit    int                          `json:"max_tokens"`
	Stream   bool                         `json:"stream"`
	Options  json.RawMessage              `json:"stream_options"`
}

// shape describes a body without its texts and ids. The limit of an answer that calls tools depends on their names.
func (b *chatBody) shape() string {
	var s strings.Builder
	for _, m := range b.Messages {
		fmt.Fprintf(&s, "%s%q ", m["role"], slices.Sorted(maps.Keys(m)))
	}
	choice := string(b.Choice)
	if strings.HasPrefix(choice, "{") {
		choice = "named"
	}
	if choice == `"none"` {
		fmt.Fprintf(&s, "at most %d ", b.Limit)
	}
	options := strings.ReplaceAll(string(b.Options), " ", "")
	fmt.Fprintf(&s, "of %d tools %s, stream %v %s", len(b.Tools), choice, b.Stream, options)
	return s.String()
}

// shapesOf returns the shapes of the requests that a program sends to a server by its address, sorted.
func shapesOf(t *testing.T, behind *sim.Server, program func(baseURL string)) (list []string) {
	t.Helper()
	through(t, behind, func(body []byte) {
		var b chatBody
		err := json.Unmarshal(body, &b)
		list = append(list, fmt.Sprint(b.shape(), err))
	}, program)
	slices.Sort(list)
	return list
}

// through runs a program with the address of a server, and shows see the bodies of its requests, one at a time.
func through(t *testing.T, behind *sim.Server, see func(body []byte), program func(baseURL string)) {
	t.Helper()
	target, err := url.Parse(behind.URL())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			mu.Lock()
			see(text)
			mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	program(server.URL)
}

// The same configuration of agents makes both programs send the same requests, but for texts.
func TestRequestsOfAgentsAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	original := filepath.Join(filepath.Dir(testenv.InferencePerf(t)), "inference-perf")
	opts := sim.DefaultOptions()
	opts.TTFT, opts.ITL = 2*time.Millisecond, time.Millisecond
	behind, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = behind.Close() }()
	dir, tokenizer := t.TempDir(), fastTokenizer(t)
	write := func(baseURL string) string {
		file := filepath.Join(dir, "config.yml")
		text := fmt.Sprintf(agentsConfig, baseURL, tokenizer, filepath.Join(dir, "theirs"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	want := shapesOf(t, behind, func(baseURL string) {
		cmd := exec.Command(original, "-c", write(baseURL))
		cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("inference-perf: %v\n%s", err, out)
		}
	})
	got := shapesOf(t, behind, func(baseURL string) {
		mustSucceed(t, k6(t, "x", "llm", "run", "-c", write(baseURL), "--out", filepath.Join(dir, "ours")))
	})
	if !slices.Equal(got, want) || len(want) != 24 {
		t.Errorf("got %d requests, want %d:\n%s\nwant\n%s", len(got), len(want), strings.Join(got, "\n"),
			strings.Join(want, "\n"))
	}
}
