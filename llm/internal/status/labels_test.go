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
	want := "batch 2 1 1 - - 0.00 %|chat 2 none none 20.00 20.00 50.00 %"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q, in\n%s", got, want, text)
	}
}
