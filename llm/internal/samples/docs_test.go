package samples

import (
	"os"
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"
)

func TestMetricsPageDefinesMetrics(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	registry := metrics.NewRegistry()
	if _, err := Register(&lib.TestPreInitState{Registry: registry}); err != nil {
		t.Fatal(err)
	}
	names := registry.All()
	if len(names) == 0 {
		t.Fatal("no metric is registered")
	}
	for _, m := range names {
		if !strings.Contains(string(page), "`"+m.Name+"`") {
			t.Errorf("docs/metrics.md does not define the metric %s", m.Name)
		}
	}
}
