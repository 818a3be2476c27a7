package media

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/hashes.txt anew")

// The bytes of a seed do not change: records of other days and other machines had the same media. Those of PNG depend
// on klauspost/compress, too.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	add := func(what any, data []byte) { fmt.Fprintf(&got, "%x %+v\n", sha256.Sum256(data), what) }
	for _, p := range pictures() {
		add(p, encode(t, p))
	}
	for _, c := range clips() {
		add(c, clip(t, c))
	}
	files, err := Clip{Width: 64, Height: 48, Frames: 3, Seed: 9}.Images(JPEG)
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range files {
		add(i, data)
	}
	for _, s := range sounds() {
		add(s, sound(t, s))
	}
	const path = "testdata/hashes.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}
