package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	skipCall = regexp.MustCompile(`\b(?:t|b|tb)\.(?:Skip|Skipf|SkipNow)\(`)
	skipText = regexp.MustCompile(`(?s)\bSkip\(t, "`)
)

// Tests are skipped by Skip alone, so that `make test` can list what each lacks and what brings it.
func TestSkipsHaveOneForm(t *testing.T) {
	t.Parallel()
	calls := 0
	err := filepath.WalkDir(Root(), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != Root():
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || filepath.Dir(path) == filepath.Join(Root(), "internal", "testenv"):
			return nil
		}
		text, err := os.ReadFile(path)
		if call := skipCall.Find(text); call != nil {
			t.Errorf("%s calls %s), which testenv.Skip should do", path, call)
		}
		calls += len(skipText.FindAll(text, -1))
		return err
	})
	if err != nil || calls < 10 {
		t.Errorf("found %d calls of Skip, %v", calls, err)
	}
}
