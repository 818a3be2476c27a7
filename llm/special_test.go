//go:build unix

package llm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.k6.io/k6/v2/lib/fsext"
)

// A path that is not a regular file is refused at once, whichever option names it, and is not waited for.
func TestPathsOfNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"p.json", "set/p.json", "model/tokenizer.json"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "z.json")); err != nil {
		t.Fatal(err)
	}
	v := newVU(t, New())
	v.VU.InitEnvField.FileSystems["file"] = fsext.NewOsFs()
	for call, names := range map[string][]string{
		"new Dataset({type: 'jsonl', path: '%s'})": {"p.json", "z.json", "set"},
		"new Tokenizer('%s')":                      {"p.json", "z.json", "model"},
		"new Client({tokenizer: '%s'})":            {"p.json"},
		"trace('%s')":                              {"p.json", "z.json"}, "config('%s')": {"p.json", "z.json"},
		"new Client({baseURL: 'https://h', caPath: '%s'})":                     {"p.json", "z.json"},
		"new Client({baseURL: 'https://h', certPath: '%s', keyPath: 'k'})":     {"p.json"},
		"new Dataset({type: 'jsonl', path: 'x', files: '*', tokenizer: '%s'})": {"z.json"},
		"new Client({baseURL: 'sim:?tokenizer=%s'})":                           {"p.json", "z.json"},
	} {
		for _, name := range names {
			want := "is a pipe, which can be read only once: write it to a file and give that"
			if name == "z.json" {
				want = "is a device, not a file"
			}
			code := fmt.Sprintf(call, filepath.Join(dir, name))
			if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", code, err, want)
			}
		}
	}
}
