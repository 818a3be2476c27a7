package command

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFilesOfAMix(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a@0.5", "x,y.json", "plain.json"} {
		if err := os.WriteFile(filepath.Join(".", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][]mixPart{
		"":           nil,
		"plain.json": nil,
		"a@0.5":      nil, // a file of this name
		"me@home":    nil, // no share, and no such file
		"chat.json@0.7,d/rag.jsonl.gz@30%": {{Share: 0.7, Label: "chat", Path: "chat.json"},
			{Share: 0.3, Label: "rag", Path: "d/rag.jsonl.gz"}},
		"x,y.json@0.5,a@0.5@.5": {{Share: 0.5, Label: "x,y", Path: "x,y.json"},
			{Share: 0.5, Label: "a@0", Path: "a@0.5"}},
	} {
		got, err := mixOf(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"a.json,b.json":         `"a.json" has no share: write several files as chat.json@0.7,rag.jsonl@0.3`,
		"a.json@0.7,b.json":     `"b.json" has no share`,
		"a.json,b.json@0.3":     `"a.json" has no share`,
		"a.json@0.7,b.json@0.2": `must add up to 1, got 0.9`,
		"a.json@2,b.json@0":     `number 0 must be above 0 and at most 1, got 2`,
		"a.json@half,b.json@.5": `"a.json@half" has no share`,
	} {
		if _, err := mixOf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzMix(f *testing.F) {
	for _, text := range []string{"a@0.7,b@0.3", "a,b@.5,c@50%", "@", ",@1,", "a@1e9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := mixOf(text)
		for _, part := range parts {
			if err == nil && (part.Path == "" || part.Share < 0) {
				t.Errorf("%q: %+v", text, part)
			}
		}
	})
}
