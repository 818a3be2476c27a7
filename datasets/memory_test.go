package datasets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// peak calls read with a function that read must call often, and returns the greatest growth of the heap. Garbage is
// collected often meanwhile: how much of it waits depends on what earlier tests have left in memory.
func peak(read func(look func(string) int)) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
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

// 10,000 sessions of 50 calls, each in a line of its own between those of others, are indexed in 24 bytes a line, and
// read without anything staying behind. The test is not parallel because it measures the heap.
func TestTraceTakesLittleMemory(t *testing.T) {
	const sessions, calls, together = 10_000, 50, 100
	path := filepath.Join(t.TempDir(), "t.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	text := strings.Repeat("word ", 8)
	for i := range sessions * calls {
		session := i/(together*calls)*together + i%together
		fmt.Fprintf(out, `{"ts": %d, "session": "session number %d", "prompt": "%d %s"}`+"\n", i, session, i, text)
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var w *Traced
	var m runtime.MemStats
	live := func() uint64 {
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	if w, err = OpenTrace([]File{disk(path)}, TraceOptions{}); err != nil {
		t.Fatal(err)
	}
	const most = sessions * (24*calls*5/4 + 100) // with a quarter for what appending leaves
	if grown := live() - before; grown > most {
		t.Errorf("the index takes %d bytes, want at most %d", grown, most)
	}
	if c := w.Counts(); c.Sessions != sessions || c.Calls != sessions*calls {
		t.Fatalf("got %+v", c)
	}
	for i := range int64(sessions) {
		s, err := w.Session(i)
		if err != nil || len(s.Calls) != calls {
			t.Fatalf("session %d: %v", i, err)
		}
		if i%2000 == 1000 {
			if grown := live() - before; grown > most+1<<20 {
				t.Errorf("after %d sessions the heap has grown by %d bytes", i, grown)
			}
		}
	}
	runtime.KeepAlive(w)
}
