package commandline

import (
	"strings"
	"testing"
)

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

func TestEnv(t *testing.T) {
	t.Parallel()
	args := []string{"k6", "run", "-e", "A=1", "--env", "B=-e", "--env=C=x=y", "-eD=4", "-e=E=5", "-e", "F", "s.js",
		"-e"}
	if got, want := strings.Join(Env(args), " "), "A B C D E F"; got != want {
		t.Errorf("%q: got %s, want %s", args, got, want)
	}
	if got := Env([]string{"k6", "run", "--", "-e", "A=1"}); got != nil {
		t.Errorf("got %q after --", got)
	}
}
