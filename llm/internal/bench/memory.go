//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const vuScript = `
import { Client } from 'k6/x/llm';
import { sleep } from 'k6';
export const options = { scenarios: { s: { executor: "constant-vus", vus: Number(__ENV.VUS), duration: "8s", gracefulStop: "0s" } } };
const client = new Client({ baseURL: __ENV.URL, api: 'completion', model: 'sim' });
export default function () { if (__ENV.IDLE) sleep(20); else client.complete('a short prompt', { maxTokens: 100 }); }
export function handleSummary() { return {}; }
`

// vuMemory prints the memory of a VU: the peak of a process with a thousand VUs, less the peak of a process with one,
// per VU. It also prints the memory of a stream without a VU.
func vuMemory(rounds int, k6 string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	url, stop, err := startServer("ttft=50ms&itl=200ms&max-num-seqs=100000")
	if err != nil {
		return err
	}
	defer stop()
	script := filepath.Join(dir, "vu.js")
	if err := os.WriteFile(script, []byte(vuScript), 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("\nmemory, MB: a process with 1000 less one with a single one")
	for _, kind := range []struct {
		name, idle string
		target     float64
		args       []string
	}{
		{"stream of a bare net/http client", "", 0, []string{self, "-memory-client"}},
		{"idle VU", "1", 0.12, []string{k6, "run", "--quiet", "--no-usage-report", script}},
		{"streaming VU", "", 0.16, []string{k6, "run", "--quiet", "--no-usage-report", script}},
	} {
		each, err := eachOf(rounds, kind.args, "IDLE="+kind.idle, "URL="+url)
		if err != nil {
			return err
		}
		row(kind.name, each)
		printTarget("target", median(each), kind.target)
	}
	return nil
}

// eachOf returns the memory of one of a thousand VUs of a client, in MB, for each round.
func eachOf(rounds int, args []string, env ...string) (each []float64, err error) {
	for range rounds {
		one, err := peakOf(args, 1, env...)
		if err != nil {
			return nil, err
		}
		many, err := peakOf(args, 1000, env...)
		if err != nil {
			return nil, err
		}
		each = append(each, float64(many-one)/999/1e6)
	}
	return each, nil
}

// peakOf runs a client with a number of VUs and returns its peak memory, in bytes.
func peakOf(args []string, vus int, env ...string) (int64, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), fmt.Sprint("VUS=", vus), record.StatusEnv+"=off"), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	peak := host.WatchMemory(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", args[0], err)
	}
	return peak(), nil
}

// memoryClient keeps VUS streams open, for as long as vuScript runs.
func memoryClient() error {
	n, err := strconv.Atoi(os.Getenv("VUS"))
	if err != nil {
		return err
	}
	failed := make(chan error, n)
	for range n {
		send := bareClient(os.Getenv("URL"), 100)()
		go func() {
			if err := send(); err != nil {
				failed <- err
			}
		}()
	}
	select {
	case err := <-failed:
		return err
	case <-time.After(8 * time.Second):
		return nil
	}
}
