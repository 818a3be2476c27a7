package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
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
		{record.Request{ErrorType: record.ErrorHTTP, Status: 400, Error: "maximum context length is 5"}, "400 - Context Window"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 413, Error: "<html>\r\n<head><title>413 Request Entity Too Large</title></head>"}, "413 - other"},
		{record.Request{ErrorType: record.ErrorHTTP, Status: 422, Error: "inputs must be a string"}, "422 - other"},
		{record.Request{ErrorType: "Some\nError\x1b[31m of  another\ttool"}, "some error [31m of another tool"},
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
		if got := label(newRun(ReadOptions{}).fill(&tt.r, "")); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.r, got, tt.want)
		}
	}
}

// What servers say of a prompt that is too long, each in its own words.
func TestContextWindowLabel(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"error":{"code":400,"message":"request (5009 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_ctx":4096}}`,
		"the request exceeds the available context size, try increasing it",
		"Requested tokens (5009) exceed context window of 4096",
		"This model's maximum context length is 4096 tokens. However, your prompt contains at least 4097 input tokens",
		"The decoder prompt (length 5009) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller",
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
		if got, want := label(newRun(ReadOptions{}).fill(r, "")), "400 - Context Window"; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"short", "short"}, {" a\r\n\tb \x00\x1b[31mc\u202e ", "a b [31mc"}, {"1234567890", "1234567890"}, {"1234567890a", "1234567890…"}, {"éééééééééé1", "éééééééééé…"},
		{"<html>\r\n<head>", "<html> <he…"}, {strings.Repeat("x", 1<<20), "xxxxxxxxxx…"}, {"a\xffb", "a\ufffdb"},
	} {
		if got := OneLine(tt.text, 10); got != tt.want {
			t.Errorf("%.40q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// A kind of failure is shown by its most frequent message, on one line.
func TestFailuresAreShownByTheirMostFrequentMessage(t *testing.T) {
	t.Parallel()
	var failed []*record.Request
	for _, text := range append(slices.Repeat([]string{"EOF"}, 7), slices.Repeat([]string{"connect:\n connection refused" + strings.Repeat("!", 300)}, 13)...) {
		failed = append(failed, &record.Request{Start: second, End: 2 * second, ErrorType: record.ErrorConnect, Error: text})
	}
	run := runOf(t, failed...)
	var table bytes.Buffer
	if err := run.Report(Options{}).WriteTables(&table); err != nil {
		t.Fatal(err)
	}
	if want := "  failed: 20 × Connection Error: connect: connection refused!!!"; !strings.Contains(table.String(), want) || !strings.Contains(table.String(), "!… (13 of them)\n") {
		t.Errorf("%s\ndoes not hold %q and its number", table.String(), want)
	}
	var reset []*record.Request
	for port := range 3 {
		reset = append(reset, &record.Request{Start: second, End: second, ErrorType: record.ErrorReset, Error: fmt.Sprintf("read tcp [::1]:4321%d->[::1]:8000: connection reset by peer", port)})
	}
	if got := countLabels(runOf(t, reset...).Requests, 9)[0]; got.shown() != "read tcp [::1]:8000: connection reset by peer" {
		t.Errorf("got %q of %+v", got.shown(), got)
	}
	nothing := countLabels(runOf(t, &record.Request{ErrorType: record.ErrorHTTP, Status: 400}).Requests, 9)[0]
	if got := nothing.shown(); got != "no message" {
		t.Errorf("without a message: got %q", got)
	}
	if got := countLabels(run.Requests, 1)[0].messages; len(got) != 1 || got[0].count != 13 {
		t.Errorf("kept %+v, want the most frequent", got)
	}
}

func TestLabelsAreCountedMostFirst(t *testing.T) {
	t.Parallel()
	failed := []*record.Request{{Start: 1, End: 1, ErrorType: record.ErrorStall, Error: "s"}}
	for i := range 15 {
		failed = append(failed, &record.Request{Start: 2, End: 2, ErrorType: record.ErrorReset, Error: fmt.Sprintf(`{"error":{"message":"m%d"}}`, i)})
	}
	got, err := json.Marshal(countLabels(runOf(t, failed...).Requests, 10))
	if err != nil || !strings.HasPrefix(string(got), `{"Connection Error":{"count":15,"messages":[{"message":"m0"},`) ||
		strings.Contains(string(got), "m10") || !strings.HasSuffix(string(got), `"Timeout":{"count":1,"messages":[{"message":"s"}]}}`) {
		t.Errorf("got %s, %v", got, err)
	}
}
