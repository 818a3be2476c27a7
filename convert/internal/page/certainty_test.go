package page

import (
	"testing"

	"github.com/tidwall/gjson"
)

// A percentile of too few requests is no fact: it has a sign, and the interval behind it.
func TestCellOfTooFewRequests(t *testing.T) {
	t.Parallel()
	doc := gjson.Parse(`{"xk6_llm": {"latency": {"ttft": {"median": 0.2, "p90": 0.3, "p99": 0.5, "p99.9": 0.6, "mean": 0.25,
		"certainty": {"requests": 120, "percentiles": {"median": {"low": 0.19, "high": 0.21, "certified": true, "needs": 200},
			"p90": {"low": null, "high": null, "certified": false, "needs": 900},
			"p99": {"low": 0.41, "high": null, "at_least": 0.45, "certified": false, "needs": 1040}}}}},
		"certainty": {"request_latency": {"requests": 400, "percentiles": {"median": {"low": 0.8, "high": null, "certified": false, "needs": 900},
			"p99": {"low": 0.9, "high": null, "certified": false, "needs": 900},
			"p90": {"low": 0.85, "high": 1.2, "certified": false, "needs": 900}}}}},
		"successes": {"latency": {"request_latency": {"median": 0.9, "p90": 1, "p99": 1.1}, "inter_token_latency": {"p99": 0.05},
			"time_per_output_token": {"p99": 0.07, "certainty": {"requests": 800, "design_effect": null,
				"percentiles": {"p99": {"low": null, "high": null, "certified": false, "needs": null}}}},
			"normalized_time_per_output_token": {"p99": 0.08, "certainty": {"requests": 63, "design_effect": 1,
				"percentiles": {"p99": {"low": null, "high": null, "at_least": 0.06, "certified": false, "needs": 368}}}}}}}`)
	for _, tt := range []struct {
		figure               figure
		name, text, class, m string
	}{
		{ttft, "p50", "200", "n", ""}, {ttft, "mean", "250", "n", ""}, {ttft, "p95", missing, "n", ""},
		{ttft, "p99.9", "600", "n", ""}, {itl, "p99", "50.0", "n", ""},
		{ttft, "p90", "~\u00a0300", "n unsure",
			"too few requests: nothing tells how high it may be; seen 300 ms; at least 160 requests are needed"},
		{ttft, "p99", "≥\u00a0450", "n unsure", "too few requests: with 95 % confidence 410 ms or more; seen 500 ms; " +
			"at least 368 requests are needed"},
		{requestLatency, "p50", "~\u00a0900", "n unsure",
			"too few requests: with 95 % confidence 800 ms or more; seen 900 ms; " +
				"requests depend on one another, so that it takes more"},
		{requestLatency, "p99", "~\u00a01\u202f100", "n unsure", // as many independent requests would bound it
			"too few requests: with 95 % confidence 900 ms or more; seen 1\u202f100 ms; " +
				"requests depend on one another, so that it takes more"},
		{requestLatency, "p90", "~\u00a01\u202f000", "n unsure",
			"too few requests: with 95 % confidence 850 to 1\u202f200 ms; seen 1\u202f000 ms; " +
				"requests depend on one another, so that it takes more"},
		{tpot, "p99", "~\u00a070.0", "n unsure", "of several loads: a percentile of the mixture, which is that of no " +
			"load"},
		{ntpot, "p99", "≥\u00a060.0", "n unsure", "too few requests: nothing tells how high it may be; seen 80.0 ms; " +
			"at least 368 requests are needed"},
	} {
		if c := tt.figure.cell(doc, tt.name); c.Text != tt.text || c.Class != tt.class || c.Meaning != tt.m {
			t.Errorf("%s of %s: got %+v, want %q, %q, %q", tt.name, tt.figure.name, c, tt.text, tt.class, tt.m)
		}
	}
}
