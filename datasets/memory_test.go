package datasets

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// peak calls read with a function that read must call often, and returns the greatest growth of the heap.
func peak(read func(look func(string) int)) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most, calls := m.HeapAlloc, m.HeapAlloc, 0
	read(func(text string) int {
		if calls++; calls%500 == 0 {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return len(text)
	})
	return most - before
}

// Reading leaves nothing in memory except the items. The test is not parallel because it measures the heap.
func TestReadTakesLittleMoreMemoryThanItKeeps(t *testing.T) {
	content := shareGPTFile(20 << 20)
	files := []File{{Name: "f.json", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}}
	kept := 0
	grown := peak(func(look func(string) int) {
		l, err := Read(files, ShareGPT, Options{Count: look})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range l.items {
			kept += 56 + item.size() + 32*len(item.Messages)
		}
	})
	if float64(grown) > 1.5*float64(kept) {
		t.Errorf("the heap grew by %d MB, for items of %d MB", grown>>20, kept>>20)
	}
	kept = 0
	grown = peak(func(look func(string) int) {
		l, err := ReadScripts(files, ShareGPT, Options{Count: look})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range l.scripts {
			kept += 40 + len(s.System)
			for _, turn := range s.Turns {
				kept += 32 + len(turn.Text)
			}
		}
	})
	if float64(grown) > 1.5*float64(kept) {
		t.Errorf("the heap grew by %d MB, for conversations of %d MB", grown>>20, kept>>20)
	}
}

// repeated returns a file of n times the same record. The file is never in memory as a whole.
func repeated(record string, n int) File {
	return File{Name: "f.jsonl", Open: func() (io.ReadCloser, error) {
		readers := make([]io.Reader, n)
		for i := range readers {
			readers[i] = strings.NewReader(record)
		}
		return io.NopCloser(io.MultiReader(readers...)), nil
	}}
}

// A stream remembers no more text than windowBytes, and a block is no larger. The test is not parallel because it
// measures the heap.
func TestStreamsOfLargeRecords(t *testing.T) {
	const n = 720
	record := fmt.Sprintf("{\"prompt\": %q}\n", strings.Repeat("x", 100_000))
	for _, seed := range []*int64{nil, new(int64)} {
		var s *Stream
		grown := peak(func(look func(string) int) {
			var err error
			// The lengths make the stream call look.
			s, err = OpenStream([]File{repeated(record, n)}, Prompts,
				Options{Seed: seed, Count: look, Input: &Distribution{Max: maxLength}})
			if err != nil {
				t.Fatal(err)
			}
			if seed != nil && len(s.ahead) > blockBytes/100_000 {
				t.Errorf("a block has %d items", len(s.ahead))
			}
			at(s, n+1)
		})
		if length, finite := s.Len(); length != n || !finite {
			t.Errorf("length %d, %t", length, finite)
		}
		if s.bytes > windowBytes || grown > 320<<20 {
			t.Errorf("seed %t: %d MB are remembered, the heap grew by %d MB", seed != nil, s.bytes>>20, grown>>20)
		}
	}
}
