package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A pod of the project's image runs, answers behind a service, and has logs and exec.
func TestPod(t *testing.T) {
	c := Shared(t)
	dir := t.TempDir()
	c.Must(t, dir, "kubectl create namespace smoke && kubectl config view --minify >/dev/null")
	t.Cleanup(func() { c.Shell(t, dir, "kubectl delete namespace smoke --wait=false") })
	c.Must(t, dir, "kubectl -n smoke run sim --image=xk6-llm:dev --port=8000 --restart=Never -- x llm sim --host "+
		"0.0.0.0")
	c.Must(t, dir, "kubectl -n smoke wait --for=condition=Ready pod/sim --timeout=1m")
	c.Must(t, dir, "kubectl -n smoke expose pod sim --name=server --port=80 --target-port=8000")
	got := c.Must(t, dir, "kubectl -n smoke exec sim -- curl -sS --retry 20 --retry-all-errors --retry-delay 1 "+
		"http://server/v1/models")
	if !strings.Contains(got, `"sim"`) {
		t.Errorf("models: %s", got)
	}
	if r := c.Shell(t, dir, "kubectl -n smoke exec sim -- sh -c 'exit 7'"); r.Code != 7 {
		t.Errorf("exec: exit code %d, want 7\n%s", r.Code, r.Stderr)
	}
	if got := c.Must(t, dir, "kubectl -n smoke logs sim"); !strings.Contains(got, "http") {
		t.Errorf("log: %s", got)
	}
	c.Must(t, dir, "kubectl -n smoke delete pod sim --timeout=40s")
}

// The nodes do with containers what a kubelet does: init containers, environment, volumes, groups, working folder, exit
// codes, restarts by probes, and signals.
func TestNode(t *testing.T) {
	c := Shared(t)
	keep := t.TempDir()
	manifest := strings.ReplaceAll(readFile(t, "testdata/node.yaml"), "/tmp/keep-of-polite", keep)
	if err := errors.Join(os.Chmod(keep, 0o777), os.WriteFile(filepath.Join(keep, "node.yaml"), []byte(manifest),
		0o600)); err != nil {
		t.Fatal(err)
	}
	c.Must(t, keep, "kubectl create namespace node && kubectl -n node apply -f node.yaml")
	t.Cleanup(func() { c.Shell(t, keep, "kubectl delete namespace node --wait=false") })
	c.Must(t, keep, "kubectl -n node wait --for=jsonpath='{.status.phase}'=Failed pod/steps --timeout=30s")
	log := strings.Fields(c.Must(t, keep, "kubectl -n node logs steps"))
	want := strings.Fields("a file of the map 65532 4000 locked from-the-map twice from-the-map node-N /shared")
	if len(log) == len(want) && strings.HasPrefix(log[len(log)-2], "node-") {
		log[len(log)-2] = "node-N"
	}
	if !slices.Equal(log, want) {
		t.Errorf("the containers printed %q, want %q", log, want)
	}
	if got := c.Must(t, keep, "kubectl -n node get pod steps -o "+
		"jsonpath='{.status.containerStatuses[0].state.terminated.exitCode}'"); got != "5" {
		t.Errorf("exit code %s, want 5", got)
	}
	c.Must(t, keep, "kubectl -n node wait --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 "+
		"pod/restarted --timeout=30s")
	c.Must(t, keep, "kubectl -n node wait --for=condition=Ready pod/restarted pod/polite --timeout=30s")
	c.Must(t, keep, "kubectl -n node delete pod polite --timeout=15s")
	if _, err := os.Stat(filepath.Join(keep, "ended")); err != nil {
		t.Errorf("the deleted pod did not end by its signal: %v", err)
	}
	c.Must(t, keep, "kubectl -n node wait pod/nowhere --timeout=30s "+
		"--for=jsonpath='{.status.containerStatuses[0].state.waiting.reason}'=ErrImagePull")
	if got := c.Must(t, keep, "kubectl -n node get pod restarted -o jsonpath='{.status.containerStatuses[0]"+
		".restartCount}'"); got != "1" {
		t.Errorf("the pod that lives was restarted %s times, want once", got)
	}
}
