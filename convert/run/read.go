package run

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Source is an input that is open already: the records of one instance. Name stands in errors and remarks.
type Source struct {
	Name string
	io.Reader
}

// Options select how inputs are read.
type Options struct {
	Force  bool // merge inputs even if they are not of one run
	Bodies bool // keep the texts of requests and answers if the input has them
	// Config is the configuration of the run, for inputs that do not record their stages; it may be nil.
	Config *config.Config
}

// ReadFiles reads files, directories of record files, and globs as the instances of one run.
func ReadFiles(o Options, inputs ...string) (*Run, error) {
	paths, err := expand(inputs)
	if err != nil {
		return nil, err
	}
	if !o.Force {
		if err := checkMemory(paths, host.Memory()); err != nil {
			return nil, err
		}
	}
	run, hashes := newRun(o), hashFiles(paths)
	defer func() { run.Files = hashes() }()
	for _, path := range paths {
		if err := readFile(run, path); err != nil {
			return nil, err
		}
	}
	return run, run.finish(o.Force)
}

// Read reads sources as the instances of one run.
func Read(o Options, sources ...Source) (*Run, error) {
	run := newRun(o)
	for _, s := range sources {
		if err := readSource(run, s); err != nil {
			return nil, err
		}
	}
	return run, run.finish(o.Force)
}

// Instance holds the lines that one instance of a run wrote.
type Instance struct {
	Name  string
	Lines []record.Line
}

// FromLines returns a run of lines that are in memory. The run keeps the lines that are not requests, and may change
// them.
func FromLines(o Options, instances ...Instance) (*Run, error) {
	run := newRun(o)
	for _, i := range instances {
		for _, line := range i.Lines {
			run.add(line, i.Name)
		}
	}
	return run, run.finish(o.Force)
}

// Recognize returns an error for the first input that ReadFiles cannot read, judged by its first bytes alone. A nil
// error does not promise that ReadFiles succeeds.
func Recognize(inputs ...string) error {
	paths, err := expand(inputs)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			continue // bytes read from a pipe are lost for ReadFiles
		}
		if err := recognizeFile(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func recognizeFile(path string) error {
	f, err := openInput(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	plain, err := decompress(f)
	if err != nil {
		return err
	}
	br := bufio.NewReaderSize(plain, bufferSize)
	if err := textfile.Skip(br); err != nil {
		return err
	}
	head, _ := br.Peek(foreign.Head)
	switch format := foreign.Detect(head); {
	case bytes.HasPrefix(head, []byte(parquetMagic)), isK6JSON(head):
		return nil
	case format != foreign.Unknown:
		return format.Check()
	case len(bytes.TrimSpace(head)) == 0:
		return errNoRecords
	case !isRecord(head) && !bytes.Contains(head, []byte("\n"+recordHead)): // the first line may be broken
		return errUnknownFormat
	}
	return nil
}

func newRun(o Options) *Run {
	r := &Run{Clock: RecordTick, config: o.Config}
	if o.Bodies {
		r.Bodies = map[*Request]Bodies{}
	}
	return r
}

// expand returns the files that inputs name.
func expand(inputs []string) (paths []string, err error) {
	for _, input := range inputs {
		info, err := os.Stat(input)
		switch {
		case err == nil && info.IsDir():
			found := RequestFiles(input)
			if len(found) == 0 {
				return nil,
					fmt.Errorf("directory %s holds no record files (*.jsonl, *.jsonl.gz, *.jsonl.zst) and no report "+
						"with requests (%s, %s)", input, reportdir.Parquet, reportdir.PerRequest)
			}
			paths = append(paths, found...)
		case err == nil:
			paths = append(paths, input)
		default:
			found, globErr := filepath.Glob(input)
			if globErr != nil || len(found) == 0 {
				return nil, noInput(input, err)
			}
			paths = append(paths, found...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// noInput makes an error of an input that cannot be found out about: what is wrong, and what may be given.
func noInput(input string, err error) error {
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: give a record file, a directory or a report", input, err)
	}
	return fmt.Errorf("%s: %w", input, err)
}

// RequestFiles returns the record files of a directory, or else the file with the requests of the report in it.
func RequestFiles(dir string) (paths []string) {
	for _, pattern := range []string{"*.jsonl", "*.jsonl.gz", "*.jsonl.zst"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are valid
		paths = append(paths, found...)
	}
	if len(paths) > 0 {
		return paths
	}
	return reportdir.Requests(dir)
}

// openInput opens a file or a pipe. It refuses devices: some never end, and a terminal waits for a user to type.
func openInput(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeDevice != 0:
		return nil, fmt.Errorf("%s is a device: give a file of records, or a pipe", path)
	}
	return os.Open(path)
}

func readFile(r *Run, path string) error {
	f, err := openInput(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(parquetMagic))
	if _, err := f.ReadAt(head, 0); err == nil && string(head) == parquetMagic {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return readParquet(r, path, f, info.Size())
	}
	return readSource(r, Source{Name: path, Reader: f})
}

// readSource detects a source's format by its first bytes, and reads it.
func readSource(r *Run, s Source) error {
	plain, err := decompress(s.Reader)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	br := bufio.NewReaderSize(plain, bufferSize) // the reader of decompress itself, if the file is plain
	if err := textfile.Skip(br); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	head, _ := br.Peek(foreign.Head)
	nuls := &nulFilter{src: br}
	lines := record.NewReader(nuls, s.Name)
	lines.Reuse = true
	in := &input{
		run: r, name: s.Name, next: lines.Next, nuls: nuls, before: r.mark(), lifetimes: lifetimes{},
		foreign: len(bytes.TrimSpace(head)) > 0 && !isRecord(head),
	}
	switch format := foreign.Detect(head); {
	case bytes.HasPrefix(head, []byte(parquetMagic)):
		return fmt.Errorf("%s: Parquet cannot be read from a pipe or compressed: give the file itself", s.Name)
	case isK6JSON(head):
		in.next, in.endless, in.foreign = newK6Reader(nuls, s.Name).next, true, false
	case format != foreign.Unknown:
		return importFile(r, br, format, s.Name, r.config)
	case r.Origin != "":
		return fmt.Errorf("%s: results of %s cannot be merged with other inputs", s.Name, r.Origin)
	}
	return in.read()
}

// isRecord reports whether head begins a record file, whose first line may be cut.
func isRecord(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte(recordHead))
}

// recordHead is the beginning of each line that record.Append writes.
const recordHead = `{"type":`

// bufferSize is the buffer size of record.NewReader, which does not buffer a reader of the same size again.
const bufferSize = 1 << 18

// decompress decompresses gzip and zstd, which it recognizes by their first bytes, and returns other data as they are.
func decompress(src io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(src, bufferSize)
	head, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(br)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(br, zstd.WithDecoderConcurrency(1))
	}
	return br, nil
}

// input reads the lines of one source into a run.
type input struct {
	run     *Run
	name    string
	next    func() (record.Line, error)
	endless bool // the format has no last line

	instance  string
	nuls      *nulFilter
	before    mark      // of the run before the input was read
	lifetimes lifetimes // of its instances
	foreign   bool      // it is not empty, and not written by k6
	requests  int64     // number of requests read
	counted   int64     // number of requests that end lines count
	lines     int
	bad       int
	first     error // why the first of the bad lines could not be read
	ended     bool
	cut       bool
}

// maxBad is the largest number of unreadable lines that are named one by one.
const maxBad = 5

func (in *input) read() error {
	for {
		line, err := in.next()
		var syntax *record.SyntaxError
		switch {
		case errors.Is(err, io.EOF):
			return in.finish()
		case errors.As(err, &syntax):
			in.refuse(syntax)
		case err != nil && cutShort(err):
			in.cut = true
			return in.finish()
		case err != nil:
			return fmt.Errorf("%s: %w", in.name, err)
		default:
			in.add(line)
		}
	}
}

// cutShort reports whether err comes from a compressed file whose writer was killed.
func cutShort(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF)
}

func (in *input) add(line record.Line) {
	in.lines++
	switch l := line.(type) {
	case *record.Run:
		in.instance = l.Instance
	case *record.Request:
		in.requests++
	case *record.End:
		in.ended = true
		in.counted += l.Requests
	}
	in.lifetimes.observe(line, in.instance)
	in.run.add(line, in.instance)
}

func (in *input) refuse(err *record.SyntaxError) {
	if err.Cut {
		in.cut = true
		return
	}
	in.countBad(err)
}

// countBad counts a line that cannot be read, or whose values are impossible, and names the first few in remarks.
func (in *input) countBad(err error) {
	if in.bad++; in.bad == 1 {
		in.first = err
	}
	if in.bad <= maxBad {
		in.run.remark("%v", err)
	}
}

func (in *input) finish() error {
	switch {
	case in.lines == 0 && in.foreign:
		return fmt.Errorf("%s: %w", in.name, errUnknownFormat)
	case in.lines == 0 && in.bad > 0:
		return fmt.Errorf("%s: %w; the first line that could not be read: %w", in.name, errNoRecords, in.first)
	case in.lines == 0:
		return fmt.Errorf("%s: %w", in.name, errNoRecords)
	}
	for _, err := range leaveOutside(in.run, in.before, in.lifetimes) {
		in.countBad(fmt.Errorf("%s: %w", in.name, err))
	}
	if in.bad > maxBad {
		in.run.remark("%s: %d further lines could not be read", in.name, in.bad-maxBad)
	}
	if in.nuls.count > 0 {
		in.run.remark("%s: %d NUL bytes are passed over, as a file has that was cut while somebody wrote to it, or "+
			"whose machine crashed", in.name, in.nuls.count)
	}
	if in.bad > 0 {
		in.run.Partial = true
	}
	if missing := in.counted - in.requests; missing > 0 && in.bad == 0 && !in.cut {
		in.run.Partial = true
		in.run.remark(
			"%s: %d of the %d requests that its end line counts are not in it, as of a run whose disk was full",
			in.name, missing, in.counted)
	}
	switch {
	case in.cut:
		in.run.Partial = true
		in.run.remark("%s: its last line is cut, as of a run that was killed", in.name)
	case !in.ended && !in.endless:
		in.run.Partial = true
		in.run.remark("%s: it has no end line, as of a run that was killed or still goes on", in.name)
	}
	return nil
}

// nulFilter leaves NUL bytes out. Text has none, but a file that was cut while a program wrote to it has holes of NUL
// bytes.
type nulFilter struct {
	src   io.Reader
	count int64
}

// Read fills p with the bytes other than NUL. It reads on until there is one.
func (f *nulFilter) Read(p []byte) (int, error) {
	for {
		n, err := f.src.Read(p)
		kept := p[:n]
		if bytes.IndexByte(kept, 0) >= 0 {
			kept = slices.DeleteFunc(kept, func(c byte) bool { return c == 0 })
			f.count += int64(n - len(kept))
		}
		if len(kept) > 0 || err != nil || n == 0 {
			return len(kept), err
		}
	}
}
