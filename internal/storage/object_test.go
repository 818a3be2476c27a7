package storage

import (
	"strings"
	"testing"
)

func TestListGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	m := new(memory)
	session := m.session(inMemory)
	for _, name := range []string{"a/1", "a/2", "a/3", "a/4", "a/5", "b/1"} {
		m.objects[name] = ""
	}
	names, err := session.list(t.Context(), "a/")
	if got := strings.Join(names, " "); err != nil || got != "a/1 a/2 a/3 a/4 a/5" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"s3://b/runs/[": "syntax error in pattern", "s3://b": "names no object", "http://b/c": "is no object's URL",
	} {
		if _, err := Find(t.Context(), url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
	if got, err := Find(t.Context(), "gs://b/run.jsonl"); err != nil || len(got) != 1 || got[0] != "gs://b/run.jsonl" {
		t.Errorf("a URL without wildcards: got %q, %v", got, err)
	}
}
