package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// text returns the summary for handleSummary's data.
func text(t *testing.T, s Summary, data string) string {
	t.Helper()
	got, err := s.Text([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var failures Failures
	for _, kind := range []record.Request{{}, {ErrorType: record.ErrorHTTP, Status: 503},
		{ErrorType: record.ErrorCanceled}, {ErrorType: record.ErrorHTTP, Status: 503}} {
		failures.Add(&kind)
	}
	got := text(t, Summary{Failures: &failures},
		`{"state": {"isStdOutTTY": false, "testRunDurationMs": 61250}, "metrics": {
		"llm_requests": {"values": {"count": 2000, "rate": 20}}, "llm_request_failed": {"values": {"rate": 0.0015, "passes": 3, "fails": 1997}}, "dropped_iterations": {"values": {"count": 5}},
		"llm_tokens_in": {"values": {"count": 100000, "rate": 1633.2}}, "llm_tokens_out": {"values": {"count": 200, "rate": 20}}, "llm_good": {"values": {"rate": 0.9, "passes": 1800}},
		"llm_ttft": {"contains": "time", "values": {"max": 9, "p(99)": 8, "p(90)": 7, "med": 5, "avg": 5.5, "min": 1}, "thresholds": {"p(90)<5": {"ok": false}, "p(99)<50": {"ok": true}, "p(50) < 6": {"ok": true}}},
		"llm_tpot": {"contains": "time", "values": {"max": 1234.5, "p(99)": 0, "p(90)": 0, "med": 0, "avg": 0, "min": 0}}
	}}`)
	const want = `
  FAILED: 2,000 requests sent, 3 failed, 5 dropped, 1 of 3 thresholds crossed, in 1m1.3s

  requests             2,000     20.00/s
  failed                   3      0.15 %   2 status 503, 1 canceled
  dropped                  5      0.25 %   arrivals found no free VU: the load was less than asked for; raise maxVUs or preAllocatedVUs
  within SLO           1,800     90.00 %
  prompt tokens      100,000     1,633/s
  output tokens          200     20.00/s

  latency, ms            min       avg       med     p(90)     p(99)       max
  TTFT                  1.00      5.50      5.00      7.00      8.00      9.00
  TPOT                  0.00      0.00      0.00      0.00      0.00   1234.50

  threshold  ✓ held     llm_ttft p(50) < 6
  threshold  ✗ crossed  llm_ttft p(90)<5  (7.00 ms)
  threshold  ✓ held     llm_ttft p(99)<50  (8.00 ms)

  records    none kept: k6 run --out llm=run.jsonl keeps them, for a report with exact percentiles

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The first line tells users whether they must read on.
func TestSummaryVerdict(t *testing.T) {
	t.Parallel()
	const terminal, plain = `"state": {"isStdOutTTY": true}`, `"state": {"isStdOutTTY": false}`
	for _, tt := range []struct{ name, data, want string }{
		{"all well", plain + `, "metrics": {"llm_requests": {"values": {"count": 1}}}`,
			"\n  OK: 1 request sent, none failed, none dropped\n"},
		{"some failed",
			plain + `, "metrics": {"llm_requests": {"values": {"count": 2}}, "llm_request_failed": {"values": ` +
				`{"passes": 1}}}`,
			"\n  CHECK: 2 requests sent, 1 failed, none dropped\n"},
		{"some dropped",
			plain + `, "metrics": {"llm_requests": {"values": {"count": 2}}, "dropped_iterations": {"values": ` +
				`{"count": 1}}}`,
			"\n  CHECK: 2 requests sent, none failed, 1 dropped\n"},
		{"all failed",
			plain + `, "metrics": {"llm_requests": {"values": {"count": 2}}, "llm_request_failed": {"values": ` +
				`{"passes": 2}}}`,
			"\n  FAILED: 2 requests sent, 2 failed, none dropped\n"},
		{"nothing sent", plain + `, "metrics": {}`, "\n  FAILED: no request was sent\n\n"},
		{"nothing sent, and thresholds",
			plain + `, "metrics": {"checks": {"contains": "default", "values": {"rate": 0.5}, "thresholds": ` +
				`{"rate>0.9": {"ok": ` +
				`false}}}}`,
			"\n  FAILED: no request was sent, 1 of 1 thresholds crossed\n\n  threshold  ✗ crossed  checks " +
				"rate>0.9  (0.5)\n\n"},
		{"thresholds",
			plain + `, "metrics": {"llm_requests": {"values": {"count": 2}, "thresholds": {"count>1": {"ok": true}}}}`,
			"\n  OK: 2 requests sent, none failed, none dropped, all thresholds held\n"},
		{"colours", terminal + `, "metrics": {"llm_requests": {"values": {"count": 1}}}`,
			"\n  \x1b[1;32mOK\x1b[0m: 1 request"},
		{"no colours",
			terminal + `, "options": {"noColor": true}, "metrics": {"llm_requests": {"values": {"count": 1}}}`,
			"\n  OK: 1 request"},
	} {
		if got := text(t, Summary{Failures: new(Failures)}, "{"+tt.data+"}"); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want it to begin with %q", tt.name, got, tt.want)
		}
	}
}

// The summary lists the messages of the most frequent failures, one per line, if at least a tenth of the requests
// failed.
func TestSummaryListsMessagesOfFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		failed, sent int
		words, want  string
	}{
		{10, 10, "Unexpected fields in the request: {'ignore_eos'}",
			"\n  most failures   10 × status 422: Unexpected fields in the request: {'ignore_eos'}\n" +
				"                  5 × status 422: request 0 (the first; their numbers differ)\n                  " +
				"1 × " +
				"status 503: down\n" +
				"  what to do      the server does not take ignore_eos: set ignoreEOS: false (IGNORE_EOS=false, " +
				"server.ignore_eos: false)\n"},
		{2, 20, "busy", "\n  most failures   2 × status 422: busy\n"},
		{2, 20, "a\x1b[31m\r\nOK\u202e", "\n  most failures   2 × status 422: a\\x1b[31m OK\\u202e\n"},
		{10, 100, strings.Repeat("ä", 301), "\n  most failures   10 × status 422: " + strings.Repeat("ä", 300) + "…\n"},
		{10, 10, "", "\n  most failures   10 × status 422: no message\n"},
		{9, 100, "busy", ""},
	} {
		var failures Failures
		failures.Add(&record.Request{ErrorType: record.ErrorHTTP, Status: 503, Error: "down"})
		for i := range tt.failed {
			failures.Add(&record.Request{ErrorType: record.ErrorHTTP, Status: 422, Error: tt.words})
			if i%2 == 0 {
				failures.Add(&record.Request{ErrorType: record.ErrorHTTP, Status: 422,
					Error: fmt.Sprintf("request %d", i)})
			}
		}
		got := text(t, Summary{Failures: &failures}, fmt.Sprintf(
			`{"metrics": {"llm_requests": {"values": {"count": %d}}, "llm_request_failed": {"values": {"passes": %d}}}}`,
			tt.sent, tt.failed))
		if _, after, _ := strings.Cut(got, "output tokens"); (tt.want == "") != !strings.Contains(after,
			"most failures") || !strings.Contains(after, tt.want) {
			t.Errorf("%d × %q of %d: got %s\nwant %s", tt.failed, tt.words, tt.sent, got, tt.want)
		}
	}
}

// Different kinds of failures have separate lines, and the summary counts the failures that the list leaves out.
func TestSummaryListsFailuresByMessage(t *testing.T) {
	t.Parallel()
	var failures Failures
	for i := range 80 {
		failures.Add(&record.Request{ErrorType: record.ErrorConnect,
			Error: fmt.Sprintf("dial tcp 127.0.0.1:%d: connect: connection refused", 8000+i)})
	}
	for _, text := range []string{"EOF", "EOF", "EOF", "broken pipe", "broken pipe", "gone", "lost"} {
		failures.Add(&record.Request{ErrorType: record.ErrorReset, Error: text})
	}
	got := text(t, Summary{Failures: &failures},
		`{"metrics": {"llm_requests": {"values": {"count": 87}}, "llm_request_failed": {"values": {"passes": 87}}}}`)
	want := "\n  most failures   80 × connect: dial tcp 127.0.0.1:8000: connect: connection refused (the first; " +
		"their numbers differ)\n" +
		"                  3 × reset: EOF\n                  2 × reset: broken pipe\n                  and 2 others\n"
	if !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		`Unexpected fields in the request: {'ignore_eos'}`:                                                               "IGNORE_EOS=false",
		`Unrecognized request argument supplied: ignore_eos`:                                                             "IGNORE_EOS=false",
		`Extra inputs are not permitted, field: 'stream_options', value: {'include_usage': True}`:                        "stream_options: null",
		`Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.`:     "MAX_TOKENS_FIELD=max_completion_tokens",
		`unknown field "max_completion_tokens"`:                                                                          "MAX_TOKENS_FIELD",
		`body.max_tokens: Extra inputs are not permitted`:                                                                "MAX_TOKENS_FIELD",
		`Unexpected fields in the request: {'add_special_tokens'}`:                                                       "addSpecialTokens",
		`'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens`: "",
		`max_tokens must be at least 1, got 0.`:                                                                          "",
		`This model's maximum context length is 4096 tokens. However, you requested 5000 tokens. Please reduce ` +
			`max_tokens.`: "",
		`Bad Request`:                           "",
		`upstream: socket: too many open files`: "",
	} {
		if got := remedy("status 400", words); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
}

func TestRemedyOfThisMachine(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"dial tcp 127.0.0.1:8000: socket: too many open files":                "ulimit -n",
		"dial tcp 127.0.0.1:8000: connect: cannot assign requested address":   "net.ipv4.ip_local_port_range",
		"dial tcp 127.0.0.1:8000: connect: connection refused (see BASE_URL)": "",
	} {
		if got := remedy(record.ErrorConnect, words); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
}

func TestFailuresByKind(t *testing.T) {
	t.Parallel()
	var f Failures
	if got := f.String(); got != "" {
		t.Errorf("no failures: got %q", got)
	}
	for i, kind := range []string{record.ErrorReset, record.ErrorTimeout, record.ErrorStall, record.ErrorDNS,
		record.ErrorTLS, record.ErrorConnect} {
		for range 1000 >> i {
			f.Add(&record.Request{ErrorType: kind})
		}
	}
	if got, want := f.String(), "1,000 reset, 500 timeout, 250 stall, 125 dns, 93 of other kinds"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestArgumentsAreQuoted(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"run.jsonl": "run.jsonl", "my run's.jsonl": `'my run'\''s.jsonl'`,
		"$HOME": "'$HOME'"} {
		if got := quoted(arg); got != want {
			t.Errorf("%q: got %s, want %s", arg, got, want)
		}
	}
}
