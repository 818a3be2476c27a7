package client

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The hash is that of the bytes that are sent, whatever part of them are blobs. The digits of "abc" are those of
// xxHash's own program.
func TestHashIsOfWhatIsSent(t *testing.T) {
	t.Parallel()
	marked := append(api.AppendBlob([]byte("a"), 0), 'c')
	bodies := []body{{text: []byte("abc")}, {text: marked, blobs: []string{"b"}},
		{text: api.AppendBlob(nil, 1), blobs: []string{"x", "abc"}}}
	for i, b := range bodies {
		if got := b.hash().String(); got != "44bc2cf5ad770999" {
			t.Errorf("body %d: %s", i, got)
		}
	}
	other := body{text: marked, blobs: []string{"B"}}
	if got := other.hash(); got == bodies[1].hash() {
		t.Errorf("another blob has the same hash: %v", got)
	}
}

// Hashing is done once per request, and allocates nothing.
func TestHashAllocatesNothing(t *testing.T) {
	b := body{text: append(api.AppendBlob([]byte("a"), 0), 'c'), blobs: []string{"b"}}
	plain := body{text: []byte("abc")}
	var sum record.Hash
	if n := testing.AllocsPerRun(100, func() { sum += b.hash() + plain.hash() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHash(b *testing.B) {
	for _, size := range []int{1 << 10, 100_000} {
		text := body{text: []byte(strings.Repeat("x", size))}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				text.hash()
			}
		})
	}
}
