//go:build unix

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// newTransformers starts `transformers serve` with the model that is made for vLLM, and returns its URL and the name of
// the model, which is its folder.
func newTransformers(t *testing.T) (url, model string) {
	t.Helper()
	packages, home := testenv.Server(t, "transformers"), testenv.Server(t, "vllm")
	model = filepath.Join(home, "models", "tiny")
	port := freePort(t)
	startDaemon(t, port, "env", "HF_HUB_OFFLINE=1", "PYTHONPATH="+packages, "OMP_NUM_THREADS=1",
		filepath.Join(home, "bin", "transformers"), "serve", model, "--host", "127.0.0.1", "--port",
		strconv.Itoa(port), "--device", "cpu", "--dtype", "float32")
	url = fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 600 {
		if resp, err := http.Get(url + "/health"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url, model
			}
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("%s is not healthy after a minute", url)
	return "", ""
}

// It lists no model that the hub's cache does not hold, so the message asks for the name. It refuses ignore_eos, ends
// streams without [DONE], and counts the prompts' tokens as the client does. bench finds out by itself; a script says
// what to set.
func TestRealTransformers(t *testing.T) {
	t.Parallel()
	url, model := newTransformers(t)
	told(t, k6(t, "run", "--quiet", "-e", "BASE_URL="+url, "scripts/mock.js"), 108, "name the model")
	told(t, k6(t, "x", "llm", "probe", url, "--model", model), 0, "ignore_eos", "--ignore-eos=false")
	out := filepath.Join(t.TempDir(), "report")
	told(t, k6(t, "x", "llm", "bench", url, "--model", model, "--requests", "6", "--concurrency", "1", "--input", "30",
		"--output", "8", "--tokenizer", model, "-o", out), 0, "6 requests, none failed")
	few := `{stages: [{requests: 6, concurrency: 1}]}`
	client := func(options string) string {
		return fmt.Sprintf("{baseURL: '%s', model: '%s', tokenizer: '%[2]s', %s}", url, model, options)
	}
	o := summarized(t, url, "MODEL="+model, "MAX_TOKENS=8")
	for _, q := range o.requests {
		if q.Status != 422 || !strings.Contains(q.Error, "ignore_eos") {
			t.Errorf("request %d: %s, status %d, %q; want that it refuses ignore_eos", q.Index, q.ErrorType,
				q.Status, q.Error)
		}
	}
	if !strings.Contains(oneLine(o.screen), "the server does not take ignore_eos: set ignoreEOS: false") {
		t.Errorf("the screen says\n%s", o.screen)
	}
	o = load(t, "-e", "TOKENS=8", script(t, few, client("ignoreEOS: false")))
	for _, q := range o.requests {
		c := q.Counts()
		if q.Failed() || !q.Noted(record.NoteNoDone) || q.Prompt == nil || *q.Prompt != c.ServerPrompt ||
			len(q.Chunks) == 0 {
			t.Errorf("request %d: %q, note %q, %+v, %d chunks", q.Index, q.Error, q.Note, c, len(q.Chunks))
		}
	}
	if len(o.requests) != 6 {
		t.Errorf("%d requests, want 6", len(o.requests))
	}
}
