package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestColumns(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	fd := int(file.Fd()) // tells no width
	for _, columns := range []string{"", "132", "7", "wide"} {
		t.Setenv("COLUMNS", columns)
		if got := Columns(file) + Columns(&bytes.Buffer{}) + Columns(Writer{FD: fd}); got != 0 {
			t.Errorf("got %d columns of what is no terminal", got)
		}
		want := map[string]int{"132": 132, "7": 40}[columns]
		if want == 0 {
			want = 80
		}
		if got := Columns(Writer{FD: fd, Is: true}); got != want {
			t.Errorf("COLUMNS=%s: got %d, want %d", columns, got, want)
		}
	}
}
