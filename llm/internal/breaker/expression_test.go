package breaker

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// succeeded returns a request with all fields set.
func succeeded() *record.Request {
	return &record.Request{
		Stage: 2, SessionID: "s-1", Turn: 3, Adapter: "lora-a", Streaming: true, Due: new(int64(1e9)), Start: 1.5e9,
		End:     3.25e9,
		Retries: 1, Attempt: 1.75e9, Chunks: []int64{500_000, 1_000_000}, ChunkTokens: []int{1, 2}, Completion: new(3),
		FinishReason: "length",
		Usage: json.RawMessage(
			`{"prompt_tokens":12,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0}}`),
		SLO: &record.Bounds{TTFT: 500, TPOT: 50}, RequestBody: "{}", ResponseBody: "data: x",
	}
}

// failed returns a request that ended with status 503.
func failed() *record.Request {
	return &record.Request{Start: 1.5e9, End: 2e9, ErrorType: record.ErrorHTTP, Status: 503, Error: "queue is full",
		SLO: &record.Bounds{TTFT: 500}}
}

// The map is that of inference-perf, without fields that this client does not know.
func TestSample(t *testing.T) {
	t.Parallel()
	unary := &record.Request{Stage: -1, Start: 1e9, End: 2e9, Prompt: new(5), Completion: new(0),
		SLO: &record.Bounds{TTFT: 1}, Usage: json.RawMessage("x")}
	late := &record.Request{Start: 1e9, End: 4e9, ErrorType: record.ErrorTimeout, Retries: 2, Adapter: "a"}
	for _, tt := range []struct {
		name string
		r    *record.Request
		want string
	}{
		{"all set", succeeded(), `{
			"stage_id": 2, "session_id": "s-1", "scheduled_time": 1, "start_time": 1.5, "end_time": 3.25, "request_data": "{}", "response_data": "data: x",
			"info": {
				"request_metrics": {"text": {"input_tokens": 12}}, "input_tokens": 12, "labels": {}, "lora_adapter": "lora-a",
				"extra_info": {"stop_reason": "length", "user_session": "s-1", "chat_round": 3},
				"retries_attempted": 1, "retries_recovered": true, "retry_wasted_sec": 0.25,
				"response_metrics": {
					"output_tokens": 3, "chunk_times": [2, 2.5], "output_token_times": [2, 2.5, 2.5],
					"server_usage": {"prompt_tokens": 12, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 0}}
				}
			},
			"ttft_slo_sec": 0.5, "tpot_slo_sec": 0.05}`},
		{"failed", failed(), `{
			"stage_id": 0, "start_time": 1.5, "end_time": 2, "error": {"error_type": "HTTP Error 503", "error_msg": "queue is full"},
			"info": {"request_metrics": {"text": {"input_tokens": 0}}, "input_tokens": 0, "labels": {}, "extra_info": {}}}`},
		{"not streamed", unary, `{
			"stage_id": -1, "start_time": 1, "end_time": 2,
			"info": {"request_metrics": {"text": {"input_tokens": 5}}, "input_tokens": 5, "labels": {}, "extra_info": {}, "response_metrics": {"output_tokens": 0}}}`},
		{"failed after retries", late, `{
			"stage_id": 0, "start_time": 1, "end_time": 4, "error": {"error_type": "TimeoutError", "error_msg": ""},
			"info": {"request_metrics": {"text": {"input_tokens": 0}}, "input_tokens": 0, "labels": {}, "extra_info": {}, "lora_adapter": "a",
				"retries_attempted": 2, "retries_recovered": false, "retry_wasted_sec": 3}}`},
	} {
		got, err := json.Marshal(NewSample(tt.r).view())
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
			t.Errorf("%s: got\n%s, want\n%s", tt.name, got, wanted)
		}
	}
}

// The wanted answers are those of jmespath.py and bool(). An expression that cannot be evaluated is false.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text            string
		failed, success bool
	}{
		{"error", true, false},
		{"@", true, true},
		{"!error", false, true},
		{"not_null(error)", true, false},
		{"error.error_type", true, false},
		{"error.error_type == 'HTTP Error 503'", true, false},
		{"error.error_type == 'TimeoutError'", false, false},
		{"error.error_type != 'HTTP Error 503'", false, true},
		{"starts_with(error.error_type, 'HTTP Error 5')", true, false}, // a success has no string there
		{"contains(['HTTP Error 429', 'HTTP Error 503'], error.error_type)", true, false},
		{"contains(error.error_msg, 'full')", true, false},
		{"error && starts_with(error.error_type, 'Client')", false, false},
		{"error.error_type == 'TimeoutError' || info.response_metrics.output_tokens < `4`", false, true},
		{"info.response_metrics.server_usage.completion_tokens == `4`", false, true},
		{"info.response_metrics.server_usage.prompt_tokens_details.cached_tokens", false, false},
		{"length(info.response_metrics.chunk_times) == `2`", false, true},
		{"info.response_metrics.chunk_times[-1] > `2.4`", false, true},
		{"info.lora_adapter == 'lora-a'", false, true},
		{"stage_id", false, true}, // 0 and 2
		{"stage_id == `0`", true, false},
		{"info.input_tokens", false, true},
		{"info.labels", false, false},
		{"info.extra_info", false, true},
		{"ttft_slo_sec < `1`", false, true},
		{"session_id", false, true},
		{"to_number('x')", false, false},
		{"nothing.here", false, false},
		{"`null`", false, false},
		{"`false`", false, false},
		{"`true`", true, true},
		{"`0`", false, false},
		{"`0.5`", true, true},
		{"`\"\"`", false, false},
		{"''", false, false},
		{"'0'", true, true},
		{"`[]`", false, false},
		{"`[0]`", true, true},
		{"`{}`", false, false},
		{"keys(`{}`)", false, false},
		{"`[1]`[?@ > `1`]", false, false},
		{"&error", true, true},
		{"sort_by(`[{\"a\": 1}, {\"a\": \"b\"}]`, &a)", false, false},
	} {
		e, err := parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := e.holds(NewSample(failed())); got != tt.failed {
			t.Errorf("%s of a failure: got %t", tt.text, got)
		}
		if got := e.holds(NewSample(succeeded())); got != tt.success {
			t.Errorf("%s of a success: got %t", tt.text, got)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", `"" at column 1: `},
		{"error ==", `"error ==" at column 9: `},
		{"error = 'x'", `"error = 'x'" at column 7: `},
		{"(error", `"(error" at column 7: `},
		{"'ä' #", `"'ä' #" at column 5: unknown char: '#'`},
		{"error.error_type == 'x", `"error.error_type == 'x" at column 23: unclosed delimiter: '`},
		{"'`' == `a` || `HTTP`",
			"\"'`' == `a` || `HTTP`\" at column 8: what is between backticks must be JSON; a string goes between " +
				"single quotes"},
		{"error[99999999999999999999]", `"error[99999999999999999999]": strconv.Atoi`},
		{"nosuch(error)", `"nosuch(error)": unknown function: nosuch, so it never holds`},
		{"error && nosuch(error)", `"error && nosuch(error)": unknown function: nosuch, so it never holds`},
		{"starts_with(error)", `"starts_with(error)": a function has the wrong number of arguments, so it never holds`},
		{"contains('a', 'b', 'c')",
			`"contains('a', 'b', 'c')": a function has the wrong number of arguments, so it never holds`},
		{strings.Repeat("!", maxExpression+1), `"` + strings.Repeat("!", 40) + `"… is longer than 16384 bytes`},
	} {
		if _, err := parse(tt.text); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

// An expression of the maximal length has too few levels to exhaust the stack.
func TestDeepExpressions(t *testing.T) {
	t.Parallel()
	n := maxExpression/2 - 3
	for _, text := range []string{strings.Repeat("(", n) + "error" + strings.Repeat(")", n),
		strings.Repeat("!", 2*n) + "error", strings.Repeat("[", n) + "error" + strings.Repeat("]", n)} {
		e, err := parse(text)
		if err != nil {
			t.Errorf("%.20q…: %v", text, err)
			continue
		}
		if !e.holds(NewSample(failed())) {
			t.Errorf("%.20q… does not hold", text)
		}
	}
}

// A panic of the library means that the expression cannot be evaluated.
func TestGuard(t *testing.T) {
	t.Parallel()
	_, err := guard(func() (any, error) { var none []int; return none[3], nil })
	if err == nil || !strings.HasPrefix(err.Error(), "cannot be evaluated: runtime error: index out of range") {
		t.Errorf("after a panic: got %v", err)
	}
	why := errors.New("why")
	if _, err := guard(func() (any, error) { return nil, why }); !errors.Is(err, why) {
		t.Errorf("after an error: got %v", err)
	}
}

func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"error", "@", "error.error_type == 'HTTP Error 503'", "starts_with(error.error_type, 'HTTP Error 5')",
		"`[1, 2]`[::-1]", "info.*.* | [0]",
		"sort_by(info.response_metrics.chunk_times, &@)", "max_by(@, &a)", "{a: error, b: info}.a", "`foo`",
		"a[?b > `1`]", "\"a\\u00e4\"", "[0:1:0]",
		"merge(info, error)", "map(&@, keys(@))", "to_string(@)", "join('', ['a'])", "avg(`[]`)", "error.error_type[",
		"&", "reverse(@)", strings.Repeat("!", 300) + "@", strings.Repeat("[", 300), strings.Repeat("a.", 300) + "a",
		"`" + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "`", "[9223372036854775808]", "[::0]",
		"'\x00\u202e'", "pad(@)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		def := Definition{Matches: []string{text}, Rules: []string{"error", text},
			Triggers: []Trigger{{Consecutive: 1}}}
		b, err := New(def)
		if err != nil {
			if len(text) <= maxExpression && !strings.Contains(err.Error(), strconv.Quote(text)) {
				t.Errorf("%q: the error does not quote it: %v", text, err)
			}
			return
		}
		open := false
		for _, r := range [...]*record.Request{succeeded(), failed(), succeeded()} {
			now := b.Observe(r, time.Unix(4, 0))
			if open && !now {
				t.Errorf("%q: the breaker closed again", text)
			}
			open = now
		}
	})
}
