//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// byType counts requests by their error type, "" for successes.
func byType(requests []*record.Request) map[string]int {
	types := map[string]int{}
	for _, q := range requests {
		types[q.ErrorType]++
	}
	return types
}

// One of several instances is killed: the report is made of what there is, and says that it is partial and what is
// missing.
func TestAnInstanceIsKilled(t *testing.T) {
	t.Parallel()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	path := script(t, `{stages: [{rate: 30, duration: '6s'}], arrival: 'poisson', seed: 11, drain: false}`,
		`{baseURL: 'sim:?ttft=5ms&itl=1ms'}`)
	dir := t.TempDir()
	list := pods(3)
	first, waitFirst := list[0].start(t, dir, path)
	second, waitSecond := list[1].start(t, dir, path)
	victim := exec.Command("bin/k6", append(append([]string{"run", "--quiet"}, list[2].segment()...),
		"--out", "llm="+dir, "--tag", "instance_id=3", "--tag", "testrun_name=several", path)...)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "records-3.jsonl")
	waitForRequests(t, left, 5)
	_ = victim.Process.Kill()
	_ = victim.Wait()
	unpause(t, first)
	unpause(t, second)
	waitFirst()
	waitSecond()
	if requests, ended := readRecords(t, left); ended || len(requests) < 5 {
		t.Errorf("the killed instance left %d records, end line %t", len(requests), ended)
	}
	out := t.TempDir()
	r := run(t, 0, nil, "llmconv", "report", dir, "-o", out)
	if r.code != 3 || !strings.Contains(r.stdout, "PARTIAL") ||
		!strings.Contains(r.stdout+r.stderr, "records-3.jsonl") {
		t.Errorf("exit code %d, want 3 and the name of the file that has no end\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	if s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json")); s.Successes.Count < 100 ||
		!s.Extension.Partial {
		t.Errorf("%d successes, partial %t", s.Successes.Count, s.Extension.Partial)
	}
	if r := run(t, 0, nil, "llmconv", "report", filepath.Join(dir, "records-1.jsonl"), "-o",
		t.TempDir()); r.code == 0 || !strings.Contains(r.stdout+r.stderr, "segment") {
		t.Errorf("one instance of three: exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
}

// A server is killed and comes back: the requests in between failed, the others did not, and the load went on as
// planned.
func TestTheServerIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	settings := []string{"--ttft", "5ms", "--itl", "50ms"}
	kill := startSimulator(t, "127.0.0.1", port, settings...)
	records := filepath.Join(t.TempDir(), "run.jsonl")
	done := make(chan result, 1)
	start := time.Now()
	go func() {
		done <- k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "TOKENS=10",
			script(t, `{stages: [{rate: 20, duration: '10s'}], executor: 'llm-arrival-rate', gracefulStop: '5s'}`,
				fmt.Sprintf(`{baseURL: 'http://127.0.0.1:%d', model: 'sim'}`, port)))
	}()
	waitForRequests(t, records, 10)
	kill()
	<-time.After(time.Second)
	startSimulator(t, "127.0.0.1", port, settings...)
	r := mustSucceed(t, <-done)
	if took := time.Since(start); took > 40*time.Second {
		t.Errorf("it took %v\n%s", took, r.stderr)
	}
	requests, ended := readRecords(t, records)
	types := byType(requests)
	cut := types[record.ErrorReset] + types[record.ErrorTruncated]
	if !ended || len(requests) != 200 || types[""] < 50 || types[record.ErrorConnect] < 5 || cut == 0 ||
		types[""]+types[record.ErrorConnect]+cut != 200 {
		t.Errorf("%d requests: %v, end line %t", len(requests), types, ended)
	}
	var last *record.Request
	for _, q := range requests {
		if last == nil || q.Start > last.Start {
			last = q
		}
	}
	if last.Failed() {
		t.Errorf("the last request failed, though the server is back: %s", last.Error)
	}
}

// waitForRequests waits until n requests are recorded.
func waitForRequests(t *testing.T, records string, n int) {
	t.Helper()
	for range 1200 {
		if text, _ := os.ReadFile(records); bytes.Count(text, []byte(`"type":"request"`)) >= n {
			return
		}
		<-time.After(25 * time.Millisecond)
	}
	t.Fatalf("%s has not %d requests after 30 s", records, n)
}

// The disk is full: the load goes on, the file keeps whole lines and gets its last one, the summary says what could not
// be written, and the exit code shows it.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", disk).CombinedOutput(); err != nil {
		testenv.Skip(t, "a disk of 32 KiB", "run the tests as root", "mount: ", err, "\n", string(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", disk).Run() })
	records, truth := filepath.Join(disk, "run.jsonl"), filepath.Join(t.TempDir(), "truth.jsonl")
	r := k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "BASE_URL=sim:?truth="+truth, "-e", "RATE=50", "-e",
		"DURATION=3s", "-e", "EXECUTOR=llm-arrival-rate", "scripts/mock.js")
	if r.code != 110 || !strings.Contains(r.stderr, "records are not being written to "+records) ||
		!strings.Contains(r.stderr, "no space left on device") || !strings.Contains(r.stderr, "is incomplete") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	if !strings.Contains(r.stdout, "FAILED on the simulator: 150 requests sent") ||
		!strings.Contains(r.stdout, "RECORDS LOST: ") {
		t.Errorf("the summary is\n%s", r.stdout)
	}
	if sent := len(readTruth(t, truth)); sent != 150 {
		t.Errorf("%d requests were sent, want 150", sent)
	}
	if requests, ended := readRecords(t, records); !ended || len(requests) < 5 {
		t.Errorf("%d records, end line %t", len(requests), ended)
	}
	if r := run(t, 0, nil, "llmconv", "report", records, "-o", t.TempDir()); r.code != 3 ||
		!strings.Contains(r.stderr, "of the 150 requests that its end line counts are not in it") {
		t.Errorf("llmconv exits %d, want 3\n%s", r.code, r.stderr)
	}
}

// The record file is deleted during the run: the output writes it again. If it cannot, the exit code shows it, and a
// run that failed anyway keeps its code.
func TestTheRecordsAreDeleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		again     bool
		threshold string
		code      int
	}{"again": {true, "count>0", 0}, "for good": {false, "count>0", 110}, "failed": {false, "count<0", 99}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "records")
			records, script := filepath.Join(dir, "run.jsonl"), filepath.Join(t.TempDir(), "load.js")
			text := `import { Client, scenarios, summary } from 'k6/x/llm';
const client = new Client({ baseURL: 'sim:?ttft=10ms&itl=1ms', api: 'completion' });
export const options = { scenarios: scenarios({ stages: [{ rate: 20, duration: '4s' }] }), thresholds: { llm_requests: ['` + tt.threshold + `'] } };
export default function () { client.complete('x', { maxTokens: 5 }); }
export const handleSummary = summary;
`
			if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				waitForRequests(t, records, 5)
				err := os.RemoveAll(dir)
				if !tt.again {
					err = errors.Join(err, os.WriteFile(dir, nil, 0o600))
				}
				if err != nil {
					t.Error(err)
				}
			}()
			r := k6(t, "run", "--quiet", "--out", "llm="+records, script)
			<-done
			if lost := strings.Contains(r.stdout, "RECORDS LOST: "); r.code != tt.code || lost == tt.again {
				t.Errorf("exit code %d, want %d\n%s%s", r.code, tt.code, r.stdout, r.stderr)
			}
			if !tt.again {
				return
			}
			if requests, ended := readRecords(t, records); !ended || len(requests) != 80 {
				t.Errorf("%d records, want 80; end line %t", len(requests), ended)
			}
		})
	}
}

// The disk is slower than the records come: they wait in memory, and the load stays punctual.
func TestTheDiskIsSlow(t *testing.T) {
	dir := t.TempDir()
	pipe, copied := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "copy.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { read <- copySlowly(copied, pipe) }()
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+pipe, "-e", "RATE=200", "-e", "DURATION=3s", "-e",
		"MAX_TOKENS=20", "-e", "EXECUTOR=llm-arrival-rate", "scripts/mock.js"))
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	requests, ended := readRecords(t, copied)
	if !ended || len(requests) != 600 {
		t.Errorf("%d records, want 600; end line %t", len(requests), ended)
	}
	late := 0
	for _, q := range requests {
		if delay, _ := q.ScheduleDelay(); delay > time.Second {
			late++
		}
	}
	if late > 0 {
		t.Errorf("%d requests went more than a second late", late)
	}
}

// copySlowly reads about 100 kB a second, which is less than the run writes.
func copySlowly(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	for tick := time.NewTicker(40 * time.Millisecond); ; <-tick.C {
		if _, err := io.CopyN(out, in, 4<<10); err == io.EOF {
			return out.Close()
		} else if err != nil {
			return err
		}
	}
}

// A server that accepts and never answers, one that fails 30 % of its requests, one that resets its connections: each
// makes failures of its own kind, the run ends in time, and no failure looks like a success.
func TestTheServerFails(t *testing.T) {
	t.Parallel()
	resets := resetting(t)
	for _, tt := range []struct {
		name, load, client string
		kind               string // error type of the failures
		least, most        int    // failures among 40 requests
		code               int    // exit code of llmconv
	}{
		{"stalled", `gracefulStop: '1s'`, `{baseURL: 'sim:?failure-rate=1&failure-kind=stall'}`, record.ErrorCanceled,
			40, 40, 1},
		{"stalled, with a bound", `gracefulStop: '20s'`,
			`{baseURL: 'sim:?failure-rate=1&failure-kind=stall', idleTimeout: '300ms'}`, record.ErrorStall, 40, 40, 1},
		{"30 % fail", `gracefulStop: '20s'`, `{baseURL: 'sim:?failure-rate=0.3&seed=1'}`, record.ErrorHTTP, 3, 25, 0},
		{"resets", `gracefulStop: '20s'`, fmt.Sprintf(`{baseURL: '%s', model: 'm'}`, resets), record.ErrorReset, 40, 40,
			1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			records := filepath.Join(t.TempDir(), "run.jsonl")
			start := time.Now()
			want := 0
			if tt.least == 40 { // no request succeeds
				want = 110
			}
			if r := k6(t, "run", "--quiet", "--out", "llm="+records,
				script(t, `{stages: [{rate: 20, duration: '2s'}], executor: 'llm-arrival-rate', `+tt.load+`}`,
					tt.client)); r.code != want {
				t.Errorf("exit code %d, want %d\n%s", r.code, want, r.stderr)
			}
			if took := time.Since(start); took > 40*time.Second {
				t.Errorf("it took %v", took)
			}
			requests, ended := readRecords(t, records)
			types := byType(requests)
			if n := types[tt.kind]; !ended || len(requests) != 40 || n < tt.least || n > tt.most || n+types[""] != 40 {
				t.Errorf("%d requests: %v, end line %t", len(requests), types, ended)
			}
			out := t.TempDir()
			if r := run(t, 0, nil, "llmconv", "report", records, "-o", out); r.code != tt.code {
				t.Errorf("llmconv exits %d, want %d\n%s", r.code, tt.code, r.stderr)
			}
			if s := readReport(t,
				filepath.Join(out, "summary_lifecycle_metrics.json")); s.Failures.Count != types[tt.kind] ||
				s.Successes.Count != types[""] {
				t.Errorf("the report has %d successes and %d failures, the records %v", s.Successes.Count,
					s.Failures.Count, types)
			}
		})
	}
}

// resetting starts a server that answers each request with the beginning of a stream and then resets the connection. It
// returns the URL.
func resetting(t *testing.T) string {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"object": "list", "data": [{"id": "m", "object": "model"}]}`)
			return
		}
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		chunk, _ := json.Marshal(
			map[string]any{"choices": []any{map[string]any{"delta": map[string]any{"content": "hi"}}}})
		_, _ = fmt.Fprintf(w, "data: %s\n\n", chunk)
		_ = http.NewResponseController(w).Flush()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	t.Cleanup(func() {
		s.Close()
		if asked.Load() == 0 {
			t.Error("the server that resets got no request")
		}
	})
	return s.URL
}

// A server name that cannot be resolved ends the run before it has sent anything.
func TestTheServersNameIsNotKnown(t *testing.T) {
	t.Parallel()
	start := time.Now()
	r := k6(t, "run", "--quiet", "-e", "BASE_URL=http://nowhere.invalid", "scripts/mock.js")
	if r.code != 108 || !strings.Contains(r.stderr, "cannot reach http://nowhere.invalid/v1: lookup nowhere.invalid") ||
		time.Since(start) > 30*time.Second {
		t.Errorf("exit code %d after %v\n%s", r.code, time.Since(start), r.stderr)
	}
}

// A SIGTERM, as Kubernetes sends it, ends a run as an interrupt does: what was sent is recorded, and the file is
// complete.
func TestWhatATerminationLeaves(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	r := run(t, 4*time.Second, syscall.SIGTERM, "k6", "run", "--quiet", "--out", "llm="+records, "-e", "RATE=20", "-e",
		"DURATION=30s", "scripts/mock.js")
	requests, ended := readRecords(t, records)
	if r.code != 105 || !ended || len(requests) < 10 {
		t.Errorf("exit code %d, want 105; %d records, end line %t\n%s", r.code, len(requests), ended, r.stderr)
	}
	if r := run(t, 0, nil, "llmconv", "report", records, "-o", t.TempDir()); r.code != 0 && r.code != 3 {
		t.Errorf("llmconv exits %d\n%s", r.code, r.stderr)
	}
}
