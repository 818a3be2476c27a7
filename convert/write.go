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
	"slices"
	"unicode/utf16"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/validation"
	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Files selects the files of a report directory. The zero value selects none.
type Files struct {
	Summary, Stages         bool // summary_…, stage_N_lifecycle_metrics.json, and the stages' partial benchmark reports
	Adapters, AdapterStages bool // adapter_A_…, adapter_A_stage_N_lifecycle_metrics.json
	Groups, GroupStages     bool // group_G_…, group_G_stage_N_lifecycle_metrics.json
	// Sessions, SessionStages and PerSession select the reports on sessions, of a run that has any:
	// summary_session_…, stage_N_session_… and per_session_lifecycle_metrics.json.
	Sessions, SessionStages, PerSession bool
	PerRequest                          bool // per_request_lifecycle_metrics.json
	Fields                              Fields
	Config                              bool   // config.yaml and validation.json, which checks the other files
	Prefix                              string // of the names of all files above
	Parquet, CSV                        bool
	BenchmarkReports                    bool // a whole benchmark report of llm-d of each stage
	Replace                             bool // replace an existing report; other files of the directory stay
	// Page writes report.html, of which this package knows nothing, once the summary is known except for the hash of
	// the page; nil writes none.
	Page func(io.Writer) error
}

// Fields selects what the per-request file holds about a request.
type Fields struct{ Request, Response, Info, Chunks, Computed bool }

// DefaultFields holds inference-perf's defaults.
var DefaultFields = Fields{Request: true, Response: true, Info: true, Chunks: true}

// Document is a JSON or YAML file of a report.
type Document struct {
	Name string // without the prefix
	Mark string // its name in the markers on the standard output; "" means no markers
	Text []byte
}

// Vacant returns an error if a report cannot be written into dir: dir is not a directory, or it holds a report or a
// configuration file that Replace does not allow to replace.
func (f Files) Vacant(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no directory, which a report goes into: give another with -o", dir)
	}
	if old := reportdir.Existing(dir); len(old) > 0 && !f.Replace {
		return fmt.Errorf("directory %s holds a report (%s): give another with -o, or --force to replace it", dir,
			old[0])
	}
	if f.Config {
		return outfile.Check(filepath.Join(dir, f.Prefix+reportdir.Config), outfile.Options{Replace: f.Replace})
	}
	return nil
}

// Write writes the report into a directory, which it creates if need be, and returns the report's documents. Each file
// is written whole or not at all. The old report is removed only once the files of the new one are there. If a file
// exists and Replace is not set, Write writes nothing and returns an *outfile.ExistsError.
func (p *Report) Write(dir string, files Files) ([]Document, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report directory: %w", err)
	}
	old := reportdir.Existing(dir)
	list, err := p.documents(files)
	if err != nil {
		return nil, err
	}
	outputs := p.outputs(list, files)
	for _, o := range outputs {
		if err := outfile.Check(filepath.Join(dir, o.name), outfile.Options{Replace: files.Replace}); err != nil {
			return nil, err
		}
	}
	if err := writeAll(p, dir, outputs, list, files); err != nil {
		return nil, err
	}
	if files.Page != nil {
		outputs = append(outputs, output{name: reportdir.Page})
	}
	if files.Replace {
		if err := removeStale(old, outputs); err != nil {
			return nil, err
		}
	}
	if files.Config {
		return list, p.validate(dir, files)
	}
	return list, nil
}

// writeAll writes the outputs. The page, which shows hashes of others, comes near the end, and the summary, whose
// passport has the hashes of all others, last.
func writeAll(p *Report, dir string, outputs []output, documents []Document, files Files) error {
	var written []record.File
	summary := files.Prefix + reportdir.Summary
	write := func(o output) error {
		how := outfile.Options{Replace: files.Replace, Private: o.private}
		return outfile.Write(filepath.Join(dir, o.name), how, func(w io.Writer) error {
			hashed := digest.NewWriter(w)
			err := o.write(hashed)
			written = append(written, record.File{Kind: record.KindReport, Name: o.name, Bytes: hashed.N,
				SHA256: hashed.Sum()})
			return err
		})
	}
	for _, o := range outputs {
		if o.name == summary {
			continue
		}
		if err := write(o); err != nil {
			return err
		}
	}
	if files.Page != nil {
		if err := complete(p, documents, written, files.Prefix); err != nil {
			return err
		}
		if err := write(output{name: reportdir.Page, write: files.Page}); err != nil {
			return err
		}
	}
	if !files.Summary {
		return nil
	}
	if err := complete(p, documents, written, files.Prefix); err != nil {
		return err
	}
	return write(outputs[slices.IndexFunc(outputs, func(o output) bool { return o.name == summary })])
}

// output is a file of a report.
type output struct {
	name    string
	private bool // it holds prompts and answers
	write   func(io.Writer) error
}

// outputs returns the files of a report except validation.json.
func (p *Report) outputs(documents []Document, files Files) (list []output) {
	for i, d := range documents {
		list = append(list, output{name: files.Prefix + d.Name, write: func(w io.Writer) error {
			_, err := w.Write(documents[i].Text) // the summary's changes once the others are written
			return err
		}})
	}
	if files.PerRequest && !p.run.Untimed { // the file's times are instants of the run
		list = append(list, output{name: files.Prefix + reportdir.PerRequest, private: len(p.run.Bodies) > 0,
			write: func(w io.Writer) error {
				return buffered(w, func(w io.Writer) error { return writePerRequest(p.run, w, files.Fields, p.opts) })
			}})
	}
	if files.PerSession && p.Sessions != nil {
		list = append(list, output{name: files.Prefix + reportdir.PerSession, write: func(w io.Writer) error {
			return buffered(w, func(w io.Writer) error { return writePerSession(p.run, w, p.opts) })
		}})
	}
	if files.CSV {
		list = append(list, output{name: reportdir.CSV, write: RequestTable{p.run, p.known}.WriteCSV})
	}
	if files.CSV && p.Sessions != nil {
		list = append(list, output{name: reportdir.SessionCSV, write: SessionTable{p.run, p.known}.WriteCSV})
	}
	if files.Parquet && p.Sessions != nil {
		list = append(list, output{name: reportdir.SessionParquet, write: SessionTable{p.run, p.known}.WriteParquet})
	}
	if files.CSV && p.run.HasMedia {
		list = append(list, output{name: reportdir.MediaCSV, write: MediaTable{p.run}.WriteCSV})
	}
	if files.Parquet && p.run.HasMedia {
		list = append(list, output{name: reportdir.MediaParquet, write: MediaTable{p.run}.WriteParquet})
	}
	line, timed := NewTimelineTable(p)
	if files.CSV && timed {
		list = append(list, output{name: reportdir.TimelineCSV, write: line.WriteCSV})
	}
	if files.Parquet && timed {
		list = append(list, output{name: reportdir.TimelineParquet, write: line.WriteParquet})
	}
	if files.Parquet {
		list = append(list, output{name: reportdir.Parquet, write: RequestTable{p.run, p.known}.WriteParquet})
	}
	return list
}

// removeStale removes the files of an older report that the new one did not replace. Links and other special files
// stay.
func removeStale(old []string, outputs []output) error {
	for _, path := range old {
		info, err := os.Lstat(path)
		replaced := slices.ContainsFunc(outputs, func(o output) bool { return o.name == filepath.Base(path) })
		if err != nil || !info.Mode().IsRegular() || replaced {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// validate checks the report's files and writes the findings. It also stores the errors among them in Faults.
func (p *Report) validate(dir string, files Files) error {
	found, err := validation.CheckDir(os.DirFS(dir), files.Prefix, validation.Config{Stages: p.plannedStages()})
	if err != nil {
		return fmt.Errorf("checking the report: %w", err)
	}
	for finding := range found.All() {
		if finding.Severity == validation.Error {
			p.Faults = append(p.Faults, finding.Message)
		}
	}
	return outfile.Write(filepath.Join(dir, files.Prefix+reportdir.Validation), outfile.Options{Replace: files.Replace},
		found.Write)
}

// documents returns the report's JSON and YAML files except the per-request file and validation.json, in
// inference-perf's order. A run without requests has a summary, too, which shows that; inference-perf writes the
// configuration alone.
func (p *Report) documents(files Files) ([]Document, error) {
	d := new(collector)
	p.lifecycles(d, files)
	for _, stage := range sortedKeys(p.Partials) {
		var text bytes.Buffer
		d.fail(p.Partials[stage].Write(&text))
		if files.Stages {
			d.list = append(d.list,
				Document{reportdir.PartialStage(stage), fmt.Sprintf("PARTIAL_BR_V0_2_STAGE_%d", stage),
					text.Bytes()})
		}
	}
	d.sessions(p, files)
	if files.BenchmarkReports {
		d.benchmarkReports(p)
	}
	if files.Config {
		text, err := p.configuration()
		d.fail(err)
		if text != nil {
			d.list = append(d.list, Document{reportdir.Config, "", text})
		}
	}
	return d.list, d.err
}

func (p *Report) lifecycles(d *collector, files Files) {
	if files.Summary {
		d.add(reportdir.Summary, "SUMMARY", p.Summary)
		if search := p.Summary.Additions.Search; search != nil {
			d.add(reportdir.Search, "SEARCH", search)
		}
	}
	for _, stage := range sortedKeys(p.Stages) {
		if files.Stages {
			d.add(reportdir.Stage(stage), fmt.Sprintf("STAGE_%d", stage),
				p.Stages[stage])
		}
	}
	names := p.adapterNames(files)
	for _, adapter := range sortedKeys(p.Adapters) {
		name := names[adapter]
		if files.Adapters {
			d.add(reportdir.Adapter(name), "", p.Adapters[adapter])
		}
		for _, stage := range sortedKeys(p.AdapterStages[adapter]) {
			if files.AdapterStages {
				d.add(reportdir.AdapterStage(name, stage), "", p.AdapterStages[adapter][stage])
			}
		}
	}
	d.groups(p, files)
}

// collector collects documents and errors.
type collector struct {
	list []Document
	err  error
}

// sessions adds the reports on sessions. That on the run has no marks in inference-perf, and those on stages
// have the marks of the stages.
func (d *collector) sessions(p *Report, files Files) {
	if p.Sessions == nil {
		return
	}
	if files.Sessions {
		d.add(reportdir.SessionSummary, "", p.Sessions)
	}
	for _, stage := range sortedKeys(p.SessionStages) {
		if files.SessionStages {
			d.add(reportdir.SessionStage(stage), fmt.Sprintf("STAGE_%d", stage), p.SessionStages[stage])
		}
	}
}

func (d *collector) fail(err error) { d.err = errors.Join(d.err, err) }

func (d *collector) add(name, mark string, value any) {
	text, err := pythonJSON(value, "")
	if err != nil {
		d.fail(fmt.Errorf("%s: %w", name, err))
	}
	d.list = append(d.list, Document{name, mark, text})
}

// WriteMarked writes the documents that have a Mark, each between two lines that programs look for in a log.
func WriteMarked(w io.Writer, documents []Document) error {
	for _, d := range documents {
		if d.Mark == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "=== START_%s ===\n%s\n=== END_%s ===\n", d.Mark,
			bytes.TrimSuffix(d.Text, []byte("\n")), d.Mark); err != nil {
			return err
		}
	}
	return nil
}

// adapterNames returns the adapters' names in the form they have in file names, and adds a remark for each that had to
// be changed.
func (p *Report) adapterNames(files Files) map[string]string {
	same := func(adapter string) string { return adapter }
	names := fileNames(sortedKeys(p.Adapters), same, map[string]bool{}, func(adapter, name string) []string {
		if !files.AdapterStages {
			return nil
		}
		return stageNames(name, p.AdapterStages[adapter])
	})
	for _, adapter := range sortedKeys(names) {
		if name := names[adapter]; name != adapter && files.Adapters {
			const text = "adapter %q cannot stand in a file's name as it is: its file is %s"
			p.Remarks = append(p.Remarks, fmt.Sprintf(text, adapter, reportdir.Adapter(name)))
		}
	}
	return names
}

// buffered calls write with a buffer in front of w, and flushes it.
func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<18)
	return errors.Join(write(b), b.Flush())
}

// pythonJSON encodes a value as Python's json.dump does with an indent of 2, with a prefix before each line except the
// first.
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

// plainJSON encodes a value on one line, without escapes for HTML.
func plainJSON(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// ascii escapes all characters beyond ASCII, which in JSON stand in strings only.
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
