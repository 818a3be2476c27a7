package datasets

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// traceFiles returns files in the form of package trace.
func traceFiles(files []File) []trace.File {
	list := make([]trace.File, len(files))
	for i, f := range files {
		list[i] = trace.File{Name: f.Name, Open: f.Open, Records: f.traceRecords}
	}
	return list
}

// traceRecords reads the records of a file, with their places if it can be read at an offset. The text of a table that
// cannot is copied to spool.
func (f File) traceRecords(spool io.Writer) (trace.Records, func(), error) {
	begin, plain, err := f.textBegin()
	if err != nil {
		return nil, nil, err
	}
	if plain {
		spool = nil
	}
	r, shut, err := f.openCopied(spool)
	if err != nil {
		return nil, nil, err
	}
	switch r := r.(type) {
	case *values:
		return &valueRows{values: r, begin: begin, placed: plain, lines: f.hasLines()}, shut, nil
	case *rows:
		return &tableRows{rows: r, copied: !plain}, shut, nil
	}
	return otherRows{r}, shut, nil
}

// textBegin returns the offset of the text behind a byte order mark, and false if the file is packed or cannot be read
// at an offset.
func (f File) textBegin() (begin int64, plain bool, err error) {
	file, err := f.Open()
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = file.Close() }()
	at, ok := file.(io.ReaderAt)
	if !ok {
		return 0, false, nil
	}
	head := make([]byte, 4)
	n, _ := at.ReadAt(head, 0) // errors come up again
	head = head[:n]
	if bytes.HasPrefix(head, []byte(textfile.Mark)) {
		begin = int64(len(textfile.Mark))
	}
	return begin, !bytes.HasPrefix(head, gzipMagic) && !bytes.Equal(head, zstdMagic), nil
}

// hasLines reports whether each record of a file is a line by itself.
func (f File) hasLines() bool {
	ext := filepath.Ext(uncompressedName(f.Name))
	return ext == ".jsonl" || ext == ".ndjson"
}

// valueRows reads the records of a file of JSON.
type valueRows struct {
	values *values
	begin  int64 // offset of the text in the file
	placed bool  // the records can be read again where they are
	lines  bool  // each record is a line by itself, by the file's name
	proven bool  // and one was
}

// Next returns the next record.
func (v *valueRows) Next() (row trace.Row, err error) {
	raw, line := v.values.nextLine()
	valid := raw != nil && utf8.Valid(raw)
	if raw == nil {
		if v.proven {
			err = v.values.lineFault()
			line = v.values.line
		}
		if err == nil {
			raw, line, err = v.values.next()
		}
		if err != nil {
			return trace.Row{Line: line}, err
		}
	} else {
		v.proven = v.lines
	}
	row = trace.Row{Data: raw, Line: line, Offset: v.begin + v.values.offset(raw)}
	if !valid {
		row.Data, err = validRecord(raw)
	}
	if err == nil && v.placed && &row.Data[0] == &raw[0] { // the bytes in the file are valid
		row.Length = len(raw)
	}
	return row, err
}

// Resume goes on with the next line, if each line is a record.
func (v *valueRows) Resume() bool { return v.lines && v.values.skipLine() }

// tableRows reads the records of a table.
type tableRows struct {
	*rows
	copied bool // it is read again from its copy
}

// Next returns the next record.
func (t *tableRows) Next() (row trace.Row, err error) {
	row.Data, row.Line, err = t.next()
	row.Offset, row.Copied = t.begin, t.copied
	if row.Length = int(t.table.Offset() - t.begin); err == nil && row.Length > maxValue {
		err = fmt.Errorf("a record over %d bytes", maxValue)
	}
	return row, err
}

// Resume goes on with the next row.
func (*tableRows) Resume() bool { return true }

// Narrow leaves out the columns that are not needed.
func (t *tableRows) Narrow(needed func(name string) bool) {
	t.needed = nil
	for _, c := range t.cells {
		if needed(c.name) {
			t.needed = append(t.needed, c)
		}
	}
}

// Decoder returns a function that makes a record of the text of a row.
func (t *tableRows) Decoder() trace.Decoder {
	h := t.head // without the file
	return func(row []byte) ([]byte, error) {
		fields, ok := h.layout.Row(row)
		if !ok {
			return nil, trace.ErrChanged
		}
		record, err := h.object(make([]byte, 0, 2*len(row)), fields, h.cells)
		if err != nil {
			return nil, trace.ErrChanged
		}
		return record, nil
	}
}

// otherRows reads the records of a file of another kind.
type otherRows struct{ records records }

// Next returns the next record.
func (o otherRows) Next() (row trace.Row, err error) {
	row.Data, row.Line, err = o.records.next()
	return row, err
}

// Resume reports false: nothing can be read behind a fault.
func (otherRows) Resume() bool { return false }
