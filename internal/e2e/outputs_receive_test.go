package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	prompb "buf.build/gen/go/prometheus/prometheus/protocolbuffers/go"
	"github.com/klauspost/compress/snappy"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// point is one value that an output sent.
type point struct {
	name, unit string
	tags       map[string]string
	value      float64
}

// received collects what arrives at the servers that the outputs send to. Several connections write to it.
type received struct {
	prometheusURL string // of a real Prometheus that gets the same data, or ""

	mu                                sync.Mutex
	prometheus, openTelemetry, influx []point
	faults                            []string
}

func (r *received) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *received) add(list *[]point, points []point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(*list, points...)
}

// ServeHTTP serves the three protocols.
func (r *received) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := readBody(q)
	var points []point
	list := &r.influx
	switch {
	case err != nil:
	case q.URL.Path == "/api/v1/write":
		list = &r.prometheus
		points, err = readRemoteWrite(body)
		r.forward(q, body)
	case q.URL.Path == "/v1/metrics":
		list = &r.openTelemetry
		points, err = readOTLP(body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	case q.URL.Path == "/query": // InfluxDB: creates the database
		_, err = io.WriteString(w, `{"results":[{}]}`)
	case q.URL.Path == "/write":
		points, err = readLineProtocol(body)
		w.WriteHeader(http.StatusNoContent)
	default:
		err = fmt.Errorf("no server has that path")
	}
	if err != nil {
		r.fault("%s: %v", q.URL, err)
	}
	r.add(list, points)
}

func readBody(q *http.Request) ([]byte, error) {
	if q.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(q.Body)
	}
	unzipped, err := gzip.NewReader(q.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzipped)
}

// forward passes a remote write on to the real Prometheus, if there is one.
func (r *received) forward(q *http.Request, body []byte) {
	if r.prometheusURL == "" {
		return
	}
	again, err := http.NewRequestWithContext(q.Context(), http.MethodPost, r.prometheusURL+"/api/v1/write",
		bytes.NewReader(body))
	if err != nil {
		r.fault("%v", err)
		return
	}
	again.Header = q.Header.Clone()
	resp, err := http.DefaultClient.Do(again)
	if err != nil {
		r.fault("%v", err)
		return
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		r.fault("Prometheus answers %s: %s", resp.Status, text)
	}
}

func readRemoteWrite(body []byte) (points []point, err error) {
	plain, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, err
	}
	var request prompb.WriteRequest
	if err := proto.Unmarshal(plain, &request); err != nil {
		return nil, err
	}
	for _, series := range request.Timeseries {
		p := point{tags: map[string]string{}}
		for _, label := range series.Labels {
			p.tags[label.Name] = label.Value
		}
		p.name = p.tags["__name__"]
		delete(p.tags, "__name__")
		for _, s := range series.Samples {
			p.value = s.Value
			points = append(points, p)
		}
	}
	return points, nil
}

// readOTLP reads the points of OTLP metrics. It reads a histogram as its mean.
func readOTLP(body []byte) (points []point, err error) {
	var request colmetrics.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	for _, resource := range request.ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, d := range append(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()...) {
					points = append(points, point{m.Name, m.Unit, attributes(d.Attributes),
						d.GetAsDouble() + float64(d.GetAsInt())})
				}
				for _, d := range m.GetHistogram().GetDataPoints() {
					points = append(points, point{m.Name, m.Unit, attributes(d.Attributes),
						d.GetSum() / float64(d.GetCount())})
				}
			}
		}
	}
	return points, nil
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	tags := map[string]string{}
	for _, a := range list {
		tags[a.Key] = a.Value.GetStringValue()
	}
	return tags
}

// readLineProtocol reads lines of the form "measurement,tag=value,… field=value,… time". No name or value in these
// tests has characters that the protocol escapes.
func readLineProtocol(body []byte) (points []point, err error) {
	for line := range strings.Lines(string(body)) {
		parts := strings.Fields(line)
		if len(parts) != 3 || len(parts[2]) != 19 {
			return points, fmt.Errorf("want series, value, time in ns; got %q", line)
		}
		name, tags, _ := strings.Cut(parts[0], ",")
		value, err := strconv.ParseFloat(strings.TrimPrefix(parts[1], "value="), 64)
		if err != nil {
			return points, fmt.Errorf("%q: %w", line, err)
		}
		points = append(points, point{name: name, tags: pairs(tags, ","), value: value})
	}
	return points, nil
}

// pairs reads lists of the form name=value.
func pairs(text, separator string) map[string]string {
	m := map[string]string{}
	for pair := range strings.SplitSeq(text, separator) {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}

func readCSV(t *testing.T, path string) (points []point) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	extra, scenario, metadata := slices.Index(rows[0], "extra_tags"), slices.Index(rows[0], "scenario"),
		slices.Index(rows[0], "metadata")
	for _, row := range rows[1:] {
		value, err := strconv.ParseFloat(row[2], 64)
		if err != nil || len(row[1]) != 13 {
			t.Fatalf("%s: %q: want a value and a time in ms", path, row)
		}
		p := point{name: row[0], tags: pairs(row[extra], "&"), value: value}
		if row[scenario] != "" {
			p.tags["scenario"] = row[scenario]
		}
		if carries := strings.Contains(row[metadata], `llm_record={"type"`); carries != (p.name == "llm_requests" ||
			p.name == "llm_events") {
			t.Errorf("%s: a record in the metadata of %s: %t", path, p.name, carries)
		}
		points = append(points, p)
	}
	return points
}

func readJSONPoints(t *testing.T, path string) (points []point) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	units := map[string]string{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var line struct {
			Type, Metric string
			Data         struct {
				Contains string
				Value    float64
				Tags     map[string]string
			}
		}
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if line.Type == "Metric" {
			units[line.Metric] = line.Data.Contains
			continue
		}
		if line.Data.Tags["group"] == "" { // the other outputs leave an empty group out
			delete(line.Data.Tags, "group")
		}
		points = append(points, point{name: line.Metric, unit: units[line.Metric], tags: line.Data.Tags,
			value: line.Data.Value})
	}
	return points
}
