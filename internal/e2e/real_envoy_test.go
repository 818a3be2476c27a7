//go:build unix

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// envoy is a real Envoy whose routes testdata/servers/proxies/envoy.yaml shows.
type envoy struct {
	*daemon
	url, tls, admin string
	dir             string // holds ca.pem, which signed the certificate of tls
}

// newEnvoy starts Envoy before a server on a port of this machine.
func newEnvoy(t *testing.T, server string) *envoy {
	t.Helper()
	e := &envoy{dir: t.TempDir()}
	certificates(t, e.dir)
	plain, tls, admin := freePort(t), freePort(t), freePort(t)
	address := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	e.url, e.tls, e.admin = "http://"+address(plain), "https://"+address(tls), "http://"+address(admin)
	text := strings.NewReplacer("PLAIN", strconv.Itoa(plain), "TLS}", strconv.Itoa(tls)+"}", "ADMIN",
		strconv.Itoa(admin), "SERVER", server[strings.LastIndex(server, ":")+1:], "FOLDER", e.dir).
		Replace(testenv.ReadFile(t, "internal/e2e/testdata/servers/proxies/envoy.yaml"))
	config := filepath.Join(e.dir, "envoy.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e.daemon = startDaemon(t, plain, proxyPath(t, "envoy"), "-c", config, "--concurrency", "1", "-l", "warn",
		"--disable-hot-restart")
	return e
}

// client returns the options of a client by a route.
func (e *envoy) client(route, options string) string {
	return fmt.Sprintf("{baseURL: '%s/%s/v1', %s}", e.url, route, options)
}

// Envoy counts two seconds from when it has read the request, which on a busy machine is later than its sending.
var (
	afterTwoSeconds = regexp.MustCompile(`all were cut off [23]\.\d s after they were sent`)
	eachAfterTwo    = regexp.MustCompile(`^\d answers were cut off, each [23]\.\d s after`)
)

// Limits of time cut streams off. That is told with what they have in common: the time after which they ended.
func TestRealEnvoyCutsStreams(t *testing.T) {
	t.Parallel()
	e := newEnvoy(t, newSlowSimulator(t, 40*time.Millisecond))
	slow := newEnvoy(t, newSlowSimulator(t, 200*time.Millisecond)) // 16 tokens of a probe take longer than the limit
	for _, route := range []string{"timeout", "duration"} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			o := summarized(t, e.url+"/"+route+"/v1", "MAX_TOKENS=100")
			for _, q := range o.requests {
				if n := len(q.Chunks); q.ErrorType != record.ErrorTruncated || n < 25 || n > 60 {
					t.Errorf("request %d: %s %q, %d chunks; want one that is cut after 2 s, which are at most 50",
						q.Index, q.ErrorType, q.Error, n)
				}
			}
			if len(o.requests) != 8 || o.code != 1 || !strings.Contains(o.screen, "8 truncated") ||
				!afterTwoSeconds.MatchString(oneLine(o.screen)) {
				t.Errorf("%d requests, llmconv exits %d\n%s", len(o.requests), o.code, o.screen)
			}
			if !slices.ContainsFunc(o.report.Extension.Warnings, eachAfterTwo.MatchString) {
				t.Errorf("the report warns of %q", o.report.Extension.Warnings)
			}
			url := slow.url + "/" + route + "/v1"
			told(t, k6(t, "x", "llm", "probe", url), 1, "cut off its answer after ",
				"time limits of what stands before it")
		})
	}
	o := load(t, "-e", "TOKENS=30", script(t, arrivals(4), e.client("plain", "")))
	a := arrivedChunks(t, o.requests, 40*time.Millisecond)
	if a.chunks != 30 || a.together*3 > a.gaps || a.median < 36 {
		t.Errorf("without a limit: %+v, want 30 chunks 40 ms apart", a)
	}
}

// A server that is silent for longer than Envoy waits: the stream is cut off. One that has not begun gets a status.
func TestRealEnvoyDoesNotWait(t *testing.T) {
	t.Parallel()
	silent := newEnvoy(t, newSlowSimulator(t, 20*time.Millisecond, "--failure-rate", "1", "--failure-kind", "stall"))
	o := load(t, "-e", "TOKENS=20", script(t, arrivals(3), silent.client("idle", "timeout: '20s'")))
	if types := byType(o.requests); len(o.requests) != 3 || types[record.ErrorTruncated]+types[record.ErrorReset] != 3 {
		t.Errorf("%d requests: %v, want 3 that are cut", len(o.requests), types)
	}
	slow := newEnvoy(t, newSlowSimulator(t, 20*time.Millisecond, "--ttft", "5s"))
	o = summarized(t, slow.url+"/timeout/v1")
	for _, q := range o.requests {
		if q.Status != 504 || q.Error != "upstream request timeout" {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	if !strings.Contains(oneLine(o.screen), "timeout of Envoy's route") {
		t.Errorf("the screen says\n%s", o.screen)
	}
}

// A server that goes away in the middle of the load: answers on their way are cut, those that come find nobody, and the
// summary says which side of the proxy that is.
func TestRealEnvoyBeforeAServerThatDies(t *testing.T) {
	t.Parallel()
	e := newEnvoy(t, newSlowSimulator(t, 20*time.Millisecond, "--events", "1500ms gone 1500ms"))
	o := summarized(t, e.url+"/plain/v1", "RATE=6", "DURATION=5s", "MAX_TOKENS=20", "MODEL=sim")
	types, away := byType(o.requests), 0
	for _, q := range o.requests {
		if q.Status == 503 && strings.HasPrefix(q.Error, "upstream connect error") {
			away++
		}
	}
	cut := types[record.ErrorTruncated] + types[record.ErrorReset]
	if len(o.requests) != 30 || cut == 0 || away == 0 || types[""] < 10 || types[""]+cut+away != 30 {
		t.Errorf("%d requests: %v, %d of them found nobody", len(o.requests), types, away)
	}
	if !strings.Contains(oneLine(o.screen), "the server behind this proxy or gateway does not answer") {
		t.Errorf("the screen says\n%s", o.screen)
	}
}

// What Envoy turns away has a status and Envoy's words, and the summary says what to do.
func TestRealEnvoyTurnsRequestsAway(t *testing.T) {
	t.Parallel()
	server := newSlowSimulator(t, 20*time.Millisecond)
	for _, tt := range []struct {
		route, words, fix string
		status            int
	}{
		{"narrow", "reset reason: overflow", "circuit_breakers of Envoy's cluster", 503},
		{"limit", "local_rate_limited", "it limits how many requests it takes", 429},
	} {
		t.Run(tt.route, func(t *testing.T) {
			t.Parallel()
			e := newEnvoy(t, server)
			o := summarized(t, e.url+"/"+tt.route+"/v1", "MAX_TOKENS=50")
			refused := 0
			for _, q := range o.requests {
				if q.Failed() {
					refused++
					if q.Status != tt.status || !strings.Contains(q.Error, tt.words) {
						t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
					}
				}
			}
			if len(o.requests) != 8 || refused == 0 || refused == 8 || !strings.Contains(oneLine(o.screen), tt.fix) {
				t.Errorf("%d requests, %d turned away\n%s", len(o.requests), refused, o.screen)
			}
		})
	}
}

// At the first contact each command tells what Envoy says, and which side has to be mended.
func TestRealEnvoyAtFirstContact(t *testing.T) {
	t.Parallel()
	e := newEnvoy(t, newSlowSimulator(t, time.Millisecond))
	for range 5 { // uses up the limit
		_ = k6(t, "x", "llm", "probe", e.url+"/limit/v1")
	}
	for _, tt := range []struct{ route, words, fix string }{
		{"nobody", "status 503 (upstream connect error", "the server behind this proxy or gateway does not answer"},
		{"limit", "status 429 (local_rate_limited)", "it limits how many requests it takes"},
		{"elsewhere", "status 404 (Not Found)", "check the "},
	} {
		url := e.url + "/" + tt.route + "/v1"
		told(t, k6(t, "run", "--quiet", "-e", "BASE_URL="+url, "scripts/mock.js"), 108, tt.words, tt.fix)
		told(t, k6(t, "x", "llm", "probe", url), 1, tt.words, tt.fix)
		told(t, k6(t, "x", "llm", "bench", url, "--rate", "1", "-o", filepath.Join(t.TempDir(), "report")), 1, tt.words,
			tt.fix)
	}
}

// By TLS requests go over HTTP/2. A stream that Envoy resets there is cut off as one over HTTP/1.1 is.
func TestRealEnvoyHasTLS(t *testing.T) {
	t.Parallel()
	e := newEnvoy(t, newSlowSimulator(t, 40*time.Millisecond))
	options := `caPath: '` + filepath.Join(e.dir, "ca.pem") + `'`
	few := `{stages: [{requests: 4, concurrency: 2}]}`
	o := load(t, "-e", "TOKENS=25", script(t, few, `{baseURL: '`+e.tls+`/plain/v1', `+options+`}`))
	if a := arrivedChunks(t, o.requests, 40*time.Millisecond); len(o.requests) != 4 || a.chunks != 25 ||
		a.together*3 > a.gaps || a.median < 36 {
		t.Errorf("%d answers, %+v", len(o.requests), a)
	}
	if got := e.stat(t, "http.ingress.downstream_cx_http2_total"); got == 0 {
		t.Errorf("no connection by HTTP/2")
	}
	o = load(t, "-e", "TOKENS=100", script(t, few, `{baseURL: '`+e.tls+`/duration/v1', `+options+`}`))
	for _, q := range o.requests {
		if q.ErrorType != record.ErrorTruncated && q.ErrorType != record.ErrorReset || len(q.Chunks) < 5 {
			t.Errorf("request %d: %s %q, %d chunks", q.Index, q.ErrorType, q.Error, len(q.Chunks))
		}
	}
	if !slices.ContainsFunc(o.report.Extension.Warnings, eachAfterTwo.MatchString) {
		t.Errorf("the report warns of %q", o.report.Extension.Warnings)
	}
}

// stat reads a counter of Envoy.
func (e *envoy) stat(t *testing.T, name string) float64 {
	t.Helper()
	resp, err := http.Get(e.admin + "/stats?usedonly&filter=^" + name + "$")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(text), ": ")
	number, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return number
}

// Envoy sends requests again of which the client knows nothing. The server's page shows that it gave up more than the
// client let go, and the report says so.
func TestRealEnvoyRetries(t *testing.T) {
	t.Parallel()
	server := newSlowSimulator(t, 20*time.Millisecond, "--ttft", "300ms", "--max-num-seqs", "2")
	e := newEnvoy(t, server)
	o := load(t, "-e", "TOKENS=20", script(t, `{stages: [{requests: 8, concurrency: 4}]}`, e.client("retries",
		`serverMetrics: '`+server+`/metrics', serverMetricsInterval: '200ms'`)))
	again := e.stat(t, "cluster.server.upstream_rq_retry")
	if again == 0 {
		t.Fatal("Envoy sent nothing again")
	}
	for _, q := range o.requests {
		if q.Failed() && q.Status != 504 {
			t.Errorf("request %d: %s %d %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	if !o.warns("beside this run's failures: a gateway") {
		t.Errorf("Envoy sent %v requests again, and the report warns of %q", again, o.report.Extension.Warnings)
	}
}

// What Envoy adds is told request by request, with an interval.
func TestRealEnvoyOverhead(t *testing.T) {
	t.Parallel()
	server := newSlowSimulator(t, 10*time.Millisecond)
	overhead(t, server, newEnvoy(t, server).url+"/plain")
}
