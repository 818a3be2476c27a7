package samples

import (
	"fmt"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// environment returns a lookup of names in pairs.
func environment(pairs map[string]string) func(name string) (string, bool) {
	return func(name string) (string, bool) { value, set := pairs[name]; return value, set }
}

// GivenRunID finds the run's id where k6 finds it, before k6 passes its options on.
func TestGivenRunID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, ""},
		{[]string{"k6", "run", "script.js"}, map[string]string{record.RunIDEnv: ""}, ""},
		{[]string{"k6", "run", "--tag", "testrun_name=a", "script.js"}, map[string]string{record.RunIDEnv: "b"}, "b"},
		{[]string{"k6", "run", "--tag", "instance_id=1", "--tag", "testrun_name=a", "script.js"}, nil, "a"},
		{[]string{"k6", "run", "--tag=testrun_name=a=b", "script.js"}, nil, "a=b"},
		{[]string{"k6", "run", "--tag", "testrun_name=a", "--tag", "testrun_name=b"}, nil, "b"},
		{[]string{"k6", "run", "testrun_name=a", "--tag"}, nil, ""},
		{nil, map[string]string{"K6_TAGS": "x:y,testrun_name:a"}, "a"},
		// the flag replaces all tags of the variable
		{[]string{"k6", "run", "--tag", "x=y"}, map[string]string{"K6_TAGS": "testrun_name:a"}, ""},
	} {
		lookup := environment(tt.env)
		if got := GivenRunID(tt.args, lookup); got != tt.want {
			t.Errorf("%q, %v: got %q, want %q", tt.args, tt.env, got, tt.want)
		}
		if got := ProcessRunID(tt.args, lookup); (got != tt.want) != (tt.want == "") || got == "" ||
			got != ProcessRunID(tt.args, lookup) {
			t.Errorf("%q, %v: id of the process %q, want %q or one that stays the same", tt.args, tt.env, got, tt.want)
		}
	}
}

// All instances of a run have the same seed, whenever they start. The formula must never change, because users repeat
// runs by their seeds.
func TestDrawSeed(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1772600767008)
	for id, want := range map[string]int64{"": 1772600767008, "run-1": 1016944636, "run-2": 1067277493} {
		if got := DrawSeed(id, now); got != want {
			t.Errorf("%q: got %d, want %d", id, got, want)
		}
	}
	if a, b := DrawSeed("run-1", now), DrawSeed("run-1", now.Add(time.Hour)); a != b {
		t.Errorf("seeds of one run %d and, an hour later, %d", a, b)
	}
}

// A run has the seed that its scenarios share.
func TestRunSeed(t *testing.T) {
	t.Parallel()
	const scenario = `"%s": {"executor": "shared-iterations", "env": {"K6_LLM_SEED": "%s"}}`
	for _, tt := range []struct {
		scenarios string
		want      any
	}{
		{`{"a": {"executor": "shared-iterations"}}`, nil},
		{`{"a": {"executor": "shared-iterations"}, ` + fmt.Sprintf(scenario, "b", "7") + `}`, int64(7)},
		{`{` + fmt.Sprintf(scenario, "a", "7") + `, ` + fmt.Sprintf(scenario, "b", "7") + `}`, int64(7)},
		{`{` + fmt.Sprintf(scenario, "a", "7") + `, ` + fmt.Sprintf(scenario, "b", "8") + `}`, nil},
		{`{` + fmt.Sprintf(scenario, "a", "seven") + `}`, nil},
	} {
		var opts lib.Options
		if err := opts.Scenarios.UnmarshalJSON([]byte(tt.scenarios)); err != nil {
			t.Fatal(err)
		}
		var got any
		if seed := NewRun(opts, environment(nil)).Seed; seed != nil {
			got = *seed
		}
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.scenarios, got, tt.want)
		}
	}
}
