//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	k6cmd "go.k6.io/k6/v2/cmd"
	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lateModule is the module k6/x/late. Its function late() notes the time between the due instant of an iteration and
// the call.
type lateModule struct {
	mu   sync.Mutex
	list []time.Duration
}

// NewModuleInstance returns the instance of a VU. All instances share one list.
func (m *lateModule) NewModuleInstance(vu modules.VU) modules.Instance {
	return lateInstance{vu: vu, m: m}
}

type lateInstance struct {
	vu modules.VU
	m  *lateModule
}

// Exports returns the functions late and all. all returns the times that late noted as JSON.
func (i lateInstance) Exports() modules.Exports {
	return modules.Exports{Named: map[string]any{
		"late": func() {
			a, _ := arrival.FromContext(i.vu.Context())
			d := time.Since(a.Due)
			i.m.mu.Lock()
			i.m.list = append(i.m.list, d)
			i.m.mu.Unlock()
		},
		"all": func() (string, error) {
			i.m.mu.Lock()
			defer i.m.mu.Unlock()
			text, err := json.Marshal(i.m.list)
			return string(text), err
		},
	}}
}

const lateScript = `
import { late, all } from 'k6/x/late';
import { scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: Number(__ENV.RATE), duration: __ENV.LENGTH }], executor: 'llm-arrival-rate', preAllocatedVUs: 300, maxVUs: 300 }) };
export default function () { late(); }
export function handleSummary() { return { stdout: all() }; }
`

// runK6 runs this program as k6 with the module k6/x/late. The script prints the times that late noted.
func runK6(script string) {
	modules.Register("k6/x/late", new(lateModule))
	modules.Register("k6/x/llm", llm.New())
	lib.RegisterExecutorConfigType(record.ExecutorName, executor.NewConfig)
	os.Args = []string{"k6", "run", "--quiet", "--no-usage-report", "-e", "RATE=" + os.Getenv("RATE"), "-e",
		"LENGTH=" + os.Getenv("LENGTH"), script}
	k6cmd.Execute()
}

// lateness prints the delay of iterations after their due instants, on one processor, and beside it the delay of a bare
// loop that only sleeps.
func lateness(length time.Duration) error {
	for _, rate := range []int{1000, 5000} {
		own, err := lateOfK6(rate, length)
		if err != nil {
			return err
		}
		bare := lateOfLoop(rate, length)
		fmt.Printf("\nlateness at %d arrivals/s for %v, GOMAXPROCS=1, µs: p50 / p90 / p99 / max\n", rate, length)
		fmt.Printf("  %-44s %s\n", "bare loop, locked thread, nanosleep", quantiles(bare))
		fmt.Printf("  %-44s %s, %d of %d sent\n", "due to the first line of Go in the iteration", quantiles(own),
			len(own), rate*int(length.Seconds()))
	}
	return nil
}

func lateOfK6(rate int, length time.Duration) (list []time.Duration, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := dir + "/late.js"
	if err := os.WriteFile(path, []byte(lateScript), 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), length+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-late", path)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "K6_AUTO_EXTENSION_RESOLUTION=false", fmt.Sprint("RATE=", rate),
		"LENGTH="+length.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(out, &list)
}

// lateOfLoop returns the delays of a loop that only sleeps, which are the least that is possible on this machine.
func lateOfLoop(rate int, length time.Duration) (list []time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	for k := range rate * int(length.Seconds()) {
		due := start.Add(time.Duration(k) * time.Second / time.Duration(rate))
		if d := time.Until(due); d > 0 {
			ts := syscall.NsecToTimespec(int64(d))
			_ = syscall.Nanosleep(&ts, nil)
		}
		list = append(list, time.Since(due))
	}
	return list
}

func quantiles(list []time.Duration) string {
	if len(list) == 0 {
		return "nothing"
	}
	slices.Sort(list)
	at := func(p float64) int64 { return list[int(p*float64(len(list)-1))].Microseconds() }
	return fmt.Sprintf("%d / %d / %d / %d", at(0.5), at(0.9), at(0.99), at(1))
}
