package datasets

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// rows reads a table: a record has one text for each name in the head line.
type rows struct {
	head
	table  *textfile.Table
	needed []cell // those of the records that next returns
	begin  int64  // of the row that was read last
	buf    []byte
}

// head is what the rows of a table share. It may be used concurrently.
type head struct {
	layout textfile.Layout
	comma  rune
	width  int    // number of columns
	cells  []cell // in the order of their names
}

// cell is a column of a table.
type cell struct {
	at      int // its place in a line
	name    string
	key     []byte // the name as JSON, with a colon
	numeric bool
}

func newRows(src io.Reader) (*rows, error) {
	r, err := textfile.NewTable(src)
	if err != nil {
		return nil, err
	}
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	names, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	h, err := newHead(names)
	h.layout, h.comma = r.Layout, r.Comma
	return &rows{head: h, table: r, needed: h.cells}, err
}

// newHead returns the head of a table with the given names of columns.
func newHead(names []string) (head, error) {
	h, seen := head{width: len(names)}, map[string]bool{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name != "" && seen[normalizedName(name)] {
			return h, fmt.Errorf("the head line has two columns %q", normalizedName(name))
		}
		if name == "" && seen[name] { // of several columns without a name, one is kept
			continue
		}
		seen[normalizedName(name)] = true
		key, err := json.Marshal(name)
		if err != nil {
			return h, err
		}
		h.cells = append(h.cells, cell{
			i, strings.ToValidUTF8(name, "\ufffd"), append(key, ':'), isNumericField(normalizedName(name)),
		})
	}
	slices.SortFunc(h.cells, func(a, b cell) int { return bytes.Compare(a.key, b.key) })
	return h, nil
}

// next skips blank lines.
func (r *rows) next() (record []byte, line int, err error) {
	for {
		r.begin = r.table.Offset()
		fields, err := r.table.Read()
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				return nil, parse.Line, parse.Err
			}
			return nil, 0, err
		}
		if !textfile.Blank(fields) {
			line, _ := r.table.FieldPos(0)
			r.buf, err = r.object(r.buf[:0], fields, r.needed)
			return r.buf, line, err
		}
	}
}

// object appends the object of a row, with some of its cells. Fields beyond those of the head line must be empty. With
// the error of a row that has too few or too many, the object has what there is.
func (h *head) object(dst []byte, fields []string, cells []cell) (object []byte, err error) {
	if len(fields) < h.width || !textfile.Blank(fields[h.width:]) {
		err = fmt.Errorf("%w: %d, and %d names in the head line", csv.ErrFieldCount, len(fields), h.width)
	}
	for _, c := range h.cells {
		if c.at < len(fields) && !utf8.ValidString(fields[c.at]) {
			return nil, errNotUTF8 // a JSON encoder would replace the invalid bytes
		}
	}
	dst = append(dst, '{')
	for _, c := range cells {
		if c.at >= len(fields) {
			continue
		}
		text := fields[c.at]
		if c.numeric {
			text = textfile.Decimal(text, h.comma)
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, c.key...), text)
	}
	return append(dst, '}'), err
}

// appendString appends a text as JSON.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // no text is refused
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}
