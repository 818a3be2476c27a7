package input

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib/fsext"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	files := fsext.NewMemMapFs()
	for _, name := range []string{"/t/a.json", "/t/b.json", "/t/b.txt", "/t/in/c.json", "/t/in/deep/d.json",
		"/t/.hidden/e.json", "/t/.f.json", "/u/g.json"} {
		if err := fsext.WriteFile(files, name, []byte(filepath.Base(name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		patterns []string
		want     string
		err      string
	}{
		{[]string{"/t/*.json"}, "/t/a.json /t/b.json", ""},
		{[]string{"/t/?.*"}, "/t/a.json /t/b.json /t/b.txt", ""},
		{[]string{"/t/**/*.json"}, "/t/a.json /t/b.json /t/in/c.json /t/in/deep/d.json", ""},
		{[]string{"/t/**/d*"}, "/t/in/deep/d.json", ""},
		{[]string{"/t/*/*.json", "/t/in/c.json", "/u/g.json"}, "/t/in/c.json /u/g.json", ""},
		{[]string{"/t/.*/*"}, "/t/.hidden/e.json", ""},
		{[]string{"/*/g.json"}, "/u/g.json", ""},
		{[]string{"/t/in"}, "/t/in/c.json", ""},
		{[]string{"/t/*.json", "/t/*.yaml"}, "", `data set: no file matches "/t/*.yaml"`},
		{[]string{"/t/none.json"}, "", "/t/none.json"},
		{[]string{"/none/*.json"}, "", "/none"},
	} {
		found, size, err := glob(files, tt.patterns)
		var names []string
		total := int64(0)
		for _, f := range found {
			names, total = append(names, f.Name), total+int64(len(filepath.Base(f.Name)))
		}
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: got %v, want %q", tt.patterns, err, tt.err)
			}
			continue
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want || size != total || !slices.IsSorted(names) {
			t.Errorf("%q: got %q, %d bytes, %v; want %q, %d bytes", tt.patterns, got, size, err, tt.want, total)
		}
	}
}
