//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// nginx is a real nginx.
type nginx struct {
	*daemon
	url string // of its port without TLS
	tls string // of its port with TLS, whose certificate ca.pem of dir has signed
	dir string // holds its configuration and its logs
}

// nginxConfig has ports without and with TLS, both with the same locations.
const nginxConfig = `
daemon off;
worker_processes 1;
error_log stderr info;
pid nginx.pid;
events { worker_connections 512; }
http {
  access_log access.log;
  client_body_temp_path body;
  proxy_temp_path proxy;
  limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;
  gzip_types text/event-stream;
  gzip_min_length 0;
  server {
    listen %[1]s;
    listen %[2]s ssl;
    http2 on;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    %[3]s
  }
}
`

// newNginx starts nginx with locations. SERVER in them stands for the URL of the server behind it.
func newNginx(t *testing.T, server, locations string) *nginx {
	t.Helper()
	n := &nginx{dir: t.TempDir()}
	port, secure := freePort(t), freePort(t)
	plain, tls := fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", secure)
	n.url, n.tls = "http://"+plain, "https://"+tls
	certificates(t, n.dir)
	locations = strings.NewReplacer("SERVER", server, "TLS", n.tls).Replace(locations)
	text := fmt.Sprintf(nginxConfig, plain, tls, locations)
	if err := os.WriteFile(filepath.Join(n.dir, "nginx.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.daemon = startDaemon(t, port, n.command(t)...)
	return n
}

// command returns nginx's command line.
func (n *nginx) command(t *testing.T, args ...string) []string {
	t.Helper()
	return append([]string{proxyPath(t, "nginx"), "-p", n.dir, "-c", "nginx.conf"}, args...)
}

// reload lets nginx read its configuration again: new processes take what comes, and the old ones end what they have.
func (n *nginx) reload(t *testing.T) {
	t.Helper()
	command := n.command(t, "-s", "reload")
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// newSlowSimulator starts the simulator with a known time between tokens.
func newSlowSimulator(t *testing.T, itl time.Duration, flags ...string) (url string) {
	t.Helper()
	testenv.Server(t, "proxies") // before anything is started in vain
	flags = append([]string{"--ttft", "50ms", "--itl", itl.String()}, flags...)
	return fmt.Sprintf("http://127.0.0.1:%d", simulator(t, "127.0.0.1", flags...))
}

// nginx passes on each event by itself, whether it buffers or not, and with compression allowed: the answers have the
// chunks and the gaps that they have without it. There is an exception: if it asks the server by HTTP/1.0 and
// buffers, it collects an answer that ends with its connection, as Go's servers then send it. The report says that
// the chunks came together, and what to set.
func TestRealNginxPassesEventsOneByOne(t *testing.T) {
	t.Parallel()
	const itl = 40 * time.Millisecond
	server := newSlowSimulator(t, itl)
	type way struct {
		url   string
		holds bool
	}
	ways := map[string]way{"direct": {url: server}}
	var locations strings.Builder
	for _, buffering := range []string{"on", "off"} {
		for _, version := range []string{"1.0", "1.1"} {
			for _, gzip := range []string{"on", "off"} {
				path := "/" + buffering + "-" + version + "-" + gzip + "/"
				ways["buffering "+buffering+", HTTP "+version+", gzip "+gzip] = way{path, buffering+version == "on1.0"}
				fmt.Fprintf(&locations, "location %s { proxy_buffering %s; proxy_http_version %s; gzip %s; "+
					"proxy_pass SERVER/; }\n", path, buffering, version, gzip)
			}
		}
	}
	n := newNginx(t, server, locations.String())
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := way.url
			if strings.HasPrefix(base, "/") {
				base = n.url + base + "v1"
			}
			o := load(t, "-e", "TOKENS=25", script(t, `{stages: [{requests: 4, concurrency: 2}]}`,
				`{baseURL: '`+base+`'}`))
			a := arrivedChunks(t, o.requests, itl)
			t.Logf("%+v", a)
			if len(o.requests) != 4 || a.chunks != 25 {
				t.Errorf("%d answers, %+v; want 4 of 25 chunks", len(o.requests), a)
			}
			one := a.together*3 < a.gaps && a.median > 36 && a.median < 50
			if all := a.together*10 > 9*a.gaps; one == way.holds || all != way.holds {
				t.Errorf("%+v; want that the chunks come together: %t", a, way.holds)
			}
			if way.holds && !o.warns("proxy_http_version 1.1") {
				t.Errorf("the report warns of %q", o.report.Extension.Warnings)
			}
		})
	}
}

// If a script asks for compression, nginx holds the events back until it has a block of them. The report says so, and
// blames neither the server nor the load generator.
func TestRealNginxCompresses(t *testing.T) {
	t.Parallel()
	n := newNginx(t, newSlowSimulator(t, 20*time.Millisecond),
		`location / { proxy_pass SERVER; proxy_http_version 1.1; gzip on; }`)
	o := load(t, "-e", "TOKENS=25", script(t, `{stages: [{requests: 4, concurrency: 2}]}`,
		`{baseURL: '`+n.url+`', headers: {'Accept-Encoding': 'gzip'}}`))
	for _, q := range o.requests {
		c := q.Counts()
		if q.Failed() || len(q.Chunks) != 25 || c.ServerCompletion != 25 || !q.Noted(record.NoteCompressed) {
			t.Errorf("request %d: %q, %d chunks, %+v, note %q", q.Index, q.Error, len(q.Chunks), c, q.Note)
		}
	}
	if !o.warns("4 of 4 answers came compressed") || o.warns("together with the one before") {
		t.Errorf("warnings: %q", o.report.Extension.Warnings)
	}
}

// With the authority's certificate, requests go by HTTP/2. Without it nothing is sent, and the message tells what to
// set; so it is for each command, and following the message works.
func TestRealNginxHasTLS(t *testing.T) {
	t.Parallel()
	const itl = 40 * time.Millisecond
	n := newNginx(t, newSlowSimulator(t, itl), `location / { proxy_pass SERVER; proxy_http_version 1.1; }`)
	authority := filepath.Join(n.dir, "ca.pem")
	o := load(t, "-e", "TOKENS=25", script(t, `{stages: [{requests: 4, concurrency: 2}]}`,
		`{baseURL: '`+n.tls+`', caPath: '`+authority+`', `+readPage+`}`))
	if a := arrivedChunks(t, o.requests, itl); len(o.requests) != 4 || a.chunks != 25 || a.together*3 > a.gaps {
		t.Errorf("%d answers, %+v", len(o.requests), a)
	}
	page := o.report.Extension.Server
	if page == nil || page.Counts.Requests == nil || page.Counts.Requests.Server != 4 {
		t.Errorf("the page by TLS: %+v", page)
	}
	log := testenv.ReadFile(t, filepath.Join(n.dir, "access.log"))
	if got := strings.Count(log, `"POST /v1/chat/completions HTTP/2.0" 200`); got != 4 {
		t.Errorf("%d requests by HTTP/2, want 4\n%s", got, log)
	}
	const unknown = "certificate signed by unknown authority"
	bench := []string{"x", "llm", "bench", n.tls, "--requests", "4", "--concurrency", "2", "--input", "20",
		"--output", "4"}
	out := func() string { return filepath.Join(t.TempDir(), "report") }
	told(t, k6(t, "run", "--quiet", "-e", "BASE_URL="+n.tls, "scripts/mock.js"), 108, unknown, "set caPath to")
	told(t, k6(t, "x", "llm", "probe", n.tls), 1, unknown, "give --ca FILE")
	told(t, k6(t, append(bench, "-o", out())...), 1, unknown, "give --ca FILE")
	told(t, k6(t, "x", "llm", "probe", n.tls, "--ca", authority), 0, "the simulator of xk6-llm")
	told(t, k6(t, append(bench, "-o", out(), "--ca", authority)...), 0, "4 requests, none failed")
	told(t, k6(t, append(bench, "-o", out(), "--no-probe", "--tokenizer", "scripts/data/sample-tokenizer.json", "--ca",
		authority)...), 0, "4 requests, none failed")
	told(t, k6(t, "x", "llm", "probe", n.tls, "--ca", filepath.Join(n.dir, "key.pem")), 2, "no certificate in PEM form")
}

// nginxLimits are locations that turn requests away.
const nginxLimits = `
location /small/ { client_max_body_size 120; proxy_pass SERVER/; }
location /few429/ { limit_req zone=few; limit_req_status 429; proxy_pass SERVER/; }
location /few503/ { limit_req zone=few; proxy_pass SERVER/; }
location /dead/ { proxy_pass http://127.0.0.1:1/; }
location /moved/ { rewrite ^/moved/(.*) TLS/$1 permanent; }
location /key/ { return 401; }
location /absent/ { return 404; }
location /failing/ { if ($request_method = POST) { return 502; } proxy_pass SERVER/; }
location /busy/ { if ($request_method = POST) { return 429; } proxy_pass SERVER/; }
location /late/ { proxy_read_timeout 1s; if ($request_method = POST) { proxy_pass LATE; } proxy_pass SERVER; 
  rewrite ^/late/(.*) /$1 break; }
`

// What nginx answers in the server's place at the first contact is told in its words, with what to do, by each command.
func TestRealNginxAtFirstContact(t *testing.T) {
	t.Parallel()
	n := newNginx(t, newSlowSimulator(t, time.Millisecond), strings.ReplaceAll(nginxLimits, "LATE", "SERVER"))
	for range 2 { // takes what the limit lets through
		_ = k6(t, "x", "llm", "probe", n.url+"/few429/v1")
	}
	const limit = "it limits how many requests it takes"
	const notThere = "the server behind this proxy or gateway does not answer"
	for _, tt := range []struct {
		path  string
		words string // those of nginx
		fix   string // of every command
		run   string // of k6 run alone
		tool  string // of bench and probe alone
	}{
		{"few429", "status 429 (429 Too Many Requests)", limit, "", ""},
		{"few503", "status 503 (503 Service Temporarily Unavailable)", "takes no more requests at a time", "", ""},
		{"dead", "status 502 (502 Bad Gateway)", notThere, "", ""},
		{"moved", "is redirected to", "", `(BASE_URL in our scripts) to \"` + n.tls + `/v1\"`, "give that as the URL"},
		{"key", "status 401 (401 Authorization Required)", "", "API_KEY in our scripts", "--api-key-env NAME"},
		{"absent", "status 404 (404 Not Found)", "check the", "BASE_URL in our scripts", "name the model by --model"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			url := n.url + "/" + tt.path + "/v1"
			told(t, k6(t, "run", "--quiet", "-e", "BASE_URL="+url, "scripts/mock.js"), 108, tt.words, tt.fix, tt.run)
			told(t, k6(t, "x", "llm", "probe", url), 1, tt.words, tt.fix, tt.tool)
			told(t, k6(t, "x", "llm", "bench", url, "--rate", "1", "-o", filepath.Join(t.TempDir(), "report")), 1,
				tt.words, tt.fix, tt.tool)
		})
	}
	for path, words := range map[string][]string{
		"small": {"status 413 (413 Request Entity Too Large)", "client_max_body_size of nginx"},
		"busy":  {"status 429 (429 Too Many Requests)", limit}, "failing": {"status 502 (502 Bad Gateway)", notThere},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			told(t, k6(t, "x", "llm", "probe", n.url+"/"+path+"/v1"), 1, words...)
		})
	}
}

// Requests that nginx turns away during the load are failures by their status, in its own words without tags, and the
// summary says what to do.
func TestRealNginxTurnsRequestsAway(t *testing.T) {
	t.Parallel()
	server := newSlowSimulator(t, time.Millisecond)
	late := newSlowSimulator(t, time.Millisecond, "--ttft", "20s")
	n := newNginx(t, server, strings.ReplaceAll(nginxLimits, "LATE", late))
	for _, tt := range []struct {
		path   string
		status int
		words  string
		label  string // of inference-perf
		fix    string
	}{
		{"small", 413, "413 Request Entity Too Large", "413 - other", "client_max_body_size of"},
		{"busy", 429, "429 Too Many Requests", "429 - Rate Limit", "it limits how many requests it takes"},
		{"failing", 502, "502 Bad Gateway", "502 - Bad Gateway", "the server behind this proxy"},
		{"late", 504, "504 Gateway Time-out", "504 - Gateway Timeout", "proxy_read_timeout of nginx"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			o := summarized(t, n.url+"/"+tt.path+"/v1", "MAX_TOKENS=3")
			for _, q := range o.requests {
				if q.ErrorType != record.ErrorHTTP || q.Status != tt.status || q.Error != tt.words {
					t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
				}
			}
			if got := o.report.Failures.ByLabel; len(o.requests) != 8 || got[tt.label].Count != 8 || o.code != 1 {
				t.Errorf("%d requests, failures %v, llmconv exits %d", len(o.requests), got, o.code)
			}
			if !strings.Contains(oneLine(o.screen), tt.fix) {
				t.Errorf("the screen says\n%s", o.screen)
			}
		})
	}
}

// A reload of nginx in the middle of the load costs no request: the old processes end what they have. A stop and a new
// start cuts what is on its way, and what comes in between finds nobody; afterwards all is as before.
func TestRealNginxIsStartedAgain(t *testing.T) {
	t.Parallel()
	n := newNginx(t, newSlowSimulator(t, 20*time.Millisecond),
		`location / { proxy_pass SERVER; proxy_http_version 1.1; }`)
	loaded := func(during func(records string)) outcome {
		records := filepath.Join(t.TempDir(), "run.jsonl")
		done := make(chan result, 1)
		go func() {
			done <- k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "TOKENS=50",
				script(t, `{stages: [{rate: 5, duration: '8s'}], executor: 'llm-arrival-rate'}`,
					`{baseURL: '`+n.url+`', model: 'sim'}`))
		}()
		waitForRequests(t, records, 5)
		during(records)
		return readOutcome(t, records, <-done)
	}
	o := loaded(func(string) { n.reload(t) })
	if types := byType(o.requests); len(o.requests) != 40 || types[""] != 40 {
		t.Errorf("a reload: %d requests: %v, want 40 without a failure", len(o.requests), types)
	}
	o = loaded(func(string) {
		n.stop()
		<-time.After(time.Second) // of load without nginx
		n.daemon = startDaemon(t, n.port, n.command(t)...)
	})
	types := byType(o.requests)
	cut := types[record.ErrorTruncated] + types[record.ErrorReset]
	if len(o.requests) != 40 || cut == 0 || types[record.ErrorConnect] == 0 ||
		types[""]+cut+types[record.ErrorConnect] != 40 || o.requests[len(o.requests)-1].Failed() {
		t.Errorf("a stop: %d requests: %v, want 40, some cut, some without a connection", len(o.requests), types)
	}
}

// nginx passes on that users leave, unless it is told to ignore it: the audit tells the two apart, and names the
// setting.
func TestRealNginxPassesOnThatUsersLeave(t *testing.T) {
	t.Parallel()
	n := newNginx(t, newSlowSimulator(t, 20*time.Millisecond, "--max-num-seqs", "4"), `
location / { proxy_pass SERVER; proxy_http_version 1.1; }
location /keep/ { proxy_ignore_client_abort on; proxy_pass SERVER/; proxy_http_version 1.1; }`)
	told(t, k6(t, "x", "llm", "audit", "cancel", n.url, "--places", "4"), 0, "FREED")
	told(t, k6(t, "x", "llm", "audit", "cancel", n.url+"/keep/v1", "--places", "4"), 1, "LEAKED",
		"proxy_ignore_client_abort must be off")
}

// What nginx adds is told request by request, with an interval: gateway.js sends each prompt both ways.
func TestRealNginxOverhead(t *testing.T) {
	t.Parallel()
	server := newSlowSimulator(t, 10*time.Millisecond)
	n := newNginx(t, server, `location / { proxy_pass SERVER; proxy_http_version 1.1; }`)
	overhead(t, server, n.url)
}
