package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// entries returns the names in a folder.
func entries(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func put(t *testing.T, path, text string, perm fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old     string // content of the file that is there; "-" for none
		o       Options
		link    bool   // the path is a link to it
		want    string // content afterwards
		refusal string // a part of the error
	}{
		"new":             {old: "-", want: "new"},
		"empty":           {old: "", want: "new"},
		"exists":          {old: "old", want: "old", refusal: "out exists; --force replaces it"},
		"replaced":        {old: "old", o: Options{Replace: true}, want: "new"},
		"link":            {old: "old", link: true, want: "old", refusal: "out exists; --force replaces it"},
		"link, replaced":  {old: "old", link: true, o: Options{Replace: true}, want: "new"},
		"link to nothing": {old: "-", link: true, o: Options{Replace: true}, refusal: "out is a link to nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, far := t.TempDir(), t.TempDir()
			path, file := filepath.Join(dir, "out"), filepath.Join(dir, "out")
			if tt.link {
				file = filepath.Join(far, "file")
				if err := os.Symlink(file, path); err != nil {
					testenv.Skip(t, "symbolic links", "use a file system that has them", err)
				}
			}
			if tt.old != "-" {
				put(t, file, tt.old, 0o644)
			}
			before := entries(t, far)
			err := WriteBytes(path, tt.o, []byte("new"))
			if tt.refusal == "" && err != nil || tt.refusal != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.refusal)) {
				t.Errorf("error %v, want %q", err, tt.refusal)
			}
			if exists := new(ExistsError); strings.Contains(tt.refusal, "exists") &&
				(!errors.As(err, &exists) || !errors.Is(err, fs.ErrExist)) {
				t.Errorf("%v is no ExistsError", err)
			}
			if text, _ := os.ReadFile(file); string(text) != tt.want {
				t.Errorf("content %q, want %q", text, tt.want)
			}
			if info, err := os.Lstat(path); err != nil || tt.link != (info.Mode()&fs.ModeSymlink != 0) {
				t.Errorf("the path is another kind of file now: %v %v", info.Mode(), err)
			}
			if got := entries(t, dir); got != "out" {
				t.Errorf("the folder holds %q", got)
			}
			if got := entries(t, far); got != before {
				t.Errorf("the linked folder holds %q, before %q", got, before)
			}
		})
	}
}

// A failure leaves the old file and no other, and names the path, not the temporary file.
func TestWriteThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o644)
	err := Write(path, Options{Replace: true}, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return &fs.PathError{Op: "write", Path: "somewhere", Err: errors.New("disk full")}
	})
	if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "old" || entries(t, dir) != "out" {
		t.Errorf("%q is left in %q", text, entries(t, dir))
	}
	missing := filepath.Join(dir, "none", "out")
	if err := WriteBytes(missing, Options{}, nil); err == nil || !strings.HasPrefix(err.Error(), missing+": ") ||
		strings.Contains(err.Error(), ".llmconv") {
		t.Errorf("error %v", err)
	}
	if err := Check(dir, Options{Replace: true}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: error %v", err)
	}
}

func TestBounded(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := &Bounded{W: &out, Dir: t.TempDir(), Most: 5, Why: "which the server announced"}
	if n, err := b.Write([]byte("12345")); n != 5 || err != nil {
		t.Errorf("5 bytes of 5: %d, %v", n, err)
	}
	n, err := b.Write([]byte("6"))
	if none := new(NoRoomError); n != 0 || !errors.As(err, &none) ||
		!strings.Contains(err.Error(), "the content is larger than 5 bytes, which the server announced") {
		t.Errorf("a sixth: %d, %v", n, err)
	}
	if out.String() != "12345" {
		t.Errorf("wrote %q", out.String())
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bytes, known := free(dir)
	if !known {
		testenv.Skip(t, "a system that reports the free space of a disk", "run the tests on a Unix")
	}
	if err := Room(dir, 1<<62); err == nil ||
		!strings.Contains(err.Error(), "MB to come, and the disk of "+dir+" has ") {
		t.Errorf("2^62 bytes: %v", err)
	}
	if err := Room(dir, 1); (err == nil) != (bytes > reserve) {
		t.Errorf("one byte, of %d free: %v", bytes, err)
	}
	if err := Room(filepath.Join(dir, "none"), 1<<62); err != nil {
		t.Errorf("a folder of which nothing is known: %v", err)
	}
}
