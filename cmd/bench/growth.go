//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/limits"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// growth prints what a unit costs at 1, 10 and 100 times as many of something: where it does not grow, the whole grows in
// proportion.
func growth(length time.Duration) error {
	fmt.Printf("\ngrowth: cost of a unit at 1×, 10× and 100×\n  %-52s %10s %10s %10s\n", "", "1×", "10×", "100×")
	streams := []workload{}
	for _, n := range []int{10, 100, 1000} {
		streams = append(streams, workload{server: "ttft=50ms&itl=50ms&max-num-seqs=100000", streams: n, tokens: 100})
	}
	if err := growthOf("streams, 10 to 1000: µs of CPU per token", streams, length); err != nil {
		return err
	}
	tokens := []workload{}
	for _, n := range []int{20, 200, 2000} {
		tokens = append(tokens, workload{server: "ttft=50ms&itl=5ms&max-num-seqs=100000", streams: 50, tokens: n})
	}
	if err := growthOf("tokens of an answer, 20 to 2000: µs of CPU per token", tokens, length); err != nil {
		return err
	}
	return converterGrowth()
}

func growthOf(name string, list []workload, length time.Duration) error {
	fmt.Printf("  %-52s", name)
	for _, w := range list {
		server, url, err := startServer(w.server)
		if err != nil {
			return err
		}
		do, err := ourClient(url, w.tokens)
		if err == nil {
			var cost float64
			cost, err = measure(w, length, do)
			fmt.Printf(" %10.2f", cost)
		}
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
		if err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// converterGrowth makes the report of more and more requests of 100 tokens.
func converterGrowth() error {
	fmt.Printf("  %-52s", "requests in a report, 1,000 to 100,000: µs per request")
	for _, n := range []int{1000, 10_000, 100_000} {
		text, err := manyRecords(n)
		if err != nil {
			return err
		}
		cpu := cpuTime()
		run, err := convert.Read(convert.ReadOptions{}, convert.Source{Name: "run.jsonl", Reader: bytes.NewReader(text)})
		if err != nil {
			return err
		}
		run.Summary(convert.Options{})
		fmt.Printf(" %10.2f", float64((cpuTime()-cpu).Nanoseconds())/1000/float64(n))
	}
	fmt.Println()
	return nil
}

func manyRecords(n int) (text []byte, err error) {
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "bench", Instance: "1", Segment: "0:1", Start: 1}}
	for i := range n {
		q := &record.Request{ID: fmt.Sprint("bench-", i), API: "completion", Model: "sim", Streaming: true, Index: int64(i), Start: int64(1+i) * 1e6, Usage: []byte(`{"prompt_tokens":3,"completion_tokens":100}`)}
		for k := range int64(100) {
			q.Chunks = append(q.Chunks, 50_000+10_000*k+int64(i*int(k))%977)
		}
		q.End = q.Start + 2e9
		lines = append(lines, q)
	}
	for _, line := range append(lines, &record.End{Status: "finished", Requests: int64(n)}) {
		if text, err = record.Append(text, line); err != nil {
			return nil, err
		}
		text = append(text, '\n')
	}
	return text, nil
}

const vuScript = `
import { Client } from 'k6/x/llm';
import { sleep } from 'k6';
export const options = { scenarios: { s: { executor: "constant-vus", vus: Number(__ENV.VUS), duration: "8s", gracefulStop: "0s" } } };
const client = new Client({ baseURL: __ENV.URL, api: 'completion', model: 'sim' });
export default function () { if (__ENV.IDLE) sleep(20); else client.complete('a short prompt', { maxTokens: 100 }); }
export function handleSummary() { return {}; }
`

// vuMemory prints what a VU holds, by the peak of a process with a thousand of them less that of one with a single VU.
func vuMemory(k6 string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, url, err := startServer("ttft=50ms&itl=200ms&max-num-seqs=100000")
	if err != nil {
		return err
	}
	defer func() { _ = server.Process.Signal(os.Interrupt); _ = server.Wait() }()
	script := filepath.Join(dir, "vu.js")
	if err := os.WriteFile(script, []byte(vuScript), 0o600); err != nil {
		return err
	}
	const many = 1000
	for _, kind := range []struct {
		name, idle string
		target     float64
	}{{"idle", "1", 0.12}, {"streaming", "", 0.16}} {
		var peaks []float64
		for _, vus := range []int{1, many} {
			cmd := exec.Command(k6, "run", "--quiet", "--no-usage-report", script) //nolint:gosec // given by the user
			cmd.Env = append(os.Environ(), fmt.Sprint("VUS=", vus), "IDLE="+kind.idle, "K6_LLM_STATUS=off", "URL="+url)
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				return err
			}
			peak := limits.WatchMemory(cmd.Process.Pid)
			err := cmd.Wait()
			peaks = append(peaks, float64(peak()))
			if err != nil {
				return fmt.Errorf("%s: %w", k6, err)
			}
		}
		each := (peaks[1] - peaks[0]) / (many - 1) / 1e6
		fmt.Printf("memory of a VU, %-33s %6.3f MB: target (at most %g) %s\n", kind.name, each, kind.target, verdict(each <= kind.target))
	}
	return nil
}
