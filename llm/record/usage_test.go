package record

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestPlausibleUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		usage, want string
		zeros       bool
		chunks      int
	}{
		{`{"prompt_tokens":7,"completion_tokens":1}`, `{"prompt_tokens":7}`, true, manyChunks},
		{`{"prompt_tokens":1,"completion_tokens":1}`, `{"prompt_tokens":1,"completion_tokens":1}`, false,
			manyChunks - 1},
		{`{"prompt_tokens":1,"completion_tokens":2}`, `{"prompt_tokens":1,"completion_tokens":2}`, false, 1000},
		{`{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`, ``, true, 1},
		{`{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}`, `{"prompt_tokens":7,"total_tokens":7}`, true, 1},
		{`{"input_tokens":7,"output_tokens":0.0,"cost":0}`, `{"input_tokens":7,"cost":0}`, true, 1},
		{`{"prompt_tokens":7,"completion_tokens":5}`, `{"prompt_tokens":7,"completion_tokens":5}`, false, 1},
		{`{"prompt_tokens_details":{"cached_tokens":0}}`, `{"prompt_tokens_details":{"cached_tokens":0}}`, false, 1},
		{`{"prompt_tokens":7,"total_tokens":0}`, `{"prompt_tokens":7,"total_tokens":0}`, false, 1},
		{`{"input_tokens":0,"cache_read_input_tokens":9}`, `{"input_tokens":0,"cache_read_input_tokens":9}`, false, 1},
		{`{"input_tokens":0,"cache_read_input_tokens":0,"x":1}`, `{"cache_read_input_tokens":0,"x":1}`, true, 1},
		{`{}`, `{}`, false, 1},
		{`{"prompt_tokens" : 5,"completion_tokens" : 0,"x":null}`, `{"prompt_tokens":5,"x":null}`, true, 1},
		{`{"output_tokens":10e-1,"x":1}`, `{"x":1}`, true, manyChunks},
		{`{"prompt_tokens":-0,"x":1}`, `{"x":1}`, true, 1},
		{`{"prompt\u005ftokens":0,"x":1}`, `{"x":1}`, true, 1},
		{`{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":0}`,
			`{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":0}`,
			false, 1000},
	} {
		got, zeros := PlausibleUsage([]byte(tt.usage), true, tt.chunks)
		if zeros != tt.zeros || !sameJSON(t, got, []byte(tt.want)) {
			t.Errorf("%s: got %s, %t; want %s, %t", tt.usage, got, zeros, tt.want, tt.zeros)
		}
	}
}

// Without output a completion of no tokens may be true.
func TestPlausibleUsageWithoutOutput(t *testing.T) {
	t.Parallel()
	got, dropped := PlausibleUsage([]byte(`{"prompt_tokens":0,"completion_tokens":0,"x":1}`), false, 0)
	if !dropped || !sameJSON(t, got, []byte(`{"completion_tokens":0,"x":1}`)) {
		t.Errorf("got %s, %t", got, dropped)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}
