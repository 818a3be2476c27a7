package cluster

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// installOperator applies the operator's own manifests, once for all tests.
var installOperator = sync.OnceValue(func() error {
	c, err := shared()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/k6-operator")
	cmd.Dir = root() + "/internal/cluster"
	module, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find the operator's module: %w", err)
	}
	install := exec.Command("bash", "-c", `kubectl apply --server-side -f "$0/bundle.yaml"
		kubectl -n k6-operator-system rollout status deployment/k6-operator-controller-manager --timeout=1m && exit
		kubectl -n k6-operator-system describe pods
		kubectl -n k6-operator-system logs deployment/k6-operator-controller-manager
		exit 1`,
		strings.TrimSpace(string(module)))
	install.Env = c.Environment()
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("install the operator: %w\n%s", err, out)
	}
	return nil
})

// WithOperator returns the shared cluster, in which the k6 Operator runs.
func WithOperator(t testing.TB) *Cluster {
	t.Helper()
	c := Shared(t)
	if err := installOperator(); err != nil {
		t.Fatal(err)
	}
	return c
}
