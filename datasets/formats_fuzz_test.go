package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzTraces reads traces of all formats: each record is either part of a session that can be replayed, or refused in
// one line that names the file.
func FuzzTraces(f *testing.F) {
	paths, err := filepath.Glob(samples + "/*.*")
	if err != nil || len(paths) < 10 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), strings.HasSuffix(path, ".csv"), uint8(len(TraceFormats())))
	}
	for i, format := range TraceFormats() {
		f.Add(`{"`+format+`": 1}`, false, uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, table bool, format uint8) {
		name, o := "t.jsonl", TraceOptions{IdleGapCap: 5}
		if table {
			name = "t.csv"
		}
		if formats := TraceFormats(); int(format) < len(formats) {
			o.Format = formats[format]
		}
		refused := func(err error) {
			if !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q", err)
			}
		}
		w, err := OpenTrace([]File{seekable(name, text)}, o)
		if err != nil {
			refused(err)
			o.SkipInvalid = true
			_, err := OpenTrace([]File{seekable(name, text)}, o)
			if err != nil && !strings.HasPrefix(err.Error(), "no session is left") {
				refused(err)
			}
			return
		}
		valid := int64(0)
		for i := range w.counts.Sessions {
			if _, err := w.Session(i); err != nil {
				refused(err)
			} else {
				valid++
			}
		}
		o.SkipInvalid = true
		left, err := OpenTrace([]File{seekable(name, text)}, o)
		if valid > 0 && (err != nil || left.counts.Sessions != valid) {
			t.Errorf("got %v, want the %d valid sessions", err, valid)
		}
	})
}
