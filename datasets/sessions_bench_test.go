package datasets

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeTrace writes a trace of about size bytes: recorded bodies in sessions of four calls that are interleaved, or
// hashes of blocks.
func writeTrace(t testing.TB, path string, hashes bool, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	text := strings.Repeat("the quick brown fox jumps over the lazy dog and says \\\"hello\\\" ", 60)
	ids := strings.TrimSuffix(strings.Repeat("123456, 987, ", 100), ", ")
	for i := 0; size > 0; i++ {
		var n int
		if hashes {
			n, _ = fmt.Fprintf(w, `{"timestamp": %d, "input_length": 102000, "output_length": 52, "hash_ids": [%s]}`+"\n",
				i, ids)
		} else {
			n, _ = fmt.Fprintf(w, `{"time": %d, "session_id": "s%d", "body": {"messages": [{"role": "user", "content": "%s"}], `+
				`"max_tokens": 100}}`+"\n", i, i/8*2+i%2, text)
		}
		size -= n
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeTable writes a trace of about size bytes in the form of Azure's of 2024.
func writeTable(t testing.TB, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString("TIMESTAMP,ContextTokens,GeneratedTokens\n")
	at := time.Date(2024, 5, 10, 0, 0, 0, 0, time.UTC)
	for i := 0; size > 0; i++ {
		at = at.Add(time.Duration(1+i%50) * time.Millisecond)
		n, _ := fmt.Fprintf(w, "%s,%d,%d\n", at.Format("2006-01-02 15:04:05.000000-07:00"), 100+i*7919%8000, 1+i%700)
		size -= n
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkOpenTrace indexes a file and reads its sessions. Its MB/s are those of the file.
func BenchmarkOpenTrace(b *testing.B) {
	const size = 32 << 20
	for _, kind := range []string{"bodies", "hashes", "table"} {
		path := filepath.Join(b.TempDir(), kind+".jsonl")
		if kind == "table" {
			path = filepath.Join(b.TempDir(), kind+".csv")
			writeTable(b, path, size)
		} else {
			writeTrace(b, path, kind == "hashes", size)
		}
		b.Run(kind+"/index", func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := OpenTrace([]File{disk(path)}, TraceOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind+"/read", func(b *testing.B) {
			w, err := OpenTrace([]File{disk(path)}, TraceOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			for b.Loop() {
				for i := range w.counts.Sessions {
					if _, err := w.Session(i); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
