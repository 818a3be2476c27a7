package input

import (
	"os"
	"path/filepath"
	"testing"

	"go.k6.io/k6/v2/lib/fsext"
)

// A file that was read is in k6's cache, as archives need it, and is read from there again.
func TestFilesAreCached(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prompts.txt")
	const text = "as it was"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := fsext.NewMemMapFs()
	s := Source{Files: fsext.NewCacheOnReadFs(fsext.NewOsFs(), cache, 0), Abs: func(path string) string { return path }}
	for range 2 {
		data, abs, err := s.ReadFile("prompts", path)
		if string(data) != text || abs != path || err != nil {
			t.Errorf("got %q, %q, %v, want %q, %q", data, abs, err, text, path)
		}
		if err := os.WriteFile(path, []byte("later"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := fsext.ReadFile(cache, path); string(data) != text || err != nil {
		t.Errorf("in the cache: got %q, %v, want %q", data, err, text)
	}
}
