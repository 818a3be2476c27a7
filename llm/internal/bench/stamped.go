//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The load of the tail: tailStreams streams at a time on average, of tailRate tokens a second, for ten seconds each.
const (
	tailStreams = 1000
	tailRate    = 20
	tailTokens  = 200
	tailSeed    = 1
)

const tailTarget = 2.0

// tail prints the time from the simulator's writing of a token to the client's reading of it, on one processor: for a
// bare client, then for k6, which send at the same instants. The simulator has another processor to itself. With the
// extension's default settings there may be no garbage collection in a minute, so k6 runs once more with Go's default
// GOGC.
func tail(length time.Duration, k6 string) error {
	fmt.Printf("\nreceive delay of a token, ms, on one processor: %d streams of %d tokens/s, Poisson arrivals, %v\n",
		tailStreams, tailRate, length)
	fmt.Printf("  %-28s %8s %8s %8s   %8s %8s   %s\n", "", "p50", "p99", "max", "p99 first", "p99 gap", "")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	script := filepath.Join(dir, "tail.js")
	if err := os.WriteFile(script, []byte(tailScript), 0o600); err != nil {
		return err
	}
	bare := 0.0
	run := []string{k6, "run", "--quiet", "--no-usage-report", "--out", "llm=" + filepath.Join(dir, "k6.jsonl"), script}
	for _, c := range []struct {
		name, gogc string
		args       []string
	}{
		{"bare net/http, reads lines", "", []string{self, "-tail-client"}}, {"k6 with records", "", run},
		{"k6 with records, GOGC=100", "100", run},
	} {
		t, err := tailOf(dir, c.args, length, c.gogc)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		note := fmt.Sprintf("host took %.1f %%", 100*t.host)
		if t.end != nil {
			note = fmt.Sprintf("%d collections, %d dropped, %s", t.end.Health.GCCycles, t.end.Dropped, note)
		}
		fmt.Printf("  %-28s %8.3f %8.3f %8.1f   %8.3f %8.3f   %d tokens, %s\n", c.name, t.All.P50, t.All.P99, t.All.Max,
			t.First.P99, t.Gaps.P99, t.Tokens, note)
		if t.end == nil {
			bare = t.All.P99
			continue
		}
		printTarget("ratio of the p99", t.All.P99/bare, tailTarget)
	}
	return nil
}

// tailed holds the delays of one client.
type tailed struct {
	selftest.Errors
	end  *record.End // nil for the bare client
	host float64     // share of the processors' time that the host took, from 0 to 1
}

// tailOf runs a client against a new simulator, and compares the client's records with the simulator's.
func tailOf(dir string, args []string, length time.Duration, gogc string) (t tailed, err error) {
	truth, records := filepath.Join(dir, "truth.jsonl"), filepath.Join(dir, "k6.jsonl")
	_, _ = os.Remove(truth), os.Remove(records) // of the previous client
	url, stop, err := startServerOn(1, fmt.Sprintf("ttft=100ms&itl=%v&max-num-seqs=100000&truth=%s",
		time.Second/tailRate, truth))
	if err != nil {
		return t, err
	}
	cmd := on(0, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC="+gogc, record.StatusEnv+"=off", "URL="+url,
		"RECORDS="+records,
		"LENGTH="+length.String(),
		fmt.Sprint("RATE=", float64(tailStreams*tailRate)/tailTokens), fmt.Sprint("TOKENS=", tailTokens),
		fmt.Sprint("SEED=", tailSeed))
	before := host.ReadSteal()
	if out, err := cmd.CombinedOutput(); err != nil {
		stop()
		return t, fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	t.host = host.ReadSteal().Since(before)
	stop()
	t.Errors, t.end, err = selftest.CompareFiles(records, truth)
	if err == nil && (t.Failed > 0 || t.Unknown > 0 || t.Tokens == 0) {
		err = fmt.Errorf("%d requests failed, %d are unknown to the simulator", t.Failed, t.Unknown)
	}
	return t, err
}

// on returns a command that runs on one processor if the system has taskset.
func on(processor int, args ...string) *exec.Cmd {
	if path, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{path, "-c", strconv.Itoa(processor)}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

const tailScript = `
import { Client, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: Number(__ENV.RATE), duration: __ENV.LENGTH }], arrival: 'poisson', seed: Number(__ENV.SEED), preAllocatedVUs: 1150, maxVUs: 1300 }) };
const client = new Client({ baseURL: __ENV.URL, api: 'completion', model: 'sim' });
export default function () { client.complete('a short prompt', { maxTokens: Number(__ENV.TOKENS) }); }
export function handleSummary() { return {}; }
`

// tailClient runs the bare client: a goroutine per request that reads lines and notes the instants.
func tailClient() error {
	rate, errRate := strconv.ParseFloat(os.Getenv("RATE"), 64)
	tokens, errTokens := strconv.Atoi(os.Getenv("TOKENS"))
	seed, errSeed := strconv.ParseInt(os.Getenv("SEED"), 10, 64)
	length, errLength := time.ParseDuration(os.Getenv("LENGTH"))
	if err := errors.Join(errRate, errTokens, errSeed, errLength); err != nil {
		return err
	}
	plan := arrival.Plan{Stages: []arrival.Stage{{From: rate, To: rate, Duration: length}}, Process: arrival.Poisson{},
		Seed: seed}
	transport := &http.Transport{MaxIdleConnsPerHost: 10_000}
	text := body(tokens)
	var mu sync.Mutex
	var all []*record.Request
	var failed error
	var running sync.WaitGroup
	start := time.Now()
	n := 0
	for due := range plan.Due(0) {
		time.Sleep(time.Until(start.Add(due)))
		n++
		id := fmt.Sprint("bare-", n)
		running.Go(func() {
			q, err := readStamped(transport, text, id, tokens)
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, q), errors.Join(failed, err)
		})
	}
	running.Wait()
	if failed != nil {
		return failed
	}
	return writeRecords(os.Getenv("RECORDS"), all)
}

// readStamped sends one request and notes the instant of each line of content.
func readStamped(transport *http.Transport, text, id string, tokens int) (*record.Request, error) {
	req, err := http.NewRequest(http.MethodPost, os.Getenv("URL")+"/v1/completions", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Request-Id", id)
	began := time.Now()
	q := &record.Request{ID: id, Start: record.UnixNano(began), Status: http.StatusOK, Chunks: make([]int64, 0, tokens)}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewReaderSize(resp.Body, 4096); ; {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			q.End = record.UnixNano(time.Now())
			return q, nil
		}
		if len(q.Chunks) < tokens && bytes.HasPrefix(line, []byte("data: {")) {
			q.Chunks = append(q.Chunks, record.Micros(time.Since(began)))
		}
	}
}

func writeRecords(path string, all []*record.Request) error {
	var text []byte
	for _, q := range all {
		var err error
		if text, err = record.Append(text, q); err != nil {
			return err
		}
		text = append(text, '\n')
	}
	return os.WriteFile(path, text, 0o600)
}
