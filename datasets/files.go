package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/internal/parquetfile"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// File is a file of records. Its name tells its format: .json (a list, or one record after the other), .jsonl, .ndjson,
// .csv, .tsv (with a head line; separated by commas, semicolons or tabs), .parquet or .txt (a prompt a line); .gz and
// .zst may follow. A file whose name has none of them shows its format by its first byte: JSON, Parquet or a prompt a
// line. A text may begin with a byte order mark. gzip and zstd are unpacked whatever the
// name.
type File struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// records reads the records of a file as JSON objects.
type records interface {
	// next returns the next record and its line, or its number in files without lines; io.EOF after the last. The bytes
	// are valid until the next call.
	next() (record []byte, line int, err error)
}

// Extensions are the extensions of files that can be read, before .gz and .zst.
var Extensions = []string{".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"}

// lineExtension is that of files with a prompt a line. In a folder such a file is rather a licence or a note, so it is
// read only if it is named.
const lineExtension = ".txt"

// uncompressedName returns a name in lower case without the extension that marks compression.
func uncompressedName(name string) string {
	name = strings.ToLower(name)
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
}

// Readable reports whether a file with the given name is read as a file of records.
func Readable(name string) bool {
	for _, ext := range Extensions {
		if strings.HasSuffix(uncompressedName(name), ext) {
			return true
		}
	}
	return false
}

// open returns the records of a file and a function that closes it.
func (f File) open() (records, func(), error) { return f.openCopied(nil) }

// openCopied does the same. What is read of the text of a table is written to a copy, unless that is nil.
func (f File) openCopied(table io.Writer) (records, func(), error) {
	if ext := filepath.Ext(uncompressedName(f.Name)); !Readable(f.Name) && ext != "" && ext != lineExtension {
		return nil, nil, fmt.Errorf("%s: a data set is a file named %s, %s, or that with .gz or .zst", f.Name,
			strings.Join(Extensions, ", "), lineExtension)
	}
	file, err := f.Open()
	if err != nil {
		return nil, nil, err
	}
	shut := func() { _ = file.Close() }
	src, end, err := unpack(file)
	if end != nil {
		shut = func() { end(); _ = file.Close() }
	}
	var r records
	if err == nil {
		r, err = f.openRecords(src, table)
	}
	if err != nil {
		shut()
		return nil, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return r, shut, nil
}

// gzipMagic and zstdMagic begin packed files.
var gzipMagic, zstdMagic = []byte{0x1f, 0x8b}, []byte{0x28, 0xb5, 0x2f, 0xfd}

// unpack undoes gzip and zstd, which it recognizes by their first bytes: browsers unpack files and keep their names. A
// file that is not packed is returned unchanged if it supports reading at any offset. If end is not nil, the caller
// must call it after reading.
func unpack(file io.Reader) (src io.Reader, end func(), err error) {
	br := bufio.NewReader(file)
	head, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		src, err = gzip.NewReader(br)
		return src, nil, err
	case bytes.Equal(head, zstdMagic):
		d, err := zstd.NewReader(br)
		if err != nil {
			return nil, nil, err
		}
		return d, d.Close, nil
	case string(head) == parquetMagic:
		if _, ok := file.(interface {
			io.ReaderAt
			io.Seeker
		}); ok {
			return file, nil, nil
		}
	}
	return br, nil, nil
}

// openRecords returns the records of a file's unpacked content.
func (f File) openRecords(src io.Reader, table io.Writer) (records, error) {
	switch filepath.Ext(uncompressedName(f.Name)) {
	case ".csv", ".tsv":
		if table != nil {
			src = io.TeeReader(src, table)
		}
		return newRows(src)
	case ".parquet":
		return newColumns(src)
	case "":
		return sniffRecords(src)
	}
	text := bufio.NewReader(src)
	err := textfile.Skip(text)
	if filepath.Ext(uncompressedName(f.Name)) == lineExtension {
		return &promptLines{text: text}, err
	}
	return newValues(text), err
}

// sniffRecords returns the records of content whose format no name tells.
func sniffRecords(src io.Reader) (records, error) {
	if at, ok := src.(interface {
		io.ReaderAt
		io.Seeker
	}); ok { // as unpack returns nothing else
		return newColumns(at.(io.Reader))
	}
	text := bufio.NewReader(src)
	if head, _ := text.Peek(len(parquetMagic)); string(head) == parquetMagic {
		return newColumns(text)
	}
	if err := textfile.Skip(text); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		head, err := text.Peek(n)
		if len(head) < n {
			return newValues(text), ignoreEOF(err)
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
			continue
		case '{', '[':
			return newValues(text), nil
		}
		return &promptLines{text: text}, nil
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		return nil
	}
	return err
}

// parquetMagic begins a Parquet file.
const parquetMagic = "PAR1"

// promptLines reads a text with a prompt a line. Blank lines are skipped.
type promptLines struct {
	text *bufio.Reader
	line int
	err  error
}

func (p *promptLines) next() ([]byte, int, error) {
	for p.err == nil {
		var text string
		text, p.err = p.text.ReadString('\n')
		p.line++
		if p.err != nil && p.err != io.EOF {
			break
		}
		if text = strings.TrimRight(text, "\r\n"); strings.TrimSpace(text) == "" {
			continue
		}
		if !utf8.ValidString(text) {
			return nil, p.line, errNotUTF8 // json.Marshal would replace the invalid bytes
		}
		record, err := json.Marshal(map[string]string{defaultColumn: text})
		return record, p.line, err
	}
	return nil, p.line, p.err
}

// columns reads a Parquet file.
type columns struct {
	schema *parquet.Schema
	rows   parquet.Rows
	buf    []parquet.Row
	number int
}

// newColumns needs to read the file at any offset. A file that does not support this, such as a packed file, is read
// into memory.
func newColumns(src io.Reader) (c *columns, err error) {
	at, ok := src.(io.ReaderAt)
	var size int64
	if seeker, can := src.(io.Seeker); ok && can {
		size, err = seeker.Seek(0, io.SeekEnd)
	} else {
		var data []byte
		data, err = io.ReadAll(src)
		at, size = strings.NewReader(string(data)), int64(len(data))
	}
	if err != nil {
		return nil, err
	}
	defer parquetfile.Explain(&err)
	file, err := parquetfile.Open(at, size)
	if err != nil {
		return nil, err
	}
	return &columns{schema: file.Schema(), rows: parquet.MultiRowGroup(file.RowGroups()...).Rows(),
		buf: make([]parquet.Row, 1)}, nil
}

func (c *columns) next() (record []byte, line int, err error) {
	defer parquetfile.Explain(&err)
	c.number++
	row := map[string]any{}
	if n, err := c.rows.ReadRows(c.buf); n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return nil, c.number, err
	}
	if err := c.schema.Reconstruct(&row, c.buf[0]); err != nil {
		return nil, c.number, err
	}
	for name, value := range row {
		switch normalizedName(name) {
		case "messages", "tools":
			prune(value)
		case "images":
			packImages(value)
		}
	}
	record, err = json.Marshal(finite(row))
	return record, c.number, err
}

// prune removes null members from messages and tools, except null contents: a column has every field in every message,
// and servers refuse some of the fields as null.
func prune(value any) {
	switch x := value.(type) {
	case map[string]any:
		for name, inner := range x {
			if inner == nil && name != "content" {
				delete(x, name)
			}
			prune(inner)
		}
	case []any:
		for _, inner := range x {
			prune(inner)
		}
	}
}

// packImages makes base64 of the bytes of images, which the library takes for text.
func packImages(value any) {
	list, _ := value.([]any)
	for _, image := range list {
		if fields, ok := image.(map[string]any); ok {
			if file, ok := fields["bytes"].(string); ok {
				fields["bytes"] = []byte(file) // which encoding/json writes as base64
			}
		}
	}
}

// finite returns a value with nil in place of the numbers that JSON does not have.
func finite(value any) any {
	switch x := value.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
	case float32:
		return finite(float64(x))
	case map[string]any:
		for name, inner := range x {
			x[name] = finite(inner)
		}
	case []any:
		for i, inner := range x {
			x[i] = finite(inner)
		}
	}
	return value
}
