//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stamped is a load of Poisson arrivals. The simulator stamps each token when it writes it, and has the second
// processor to itself.
type stamped struct {
	rate       float64 // requests per second
	tokens     int     // of each answer
	itl        time.Duration
	length     time.Duration
	processors string // of the client, as for on
	procs      int    // GOMAXPROCS of the client
}

const (
	stampedTTFT = 100 * time.Millisecond
	stampedSeed = 1
)

// outcome holds the figures of a stamped load.
type outcome struct {
	selftest.Errors
	used
	end    *record.End
	health convert.ClientHealth
	busy   float64 // share of its processor that the simulator used, 0 to 1
	host   float64 // share of the processors' time that the host took, 0 to 1
}

// streams returns how many streams there are at a time on average.
func (l stamped) streams() float64 {
	return l.rate * (stampedTTFT + time.Duration(l.tokens-1)*l.itl).Seconds()
}

// bare sends the load by the bare client.
func (l stamped) bare() (outcome, error) {
	self, err := os.Executable()
	if err != nil {
		return outcome{}, err
	}
	return l.run(func(dir, url string) (used, error) {
		cmd := on(l.processors, self, "-bare-client")
		cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", l.procs), "URL="+url,
			"RECORDS="+filepath.Join(dir, "run.jsonl"), "LENGTH="+l.length.String(), fmt.Sprint("RATE=", l.rate),
			fmt.Sprint("TOKENS=", l.tokens))
		return watch(cmd)
	})
}

// by sends the load by k6, at the same instants.
func (l stamped) by(c contender, k6 string) (outcome, error) {
	vus := int(l.streams()*1.15) + 50
	load := fmt.Sprintf(`{"stages": [{"rate": %g, "duration": %q}], "arrival": "poisson", "seed": %d,
		"preAllocatedVUs": %d, "maxVUs": %d}`, l.rate, l.length, stampedSeed, vus, vus+150)
	return l.run(func(dir, url string) (used, error) {
		return k6Run{contender: c, k6: k6, url: url, tokens: l.tokens, load: load, processors: l.processors,
			procs: l.procs}.run(dir)
	})
}

// run starts a simulator, calls send, which writes run.jsonl, and compares that with the simulator's truths.
func (l stamped) run(send func(dir, url string) (used, error)) (o outcome, err error) {
	err = scratch(func(dir string) error {
		truth, records := filepath.Join(dir, "truth.jsonl"), filepath.Join(dir, "run.jsonl")
		s, err := serve("1", fmt.Sprintf("ttft=%v&itl=%v&max-num-seqs=100000&truth=%s", stampedTTFT, l.itl, truth))
		if err != nil {
			return err
		}
		steal, start := host.ReadSteal(), time.Now()
		o.used, err = send(dir, s.url)
		o.host, o.busy = host.ReadSteal().Since(steal), s.cpu().Seconds()/time.Since(start).Seconds()
		s.stop()
		if err != nil {
			return err
		}
		if o.Errors, o.end, err = selftest.CompareFiles(records, truth); err != nil {
			return err
		}
		if o.Failed > 0 || o.Unknown > 0 || o.Tokens == 0 {
			return fmt.Errorf("%d requests failed, %d are unknown to the simulator", o.Failed, o.Unknown)
		}
		r, err := readRun(records)
		if err != nil {
			return err
		}
		o.health = convert.Summarize(r, convert.Options{}).Additions.Health
		return nil
	})
	return o, err
}

// readRun reads a record file.
func readRun(records string) (*run.Run, error) {
	f, err := os.Open(records)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return run.Read(run.Options{}, run.Source{Name: records, Reader: f})
}

// perToken returns µs of the client's CPU.
func (o outcome) perToken() float64 { return float64(o.cpu.Nanoseconds()) / 1000 / float64(o.Tokens) }

// lateness returns the 99th percentile in ms.
func (o outcome) lateness() float64 {
	if o.end.Health.LatenessP99 == nil {
		return 0
	}
	return float64(*o.end.Health.LatenessP99) / 1e6
}

// stampedClient acts as the bare client: a goroutine per request that reads lines and notes the instants.
func stampedClient() error {
	rate, errRate := strconv.ParseFloat(os.Getenv("RATE"), 64)
	tokens, errTokens := strconv.Atoi(os.Getenv("TOKENS"))
	length, errLength := time.ParseDuration(os.Getenv("LENGTH"))
	if err := errors.Join(errRate, errTokens, errLength); err != nil {
		return err
	}
	plan := arrival.Plan{Stages: []arrival.Stage{{From: rate, To: rate, Duration: length}}, Process: arrival.Poisson{},
		Seed: stampedSeed}
	transport := &http.Transport{MaxIdleConnsPerHost: 10_000}
	text := body(tokens)
	var mu sync.Mutex
	var all []*record.Request
	var failed error
	var running sync.WaitGroup
	start := time.Now()
	n := 0
	for after := range plan.Due(0) {
		index, due := n, start.Add(after)
		n++
		time.Sleep(time.Until(due))
		running.Go(func() {
			q, err := readStamped(transport, text, fmt.Sprint("bare-", index), tokens)
			mu.Lock()
			defer mu.Unlock()
			if failed = errors.Join(failed, err); err == nil {
				q.Index, q.Due = int64(index), new(record.UnixNano(due))
				all = append(all, q)
			}
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

// writeRecords writes the records and an end line with the lateness.
func writeRecords(path string, all []*record.Request) error {
	var text []byte
	var late []int64
	end := record.End{Status: "finished", Requests: int64(len(all))}
	for _, q := range all {
		late = append(late, q.Start-*q.Due)
		end.Time = max(end.Time, q.End)
	}
	slices.Sort(late)
	end.Health.LatenessP99 = new(rank.Nearest(late, 0.99))
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "bare", Instance: "1", Segment: "0:1", Start: 1}}
	for _, q := range all {
		lines = append(lines, q)
	}
	for _, line := range append(lines, &end) {
		var err error
		if text, err = record.Append(text, line); err != nil {
			return err
		}
		text = append(text, '\n')
	}
	return os.WriteFile(path, text, 0o600)
}
