package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// picky is a server that refuses a field of the body, and keeps what it receives.
type picky struct {
	refuses string

	mu     sync.Mutex
	header http.Header // of the newest request
	body   string
	pages  int // how often its page of metrics was read
}

func (s *picky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/metrics":
		s.pages++
		_, _ = io.WriteString(w, "vllm:num_requests_running{} 0\n")
		return
	case r.Method == http.MethodGet:
		http.Error(w, `{"message": "only chat is allowed"}`, http.StatusForbidden)
		return
	}
	s.header, s.body = r.Header, string(body)
	if s.refuses != "" && strings.Contains(s.body, `"`+s.refuses+`"`) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprintf(w, `{"detail":"Unexpected fields in the request: {'%s'}"}`, s.refuses)
		return
	}
	_, _ = io.WriteString(w,
		`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
}

// Settings on the command line reach the server, below a path that the client uses unchanged.
func TestSettingsReachTheServer(t *testing.T) {
	t.Parallel()
	s := new(picky)
	server := httptest.NewServer(s)
	defer server.Close()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e",
		"BASE_URL="+strings.Replace(server.URL, "://", "://me:sesame@", 1)+"/api/v3",
		"-e", "MODEL=m", "-e", "RATE=2", "-e", "DURATION=1s", "-e", "IGNORE_EOS=false", "-e", "STREAMING=false", "-e",
		"MAX_TOKENS_FIELD=max_completion_tokens",
		"-e", "REQUEST_ID_HEADER=", "-e", "SERVER_METRICS=auto", "scripts/mock.js"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := `"max_completion_tokens":30,"stream":false}`; !strings.HasSuffix(s.body, want) {
		t.Errorf("sent %s, want its end to be %s", s.body, want)
	}
	if s.header.Get("X-Request-Id") != "" || s.header.Get("Authorization") != "Basic bWU6c2VzYW1l" || s.pages == 0 {
		t.Errorf("sent %v; the page was read %d times", s.header, s.pages)
	}
	if strings.Count(r.stderr, "so nobody checked that it serves model") != 1 ||
		!strings.Contains(r.stderr,
			"/api/v3/models refused the user of baseURL with status 403 (only chat is allowed)") {
		t.Errorf("the remark on the list is not said once:\n%s", r.stderr)
	}
	if strings.Contains(r.stderr+r.stdout+testenv.ReadFile(t, records), "sesame") {
		t.Errorf("a password in what the run left:\n%s", r.stderr)
	}
}

// When all requests fail, the summary says what the server answered, and what to do.
func TestTheSummaryTellsWhyAllFailed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&picky{refuses: "ignore_eos"})
	defer server.Close()
	r := k6(t, "run", "--quiet", "-e", "BASE_URL="+server.URL, "-e", "MODEL=m", "-e", "RATE=2", "-e", "DURATION=1s",
		"scripts/mock.js")
	if r.code != nothingMeasured {
		t.Errorf("exit code %d, want %d", r.code, nothingMeasured)
	}
	for _, want := range []string{
		"FAILED: 2 requests sent, 2 failed",
		"most failures   2 × status 422: Unexpected fields in the request:\n                  {'ignore_eos'}\n",
		"what to do      the server does not take ignore_eos: set ignoreEOS: false\n" +
			"                  (IGNORE_EOS=false, server.ignore_eos: false)\n",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("%q is not in\n%s", want, r.stdout)
		}
	}
}

// A fault in a configuration is reported in one line, without the script that was generated from it.
func TestAConfigurationsFaultIsOneLine(t *testing.T) {
	t.Parallel()
	config := write(t, "c.yml",
		"server: {base_url: 'server'}\nload: {stages: [{rate: 1, duration: 1}]}\ndata: {type: mock}\n")
	r := k6(t, "x", "llm", "run", "-c", config, "--out", filepath.Join(t.TempDir(), "report"))
	if r.code != 2 || !strings.Contains(r.stderr, "write http:// before it") || strings.Contains(r.stderr, "run.js") ||
		strings.Contains(r.stderr, "GoError") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	config = write(t, "c.yml",
		"server: {base_url: 'http://127.0.0.1:1'}\nload: {stages: [{rate: 1, duration: 1}]}\ndata: {type: mock}\n")
	r = k6(t, "--quiet", "x", "llm", "run", "-c", config, "--out", filepath.Join(t.TempDir(), "report"))
	if r.code != 108 || !strings.Contains(r.stderr, "and that it runs\"\n") ||
		strings.Contains(r.stderr, "run.js") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}
