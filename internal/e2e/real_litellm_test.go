//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const gatewayKey = "sk-right-key"

// newLiteLLM starts LiteLLM's proxy before a server, with one key and no database. It ends with the test.
func newLiteLLM(t *testing.T, behind endpoint) endpoint {
	t.Helper()
	home, port := testenv.Server(t, "litellm"), strconv.Itoa(freePort(t))
	config := write(t, "litellm.yml", `model_list:
  - model_name: tiny
    litellm_params: {model: hosted_vllm/tiny, api_base: "`+behind.url+`/v1", api_key: none}
general_settings: {master_key: `+gatewayKey+`}
`)
	cmd := exec.Command(filepath.Join(home, "bin", "litellm"), "--config", config, "--host", "127.0.0.1",
		"--port", port)
	cmd.Env = append(os.Environ(), "LITELLM_LOCAL_MODEL_COST_MAP=True")
	g := endpoint{"http://127.0.0.1:" + port, behind.model}
	startReal(t, cmd, g.url+"/health/liveliness")
	return g
}

// The gateway adds nothing to tokens and takes none away. Of keys it says what is not about keys, which the client
// explains.
func TestRealLiteLLM(t *testing.T) {
	llama := newLlamaCPP(t, "slow")
	g := newLiteLLM(t, llama.endpoint)
	t.Run("keys", func(t *testing.T) { gatewayKeys(t, g) })
	for _, tt := range []struct {
		name     string
		settings []string
	}{
		{"chats", nil},
		{"completions", []string{"API=completion"}},
		{"whole answers", []string{"STREAMING=false"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := g.run(t, g.settings("sharegpt", append(tt.settings, "API_KEY="+gatewayKey, "RATE=4", "DURATION=2s",
				"MAX_TOKENS=20", "SERVER_METRICS="+llama.url+"/metrics")...)...)
			generated := 0.0
			for _, q := range o.requests {
				checkTokens(t, q, "length", 0)
				generated += float64(q.Counts().ServerCompletion)
			}
			page, want := o.report.Extension.Server, &reconciled{generated, generated, 0}
			if len(o.requests) != 8 || page == nil || page.Counts.Generation.String() != want.String() {
				t.Errorf("%d requests of 8, page %+v, want generation tokens %v", len(o.requests), page, want)
			}
			if strings.Contains(o.screen, gatewayKey) {
				t.Errorf("the key is on the screen:\n%s", o.screen)
			}
		})
	}
	t.Run("the server dies", func(t *testing.T) { gatewayLosesServer(t, g, llama) })
}

// A missing and a wrong key end runs and probes, with a word of the key.
func gatewayKeys(t *testing.T, g endpoint) {
	t.Setenv("GATEWAY_KEY", "sk-wrong-key")
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a run without", []string{"run", "--quiet", "-e", "BASE_URL=" + g.url, "scripts/mock.js"}, 108,
			"status 500 (Internal Server Error): set apiKey (API_KEY in our scripts) if it wants one"},
		{"a run with a wrong one", []string{"run", "--quiet", "-e", "BASE_URL=" + g.url, "-e", "API_KEY=sk-wrong-key",
			"scripts/mock.js"}, 108, "status 400 (No connected db.): check apiKey (API_KEY in our scripts)"},
		{"a probe without", []string{"x", "llm", "probe", g.url}, 1,
			"status 500 (Internal Server Error): give the key's variable by --api-key-env NAME if it wants one"},
		{"a probe with a wrong one", []string{"x", "llm", "probe", g.url, "--api-key-env", "GATEWAY_KEY"}, 1,
			"status 400 (No connected db.): check the value that --api-key-env NAME names"},
		{"a probe of a model with a wrong one", []string{"x", "llm", "probe", g.url, "--model", "tiny", "--api-key-env",
			"GATEWAY_KEY"}, 1, "status 400 (No connected db.): check the value that --api-key-env NAME names"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := k6(t, tt.args...)
			if r.code != tt.code || !strings.Contains(r.stderr, tt.says) ||
				strings.Contains(r.stdout+r.stderr, "sk-wrong-key") {
				t.Errorf("exit code %d, want %d and %q\n%s\n%s", r.code, tt.code, tt.says, r.stdout, r.stderr)
			}
		})
	}
}

// The server behind the gateway is killed while it answers: answers that it had begun and later ones fail with the
// gateway's words.
func gatewayLosesServer(t *testing.T, g endpoint, llama *llamaCPP) {
	records := filepath.Join(t.TempDir(), "run.jsonl")
	wait := g.background(t, records, g.settings("mock", "API_KEY="+gatewayKey, "RATE=2", "DURATION=6s",
		"MAX_TOKENS=3900", "TIMEOUT=30s")...)
	before := llama.page(t)["n_decode_total"]
	llama.await(t, "begun to answer", func(page map[string]float64) bool {
		return page["requests_processing"] >= 2 && page["n_decode_total"] > before+20
	})
	llama.kill()
	o := wait()
	types, begun := byType(o.requests), 0
	for _, q := range o.requests {
		if len(q.Chunks) > 0 {
			begun++
			if q.ErrorType != record.ErrorStream {
				t.Errorf("request %d, which had begun: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
			}
		} else if q.ErrorType != record.ErrorStream && (q.ErrorType != record.ErrorHTTP || q.Status < 500) {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	t.Logf("%d requests: %v, %d begun", len(o.requests), types, begun)
	if len(o.requests) != 12 || begun < 1 || types[""] != 0 || o.code != 1 || !strings.Contains(o.screen, "FAILED:") {
		t.Errorf("%d requests: %v, %d begun; llmconv exits %d; the summary says\n%s", len(o.requests), types, begun,
			o.code, o.screen)
	}
}

// Reasoning and its tokens pass through the gateway.
func vllmBehindGateway(t *testing.T, s *vLLM) {
	g := &vLLM{endpoint: newLiteLLM(t, s.endpoint)}
	o := g.twelve(t, 40, thinks, "API_KEY="+gatewayKey, "SERVER_METRICS="+s.url+"/metrics")
	for _, q := range o.requests {
		if len(q.Reasoning) == 0 {
			t.Errorf("request %d has no reasoning", q.Index)
		}
	}
	checkOutput(t, o, 12*40)
	want := &reconciled{12 * 40, 12 * 40, 0}
	if page := o.report.Extension.Server; page == nil || page.Counts.Generation.String() != want.String() {
		t.Errorf("page %+v, want %v", page, want)
	}
}
