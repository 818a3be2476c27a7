package llm

import (
	"strings"
	"testing"
)

func TestServerMetricsOptions(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`{baseURL: 'http://h:1/p/v1', serverMetrics: true}`:                                "http://h:1/metrics",
		`{baseURL: 'http://h:1/v1', serverMetrics: 'auto'}`:                                "http://h:1/metrics",
		`{baseURL: 'http://h:1/v1', serverMetrics: false}`:                                 "",
		`{baseURL: 'http://h:1/v1'}`:                                                       "",
		`{baseURL: 'http://h:1/v1', serverMetrics: 'https://g/m?x=y'}`:                     "https://g/m?x=y",
		`{baseURL: 'http://h:1/v1', serverMetrics: ['http://a/metrics', 'auto']}`:          "http://h:1/metrics http://a/metrics",
		`{baseURL: 'http://h:1/v1', serverMetrics: [], serverMetricsInterval: '100ms'}`:    "",
		`{baseURL: 'http://h:1/v1', serverMetrics: undefined, serverMetricsInterval: 1e4}`: "",
	} {
		rt := newVU(t, New()).VU.Runtime()
		value, err := rt.RunString("(" + code + ")")
		if err != nil {
			t.Fatal(err)
		}
		o, err := readClientOptions(rt, value)
		if err != nil {
			t.Errorf("%s: %v", code, err)
		} else if got := strings.Join(o.Pages.PagesOf(o.BaseURL), " "); got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
	for code, want := range map[string]string{
		`{serverMetrics: 3}`: `"serverMetrics": must be true, 'auto', the URL of a page of metrics, ` +
			`or a list of them, got 3`,
		`{serverMetrics: 'host:8000'}`: `"serverMetrics": must be the URL of a page such as ` +
			`"http://localhost:8000/metrics"`,
		`{serverMetrics: ['auto', true]}`:   `"serverMetrics": number 1 must be a string`,
		`{serverMetrics: ['ftp://h/x']}`:    `"serverMetrics": number 0 must be the URL`,
		`{serverMetricsInterval: '50ms'}`:   `"serverMetricsInterval": must be at least 100ms, got 50ms`,
		`{serverMetricsInterval: 'always'}`: `"serverMetricsInterval": must be a duration`,
	} {
		v := newVU(t, New())
		if _, err := v.RunOnEventLoop("new Client(" + code + ")"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}
