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
	"strings"
	"unicode/utf16"
)

// Files says what a report directory gets.
type Files struct {
	JSON, Parquet, CSV bool
	PerRequest         bool   // per_request_lifecycle_metrics.json
	AdapterStages      bool   // adapter_A_stage_N_lifecycle_metrics.json
	Prefix             string // of the JSON files' names
}

// Document is a JSON or YAML file of a report.
type Document struct {
	Name string // without the prefix
	Mark string // what its markers on the standard output name it, "" for none
	Text []byte
}

// reportPatterns match the files that make a directory a report's.
var reportPatterns = []string{"*lifecycle_metrics.json", "inference-perf.partial.stage_*.yaml", "validation.json", "requests.parquet", "requests.csv"}

// ExistingReport lists the files of a report that a directory holds.
func ExistingReport(dir string) (paths []string) {
	for _, pattern := range reportPatterns {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are good; one in dir finds nothing of ours
		paths = append(paths, found...)
	}
	return paths
}

// Write writes the report into a directory, which is made if need be. Each file is written whole or not at all.
func (p *Report) Write(dir string, files Files) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	if files.JSON {
		documents, err := p.Documents(files)
		if err != nil {
			return err
		}
		for _, d := range documents {
			if err := writeBytes(filepath.Join(dir, files.Prefix+d.Name), d.Text); err != nil {
				return err
			}
		}
	}
	if files.PerRequest {
		if err := writeFile(filepath.Join(dir, files.Prefix+perRequestName), func(f *os.File) error { return buffered(f, p.run.writePerRequest) }); err != nil {
			return err
		}
	}
	if files.CSV {
		if err := p.run.WriteCSV(filepath.Join(dir, "requests.csv")); err != nil {
			return err
		}
	}
	if files.Parquet {
		return p.run.WriteParquet(filepath.Join(dir, "requests.parquet"))
	}
	return nil
}

const (
	summaryName    = "summary_lifecycle_metrics.json"
	perRequestName = "per_request_lifecycle_metrics.json"
)

// Documents are the report's JSON files, in inference-perf's order; none of a run without requests, as there.
func (p *Report) Documents(files Files) ([]Document, error) {
	if len(p.run.Requests) == 0 {
		return nil, nil
	}
	var list []Document
	var failed error
	add := func(name, mark string, value any) {
		text, err := pythonJSON(value, "")
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
		}
		list = append(list, Document{name, mark, text})
	}
	add(summaryName, "SUMMARY", p.Summary)
	for _, stage := range sortedKeys(p.Stages) {
		add(fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage), fmt.Sprintf("STAGE_%d", stage), p.Stages[stage])
	}
	for _, adapter := range sortedKeys(p.Adapters) {
		add(fmt.Sprintf("adapter_%s_lifecycle_metrics.json", fileName(adapter)), "", p.Adapters[adapter])
	}
	for _, adapter := range sortedKeys(p.AdapterStages) {
		for _, stage := range sortedKeys(p.AdapterStages[adapter]) {
			if files.AdapterStages {
				add(fmt.Sprintf("adapter_%s_stage_%d_lifecycle_metrics.json", fileName(adapter), stage), "", p.AdapterStages[adapter][stage])
			}
		}
	}
	return list, failed
}

// WriteMarked writes the documents that have marks between lines that programs look for in a log.
func WriteMarked(w io.Writer, documents []Document) error {
	for _, d := range documents {
		if d.Mark == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "=== START_%s ===\n%s\n=== END_%s ===\n", d.Mark, bytes.TrimSuffix(d.Text, []byte("\n")), d.Mark); err != nil {
			return err
		}
	}
	return nil
}

// fileName is a name that may hold slashes, as of an adapter on the hub, within a file's name.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

func writeBytes(path string, text []byte) error {
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
