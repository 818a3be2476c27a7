package cluster

import (
	"strings"
	"testing"
)

// A pod of the project's image runs, answers behind a service, and has logs and exec.
func TestPod(t *testing.T) {
	c := Shared(t)
	dir := t.TempDir()
	c.Must(t, dir, "kubectl create namespace smoke && kubectl config view --minify >/dev/null")
	t.Cleanup(func() { c.Shell(t, dir, "kubectl delete namespace smoke --wait=false") })
	c.Must(t, dir, `kubectl -n smoke run sim --image=xk6-llm:dev --port=8000 --restart=Never -- x llm sim --host 0.0.0.0`)
	c.Must(t, dir, "kubectl -n smoke wait --for=condition=Ready pod/sim --timeout=1m")
	c.Must(t, dir, "kubectl -n smoke expose pod sim --name=server --port=80 --target-port=8000")
	got := c.Must(t, dir, `kubectl -n smoke exec sim -- curl -sS --retry 20 --retry-all-errors --retry-delay 1 http://server/v1/models`)
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
