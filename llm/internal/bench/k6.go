//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// contender is one of the clients that are compared.
type contender struct {
	name   string
	native bool    // k6's iterations do without JavaScript
	memory float64 // target of a stream's, in MB
	gogc   string
}

// contenders are the ways in which k6 sends a load.
var contenders = []contender{
	{name: "k6, a VU for each stream"}, {name: "k6, no JavaScript", native: true, memory: 0.05},
}

const script = `
import { Client, Dataset, scenarios } from 'k6/x/llm';
const client = new Client({ baseURL: __ENV.URL, api: 'completion', model: 'sim' });
const data = new Dataset({ type: 'jsonl', path: 'items.jsonl', api: 'completion' });
const exec = __ENV.NATIVE ? { exec: { client, data } } : {};
export const options = { scenarios: scenarios({ executor: 'llm-arrival-rate', ...JSON.parse(__ENV.LOAD), ...exec }) };
export default function () { client.send(data.next()); }
export function handleSummary() { return {}; }
`

// k6Run is a load in a process of k6.
type k6Run struct {
	contender
	k6         string // path
	url        string
	tokens     int    // of each answer
	load       string // options of scenarios() in JSON
	processors string // as for on
	procs      int    // GOMAXPROCS, 0 for the default
}

// run sends the load, and writes its records to run.jsonl in a directory.
func (k k6Run) run(dir string) (used, error) {
	item := fmt.Sprintf(`{"prompt": "a short prompt", "max_tokens": %d}`, k.tokens)
	for name, text := range map[string]string{"script.js": script, "items.jsonl": item} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return used{}, err
		}
	}
	records := filepath.Join(dir, "run.jsonl")
	_ = os.Remove(records) // of the run before
	args := append([]string{k.k6, "run", "--quiet", "--no-usage-report", "--out", "llm=" + records},
		selftest.LocalAddresses()...)
	cmd := on(k.processors, append(args, filepath.Join(dir, "script.js"))...)
	cmd.Env = append(os.Environ(), "URL="+k.url, "LOAD="+k.load, "GOGC="+k.gogc, record.StatusEnv+"=off")
	if k.native {
		cmd.Env = append(cmd.Env, "NATIVE=1")
	}
	if k.procs > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprint("GOMAXPROCS=", k.procs))
	}
	return watch(cmd)
}

// scratch calls do with a temporary directory.
func scratch(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return do(dir)
}
