//go:build linux

package e2e

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// vLLM is vLLM's own server and engine on a processor, with a made-up model: internal/e2e/testdata/servers/vllm.
type vLLM struct {
	endpoint

	group int // the process group of the server and its engine
}

// newVLLM starts the server with options, and waits until it has loaded its model: a minute or two on an idle machine
// with two processors. The server ends with the test.
func newVLLM(t *testing.T, options ...string) *vLLM {
	t.Helper()
	home, port := testenv.Server(t, "vllm"), strconv.Itoa(freePort(t))
	s := &vLLM{endpoint: endpoint{"http://127.0.0.1:" + port, filepath.Join(home, "models", "tiny")}}
	cmd := exec.Command(filepath.Join(home, "bin", "vllm"), append([]string{"serve", s.model,
		"--served-model-name", "tiny", "--host", "127.0.0.1", "--port", port, "--max-model-len", "4096",
		"--dtype", "bfloat16", "--enforce-eager"}, options...)...)
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "VLLM_CPU_KVCACHE_SPACE=1",
		"VLLM_CPU_OMP_THREADS_BIND=nobind", "OMP_NUM_THREADS=1")
	begun := time.Now()
	s.group = startReal(t, cmd, s.url+"/health")
	t.Logf("vLLM loads its model in %v", time.Since(begun).Round(time.Second))
	return s
}

// killEngine ends the process that computes, as the kernel does when memory runs out.
func (s *vLLM) killEngine(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		line, err := os.ReadFile(name)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil || !bytes.HasPrefix(line, []byte("VLLM::EngineCore")) {
			continue
		}
		if group, err := syscall.Getpgid(pid); err == nil && group == s.group {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the server has no engine")
}

// idle waits until the server has no request.
func (s *vLLM) idle(t *testing.T) map[string]float64 {
	t.Helper()
	return s.await(t, "become idle", func(page map[string]float64) bool {
		return page["num_requests_running"]+page["num_requests_waiting"] == 0
	})
}

// thinks, calls and barred are fields of requests: for answers that reason first, for answers that are a call of a
// tool, and for answers without end tokens, which ignore_eos lets through and the server does not show.
const (
	thinks = `{"chat_template_kwargs": {"enable_thinking": true}}`
	calls  = `{"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "weather", ` +
		`"description": "Tells the weather.", "parameters": {"type": "object", "required": ["city"], "properties": ` +
		`{"city": {"type": "string", "enum": ["Bern", "Oslo"]}}}}}]}`
	barred = `{"min_tokens": 20}`
)

// One vLLM serves most tests, since it takes minutes to start.
func TestRealVLLM(t *testing.T) {
	s := newVLLM(t, "--max-num-seqs", "8", "--reasoning-parser", "qwen3", "--enable-auto-tool-choice",
		"--tool-call-parser", "hermes", "--enable-prompt-tokens-details", "--default-chat-template-kwargs",
		`{"enable_thinking": false}`)
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s *vLLM)
	}{
		{"counts the same tokens", vllmCounts},
		{"lets end tokens through", vllmIgnoresEnds},
		{"ends its answers", vllmEnds},
		{"reasons", vllmReasons},
		{"reasons to the limit", vllmReasonsOnly},
		{"calls tools", vllmCalls},
		{"speaks other APIs", vllmSpeaks},
		{"fills the context", vllmFillsContext},
		{"refuses long prompts", vllmRefuses},
		{"is probed", vllmIsProbed},
		{"is measured by bench", vllmIsMeasured},
		{"runs a configuration", vllmRunsConfiguration},
		{"gives up requests", vllmGivesUp},
		{"frees places", vllmFreesPlaces},
		{"is behind a gateway", vllmBehindGateway},
		{"is relayed", func(t *testing.T, s *vLLM) { checkRelayed(t, s.endpoint, "") }},
		{"reasons through a relay", func(t *testing.T, s *vLLM) { checkRelayed(t, s.endpoint, "extraBody: "+thinks) }},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, s) })
	}
}

// grown returns by how much a count on the server's page grows while f runs.
func (s *vLLM) grown(t *testing.T, f func()) func(name string) float64 {
	t.Helper()
	before := s.idle(t)
	f()
	after := s.idle(t)
	return func(name string) float64 { return after[name] - before[name] }
}

// In every request the client and the server count the same tokens, and the report's figures of the server's page agree
// with both, and with the page as it is read here.
func vllmCounts(t *testing.T, s *vLLM) {
	for _, tt := range []struct {
		name, script string
		settings     []string
	}{
		{"chats", "sharegpt", nil},
		{"completions", "sharegpt", []string{"API=completion"}},
		{"random prompts", "random", []string{"INPUT_LEN=100-300", "OUTPUT_LEN=20"}},
		{"conversations", "multi-turn", []string{"SESSIONS=4"}},
		{"shared prefixes", "shared-prefix", []string{"GROUPS=2"}},
		{"whole answers", "sharegpt", []string{"STREAMING=false"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o outcome
			grown := s.grown(t, func() {
				o = s.run(t, s.settings(tt.script, append(tt.settings, "RATE=6", "DURATION=3s", "MAX_TOKENS=20",
					"EXTRA_BODY="+barred, "SERVER_METRICS=auto")...)...)
			})
			for _, q := range o.requests {
				checkTokens(t, q, "length", 0)
			}
			if n := len(o.requests); n < 10 || o.report.Extension.Finish["length"] != n {
				t.Errorf("%d requests of 18, which ended by %v", n, o.report.Extension.Finish)
			}
			if o.warns("output tokens", "prompt tokens") {
				t.Errorf("the report warns: %q", o.report.Extension.Warnings)
			}
			checkVLLMPage(t, o, grown)
		})
	}
}

// checkVLLMPage compares what usage says with the figures of the server's page, as the report has them and as they were
// read here.
func checkVLLMPage(t *testing.T, o outcome, grown func(name string) float64) {
	t.Helper()
	var n, prompt, cached, generated float64
	for _, q := range o.requests {
		c := q.Counts()
		n, prompt, generated = n+1, prompt+float64(c.ServerPrompt), generated+float64(c.ServerCompletion)
		cached += float64(max(c.ServerCached, 0))
	}
	page := o.report.Extension.Server
	if page == nil {
		t.Fatal("the report has no page")
	}
	for _, tt := range []struct {
		name string
		got  *reconciled
		want float64
	}{
		{"request_success_total", page.Counts.Requests, n},
		{"prompt_tokens_total", page.Counts.Prompt, prompt},
		{"generation_tokens_total", page.Counts.Generation, generated},
	} {
		if got, want := tt.got.String(), (&reconciled{tt.want, tt.want, 0}).String(); got != want {
			t.Errorf("%s: got %s; want %s", tt.name, got, want)
		}
		if got := grown(tt.name); got != tt.want {
			t.Errorf("%s grew by %v on the page, want %v", tt.name, got, tt.want)
		}
	}
	if got := page.Counts.CacheHits; got == nil || math.Abs(*got-cached/prompt) > 1e-9 {
		t.Errorf("share of the prompt tokens that were cached: %v, want %v", got, cached/prompt)
	}
	if got := grown("prompt_tokens_cached_total"); got != cached {
		t.Errorf("%v prompt tokens were cached by the page, %v by usage", got, cached)
	}
	checkVLLMTTFT(t, o, grown("time_to_first_token_seconds_sum")/n)
}

// checkVLLMTTFT compares the mean TTFT of the server's page with the client's. The server's clock starts when it has
// read the request and stops before it writes the first token, so that the client's mean is above. What lies between
// is the client's share, the network's and that of the server's front, which is most where all share two processors.
func checkVLLMTTFT(t *testing.T, o outcome, page float64) {
	t.Helper()
	got := o.report.Extension.Server.Counts.TTFT
	client, streamed := 0.0, 0.0
	for _, q := range o.requests {
		if first, known := q.TTFO(); known {
			client, streamed = client+first.Seconds(), streamed+1
		}
	}
	if streamed == 0 {
		return
	}
	client /= streamed
	t.Logf("mean TTFT: %.1f ms by the client, %.1f ms by the page", 1000*client, 1000*page)
	if got == nil || math.Abs(got.Server-page) > 1e-6 || math.Abs(got.Client-client) > 1e-6 {
		t.Errorf("mean TTFT %v, want %v of the server and %v of the client", got, page, client)
	}
	if client < page-0.001 {
		t.Errorf("mean TTFT of the client %v s, of the page %v s: the client's cannot be less", client, page)
	}
}

// With ignore_eos the server goes on behind an end token, which it counts and does not show in completions. In chats
// its parsers show it.
func vllmIgnoresEnds(t *testing.T, s *vLLM) {
	o := s.run(t, s.settings("sharegpt", "API=completion", "RATE=6", "DURATION=2s", "MAX_TOKENS=80")...)
	unseen := 0
	for _, q := range o.requests {
		if q.Failed() || q.FinishReason != "length" || q.Counts().ServerCompletion != 80 || *q.Completion > 80 {
			t.Errorf("request %d: %s %q, ended by %q, %d tokens of 80, %d seen", q.Index, q.ErrorType, q.Error,
				q.FinishReason, q.Counts().ServerCompletion, *q.Completion)
		}
		unseen += 80 - *q.Completion
	}
	if len(o.requests) != 12 || unseen < 6 || o.warns("does not heed", "shorter") ||
		!o.warns("the server counts other output tokens") {
		t.Errorf("%d requests, %d unseen tokens, want 12, and about one each; warnings %q", len(o.requests), unseen,
			o.report.Extension.Warnings)
	}
}

// Answers that the model ends by itself have a last token that only the server counts.
func vllmEnds(t *testing.T, s *vLLM) {
	o := s.run(t, s.settings("sharegpt", "RATE=6", "DURATION=2s", "MAX_TOKENS=200", "IGNORE_EOS=false")...)
	for _, q := range o.requests {
		checkTokens(t, q, "stop", 1)
	}
	if n := o.report.Extension.Finish["stop"]; n != 12 || o.warns("ignore_eos", "chunks hold") {
		t.Errorf("%d answers of 12 ended by stop; warnings %q", n, o.report.Extension.Warnings)
	}
}
