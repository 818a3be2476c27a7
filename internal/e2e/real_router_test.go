//go:build unix

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// router is sglang-router before two llama.cpp servers.
type router struct {
	*daemon
	url      string
	replicas [2]*llamaCPP
}

// newRouter starts the replicas and the router, and waits until it knows both.
func newRouter(t *testing.T, model string, flags ...string) *router {
	t.Helper()
	program := proxyPath(t, "sglang-router") // before anything is started in vain
	r := &router{replicas: [2]*llamaCPP{newLlamaCPP(t, model), newLlamaCPP(t, model)}}
	port := freePort(t)
	r.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	r.daemon = startDaemon(t, port, append([]string{program, "launch", "--worker-urls", r.replicas[0].url,
		r.replicas[1].url, "--policy", "round_robin", "--host", "127.0.0.1", "--port", strconv.Itoa(port),
		"--prometheus-port", strconv.Itoa(freePort(t)), "--prometheus-host", "127.0.0.1"}, flags...)...)
	for range 600 {
		if text := r.workers(t); strings.Count(text, `"is_healthy":true`) == 2 {
			return r
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("after a minute the router does not know both replicas: %s", r.workers(t))
	return nil
}

// workers returns what the router says of its replicas.
func (r *router) workers(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(r.url + "/workers")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// client returns the options of a client that reads the pages of both replicas.
func (r *router) client(options string) string {
	return fmt.Sprintf("{baseURL: '%s', tokenizer: '%s', serverMetrics: ['%s/metrics', '%s/metrics'], "+
		"serverMetricsInterval: '200ms', %s}", r.url, r.replicas[0].model, r.replicas[0].url, r.replicas[1].url,
		options)
}

// The router lists a model by a name of its own, under which it serves the replicas' model. Their pages together have
// the tokens that the client counts, and each replica served a part.
func TestRealRouterAddsUpItsReplicas(t *testing.T) {
	t.Parallel()
	r := newRouter(t, "fast")
	told(t, k6(t, "x", "llm", "probe", r.url), 0, "unknown")
	var before [2]float64
	for i, replica := range r.replicas {
		before[i] = replica.page(t)["tokens_predicted_total"]
	}
	o := load(t, "-e", "TOKENS=10", script(t, arrivals(20), r.client("")))
	prompt, generated := 0.0, 0.0
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
		prompt += float64(q.Counts().ServerPrompt)
		generated += float64(q.Counts().ServerCompletion)
	}
	page := o.report.Extension.Server
	if len(o.requests) != 20 || page == nil {
		t.Fatalf("%d requests, want 20; page %+v", len(o.requests), page)
	}
	if got, want := page.Counts.Prompt, (&reconciled{prompt, prompt, 0}); got.String() != want.String() {
		t.Errorf("prompt tokens: %v; want %v", got, want)
	}
	if got, want := page.Counts.Generation, (&reconciled{generated, generated, 0}); got.String() != want.String() {
		t.Errorf("generation tokens: %v; want %v", got, want)
	}
	for i, replica := range r.replicas {
		if share := replica.page(t)["tokens_predicted_total"] - before[i]; share != generated/2 {
			t.Errorf("replica %d generated %v of %v tokens, want half", i, share, generated)
		}
	}
	bench := k6(t, "x", "llm", "bench", r.url, "--requests", "10", "--concurrency", "2", "--input", "20",
		"--output", "10", "-o", filepath.Join(t.TempDir(), "report"))
	told(t, bench, 0, "10 requests, none failed")
}

// One replica is killed in the middle: what it had begun is cut, the router goes on with the other, and the report
// tells that the page of one is missing.
func TestRealRouterLosesAReplica(t *testing.T) {
	t.Parallel()
	r := newRouter(t, "slow", "--health-check-interval-secs", "1", "--health-failure-threshold", "1")
	records := filepath.Join(t.TempDir(), "run.jsonl")
	done := make(chan result, 1)
	go func() {
		done <- k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "TOKENS=60", script(t,
			`{stages: [{rate: 4, duration: '8s'}], executor: 'llm-arrival-rate'}`, r.client("")))
	}()
	waitForRequests(t, records, 6)
	r.replicas[1].kill()
	ran := <-done
	o := readOutcome(t, records, ran)
	types := byType(o.requests)
	t.Logf("%v", types)
	for _, q := range o.requests {
		if q.Failed() {
			t.Logf("%s, status %d: %s", q.ErrorType, q.Status, q.Error)
		}
	}
	cut := types[record.ErrorTruncated] + types[record.ErrorReset] + types[record.ErrorStream]
	if len(o.requests) != 32 || types[""] < 16 || cut+types[record.ErrorHTTP]+types[""] != 32 {
		t.Errorf("%d requests: %v; want 32, most of them answered by the other replica", len(o.requests), types)
	}
	if !strings.Contains(ran.stderr, r.replicas[1].url+"/metrics") {
		t.Errorf("no word of the page that is gone\n%s", ran.stderr)
	}
	r.replicas[0].kill() // which the router tells by status 500, and by 503 after it has asked for its health
	told(t, k6(t, "x", "llm", "probe", r.url, "--model", "unknown"), 1, "answered with status 50", "see that it runs")
}
