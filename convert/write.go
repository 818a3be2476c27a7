package convert

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf16"
)

// Files says which files a report directory gets.
type Files struct {
	JSON, Parquet, PerRequest bool
}

// WriteReport writes the report of a run into a directory, which is made if need be. Each file is written whole or not at all.
func (r *Run) WriteReport(dir string, files Files, o Options) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	if files.JSON {
		if err := r.writeLifecycles(dir, o); err != nil {
			return err
		}
	}
	if files.PerRequest {
		if err := writeFile(filepath.Join(dir, "per_request_lifecycle_metrics.json"), func(f *os.File) error { return buffered(f, r.writePerRequest) }); err != nil {
			return err
		}
	}
	if files.Parquet {
		return r.WriteParquet(filepath.Join(dir, "requests.parquet"))
	}
	return nil
}

func (r *Run) writeLifecycles(dir string, o Options) error {
	if len(r.Requests) == 0 {
		return nil // inference-perf writes none either
	}
	if err := writeJSON(filepath.Join(dir, "summary_lifecycle_metrics.json"), r.Summary(o)); err != nil {
		return err
	}
	reports := r.StageReports(o)
	for _, stage := range sortedKeys(reports) {
		name := fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage)
		if err := writeJSON(filepath.Join(dir, name), reports[stage]); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes a value as Python's json.dump with an indent of 2 would.
func writeJSON(path string, value any) error {
	text, err := pythonJSON(value, "")
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return writeFile(path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// buffered writes through a buffer.
func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<18)
	return errors.Join(write(b), b.Flush())
}

// writeFile writes beside the path and renames, so that nobody reads half a file.
func writeFile(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pythonJSON is a value as Python's json.dump with an indent of 2 writes it, with a prefix before each line but the first.
func pythonJSON(value any, prefix string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, "  ")
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return ascii(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// ascii escapes what is not ASCII, which in JSON stands in strings only.
func ascii(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range string(text) {
		switch {
		case c < 0x80:
			out = append(out, byte(c))
		case c < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
	}
	return out
}
