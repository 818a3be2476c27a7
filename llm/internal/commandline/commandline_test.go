package commandline

import "testing"

func TestRecordsPath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		env  string
		want string
	}{
		{args: []string{"k6", "run", "script.js"}},
		{args: []string{"k6", "run", "--out", "json=a", "--out", "llm=run.jsonl", "script.js"}, env: "llm=other",
			want: "run.jsonl"},
		{args: []string{"k6", "run", "--out=llm=a=b.jsonl"}, want: "a=b.jsonl"},
		{args: []string{"k6", "run", "-o", "llm=s3://bucket/runs/"}, want: "s3://bucket/runs/"},
		{args: []string{"k6", "run", "-ollm=run.jsonl"}, want: "run.jsonl"},
		{args: []string{"k6", "run", "-o=llm=run.jsonl"}, want: "run.jsonl"},
		{args: []string{"k6", "run", "script.js"}, env: "json=a,llm=run.jsonl", want: "run.jsonl"},
		{args: []string{"k6", "run", "--out", "json=a"}, env: "llm=run.jsonl"},
		{args: []string{"k6", "run", "--out"}, env: "llm=run.jsonl", want: "run.jsonl"},
	} {
		lookup := func(name string) (string, bool) { return tt.env, name == "K6_OUT" && tt.env != "" }
		if got := RecordsPath(tt.args, lookup); got != tt.want {
			t.Errorf("%q with K6_OUT=%q: got %q, want %q", tt.args, tt.env, got, tt.want)
		}
	}
}
