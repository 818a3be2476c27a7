package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// An alert that fires within the run is a mark of the report, and Prometheus' silence about alerts is told.
func TestAlertsAreMarks(t *testing.T) {
	t.Parallel()
	for ranges, want := range map[string]string{
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"alertname":"Slow"},` +
			`"values":[[2,"1"]]}]}}`: "alert Slow 2000000000",
		`{"status":"error","errorType":"bad_data","error":"not here"}`: "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/query_range" {
				fmt.Fprint(w, ranges)
				return
			}
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
		}))
		t.Cleanup(server.Close)
		code, dir, remarks := reported(t, "--prometheus", server.URL, "--prometheus-scrape-interval", "1s")
		text, err := os.ReadFile(filepath.Join(dir, "summary_lifecycle_metrics.json"))
		if code != 0 || err != nil {
			t.Fatalf("exit code %d, %v", code, err)
		}
		var got []string
		for _, m := range gjson.GetBytes(text, "xk6_llm.marks").Array() {
			if m.Get("source").String() != "prometheus" {
				t.Errorf("got %s", m)
			}
			got = append(got, m.Get("text").String()+" "+m.Get("time_ns").String())
		}
		if strings.Join(got, "|") != want {
			t.Errorf("got marks %q, want %q", got, want)
		}
		const told = "remark: no marks of the alerts of Prometheus: the query was refused (bad_data: not here)"
		if (want == "") != strings.Contains(remarks, told) {
			t.Errorf("stderr %q, want %q only without an answer", remarks, told)
		}
	}
}
