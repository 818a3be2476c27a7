package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestMergeUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, next, want string }{
		{"first map", ``, `{"completion_tokens":1}`, `{"completion_tokens":1}`},
		{"growing counts", `{"prompt_tokens":7,"completion_tokens":1}`, `{"prompt_tokens":7,"completion_tokens":2}`,
			`{"prompt_tokens":7,"completion_tokens":2}`},
		{"members of both", `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{"zeros after counts", `{"prompt_tokens":7,"completion_tokens":5}`,
			`{"prompt_tokens":0,"completion_tokens":0,"x":0}`, `{"prompt_tokens":7,"completion_tokens":5,"x":0}`},
		{"counts after zeros", `{"prompt_tokens":0}`, `{"prompt_tokens":7}`, `{"prompt_tokens":7}`},
		{"the counts of another choice", `{"completion_tokens":5}`, `{"completion_tokens":4}`,
			`{"completion_tokens":5}`},
		{"nulls", `{"completion_tokens":5,"d":{"cached_tokens":3}}`, `{"completion_tokens":null,"d":null}`,
			`{"completion_tokens":5,"d":{"cached_tokens":3}}`},
		{"an empty object", `{"d":{"cached_tokens":3}}`, `{"d":{}}`, `{"d":{"cached_tokens":3}}`},
		{"an empty map", `{"completion_tokens":5}`, `{}`, `{"completion_tokens":5}`},
		{"a string in the place of a count", `{"completion_tokens":5}`, `{"completion_tokens":"5"}`,
			`{"completion_tokens":5}`},
		{"details grow too", `{"d":{"cached_tokens":3}}`, `{"d":{"cached_tokens":4}}`, `{"d":{"cached_tokens":4}}`},
		{"parts of a known prompt", `{"input_tokens":412,"output_tokens":0}`,
			`{"input_tokens":28,"output_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":384}`,
			`{"input_tokens":28,"output_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":384}`},
		{"a part alone", `{"input_tokens":28,"cache_read_input_tokens":384}`, `{"cache_read_input_tokens":384}`,
			`{"input_tokens":28,"cache_read_input_tokens":384}`},
		{"smaller parts", `{"input_tokens":28,"cache_read_input_tokens":384}`,
			`{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}`,
			`{"input_tokens":28,"cache_read_input_tokens":384,"output_tokens":2}`},
		{"a count without parts", `{"input_tokens":28,"cache_read_input_tokens":384}`, `{"input_tokens":412}`,
			`{"input_tokens":412,"cache_read_input_tokens":384}`},
	} {
		got := MergeUsage(nil, []byte(tt.old), []byte(tt.next))
		if !sameJSON(t, got, []byte(tt.want)) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestMergeUsageOfGrowingCountsAllocatesNothing(t *testing.T) {
	old := []byte(`{"prompt_tokens":7,"completion_tokens":41,"prompt_tokens_details":{"cached_tokens":3}}`)
	next := []byte(`{"prompt_tokens":7,"completion_tokens":42,"prompt_tokens_details":{"cached_tokens":3}}`)
	dst := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() { dst = MergeUsage(dst, old, next) }); n > 0 {
		t.Errorf("%v allocations", n)
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
