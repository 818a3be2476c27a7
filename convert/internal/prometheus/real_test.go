package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// page is the metrics page of a vLLM server. Between start and stop each scrape finds ten more requests.
type page struct {
	lock     sync.Mutex
	working  bool
	requests int // in addition to the requests before the test
	scrapes  int
}

// before is the number of requests that the server had done before the test.
const before = 1000

func (p *page) set(working bool) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.working = working
}

func (p *page) done() int {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.requests
}

// ServeHTTP writes the counters of two engines, the second without requests. A request has 20 prompt and 5 output
// tokens, gets its first token after 0.2 s, and ends after 1 s.
func (p *page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.scrapes++
	if p.working {
		p.requests += 10
	}
	n := before + p.requests
	const first, second = `{engine="0",model_name="m"%s}`, `{engine="1",model_name="m"%s}`
	row := func(name, more string, value float64) {
		fmt.Fprintf(w, name+first+" %v\n", more, value)
		fmt.Fprintf(w, name+second+" 0\n", more)
	}
	row("vllm:request_success_total", `,finished_reason="stop"`, float64(n))
	row("vllm:prompt_tokens_total", "", float64(20*n))
	row("vllm:generation_tokens_total", "", float64(5*n))
	for name, value := range map[string]float64{"vllm:time_to_first_token_seconds": 0.2,
		"vllm:e2e_request_latency_seconds": 1} {
		for _, bound := range []float64{0.1, 0.3, 0.9, 1.1} {
			count := 0.0
			if value <= bound {
				count = float64(n)
			}
			row(name+"_bucket", fmt.Sprintf(`,le="%v"`, bound), count)
		}
		row(name+"_bucket", `,le="+Inf"`, float64(n))
		row(name+"_sum", "", value*float64(n))
		row(name+"_count", "", float64(n))
	}
	fmt.Fprint(w, "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} "+
		"3\nvllm:num_requests_running{engine=\"1\",model_name=\"m\"} 4\n")
	const gpu = `{gpu="0",UUID="GPU-1",Hostname="h",modelName="H100"}`
	fmt.Fprintf(w, "DCGM_FI_DEV_POWER_USAGE%s 300\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION%s %d\n", gpu, gpu,
		300_000*p.scrapes)
}

// realPrometheus starts a Prometheus that scrapes a page every second, and returns its URL.
func realPrometheus(t *testing.T, target string) string {
	t.Helper()
	program := testenv.Program(t, "prometheus")
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: server, static_configs: "+
		"[{targets: [%q]}]}]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=error")
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return "http://" + address
}

// until repeats a query until the sum over its series is at least the wanted value.
func until(t *testing.T, c *Prometheus, text string, want float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := c.askOnce(ctx, question{text: text})
		if err == nil && len(list) > 0 && list[0].value >= want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not %v in time: %v", text, want, errors.Join(err, ctx.Err()))
		case <-tick.C:
		}
	}
}

// load lets the server work until it has done n more requests and Prometheus has scraped them.
func (p *page) load(t *testing.T, c *Prometheus, n int) Stage {
	t.Helper()
	want := p.done() + n
	s := Stage{Client: Client{Requests: n, PromptTokens: 20 * float64(n), OutputTokens: 5 * float64(n),
		TTFTMean: new(0.25)}}
	s.Start = time.Now()
	p.set(true)
	until(t, c, "sum(vllm:request_success_total)", float64(before+want-10))
	p.set(false) // the scrape with these values is the last one or the one before
	s.End = time.Now()
	until(t, c, fmt.Sprintf("sum(vllm:request_success_total) == bool %d", before+p.done()), 1)
	return s
}

func TestRealPrometheus(t *testing.T) {
	t.Parallel()
	served := new(page)
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	c := open(t, Source{URL: realPrometheus(t, strings.TrimPrefix(server.URL, "http://"))})
	until(t, c, "sum(count_over_time(vllm:num_requests_running[1m]))", 4) // two scrapes, so that there is a rate
	one := served.load(t, c, 30)
	first := served.done()
	two := served.load(t, c, 40)
	one.Client.Requests, two.Number, two.Client.Requests = first, 1, served.done()-first
	r := Run{Window{one.Start, two.End}, Client{Requests: served.done(), OutputTokens: 5 * float64(served.done()),
		TTFTMean: new(0.25)}, []Stage{one, two}}
	s := Settings{Engine: VLLM, Model: "m", ScrapeInterval: time.Second, Summary: true, Stages: true}
	files, messages := collect(t, c, s, r)
	if len(messages) == 0 || !strings.HasPrefix(messages[0], "waiting 3 s for Prometheus' last scrape") {
		t.Errorf("got messages %q", messages)
	}
	for i, requests := range []int{served.done(), first, served.done() - first} {
		holds(t, files[i].Document)
		checkReal(t, files[i], float64(requests))
	}
	power := files[0].Additions.Accelerators
	if power == nil || math.Abs(*power.Total.Power-300) > 1e-9 ||
		math.Abs(*power.Total.Energy/(300*r.End.Sub(r.Start).Seconds())-1) > 0.3 {
		t.Errorf("accelerators: got %+v", power)
	}
}

// checkReal compares a document with what was served: the additions exactly, inference-perf's figures within the
// extrapolation of increase().
func checkReal(t *testing.T, f File, requests float64) {
	t.Helper()
	value := func(name string) float64 {
		if v := f.Additions.Figures[name].Value; v != nil {
			return *v
		}
		t.Errorf("%s: no %s: %s", f.Name, name, f.Additions.Reasons["figures."+name])
		return math.NaN()
	}
	for name, want := range map[string]float64{
		"requests_total": requests, "prompt_tokens_total": 20 * requests, "output_tokens_total": 5 * requests,
		"time_to_first_token_mean": 0.2, "request_latency_mean": 1,
		"time_to_first_token_median": 0.2, "request_latency_median": 1, "num_requests_running_mean": 7,
		"num_requests_running_max": 7,
		"output_tokens_per_second": 5 * requests / f.Additions.Window.Seconds,
	} {
		if got := value(name); math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s: %s: got %v, want %v", f.Name, name, got, want)
		}
	}
	// Its range may miss the first scrape, reaches three scrapes beyond the window, and is extrapolated to its ends.
	if got := f.Successes.Count; got == nil {
		t.Errorf("%s: inference-perf's count: %s", f.Name, f.Additions.Reasons["successes.count"])
	} else if *got < requests-10 || *got > 1.6*(requests+30) {
		t.Errorf("%s: inference-perf's count: got %v, want from %v to %v", f.Name, *got, requests-10, 1.6*(requests+30))
	}
	if got := f.Successes.TTFT.Mean; got == nil || math.Abs(*got-0.2) > 1e-6 {
		t.Errorf("%s: inference-perf's TTFT: got %v, want 0.2", f.Name, got)
	}
	if c := f.Additions.Reconciliation; *c[0].Difference != 0 || math.Abs(*c[3].Difference+0.05) > 1e-6 ||
		c[0].Explanation != "equal" {
		t.Errorf("%s: reconciliation: got %+v", f.Name, c)
	}
	if f.Additions.Window.Restarted {
		t.Errorf("%s: the server did not begin anew", f.Name)
	}
}
