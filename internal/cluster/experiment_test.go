package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The API server takes the manifests of all servers as they are.
func TestManifestsOfServersAreAccepted(t *testing.T) {
	c := Shared(t)
	dir := t.TempDir()
	for _, args := range []string{
		"vllm --model org/model --replicas 2 --gpus 4 --token-secret llm-keys --cache-size 200Gi",
		"sglang --model org/model --tensor-parallel 1", "tgi --model org/model --gpus 2 --cache models",
		"llama.cpp --model org/model:Q4_K_M", "llama.cpp --model org/model --gpus 1", "sim",
		`vllm --model '"a: b" #{$(HF_TOKEN)' --arg '- x: "' --arg no --env 'A=yes' --image registry:5000/vllm@sha256:` +
			strings.Repeat("0", 64),
	} {
		out := c.Must(t, dir, "k6 x llm manifests "+args+" | kubectl apply --dry-run=server -f -")
		if !strings.Contains(out, "deployment.apps/") || !strings.Contains(out, "created (server dry run)") {
			t.Errorf("%s: %s", args, out)
		}
	}
}

// experiment is an experiment.yml that deploys the simulator with each of two numbers of places.
const experiment = `name: places
deployments:
  - name: sim
    manifests: deploy
    url: %s
    matrix: {places: [1, 8]}
    ready: {timeout: 1m, model: sim}
workloads:
  - {name: chat, input: 16, output: 8}
loads:
  - {concurrency: 8, duration: 3s}
`

// newExperiment makes a folder with the experiment and the manifests that k6 x llm manifests makes.
func newExperiment(t *testing.T, c *Cluster, url string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	c.Must(t, dir, "k6 x llm manifests sim --startup 1m --arg '--max-num-seqs=${places}' --arg --ttft=100ms -o deploy")
	if err := os.WriteFile(filepath.Join(dir, "experiment.yml"), fmt.Appendf(nil, experiment, url), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// namespaces returns the namespaces of deployments that there are.
func namespaces(t *testing.T, c *Cluster, dir string) string {
	t.Helper()
	return c.Must(t, dir, "kubectl get namespaces -l app.kubernetes.io/managed-by=xk6-llm -o name")
}

// An experiment deploys the manifests with each value of a parameter, measures through a forwarded port, and leaves
// nothing behind.
func TestExperiment(t *testing.T) {
	c := Shared(t)
	dir := newExperiment(t, c, "service/sim:8000")
	r := c.Shell(t, dir, "k6 x llm experiment -f experiment.yml")
	t.Log(r.Stderr, r.Stdout)
	if want := "applying deploy (2 objects) in namespace llm-sim of context tests"; !strings.Contains(r.Stderr, want) {
		t.Errorf("no %q", want)
	}
	// with one place in eight the requests wait for each other
	one, eight := ttft(t, dir, "places=1"), ttft(t, dir, "places=8")
	if one < 3*eight || eight < 0.1 || eight > 0.4 {
		t.Errorf("TTFT with 1 place %v s, with 8 places %v s", one, eight)
	}
	if left := namespaces(t, c, dir); left != "" {
		t.Errorf("left are %s", left)
	}
	log := readFile(t, filepath.Join(dir, "runs", "places", "logs", "sim places=8.log"))
	if !strings.Contains(log, "simulated model server") || !strings.Contains(log, "deployment.apps/sim created") {
		t.Errorf("log:\n%s", log)
	}
}

// ttft returns the mean TTFT of the cell of a deployment.
func ttft(t *testing.T, dir, deployment string) float64 {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "runs", "places", "cells", "*"+deployment+".*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("cells of %s: %q, %v", deployment, found, err)
	}
	var report struct {
		Successes struct {
			Latency struct {
				TTFT struct{ Mean float64 } `json:"time_to_first_token"`
			}
		}
	}
	text := readFile(t, filepath.Join(found[0], "summary_lifecycle_metrics.json"))
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	return report.Successes.Latency.TTFT.Mean
}

// What a killed experiment has left in the cluster is taken down by the next command.
func TestKilledExperimentIsTakenDown(t *testing.T) {
	c := Shared(t)
	dir := newExperiment(t, c, "service/sim:8000")
	r := c.Shell(t, dir, `k6 x llm experiment -f experiment.yml 2>log & k6=$!
for i in $(seq 600); do grep -q ready log && break; sleep 0.1; done
kill -9 $k6; wait $k6; cat log`)
	if !strings.Contains(r.Stdout, "ready after") || namespaces(t, c, dir) != "namespace/llm-sim\n" {
		t.Fatalf("%s%s\nnamespaces %s", r.Stdout, r.Stderr, namespaces(t, c, dir))
	}
	c.Must(t, dir, "k6 x llm experiment down -f experiment.yml")
	if left := namespaces(t, c, dir); left != "" {
		t.Errorf("left are %s", left)
	}
	if r := c.Shell(t, dir, "ps -eo args | grep '[p]ort-forward'"); r.Stdout != "" {
		t.Errorf("left are %s", r.Stdout)
	}
}

// What keeps a pod from running is said, and the wait ends when it will not.
func TestExperimentSaysWhatKeepsPodsFromRunning(t *testing.T) {
	c := Shared(t)
	for _, tt := range []struct{ flags, want string }{
		{"--cpu 64", "Unschedulable (0/5 nodes are available: 5 Insufficient cpu"},
		{"--arg --no-such-flag", "container server crashes: exit code"},
		{"--image no-such-image:1", "no-such-image:1"},
	} {
		dir := newExperiment(t, c, "service/sim:8000")
		c.Must(t, dir, "k6 x llm manifests sim --startup 1m --force --arg '--max-num-seqs=${places}' -o deploy "+
			tt.flags+" && sed -i 's/1m, model/25s, model/; s/1, 8/1/' experiment.yml")
		began := time.Now()
		r := c.Shell(t, dir, "k6 x llm experiment -f experiment.yml")
		if r.Code != 1 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%s: exit code %d after %v\n%s", tt.flags, r.Code, time.Since(began), r.Stderr)
		}
		t.Logf("%s: %v\n%s", tt.flags, time.Since(began), r.Stderr)
		if left := namespaces(t, c, dir); left != "" {
			t.Errorf("%s: left are %s", tt.flags, left)
		}
	}
}

// A forwarded port comes back after the pod behind it was killed.
func TestForwardedPortComesBack(t *testing.T) {
	c := Shared(t)
	dir := newExperiment(t, c, "service/sim:8000")
	line := `k6 x llm experiment up -f experiment.yml 'sim places=8' >url && curl -sS --fail "$(cat url)/v1/models"`
	if got := c.Must(t, dir, line); !strings.Contains(got, `"sim"`) {
		t.Errorf("models: %s", got)
	}
	if killed := c.Kill(t, "llm-sim", "app.kubernetes.io/name=sim", "server", syscall.SIGKILL); len(killed) != 1 {
		t.Errorf("killed %q", killed)
	}
	c.Shell(t, dir, `curl -sS "$(cat url)/v1/models"`) // kubectl notices
	c.Must(t, dir, "k6 x llm experiment wait -f experiment.yml")
	if got := c.Must(t, dir, `curl -sS --fail "$(cat url)/v1/models"`); !strings.Contains(got, `"sim"`) {
		t.Errorf("models afterwards: %s", got)
	}
	c.Must(t, dir, "k6 x llm experiment down -f experiment.yml")
	if left := namespaces(t, c, dir); left != "" {
		t.Errorf("left are %s", left)
	}
}
