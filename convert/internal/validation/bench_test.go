package validation

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// Files of requests reach gigabytes, so the rate of the check matters.
func BenchmarkRequests(b *testing.B) {
	file := readOriginal(b, "failures")[reportdir.PerRequest]
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(Input{PerRequest: strings.NewReader(file)}, Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
