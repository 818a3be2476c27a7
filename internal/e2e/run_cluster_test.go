package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// pod is one of several k6 processes, started as the k6 Operator starts a runner: paused, with its segment, and with an
// index that counts from 1.
type pod struct {
	index, of int
	host      string   // address of its REST interface
	inside    []string // command that runs another in the pod's network; nil means the host's network
}

// segment returns the flags that the operator gives a pod; a single pod has none.
func (p pod) segment() []string {
	if p.of == 1 {
		return nil
	}
	at := func(k int) string {
		switch k {
		case 0, p.of:
			return fmt.Sprint(k / p.of)
		}
		return fmt.Sprintf("%d/%d", k, p.of)
	}
	sequence := []string{}
	for k := range p.of + 1 {
		sequence = append(sequence, at(k))
	}
	return []string{"--execution-segment=" + at(p.index-1) + ":" + at(p.index), "--execution-segment-sequence=" +
		strings.Join(sequence, ",")}
}

// start starts the pod. It returns the address of its REST interface and a function that waits for its end.
func (p pod) start(t *testing.T, out, path string, args ...string) (address string, wait func()) {
	t.Helper()
	port := freePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	command := slices.Concat(p.inside, []string{"bin/k6", "run", "--quiet"}, p.segment(), args, []string{
		"--out", "llm=" + out, path, fmt.Sprintf("--address=%s:%d", p.host, port), "--paused",
		"--tag", fmt.Sprint("instance_id=", p.index), "--tag", "testrun_name=several",
	})
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", p.host, port), func() {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			t.Errorf("instance %d: %v\n%s", p.index, err, stderr.String())
		}
	}
}

// launch starts the pods of a test, resumes them one after the other, and waits for their end.
func launch(t *testing.T, pods []pod, out, path string, args ...string) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	var waits []func()
	for _, p := range pods {
		address, wait := p.start(t, out, path, args...)
		addresses, waits = append(addresses, address), append(waits, wait)
	}
	for _, address := range addresses {
		unpause(t, address)
	}
	for _, wait := range waits {
		wait()
	}
}

// instances runs a script as n instances of one test, to their end.
func instances(t *testing.T, n int, out, path string) {
	t.Helper()
	launch(t, pods(n), out, path)
}

func pods(n int) (list []pod) {
	for i := range n {
		list = append(list, pod{index: i + 1, of: n, host: "127.0.0.1"})
	}
	return list
}

// unpause resumes an instance, and asks again until the instance listens.
func unpause(t *testing.T, address string) {
	t.Helper()
	const body = `{"data":{"attributes":{"paused":false,"stopped":false},"id":"default","type":"status"}}`
	for range 400 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+address+"/v1/status",
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("the instance at %s did not start", address)
}

// archive makes an archive of a script by the command of the operator's initializer, and inspects it as the initializer
// does.
func archive(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(path)+".archived.tar")
	mustSucceed(t, k6(t, "archive", path, "-O", out))
	r := mustSucceed(t, k6(t, "inspect", "--execution-requirements", out))
	var requirements struct{ MaxVUs int }
	if err := json.Unmarshal([]byte(r.stdout), &requirements); err != nil || requirements.MaxVUs == 0 ||
		strings.Contains(r.stderr, "level=error") {
		t.Errorf("inspect: %v\n%s\n%s", err, r.stdout, r.stderr)
	}
	return out
}

// schedule returns the due time of each arrival by its number.
func schedule(requests []*record.Request) map[int64]int64 {
	due := map[int64]int64{}
	for _, q := range requests {
		due[q.Index] = *q.Due
	}
	return due
}

// Any number of instances send the schedule of a single one, each arrival once. Their files merge into one report,
// whose percentiles are those of all requests together.
func TestInstancesSendTheScheduleOfOne(t *testing.T) {
	t.Parallel()
	path := script(t,
		`{stages: [{rate: 30, duration: '2s'}, {rate: 60, duration: '1s'}], arrival: 'poisson', seed: 11, drain: false}`, `{baseURL: 'sim:?ttft=5ms&itl=1ms'}`)
	single := filepath.Join(t.TempDir(), "one.jsonl")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+single, path))
	one, _, _ := loadLines(t, single)
	want := schedule(one)
	packed := archive(t, path)
	for _, n := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := t.TempDir()
			launch(t, pods(n), dir, packed)
			checkUnion(t, dir, n, want)
		})
	}
}

// checkUnion checks that the instances in a directory sent the wanted schedule together, and that their merged report
// covers all of their requests.
func checkUnion(t *testing.T, dir string, n int, want map[int64]int64) {
	t.Helper()
	got := map[int64]bool{}
	var ttfts []float64
	for i := range n {
		requests, _, _ := loadLines(t, filepath.Join(dir, fmt.Sprintf("records-%d.jsonl", i+1)))
		share := schedule(requests)
		// instances share no clock, so each is compared with its own first arrival
		first := slices.Min(slices.Collect(maps.Keys(share)))
		for k, due := range share {
			if got[k] {
				t.Errorf("arrival %d was sent twice", k)
			}
			got[k] = true
			if off := (due - share[first]) - (want[k] - want[first]); off != 0 {
				t.Errorf("instance %d: arrival %d is due %d ns off the schedule of one", i+1, k, off)
			}
		}
		for _, q := range requests {
			if ttft, known := q.TTFT(); known {
				ttfts = append(ttfts, ttft.Seconds())
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d arrivals over %d instances, one alone has %d", len(got), n, len(want))
	}
	out := t.TempDir()
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", dir, "-o", out))
	text, err := os.ReadFile(filepath.Join(out, "summary_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Successes struct {
			Count   int
			Latency struct {
				TTFT map[string]float64 `json:"time_to_first_token"`
			}
		}
		Extension struct{ Partial bool } `json:"xk6_llm"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if s.Successes.Count != len(want) || s.Extension.Partial {
		t.Errorf("the merged report has %d requests, want %d; partial: %t", s.Successes.Count, len(want),
			s.Extension.Partial)
	}
	slices.Sort(ttfts)
	for name, p := range map[string]float64{"median": 50, "p90": 90, "p99": 99} {
		if got, want := s.Successes.Latency.TTFT[name], percentile(ttfts, p); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s of the TTFT: %v, of the union it is %v", name, got, want)
		}
	}
}

// percentile interpolates between the neighbours of index (n−1)·p/100 of the sorted values.
func percentile(sorted []float64, p float64) float64 {
	at := p / 100 * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// Each instance runs on a host of its own: a network namespace with an address, from which the server is reached over a
// pair of interfaces.
func TestInstancesOnHostsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const n = 3
	hosts := networks(t, n)
	path := script(t, `{stages: [{rate: 30, duration: '2s'}], arrival: 'poisson', seed: 5, drain: false}`,
		`{baseURL: __ENV.BASE_URL || 'sim:?ttft=5ms&itl=1ms'}`)
	single := filepath.Join(t.TempDir(), "one.jsonl")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+single, path))
	one, _, _ := loadLines(t, single)
	server := simulator(t, "0.0.0.0", "--ttft", "5ms", "--itl", "1ms")
	var list []pod
	for i, h := range hosts {
		list = append(list,
			pod{index: i + 1, of: n, host: h.address, inside: []string{"ip", "netns", "exec", h.name, "env",
				fmt.Sprintf("BASE_URL=http://%s:%d/v1", h.gateway, server)}})
	}
	dir := t.TempDir()
	launch(t, list, dir, path)
	checkUnion(t, dir, n, schedule(one))
}

// host is a network namespace, joined to this machine by a pair of interfaces.
type host struct{ name, address, gateway string }

// networks makes n network namespaces, which are removed after the test.
func networks(t *testing.T, n int) (hosts []host) {
	t.Helper()
	ip := func(args ...string) error {
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
		return nil
	}
	for i := range n {
		id := fmt.Sprintf("k6t%d-%d", os.Getpid()%100000, i)
		net := fmt.Sprintf("10.213.%d.", (os.Getpid()*8+i)%256)
		h := host{name: id, address: net + "2", gateway: net + "1"}
		if err := ip("netns", "add", id); err != nil {
			testenv.Skip(t, "network namespaces", "run the tests as root, with iproute2", err)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", id).Run() })
		for _, args := range [][]string{
			{"link", "add", id, "type", "veth", "peer", "name", "eth0", "netns", id},
			{"address", "add", h.gateway + "/30", "dev", id}, {"link", "set", id, "up"},
			{"-n", id, "address", "add", h.address + "/30", "dev", "eth0"}, {"-n", id, "link", "set", "eth0", "up"},
			{"-n", id, "link", "set", "lo", "up"},
		} {
			if err := ip(args...); err != nil {
				testenv.Skip(t, "network namespaces", "run the tests as root, with iproute2", err)
			}
		}
		hosts = append(hosts, h)
	}
	return hosts
}

// simulator starts the simulator as a server that ends with the test, and returns its port.
func simulator(t *testing.T, address string, args ...string) (port int) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	port = freePort(t)
	startSimulator(t, address, port, args...)
	return port
}

// freePort returns a port on which no server listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// startSimulator starts the simulator on a port, and returns a function that kills it.
func startSimulator(t *testing.T, address string, port int, args ...string) (kill func()) {
	t.Helper()
	cmd := exec.Command("bin/k6", append([]string{"x", "llm", "sim", "--host", address, "--port", fmt.Sprint(port)},
		args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := make(chan struct{})
	kill = func() {
		select {
		case <-killed:
		default:
			close(killed)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	for range 400 {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/v1/models", port))
		if err == nil {
			_ = resp.Body.Close()
			return kill
		}
		<-time.After(25 * time.Millisecond)
	}
	t.Fatalf("the simulator does not listen\n%s", stderr.String())
	return kill
}
