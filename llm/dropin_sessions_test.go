package llm

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// The stages of a replay have the sessions of the data, which config() opens to count them.
func TestConfigCountsSessions(t *testing.T) {
	t.Parallel()
	root := New()
	file, err := filepath.Abs("../docs/config/workload-replay.yml")
	if err != nil {
		t.Fatal(err)
	}
	tokenizer := [2]string{"tokenizer.pretrained_model_name_or_path", sampleTokenizer()}
	for _, tt := range []struct {
		clock, stages string
		want          string // of the scenario's members
		err           string
	}{
		{"trace", `[]`, `{"arrival":"trace","trace":[0,0.2,0.2,0.55,1.25,1.5]}`, ""},
		{"trace", `[{"concurrent_sessions": 0, "num_sessions": 2}]`, `{"arrival":"trace","trace":[0,0.2]}`, ""},
		{"", `[{"concurrent_sessions": 2, "num_sessions": 4, "timeout": 5}, {"concurrent_sessions": 0, "session_rate": 3}, ` +
			`{"concurrent_sessions": 1}]`, `{"arrival":"constant","stages":[{"concurrency":2,"requests":4,"timeout":"5s"},` +
			`{"concurrency":2,"rate":3,"requests":2}]}`, ""},
		{"", `[{"concurrent_sessions": 2, "num_sessions": 7}]`, "", "they replay 7 sessions together, and the data has 6"},
		{"", `[]`, "", "load.stages: is missing"},
	} {
		all, err := handOn(t, root, file, [][2]string{tokenizer, {"x-llm.clock", tt.clock}, {"load.stages", tt.stages}})
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.stages, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.stages, err)
			continue
		}
		load, _ := all["scenarios"]["load"].(map[string]any)
		got, _ := json.Marshal(subset(load, "arrival", "trace", "stages"))
		if string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.stages, got, tt.want)
		}
	}
}

// subset returns the members of an object that have one of the names and are not empty.
func subset(of map[string]any, names ...string) map[string]any {
	some := map[string]any{}
	for _, name := range names {
		if list, isList := of[name].([]any); of[name] != nil && (!isList || len(list) > 0) {
			some[name] = of[name]
		}
	}
	return some
}
