package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lateServer answers requests at once, but lists its models after a second, and never sends its page of metrics.
type lateServer struct {
	mu     sync.Mutex
	listed time.Time // when the list was sent
}

func (s *lateServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/models":
		time.Sleep(time.Second)
		_, _ = fmt.Fprint(w, `{"data":[{"id":"m"}]}`)
		s.mu.Lock()
		s.listed = time.Now()
		s.mu.Unlock()
	case "/metrics":
		<-r.Context().Done()
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}
}

// The requests that a client makes before its first one delay the beginning of the load, whatever the executor, and
// change no arrival.
func TestSlowStartBendsNoArrival(t *testing.T) {
	t.Parallel()
	for _, executor := range []string{"llm-arrival-rate", "ramping-arrival-rate"} {
		late := new(lateServer)
		server := httptest.NewServer(late)
		defer server.Close()
		out := filepath.Join(t.TempDir(), "run.jsonl")
		client := fmt.Sprintf(`{api: 'completion', baseURL: '%s/v1', model: 'm', serverMetrics: true}`, server.URL)
		load := `{stages: [{rate: 20, duration: '2s'}], executor: '` + executor + `'}`
		mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+out, script(t, load, client)))
		requests, _, _ := loadLines(t, out)
		if len(requests) < 39 {
			t.Fatalf("%s: %d requests", executor, len(requests))
		}
		var bunched int
		slices.SortFunc(requests, func(a, b *record.Request) int { return int(a.Start - b.Start) })
		for i, q := range requests {
			if i > 0 && q.Start-requests[i-1].Start < int64(10*time.Millisecond) {
				bunched++
			}
			if delay, known := q.ScheduleDelay(); known && delay > 500*time.Millisecond {
				t.Errorf("%s: request %d went %v after it was due", executor, i, delay)
			}
		}
		if bunched > 9 { // 12 would come from a delay of 600 ms, 20 from the second of waiting for the page
			t.Errorf("%s: %d requests in bunches", executor, bunched)
		}
		if first := requests[0].Start; first < late.listed.UnixNano() {
			early := time.Duration(late.listed.UnixNano() - first)
			t.Errorf("%s: the load began %v before the models were listed", executor, early)
		}
	}
}

// An interrupt ends a load soon, however many arrivals are left to draw, and the record file has its end line.
func TestInterruptEndsLongStages(t *testing.T) {
	t.Parallel()
	signals := []os.Signal{os.Interrupt}
	if runtime.GOOS != "windows" {
		signals = append(signals, syscall.SIGTERM, syscall.SIGHUP)
	}
	for i, load := range []string{
		`{stages: [{rate: 100, duration: '168h'}], arrival: 'gamma', burstiness: 0.5, maxVUs: 10}`,
		`{stages: [{rate: 4, duration: '999999h'}, {rate: 4, duration: '1h'}], arrival: 'poisson', maxVUs: 10}`,
		`{stages: [{rate: 4, duration: '1000000h'}], arrival: 'inference-perf', maxVUs: 10}`,
	} {
		out, began := filepath.Join(t.TempDir(), "run.jsonl"), time.Now()
		path := script(t, load, `{baseURL: 'sim:'}`)
		r := run(t, 2*time.Second, signals[i%len(signals)], "k6", "run", "--quiet", "--out", "llm="+out, path)
		if r.code != 105 {
			t.Fatalf("%s: exit code %d\n%s", load, r.code, r.stderr)
		}
		all := lines(t, out)
		end, ok := all[len(all)-1].(*record.End)
		if !ok || !strings.Contains(end.Status, "aborted") {
			t.Errorf("%s: last line %+v", load, all[len(all)-1])
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: ended %v after its begin, interrupted after 2 s of load", load, took)
		}
	}
}

// A stage without an arrival is named in a warning, and no instance is called idle because of it.
func TestStageWithoutArrival(t *testing.T) {
	t.Parallel()
	path := script(t, `{stages: [{rate: 0.1, duration: '1s'}, {rate: 5, duration: '1s'}], executor: 'llm-arrival-rate'}`,
		`{baseURL: 'sim:'}`)
	r := mustSucceed(t, k6(t, "run", "--quiet", path))
	want := `stage 0 of scenario \"load\" has no arrival: its rate times its duration is 0.1 requests`
	if !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "idle") {
		t.Errorf("got %s, want %s", r.stderr, want)
	}
	for _, executor := range []string{"llm-arrival-rate", "ramping-arrival-rate"} {
		path := script(t, `{stages: [{rate: 0.1, duration: '1s'}], executor: '`+executor+`'}`, `{baseURL: 'sim:'}`)
		want := "the load sends nothing: 0.1/s for 1s is less than one request"
		if r := k6(t, "run", "--quiet", path); r.code == 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit code %d, got %s, want %s", executor, r.code, r.stderr, want)
		}
	}
}

// A server that cannot be reached does not matter to a script that sends nothing to it.
func TestUnusedClientNeedsNoServer(t *testing.T) {
	t.Parallel()
	path := script(t, `{stages: [{rate: 5, duration: '1s'}]}`, `{baseURL: 'sim:'}`)
	text := testenv.ReadFile(t, path) + "new Client({baseURL: 'http://127.0.0.1:1/v1'});\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := mustSucceed(t, k6(t, "run", "--quiet", path)); strings.Contains(r.stderr, "127.0.0.1:1") {
		t.Errorf("got %s", r.stderr)
	}
}
