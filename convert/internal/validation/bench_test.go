package validation

import (
	"strings"
	"testing"
)

// Files of requests come to gigabytes; this is the rate at which they are checked.
func BenchmarkRequests(b *testing.B) {
	file := readOriginal(b, "failures")[perRequestName]
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(Input{PerRequest: strings.NewReader(file)}, Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
