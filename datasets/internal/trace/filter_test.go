package trace

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// sampleFields returns the fields of the samples of the scripts.
func sampleFields() []Fields {
	list := []Fields{otel{}.fields([]Record{{Data: data.OTel, File: "otel-sample.json"}})}
	for line := range strings.Lines(string(data.Weka)) {
		list = append(list, weka{}.fields([]Record{{Data: []byte(line), File: "weka-sample.jsonl"}}))
	}
	return list
}

// filters are lambdas that Python and Starlark understand.
var filters = []string{
	`lambda t: True`,
	`lambda t: t["total_tokens"] > 30000`,
	`lambda t: t["max_tokens"] <= 8000 and "example-small" in t["models"]`,
	`lambda t: t.get("num_turns", 0) >= 10 or t.get("harness") == "example"`,
	`lambda trace: [m for m in trace["models"] if m.endswith("small")]`,
	`lambda t: not t.get("session_id", t.get("id", "")).startswith("sample_000")`,
	`lambda t: t.get("requests", [{}])[0].get("in", 0) % 2 == 0`,
	`lambda t: t["total_tokens"] / 2 < 20000.5 if "block_size" in t else None`,
	`lambda t: {1: "a"}[1] == "a" and (t["models"] + ["x"])[-1] == "x"`,
	`lambda t: "%s" % t.get("benchmark") != "unknown"`,
	`lambda t: t.get("source_id", "").split("-")[-1] == "sample.json"`,
}

func TestFilter(t *testing.T) {
	want := []string{"0123", "13", "01", "013", "013", "0", "012", "2", "0123", "0123", "0"}
	for i, source := range filters {
		f, err := NewFilter(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		kept := ""
		for k, fields := range sampleFields() {
			keep, err := f.Keep(fields)
			if err != nil {
				t.Errorf("%s: %v", source, err)
			}
			if keep {
				kept += string(rune('0' + k))
			}
		}
		if kept != want[i] {
			t.Errorf("%s: got %q, want %q", source, kept, want[i])
		}
	}
}

// TestFilterEqualsPython compares what filters keep with what Python's own lambdas keep.
func TestFilterEqualsPython(t *testing.T) {
	python := testenv.Python(t, "json")
	var in []any
	for _, fields := range sampleFields() {
		record := map[string]any{}
		_ = json.Unmarshal([]byte(fields.record.Raw), &record)
		for name, value := range fields.more {
			if _, ok := record[name]; !ok || fields.force {
				record[name] = value
			}
		}
		in = append(in, record)
	}
	text, _ := json.Marshal(map[string]any{"fields": in, "filters": filters})
	cmd := exec.Command(python, "-c", `import json, sys
given = json.load(sys.stdin)
print(json.dumps([[bool(eval(f, {"__builtins__": {}})(t)) for t in given["fields"]] for f in given["filters"]]))`)
	cmd.Stdin = strings.NewReader(string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, list := range gjson.ParseBytes(out).Array() {
		f, _ := NewFilter(filters[i])
		for k, fields := range sampleFields() {
			if got, err := f.Keep(fields); err != nil || got != list.Array()[k].Bool() {
				t.Errorf("%s of session %d: got %v, %v, Python says %v", filters[i], k, got, err, list.Array()[k])
			}
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{`t["x"]`, `the filter must be a lambda such as lambda trace: trace["total_tokens"] < 100000`},
		{`lambda t:`, `the filter is no expression of Python: filter:1:10: got end of file, want primary expression`},
		{`lambda t: unknown`, `the filter: filter:1:11: undefined: unknown`},
		{`lambda t: __import__("os")`, `the filter: filter:1:11: undefined: __import__`},
		{`lambda t: open("x")`, `the filter: filter:1:11: undefined: open`},
		{`lambda t: 1 < t["x"] < 3`,
			"the filter is no expression of Python: filter:1:23: < does not associate with < (use parens)"},
		{`lambda t: t["x"]`, `the filter fails for session "museum": key "x" not in dict`},
		{`lambda t, u: 1`, `the filter fails for session "museum": function lambda missing 1 argument (u)`},
		{`lambda t: range(9)`, `the filter fails for session "museum": invalid call of non-function (NoneType)`},
		{`lambda t: [a for a in "x".elems() for b in ("y" * 100000000).elems()]`,
			`the filter fails for session "museum": Starlark computation cancelled: too many steps`},
	} {
		f, err := NewFilter(tt.source)
		if err == nil {
			_, err = f.Keep(sampleFields()[0])
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.source, err, tt.want)
		}
	}
}

// FuzzFilter runs any text as a filter: it ends, and its errors are lines.
func FuzzFilter(f *testing.F) {
	for _, source := range filters {
		f.Add(source)
	}
	fields := sampleFields()
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "*") || strings.Contains(source, "%") {
			return // repeated texts and padding only take memory
		}
		filter, err := NewFilter(source)
		if err == nil {
			_, err = filter.Keep(fields[len(source)%len(fields)])
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q", err)
		}
	})
}
