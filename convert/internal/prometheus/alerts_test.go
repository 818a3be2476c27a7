package prometheus

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const matrix = `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`

// firing returns a series with samples at some steps of 15 s after 1,000 s.
func firing(name string, steps ...int) string {
	var pairs []string
	for _, k := range steps {
		pairs = append(pairs, fmt.Sprintf(`[%d.5,"1"]`, 1000+15*k))
	}
	return fmt.Sprintf(`{"metric":{"alertname":%q},"values":[%s]}`, name, strings.Join(pairs, ","))
}

// alertWindow has the steps 0 to 4.
func alertWindow() Window {
	start := time.UnixMilli(1000_500)
	return Window{start, start.Add(70 * time.Second)}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, result, want string
	}{
		{"none", "", ""},
		{"all of the time", firing("a", 0, 1, 2, 3, 4), ""},
		{"begins and ends", firing("a", 1, 2), "a begins +15|a ends +45"},
		{"begins", firing("a", 4), "a begins +60"},
		{"ends", firing("a", 0), "a ends +15"},
		{"twice, and another", firing("a", 0, 2, 3) + "," + firing("b", 2),
			"a ends +15|a begins +30|b begins +30|b ends +45|a ends +60"},
		{"beyond the window, and back", firing("a", 1, 1, 0, 2, 9), "a begins +15|a ends +45"},
	} {
		var asked *http.Request
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			fmt.Fprintf(w, matrix, tt.result)
		}))
		t.Cleanup(server.Close)
		s := Settings{Filters: []string{"namespace='a'"}, ScrapeInterval: 15 * time.Second}
		list, err := open(t, Source{URL: server.URL}).Alerts(t.Context(), s, alertWindow())
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []string
		for _, a := range list {
			does := map[bool]string{false: "begins", true: "ends"}[a.Ends]
			got = append(got, fmt.Sprintf("%s %s %+g", a.Name, does, a.At.Sub(alertWindow().Start).Seconds()))
		}
		if text := strings.Join(got, "|"); text != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, text, tt.want)
		}
		query := asked.URL.Query()
		if want := "max by (alertname) (ALERTS{alertstate='firing',namespace='a'})"; query.Get("query") != want ||
			asked.URL.Path != "/api/v1/query_range" || query.Get("start") != "1000.5" || query.Get("end") != "1070.5" ||
			query.Get("step") != "15" {
			t.Errorf("asked %s, want %s", asked.URL, want)
		}
	}
}

func TestAlertsThatAreRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":"error","errorType":"bad_data","error":"no"}`: "the query was refused (bad_data: no)",
		answered("1"): `the answer is a "vector", want a matrix`,
		"OK":          "the answer is no JSON",
	} {
		if _, err := parseAlerts([]byte(body), alertWindow(), time.Second); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
}

func FuzzAlerts(f *testing.F) {
	f.Add(fmt.Sprintf(matrix, firing("a", 0, 2, 3)+","+firing("b", 1)))
	f.Add(fmt.Sprintf(matrix, `{"values":[[1e400,"1"],[-1e300],7,{}]},{"metric":[],"values":{"a":[1001,2]}}`))
	f.Add(answered("1"))
	f.Fuzz(func(t *testing.T, body string) {
		w := alertWindow()
		list, err := parseAlerts([]byte(body), w, 15*time.Second)
		if err != nil && len(list) > 0 || len(list) > mostAlerts+1 {
			t.Errorf("got %v and %d alerts", err, len(list))
		}
		for _, a := range list {
			if a.At.Before(w.Start) || a.At.After(w.End) {
				t.Errorf("%+v is outside of the window", a)
			}
		}
	})
}
