package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.jsonl.gz")
	for _, path := range []string{plain, packed} {
		if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		paths     []string
		available int64
		fits      bool
	}{
		{[]string{plain}, 700, true}, {[]string{plain}, 699, false}, {[]string{plain, plain}, 1399, false},
		{[]string{packed}, 5600, true}, {[]string{packed}, 5599, false}, {[]string{packed}, 0, true},
	} {
		err := checkMemory(tt.paths, tt.available)
		if (err == nil) != tt.fits || err != nil && !strings.Contains(err.Error(), "--force tries it") {
			t.Errorf("%q in %d bytes: %v", tt.paths, tt.available, err)
		}
	}
}
