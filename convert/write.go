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

	"github.com/seed-307b789f/xk6-llm/convert/partial"
	"github.com/seed-307b789f/xk6-llm/convert/validation"
)

// Files says what a report directory gets.
type Files struct {
	Summary, Stages         bool // summary_…, stage_N_lifecycle_metrics.json, and the stages' partial benchmark reports
	Adapters, AdapterStages bool // adapter_A_…, adapter_A_stage_N_lifecycle_metrics.json
	PerRequest              bool // per_request_lifecycle_metrics.json
	Fields                  Fields
	Config                  bool   // config.yaml and validation.json, which checks the other files
	Prefix                  string // of the names of all these
	Parquet, CSV            bool
}

// Fields says what the per-request file holds of a request.
type Fields struct{ Request, Response, Info, Chunks, Computed bool }

// DefaultFields are inference-perf's.
var DefaultFields = Fields{Request: true, Response: true, Info: true, Chunks: true}

// Document is a JSON or YAML file of a report.
type Document struct {
	Name string // without the prefix
	Mark string // what its markers on the standard output name it, "" for none
	Text []byte
}

// reportPatterns match the files that make a directory a report's.
var reportPatterns = []string{"*lifecycle_metrics.json", "*prometheus_metrics.json", "inference-perf.partial.stage_*.yaml", "validation.json", "requests.parquet", "requests.csv", "report.html"}

// ExistingReport lists the files of a report that a directory holds.
func ExistingReport(dir string) (paths []string) {
	for _, pattern := range reportPatterns {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are good; one in dir finds nothing of ours
		paths = append(paths, found...)
	}
	return paths
}

// Write writes the report into a directory, which is made if need be, and gives its documents. Each file is written whole or
// not at all.
func (p *Report) Write(dir string, files Files) ([]Document, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report directory: %w", err)
	}
	list, err := p.documents(files)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if err := writeBytes(filepath.Join(dir, files.Prefix+d.Name), d.Text); err != nil {
			return nil, err
		}
	}
	return list, p.writeRequests(dir, files)
}

// writeRequests writes the files that list requests, and last the check of all files.
func (p *Report) writeRequests(dir string, files Files) error {
	if files.PerRequest && !p.run.untimed { // whose times are instants of the run
		write := func(w io.Writer) error { return p.run.writePerRequest(w, files.Fields, p.opts) }
		if err := writeFile(filepath.Join(dir, files.Prefix+perRequestName), func(f *os.File) error { return buffered(f, write) }); err != nil {
			return err
		}
	}
	if files.CSV {
		if err := p.run.WriteCSV(filepath.Join(dir, "requests.csv")); err != nil {
			return err
		}
	}
	if files.Parquet {
		if err := p.run.WriteParquet(filepath.Join(dir, "requests.parquet")); err != nil {
			return err
		}
	}
	if files.Config {
		return p.validate(dir, files.Prefix)
	}
	return nil
}

// validate checks the report's files and writes what it finds; errors are also in Faults.
func (p *Report) validate(dir, prefix string) error {
	found, err := validation.CheckDir(os.DirFS(dir), prefix, validation.Config{Stages: p.planned()})
	if err != nil {
		return fmt.Errorf("checking the report: %w", err)
	}
	for finding := range found.All() {
		if finding.Severity == validation.Error {
			p.Faults = append(p.Faults, finding.Message)
		}
	}
	return writeFile(filepath.Join(dir, prefix+"validation.json"), func(f *os.File) error { return found.Write(f) })
}

const (
	summaryName    = "summary_lifecycle_metrics.json"
	perRequestName = "per_request_lifecycle_metrics.json"
)

// documents are the report's JSON and YAML files but for those of requests and of the check, in inference-perf's order. Of a
// run without requests there is the configuration alone, as there.
func (p *Report) documents(files Files) ([]Document, error) {
	d := new(collector)
	if len(p.run.Requests) > 0 {
		p.lifecycles(d, files)
		for _, stage := range sortedKeys(p.Partials) {
			var text bytes.Buffer
			d.fail(p.Partials[stage].Write(&text))
			if files.Stages {
				d.list = append(d.list, Document{partial.FileName(stage), fmt.Sprintf("PARTIAL_BR_V0_2_STAGE_%d", stage), text.Bytes()})
			}
		}
	}
	if files.Config {
		text, err := p.configuration()
		d.fail(err)
		if text != nil {
			d.list = append(d.list, Document{"config.yaml", "", text})
		}
	}
	return d.list, d.err
}

func (p *Report) lifecycles(d *collector, files Files) {
	if files.Summary {
		d.add(summaryName, "SUMMARY", p.Summary)
	}
	for _, stage := range sortedKeys(p.Stages) {
		if files.Stages {
			d.add(fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage), fmt.Sprintf("STAGE_%d", stage), p.Stages[stage])
		}
	}
	for _, adapter := range sortedKeys(p.Adapters) {
		name := fileName(adapter)
		if files.Adapters {
			d.add(fmt.Sprintf("adapter_%s_lifecycle_metrics.json", name), "", p.Adapters[adapter])
		}
		for _, stage := range sortedKeys(p.AdapterStages[adapter]) {
			if files.AdapterStages {
				d.add(fmt.Sprintf("adapter_%s_stage_%d_lifecycle_metrics.json", name, stage), "", p.AdapterStages[adapter][stage])
			}
		}
	}
}

// collector collects documents and errors.
type collector struct {
	list []Document
	err  error
}

func (d *collector) fail(err error) { d.err = errors.Join(d.err, err) }

func (d *collector) add(name, mark string, value any) {
	text, err := pythonJSON(value, "")
	if err != nil {
		d.fail(fmt.Errorf("%s: %w", name, err))
	}
	d.list = append(d.list, Document{name, mark, text})
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

// plainJSON is a value on one line, without the escapes that HTML would want.
func plainJSON(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
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
