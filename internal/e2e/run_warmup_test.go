package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A warm-up before the load ends once the server is stable, and is in no figure; what was sent in it is told, also by a
// report of its requests. Such a report is of the steady part alone if that is asked for, and can be verified.
func TestWarmupUntilStable(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "report")
	r := mustSucceed(t, k6(t, "x", "llm", "bench", "sim:?ttft=20ms&itl=1ms", "--rate", "20", "--duration", "6s",
		"--warmup",
		"until-stable@40s", "--steady", "--input", "16", "--output", "4", "-o", out))
	s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json"))
	if s.Load.Count > 120 || s.Load.Count < 30 {
		t.Errorf("%d requests, want those of 6 s at 20/s at most, and a quarter at least\n%s", s.Load.Count, r.stdout)
	}
	warmed := func(dir string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "summary_lifecycle_metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		var report struct {
			Own struct {
				Warmups []struct {
					Until    bool `json:"until_stable"`
					Requests int
					Seconds  float64
				} `json:"warm_up"`
				Steady struct{ Applied bool }
			} `json:"xk6_llm"`
		}
		if err := json.Unmarshal(text, &report); err != nil {
			t.Fatal(err)
		}
		w := report.Own.Warmups
		if len(w) != 1 || !w[0].Until || w[0].Seconds < 10 || w[0].Seconds > 41 || w[0].Requests < 200 ||
			!report.Own.Steady.Applied {
			t.Fatalf("%s: got %+v, want a warm-up of 10 to 40 s at 20/s, and a report of the steady part", dir,
				report.Own)
		}
		found, _ := json.Marshal(w)
		return string(found)
	}
	again := filepath.Join(filepath.Dir(out), "again")
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", filepath.Join(out, "requests.parquet"), "-o", again))
	if is, was := warmed(again), warmed(out); is != was {
		t.Errorf("a report of its requests has %s, want %s", is, was)
	}
	mustSucceed(t, run(t, 0, nil, "llmconv", "verify", out, again))
	if !strings.Contains(r.stdout, "steady: of the run: ") && !strings.Contains(r.stdout, "has no steady state: ") {
		t.Errorf("the tables do not say what is steady\n%s", r.stdout)
	}
}
