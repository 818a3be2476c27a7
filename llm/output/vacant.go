package output

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// maxVacant bounds the files that are looked at for requests, in bytes. A run that sent none leaves a kilobyte or two,
// and some more for each minute.
const maxVacant = 1 << 20

// vacant reports whether a file holds the whole record of a run that ended before its first request, such as one that
// did not find the server. Nothing is lost if such a file is replaced. Any other file is kept, also one without an end,
// which another process may be writing.
func vacant(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxVacant {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var text io.Reader = f
	switch filepath.Ext(path) {
	case ".gz":
		text, err = gzip.NewReader(f)
	case ".zst":
		text, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	}
	return err == nil && endsWithoutRequest(record.NewReader(text, path))
}

// endsWithoutRequest reports whether a record begins and ends as one of this module, with no arrival in between.
func endsWithoutRequest(lines *record.Reader) bool {
	var last record.Line
	for begun := false; ; begun = true {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			_, ended := last.(*record.End)
			return ended
		}
		if err != nil {
			return false
		}
		switch line.(type) {
		case *record.Request, *record.Dropped:
			return false
		case *record.Run:
		default:
			if !begun {
				return false
			}
		}
		last = line
	}
}
