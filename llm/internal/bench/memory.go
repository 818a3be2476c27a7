//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const idleScript = `
import { sleep } from 'k6';
import { Client } from 'k6/x/llm';
export const options = { vus: Number(__ENV.VUS), iterations: Number(__ENV.VUS) };
const client = new Client({ baseURL: __ENV.URL, api: 'completion', model: 'sim' });
export default function () { sleep(6); }
export function handleSummary() { return {}; }
`

// memoryTokens is the length of the answers, which last for 6 s.
const memoryTokens = 30

// vuMemory prints the memory of a stream: the peak of a process with a thousand, less the peak of a process with one,
// per stream. It also prints the memory of an idle VU.
func vuMemory(rounds int, k6 string) error {
	s, err := serve("", "ttft=200ms&itl=200ms&max-num-seqs=100000")
	if err != nil {
		return err
	}
	defer s.stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("\nmemory, MB: a process with 1000 less one with a single one")
	return scratch(func(dir string) error {
		script := filepath.Join(dir, "idle.js")
		if err := os.WriteFile(script, []byte(idleScript), 0o600); err != nil {
			return err
		}
		of := func(args ...string) func(n int) (used, error) {
			return func(n int) (used, error) {
				cmd := exec.Command(args[0], args[1:]...)
				cmd.Env = append(os.Environ(), fmt.Sprint("VUS=", n), "URL="+s.url, record.StatusEnv+"=off")
				return watch(cmd)
			}
		}
		if err := memoryOf("stream of a bare net/http client", rounds, 0, of(self, "-memory-client")); err != nil {
			return err
		}
		if err := memoryOf("idle VU", rounds, 0.12, of(k6, "run", "--quiet", "--no-usage-report", script)); err != nil {
			return err
		}
		for _, c := range contenders {
			err := memoryOf("stream of "+c.name, rounds, c.memory, func(n int) (used, error) {
				return k6Run{contender: c, k6: k6, url: s.url, tokens: memoryTokens,
					load: closedLoop(n, n, time.Second)}.run(dir)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// memoryOf prints the memory of one of a thousand of what run has n of, in MB.
func memoryOf(name string, rounds int, target float64, run func(n int) (used, error)) error {
	var each []float64
	for range rounds {
		one, err := run(1)
		if err != nil {
			return err
		}
		many, err := run(1000)
		if err != nil {
			return err
		}
		each = append(each, float64(many.memory-one.memory)/999/1e6)
	}
	row(name, each)
	printTarget("target", median(each), target)
	return nil
}

// memoryClient sends VUS requests at once, and ends with their answers.
func memoryClient() error {
	n, err := strconv.Atoi(os.Getenv("VUS"))
	if err != nil {
		return err
	}
	failed := make(chan error, n)
	for range n {
		send := bareClient(os.Getenv("URL"), memoryTokens)()
		go func() { failed <- send() }()
	}
	for range n {
		err = errors.Join(err, <-failed)
	}
	return err
}
