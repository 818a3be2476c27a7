package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// simulate runs the command until the test ends, and returns the URLs that it prints.
func simulate(t *testing.T, n int, args ...string) (urls []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, w := io.Pipe()
	cmd := newSim()
	cmd.SetOut(w)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%v: %v", args, err)
		}
	})
	for lines := bufio.NewScanner(out); len(urls) < n && lines.Scan(); {
		urls = append(urls, lines.Text())
	}
	return urls
}

// complete sends a request, and returns its id.
func complete(t *testing.T, base, id string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/completions",
		strings.NewReader(`{"model":"sim","prompt":"a","max_tokens":2}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", id)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d, %v", base, answer.StatusCode, err)
	}
}

// Several servers are told apart in the truths that they share, and a proxy stands before one.
func TestSimEndpoints(t *testing.T) {
	t.Parallel()
	truths := filepath.Join(t.TempDir(), "truths.jsonl")
	urls := simulate(t, 3, "--port", "0", "--endpoints", "3", "--ttft", "1ms", "--truth", truths)
	proxy := simulate(t, 1, "--port", "0", "--proxy", urls[0], "--proxy-delay", "1ms")
	for i, base := range append(urls, proxy...) {
		complete(t, base, fmt.Sprint(i))
	}
	all, err := sim.ReadTruths(truths)
	if err != nil {
		t.Fatal(err)
	}
	for i, base := range []string{urls[0], urls[1], urls[2], urls[0]} {
		if r := all[fmt.Sprint(i)]; r.Endpoint+"/v1" != base || r.CompletionTokens != 2 {
			t.Errorf("request %d of %d: %+v, want the endpoint %s", i, len(all), r, base)
		}
	}
	named := simulate(t, 2, "--port", "0", "--endpoints", "2", "--ttft", "1ms", "--truth", truths, "--name", "x")
	complete(t, named[1], "named")
	if all, err = sim.ReadTruths(truths); err != nil || all["named"].Endpoint != "x-2" {
		t.Errorf("got %+v %v, want the endpoint x-2", all["named"], err)
	}
}

func TestSimMisuse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for args, want := range map[string]string{
		"--endpoints 0": "--endpoints must be from 1 to 1000, got 0",
		"--proxy http://127.0.0.1:1 --endpoints 2":    "--endpoints and --proxy exclude each other",
		"--proxy localhost --port 0":                  `"localhost" is no address of a server such as http://127.0.0.1:8000`,
		"--proxy http://127.0.0.1:1 --ttft 10ms":      "--ttft has no effect with --proxy",
		"--weights 0=1,0=2":                           "priority 0 has two weights",
		"--weights 0=1":                               "weights needs scheduling=fair",
		"--on-cancel soon":                            "expected free, never, or a time such as 500ms",
		"--port " + port:                              "address already in use",
		"--endpoints 2 --port 65535":                  "invalid port",
		"--proxy-delay 1ms --port " + port:            "address already in use",
		"--proxy http://127.0.0.1:1 --port " + port:   "address already in use",
		"--proxy http://127.0.0.1:1 --proxy-delay 2h": "proxy-delay must be from 0s to 1h0m0s",
	} {
		cmd := newSim()
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs(strings.Fields(args))
		err := cmd.ExecuteContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
	}
}
