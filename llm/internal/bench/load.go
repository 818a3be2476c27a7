//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.k6.io/k6/v2/lib"
	k6metrics "go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// request sends one request and reads its answer.
type request func() error

// measure runs a closed loop and returns µs of this process's CPU per unit, after a warm-up. Streams start at random
// instants of the warm-up, so that their tokens do not arrive at the same time. The number of units in the window
// follows from Little's law (a stream is always busy, so units = streams × units of a request × window / mean latency).
// A count of whole requests would be wrong by up to one request per stream.
func measure(w workload, length time.Duration, do func() request) (float64, error) {
	var requests, busy atomic.Int64
	var failed atomic.Pointer[error]
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var running sync.WaitGroup
	const warmUp = time.Second
	for range w.streams {
		running.Go(func() {
			time.Sleep(rand.N(warmUp))
			send := do()
			for ctx.Err() == nil {
				start := time.Now()
				if err := send(); err != nil {
					failed.Store(&err)
					return
				}
				busy.Add(int64(time.Since(start)))
				requests.Add(1)
			}
		})
	}
	time.Sleep(warmUp + warmUp/2)
	cpu := cpuTime()
	time.Sleep(length)
	used := cpuTime() - cpu
	stop()
	running.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	latency := float64(busy.Load()) / float64(requests.Load())
	units := float64(w.streams*w.tokens) * float64(length) / latency
	return float64(used.Nanoseconds()) / 1000 / units, nil
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func body(tokens int) string {
	return fmt.Sprintf(`{"model":"sim","prompt":"a short `+
		`prompt","max_tokens":%d,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`, tokens)
}

// bareClient returns the least possible client: it sends a request and reads lines.
func bareClient(url string, tokens int) func() request {
	return barePost(url+"/v1/completions", []byte(body(tokens)))
}

// barePost is a bareClient of any request.
func barePost(url string, text []byte) func() request {
	return func() request {
		transport := new(http.Transport)
		br := bufio.NewReaderSize(nil, 4096)
		return func() error {
			req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(text))
			if err != nil {
				return err
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := transport.RoundTrip(req)
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			br.Reset(resp.Body)
			for {
				if _, err := br.ReadSlice('\n'); err != nil {
					if err == io.EOF {
						return nil
					}
					return err
				}
			}
		}
	}
}

// llmClient returns a client that does everything that a request costs outside of k6: it makes the record, its samples
// and its line.
func llmClient(url string, tokens int, dialect api.Dialect) (func() request, error) {
	return llmPost(url, dialect, func() client.Request {
		return client.Request{ID: "bench-1", Prompt: "a short prompt", MaxTokens: tokens,
			Messages: json.RawMessage(`[{"role":"user","content":"a short prompt"}]`)}
	})
}

// llmPost is an llmClient of any request.
func llmPost(url string, dialect api.Dialect, make func() client.Request) (func() request, error) {
	registry := k6metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		return nil, err
	}
	vu := k6metrics.TagsAndMeta{Tags: registry.RootTagSet()}
	opts := client.DefaultOptions()
	opts.BaseURL, opts.API, opts.Model = url, dialect, "sim"
	c, err := client.New(opts)
	if err != nil {
		return nil, err
	}
	return func() request {
		transport := new(http.Transport)
		return func() error {
			r := make()
			a, err := c.Do(context.Background(), transport, &r)
			if err != nil {
				return err
			}
			if a.Record.Failed() {
				return fmt.Errorf("%s: %s", a.Record.ErrorType, a.Record.Error)
			}
			container := m.Request(a.Record, a.Record.Counts(), vu, samples.ITLRequest)
			line, err := container.AppendText(nil)
			if err != nil {
				return err
			}
			_, err = io.Discard.Write(line)
			return err
		}
	}, nil
}

// measureK6 runs a closed loop of the load in k6, and returns µs of its process's CPU per unit. The CPU of a run with
// one request of one token for each stream is taken off: it starts k6 and, where there are any, makes the VUs.
func measureK6(w workload, c contender, url string, length time.Duration, k6 string) (cost float64, err error) {
	// as many for each stream: at the end of a loop there would otherwise be fewer streams, whose tokens cost more
	requests := max(1, int(math.Round(float64(w.requests)*length.Seconds()/float64(w.streams)))) * w.streams
	err = scratch(func(dir string) error {
		run := k6Run{contender: c, k6: k6, url: url, tokens: 1, load: closedLoop(w.streams, w.streams, time.Second)}
		start, err := run.run(dir)
		if err != nil {
			return err
		}
		run.tokens, run.load = w.tokens, closedLoop(requests, w.streams, time.Second)
		all, err := run.run(dir)
		units := requests*w.tokens - w.streams
		cost = float64((all.cpu - start.cpu).Nanoseconds()) / 1000 / float64(units)
		return err
	})
	return cost, err
}

// closedLoop returns the options of a load.
func closedLoop(requests, concurrency int, rampUp time.Duration) string {
	return fmt.Sprintf(`{"stages": [{"requests": %d, "concurrency": %d, "rampUp": %q}]}`, requests, concurrency,
		rampUp.String())
}
