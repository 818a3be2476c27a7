package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// pairRun describes a run in pairs: of a simulator, and of it behind a proxy.
type pairRun struct {
	pairs  int
	tokens int    // of an answer
	server string // options of the simulator
	proxy  sim.ProxyOptions
	noise  float64 // deviation of the logarithm of a delay of 20 ms before each answer; 0 means no such delay
}

// noisy delays answers by a random time.
type noisy struct {
	http.Handler
	delay func() time.Duration
}

func (n noisy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(n.delay())
	n.Handler.ServeHTTP(w, r)
}

// records sends the pairs in virtual time, in random order, and returns the lines of the run.
func (p pairRun) records(t *testing.T, seed uint64) (lines []byte) {
	t.Helper()
	add := func(line record.Line) {
		var err error
		if lines, err = record.Append(lines, line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, '\n')
	}
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var server http.Handler = simulated(t, fmt.Sprintf("%s&seed=%d", p.server, seed))
		if p.noise > 0 {
			server = noisy{server, func() time.Duration {
				return time.Duration(20e6 * math.Exp(p.noise*rng.NormFloat64()))
			}}
		}
		proxy, err := sim.NewProxy("http://server.test", handled{server}, p.proxy)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, func(o *Options) { o.Model = "sim" })
		add(&record.Run{Schema: record.Schema, ID: "r", Start: record.UnixNano(time.Now())})
		for i := range p.pairs {
			prompt := fmt.Sprintf(`[{"role":"user","content":"%04d%s"}]`, i, strings.Repeat(" word", 63))
			for seq, arm := range rng.Perm(2) {
				a, err := c.Do(t.Context(), handled{[]http.Handler{server, proxy}[arm]},
					&Request{ID: fmt.Sprint(i, seq), Messages: json.RawMessage(prompt), MaxTokens: p.tokens})
				if err != nil {
					t.Fatal(err)
				}
				r := a.Record
				r.Scenario, r.Index, r.Seq, r.Client = "s", int64(i), seq, arm
				r.Endpoint = []string{"direct", "gateway"}[arm]
				add(r)
				time.Sleep(time.Millisecond)
			}
		}
		add(&record.End{Status: "finished"})
	})
	return lines
}

// overheads is what a test reads of a comparison.
type overheads struct {
	Groups []struct {
		Group   string
		Metrics []struct {
			Name     string
			Change   float64
			Interval *struct{ Low, High float64 } `json:"change_interval"`
		}
		Pairs struct {
			Pairs  int
			Chunks struct {
				Base       int64
				Other      int64
				BaseReads  int64 `json:"base_reads"`
				OtherReads int64 `json:"other_reads"`
				Merged     int   `json:"pairs_merged"`
			}
			Bytes struct{ Changed int } `json:"bytes_received"`
			Order []struct {
				Name   string
				Change float64
			} `json:"order_effects"`
		}
	}
}

// compared runs llmconv compare --paired on a run.
func compared(t *testing.T, lines []byte) (o overheads) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range cli.Commands() {
		if cmd.Name() != "compare" {
			continue
		}
		var out, faults bytes.Buffer
		cmd.SetArgs([]string{path, "--paired", "--format", "json", "--percentiles", "50,90,99"})
		cmd.SetOut(&out)
		cmd.SetErr(&faults)
		if err := cmd.Execute(); err != nil {
			t.Fatalf("%v: %s", err, &faults)
		}
		if err := json.Unmarshal(out.Bytes(), &o); err != nil || len(o.Groups) != 1 {
			t.Fatalf("%v in %s", err, &out)
		}
	}
	return o
}

// A proxy that adds 0, 1 and 5 ms is found to add that at the median, although the second request of a pair finds its
// prompt in the server's cache.
func TestOverheadOfAProxy(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
		run := pairRun{pairs: 100, tokens: 8, server: "prompt-time=200us&prefix-cache-tokens=unlimited",
			proxy: sim.ProxyOptions{Delay: delay}}
		got, want := compared(t, run.records(t, 1)).Groups[0], delay.Seconds()
		found := 0
		for _, m := range got.Metrics {
			switch m.Name {
			case "p50(ttft)", "p50(chunk)", "p50(request_latency)", "p99(ttft)", "p99(chunk)":
				if found++; math.Abs(m.Change-want) > 0.05e-3 {
					t.Errorf("a proxy of %v: %s is %.3f ms later", delay, m.Name, m.Change*1000)
				}
			}
		}
		order := got.Pairs.Order
		if found != 5 || len(order) == 0 || math.Abs(order[0].Change+64*200e-6) > 1e-6 {
			t.Errorf("a proxy of %v: got %d figures, and order effects %+v, want 12.8 ms of 64 cached tokens", delay,
				found, order)
		}
	}
}

// A proxy that joins four events is found to merge as many, and to keep what it merges.
func TestMergedChunksAreCounted(t *testing.T) {
	t.Parallel()
	got := compared(t, pairRun{pairs: 20, tokens: 10, proxy: sim.ProxyOptions{Merge: 4}}.records(t, 1)).Groups[0].Pairs
	if c := got.Chunks; c.Base != 200 || c.Other != 200 || c.BaseReads != 200 || c.OtherReads != 60 || c.Merged != 20 {
		t.Errorf("got %+v", c)
	}
}

// A server against itself: intervals at p50, p90 and p99 contain 0 in 95 of 100 runs at least, whether or not it has a
// cache of prompts.
func TestOverheadOfNothing(t *testing.T) {
	t.Parallel()
	const cache = "&prompt-time=200us&prefix-cache-tokens=unlimited"
	runs := uint64(100)
	if testenv.Race { // make test runs it without the detector, too
		runs = 5
	}
	for _, server := range []string{"itl-stddev=2ms", "itl-stddev=2ms" + cache} {
		missed, intervals := map[string]int{}, 0
		for seed := range runs {
			run := pairRun{pairs: 200, tokens: 4, server: server, noise: 0.5}
			for _, m := range compared(t, run.records(t, seed)).Groups[0].Metrics {
				if m.Interval == nil {
					t.Fatalf("%s: %s has no interval", server, m.Name)
				}
				if intervals++; m.Interval.Low > 0 || m.Interval.High < 0 {
					missed[m.Name]++
				}
			}
		}
		t.Logf("%s: intervals without 0 in %d runs: %v", server, runs, missed)
		for _, name := range []string{"p50(ttft)", "p90(ttft)", "p99(ttft)", "p50(request_latency)",
			"p90(request_latency)", "p99(request_latency)"} {
			if missed[name] > 5 {
				t.Errorf("%s: the interval of %s excludes 0 in %d of %d runs", server, name, missed[name], runs)
			}
		}
	}
}
