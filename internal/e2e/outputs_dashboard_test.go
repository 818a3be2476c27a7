package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// dashboard holds the fields of a Grafana dashboard that the tests read.
type dashboard struct {
	SchemaVersion int
	Panels        []struct {
		Type, Title string
		FieldConfig struct{ Defaults struct{ Unit string } }
		Targets     []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

var (
	selector  = regexp.MustCompile(`\b(k6_\w+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping  = regexp.MustCompile(`\bby \(([^)]*)\)`)
	legend    = regexp.MustCompile(`\{\{(\w+)\}\}`)
	variables = regexp.MustCompile(`label_values\((.*), (\w+)\)`)
)

// labelsOf returns, for each received name, the labels that any of its series has.
func labelsOf(points []point) map[string][]string {
	labels := map[string][]string{}
	for _, p := range points {
		list := labels[p.name]
		for label := range p.tags {
			if !slices.Contains(list, label) {
				list = append(list, label)
			}
		}
		labels[p.name] = list
	}
	return labels
}

// missing lists the metrics and labels of a query that were not received. Each metric must have the further labels.
func missing(labels map[string][]string, query string, further ...string) (faults []string) {
	for _, m := range selector.FindAllStringSubmatch(query, -1) {
		has, known := labels[m[1]]
		if !known {
			faults = append(faults, "the metric "+m[1])
			continue
		}
		asked := slices.Clone(further)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			asked = append(asked, l[1])
		}
		for _, label := range asked {
			if !slices.Contains(has, label) {
				faults = append(faults, fmt.Sprintf("the label %s of %s", label, m[1]))
			}
		}
	}
	return faults
}

// grouped returns the labels that a query keeps.
func grouped(query string) (labels []string) {
	for _, m := range grouping.FindAllStringSubmatch(query, -1) {
		labels = append(labels, strings.Split(m[1], ", ")...)
	}
	return labels
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("examples/grafana/llm.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.SchemaVersion < 39 || len(d.Panels) < 15 || len(d.Templating.List) < 4 {
		t.Fatalf("schema version %d, %d panels, %d variables", d.SchemaVersion, len(d.Panels), len(d.Templating.List))
	}
	return d
}

// checkDashboard compares every query of the Grafana dashboard with what k6 sent.
func checkDashboard(t *testing.T, d dashboard, labels map[string][]string) {
	t.Helper()
	for _, v := range d.Templating.List {
		m := variables.FindStringSubmatch(v.Definition)
		if v.Type != "query" {
			continue
		}
		if m == nil {
			t.Fatalf("variable %s: cannot read %q", v.Name, v.Definition)
		}
		for _, fault := range missing(labels, m[1], m[2]) {
			t.Errorf("variable %s asks for %s, which k6 does not send", v.Name, fault)
		}
	}
	for _, p := range d.Panels {
		if p.Type != "row" && (len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "") {
			t.Errorf("panel %q has no query or no unit", p.Title)
		}
		for _, q := range p.Targets {
			for _, fault := range missing(labels, q.Expr, grouped(q.Expr)...) {
				t.Errorf("panel %q asks for %s, which k6 does not send", p.Title, fault)
			}
			for _, m := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
				if !slices.Contains(grouped(q.Expr), m[1]) {
					t.Errorf("panel %q: the legend %q names a label that %s does not keep", p.Title, q.LegendFormat,
						q.Expr)
				}
			}
		}
	}
}

// checkAnswers has a real Prometheus evaluate every query of the dashboard.
func checkAnswers(t *testing.T, d dashboard, prometheus string) {
	t.Helper()
	most := map[string]float64{"s": 2, "percentunit": 1} // a request takes 145 ms: a value in milliseconds would show
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			values, err := ask(t.Context(), prometheus, q.Expr)
			if err != nil || len(values) == 0 {
				t.Errorf("panel %q: Prometheus answers %s with %v, %v", p.Title, q.Expr, values, err)
			}
			unit := p.FieldConfig.Defaults.Unit
			for _, v := range values {
				if bound, bounded := most[unit]; math.IsNaN(v) || v < 0 || bounded && v > bound {
					t.Errorf("panel %q: %s is %v, of unit %q", p.Title, q.Expr, v, unit)
				}
			}
		}
	}
}

// ask evaluates a query at a moment slightly in the future, so that its windows hold the whole run and more than one
// step of a subquery.
func ask(ctx context.Context, prometheus, query string) (values []float64, err error) {
	query = strings.NewReplacer("$__rate_interval", "40s", "$__range", "10m", "$testid", "t1", "$model", "sim",
		"$stage", ".*").Replace(query)
	form := url.Values{"query": {query}, "time": {strconv.FormatInt(time.Now().Unix()+10, 10)}}
	body, err := get(ctx, prometheus+"/api/v1/query?"+form.Encode())
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	for _, r := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// startPrometheus starts Prometheus on a port of its own and returns its URL, or "" if the program is not installed.
func startPrometheus(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return ""
	}
	address := fmt.Sprint("127.0.0.1:", freePort(t))
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--web.enable-remote-write-receiver")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
		cancel()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := get(ctx, "http://"+address+"/-/ready"); err == nil {
			return "http://" + address
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			<-ended
			t.Fatalf("Prometheus does not start:\n%s", log.String())
		}
	}
}
