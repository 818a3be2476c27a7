package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		r    record.Request
		want string
	}{
		{record.Request{ErrorType: record.ErrorHTTP, Status: 429}, "429 - Rate Limit"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 503, Error: "timeout"}, "503 - Service Unavailable"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 400, Error: "maximum context length is 5"},
			"400 - Context Window"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 413,
			Error: "<html>\r\n<head><title>413 Request Entity Too Large</title></head>"}, "413 - other"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 422, Error: "inputs must be a string"}, "422 - other"},
		{record.Request{ErrorType: "Some\nError\x1b[31m of  another\ttool"}, `some error\x1b[31m of another tool`},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 400, Error: "Unterminated string"}, "400 - Invalid JSON"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 408, Error: "request timed out"}, "408 - Timeout"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 404, Error: "no such model"}, "404 - Model Not Found"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 418, Error: "tea"}, "418 - other"},
		{record.Request{ErrorType: record.ErrorTimeout}, "Timeout"},
		{record.Request{ErrorType: record.ErrorStall}, "Timeout"},
		{record.Request{ErrorType: record.ErrorDNS}, "Connection Error"},
		{record.Request{ErrorType: record.ErrorReset}, "Connection Error"},
		{record.Request{ErrorType: record.ErrorCanceled}, "canceled"},
		{record.Request{ErrorType: record.ErrorStream}, "stream_error"},
	} {
		if got := label(runOf(t, &tt.r).Requests[0]); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.r, got, tt.want)
		}
	}
}

// Servers describe a prompt that is too long each in its own words. All get the same label.
func TestContextWindowLabel(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"error":{"code":400,"message":"request (5009 tokens) exceeds the available context size (4096 tokens), ` +
			`try increasing it","type":"exceed_context_size_error","n_ctx":4096}}`,
		"the request exceeds the available context size, try increasing it",
		"Requested tokens (5009) exceed context window of 4096",
		"This model's maximum context length is 4096 tokens. However, your prompt contains at least 4097 input tokens",
		"The decoder prompt (length 5009) is longer than the maximum model length of 4096. Make sure that " +
			"`max_model_len` is no smaller",
		"The input (5009 tokens) is longer than the model's context length (4096 tokens).",
		"Input length (5009 tokens) exceeds the maximum allowed length (4090 tokens). Use a shorter input",
		"Input validation error: `inputs` must have less than 1024 tokens. Given: 5009",
		"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5009 `inputs` tokens",
		"prompt is too long: 210000 tokens > 200000 maximum",
		"Input is too long for requested model.",
		"Prompt length (5009) exceeds maximum input length (4096)",
		"prompt exceeds the length limit",
		"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
		"too many tokens: size limit exceeded by 913 tokens",
	} {
		r := &record.Request{ErrorType: record.ErrorHTTP, Status: 400, Error: text}
		if got, want := label(runOf(t, r).Requests[0]), "400 - Context Window"; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func failuresOf(errorType string, texts ...string) (failed []*record.Request) {
	for _, text := range texts {
		failed = append(failed, &record.Request{Start: second, End: 2 * second, ErrorType: errorType, Error: text})
	}
	return failed
}

func tablesOf(t *testing.T, failed []*record.Request) string {
	t.Helper()
	var table bytes.Buffer
	if err := NewReport(runOf(t, failed...), Options{}).WriteTables(Screen{W: &table}); err != nil {
		t.Fatal(err)
	}
	return table.String()
}

// Each kind of message has a line of its own, even if all have one label: a server that went away and two broken
// answers are different failures.
func TestFailuresAreListedByLabelAndMessage(t *testing.T) {
	t.Parallel()
	var failed []*record.Request
	failed = append(failed, failuresOf(record.ErrorReset, "EOF", "EOF")...)
	for port := range 80 {
		failed = append(failed,
			failuresOf(record.ErrorConnect, fmt.Sprintf("dial tcp 127.0.0.1:%d: connect: connection refused",
				8000+port%2))...)
	}
	failed = append(failed, failuresOf(record.ErrorStall, "no\n chunk\x1b[31m"+strings.Repeat("!", 300), "", "")...)
	want := "  failed: 80 × Connection Error: dial tcp 127.0.0.1:8000: connect: connection refused (the first; " +
		"their numbers differ)\n" +
		"  failed: 2 × Connection Error: EOF\n  failed: 2 × Timeout: no message\n  failed: 1 × Timeout: no " +
		"chunk\\x1b[31m!!!"
	if got := tablesOf(t, failed); !strings.Contains(got, want) || !strings.Contains(got, "!…\n") {
		t.Errorf("got %s\nwant it to hold %s", got, want)
	}
}

// The number of lines and columns is limited, however many kinds there are, and every failure is still counted.
func TestFailuresBeyondTheListAreCounted(t *testing.T) {
	t.Parallel()
	var failed []*record.Request
	for i := range 27 {
		word := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		failed = append(failed, failuresOf("class "+word, word)...)
		failed[i].Stage = i % 2
	}
	got := tablesOf(t, failed)
	for _, want := range []string{"  failed: and 17 others, of 17 kinds: requests.parquet has all\n",
		"  17 other labels\n"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("got %s\nwant %q in it once", got, want)
		}
	}
	if strings.Count(got, "  failed: ") != mostKinds+1 {
		t.Errorf("got %s\nwant %d lines of failures", got, mostKinds+1)
	}
}

func TestLabelsThatAreTooManyArePutTogether(t *testing.T) {
	t.Parallel()
	var failed []*record.Request
	for i := range mostLabels + 5 {
		failed = append(failed, failuresOf(fmt.Sprintf("class %d", i), "m", "m")[:1+i%2]...)
	}
	counts := countLabels(runOf(t, failed...).Requests, 3)
	sum, last := 0, counts[len(counts)-1]
	for _, c := range counts {
		sum += c.count
	}
	if len(counts) != mostLabels+1 || last.label != "5 other labels" || last.count != 5 || len(last.messages) != 3 ||
		sum != len(failed) {
		t.Errorf("got %d labels of %d failures, the last %q with %d and %d messages", len(counts), sum, last.label,
			last.count, len(last.messages))
	}
}

func TestMessagesAreKeptWithoutTheClientsPort(t *testing.T) {
	t.Parallel()
	var reset []*record.Request
	for port := range 3 {
		reset = append(reset,
			failuresOf(record.ErrorReset, fmt.Sprintf("read tcp [::1]:4321%d->[::1]:8000: connection reset by peer",
				port))...)
	}
	got := countLabels(runOf(t, reset...).Requests, 9)[0]
	if want := "read tcp [::1]:8000: connection reset by peer"; len(got.messages) != 1 ||
		got.messages[0].Text != want || got.kinds[0].shown() != want {
		t.Errorf("got %+v, want %q alone", got, want)
	}
	if got := countLabels(runOf(t, failuresOf(record.ErrorReset, "a", "b", "b")...).Requests,
		1)[0].messages; len(got) != 1 || got[0].Text != "b" {
		t.Errorf("kept %+v, want the most frequent", got)
	}
}

func TestLabelsAreCountedMostFirst(t *testing.T) {
	t.Parallel()
	failed := []*record.Request{{Start: 1, End: 1, ErrorType: record.ErrorStall, Error: "s"}}
	for i := range 15 {
		failed = append(failed, &record.Request{Start: 2, End: 2, ErrorType: record.ErrorReset,
			Error: fmt.Sprintf(`{"error":{"message":"m%d"}}`, i)})
	}
	got, err := json.Marshal(countLabels(runOf(t, failed...).Requests, 10))
	if err != nil || !strings.HasPrefix(string(got), `{"Connection Error":{"count":15,"messages":[{"message":"m0"},`) ||
		strings.Contains(string(got), "m10") ||
		!strings.HasSuffix(string(got), `"Timeout":{"count":1,"messages":[{"message":"s"}]}}`) {
		t.Errorf("got %s, %v", got, err)
	}
}

// The time is proportional to the number of failures, whether all messages are alike or all differ.
func BenchmarkDistinctFailures(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var list []*record.Request
			for i := range n {
				list = append(list, &record.Request{ErrorType: fmt.Sprintf("class %d", i),
					Error: fmt.Sprintf("word%c %d", 'a'+rune(i%26), i)})
			}
			failed := runOf(b, list...).Requests
			for b.Loop() {
				countLabels(failed, DefaultMaxMessages)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/failure")
		})
	}
}
