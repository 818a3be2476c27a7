package digest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The hash of "abc" is that of FIPS 180-4.
const ofABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestHashesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, n, err := File(path)
	if Bytes([]byte("abc")) != ofABC || sum != ofABC || n != 3 || err != nil {
		t.Errorf("got %s of %d bytes, %v", sum, n, err)
	}
	if _, _, err := File(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("of a directory: %v", err)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	whole := []byte("ab....yz")
	sum, err := Ends(bytes.NewReader(whole), 8, 2)
	if err != nil || sum != Bytes([]byte("abyz")) {
		t.Errorf("got %s, %v, want the hash of the ends", sum, err)
	}
	if sum, err = Ends(bytes.NewReader(whole), 8, 4); err != nil || sum != Bytes(whole) {
		t.Errorf("got %s, %v, want the hash of everything", sum, err)
	}
	if _, err = Ends(bytes.NewReader(whole), 100, 20); err == nil {
		t.Error("a file that is shorter than it was said to be has a hash")
	}
}
