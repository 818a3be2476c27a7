package status

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// With two labels the summary has a row for each; a user who left is neither a success nor a failure.
func TestSummaryHasARowForEachClass(t *testing.T) {
	t.Parallel()
	b := New(time.Unix(1, 0), []record.Scenario{{Name: "s", Stages: []record.Stage{{}}}}, 1)
	add := func(label, errorType string, ttft time.Duration, good bool) {
		r := &record.Request{Scenario: "s", Label: label, ErrorType: errorType, Start: 1e9, End: 3e9, Good: &good,
			Streaming: true, Chunks: []int64{ttft.Microseconds()}, API: "chat"}
		b.Done(r, record.Counts{}, b.Sent(time.Unix(1, 0), Position{Scenario: "s"}))
	}
	add("chat", "", 20*time.Millisecond, true)
	add("chat", "", 20*time.Millisecond, false)
	one, err := Summary{Board: b, Failures: new(Failures), Width: 100}.Text([]byte(`{"metrics":{}}`))
	if err != nil || strings.Contains(one, "class ") {
		t.Fatalf("with one label: got %v and %s, want no row of classes", err, one)
	}
	add("batch", record.ErrorAbandoned, 0, false)
	add("batch", "http", 0, false)
	text, err := Summary{Board: b, Failures: new(Failures), Width: 100}.Text([]byte(`{"metrics":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(text) {
		if name := strings.Fields(line); len(name) > 0 && (name[0] == "chat" || name[0] == "batch") {
			got = append(got, strings.Join(name, " "))
		}
	}
	want := "batch 2 1 1 - - 0.00 %|chat 2 none none 20.00 ≥ 20.00 50.00 %"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q, in\n%s", got, want, text)
	}
}

// With several endpoints the summary has a row for each, with the end of its address, and a run of pairs says that its
// latencies mix them.
func TestSummaryHasARowForEachEndpoint(t *testing.T) {
	t.Parallel()
	b := New(time.Unix(1, 0), []record.Scenario{{Name: "s", Stages: []record.Stage{{}}}}, 1)
	for k, endpoint := range []string{"http://127.0.0.1:29031", "http://127.0.0.1:29032", "http://127.0.0.1:29032"} {
		r := &record.Request{Scenario: "s", Endpoint: endpoint, Start: 1e9, End: 3e9, Streaming: true,
			Chunks: []int64{20_000 * int64(k+1)}, API: "chat"}
		if k == 2 {
			r.ErrorType = "connect"
		}
		b.Done(r, record.Counts{}, b.Sent(time.Unix(1, 0), Position{Scenario: "s"}))
	}
	text, err := Summary{Board: b, Failures: new(Failures), Paired: true}.Text([]byte(`{"metrics":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, want := range []string{"endpoint requests failed TTFT p50, ms p99, ms " +
		"http://127.0.0.1:29031 1 none 20.00 ≥ 20.00 http://127.0.0.1:29032 2 1 40.00 ≥ 40.00",
		"remark latencies of the stages and of all requests mix the endpoints of the pairs"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
