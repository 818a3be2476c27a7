package verify

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/internal/parquetfile"
)

// csv compares two tables of text.
func (s *sink) csv(texts [2][]byte) error {
	written, again := csv.NewReader(bytes.NewReader(texts[0])), csv.NewReader(bytes.NewReader(texts[1]))
	written.FieldsPerRecord, again.ReuseRecord = -1, true
	head, err := again.Read()
	if err != nil {
		return fmt.Errorf("%s, made again: %w", s.file, err)
	}
	head = slices.Clone(head)
	first, err := written.Read()
	if err != nil || !slices.Equal(first, head) {
		s.add("", "does not have the columns that the records give")
		return nil
	}
	rows := [2]int{}
	for {
		a, errA := written.Read()
		b, errB := again.Read()
		if errB != nil && !errors.Is(errB, io.EOF) {
			return fmt.Errorf("%s, made again: %w", s.file, errB)
		}
		if errA != nil && !errors.Is(errA, io.EOF) {
			s.add("", "cannot be read: %v", errA)
			return nil
		}
		rows[0], rows[1] = rows[0]+count(errA), rows[1]+count(errB)
		switch {
		case errA != nil && errB != nil:
			s.rows(rows)
			return nil
		case errA == nil && errB == nil:
			s.cells(rows[0], head, a, b)
		}
	}
}

// count is 1 of a row that was read.
func count(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

func (s *sink) cells(row int, head, written, again []string) {
	for i, name := range head {
		s.Values++
		switch {
		case i >= len(written):
			s.add(fmt.Sprintf("row %d", row), "has %d columns, the records give %d", len(written), len(head))
			return
		case written[i] != again[i]:
			s.add(fmt.Sprintf("row %d, %s", row, name), "is %s, the records say %s", show(written[i]), show(again[i]))
		}
	}
}

func (s *sink) rows(rows [2]int) {
	if rows[0] != rows[1] {
		s.add("", "has %d rows, the records give %d", rows[0], rows[1])
	}
}

// parquet compares two tables by their columns of the same names.
func (s *sink) parquet(paths [2]string, o Options) error {
	written, err := openTable(paths[0])
	if err != nil {
		s.add("", "cannot be read: %v", err)
		return nil
	}
	defer written.close()
	again, err := openTable(paths[1])
	if err != nil {
		return fmt.Errorf("%s, made again: %w", s.file, err)
	}
	defer again.close()
	if !slices.Equal(written.columns, again.columns) {
		s.add("", "does not have the columns that the records give")
		return nil
	}
	s.rows([2]int{int(written.file.NumRows()), int(again.file.NumRows())})
	for row := 1; ; row++ {
		a, errA := written.next()
		b, errB := again.next()
		switch {
		case errors.Is(errA, io.EOF) || errors.Is(errB, io.EOF):
			return nil
		case errB != nil:
			return fmt.Errorf("%s, made again: %w", s.file, errB)
		case errA != nil:
			s.add("", "cannot be read: %v", errA)
			return nil
		}
		s.values(row, written.columns, a, b, o)
	}
}

// values compares two rows, whose values stand in the order of the columns, several of a column with lists.
func (s *sink) values(row int, columns []string, written, again parquet.Row, o Options) {
	s.Values += len(columns)
	split := func(r parquet.Row) [][]parquet.Value {
		list := make([][]parquet.Value, len(columns))
		for _, v := range r {
			if c := v.Column(); c >= 0 && c < len(list) {
				list[c] = append(list[c], v)
			}
		}
		return list
	}
	if written.Equal(again) {
		return
	}
	a, b := split(written), split(again)
	for i, name := range columns {
		if !slices.EqualFunc(a[i], b[i], o.sameCell) {
			s.add(fmt.Sprintf("row %d, %s", row, name), "is %s, the records say %s", cell(a[i]), cell(b[i]))
		}
	}
}

// sameCell reports whether two values are equal. Those of tables are in milliseconds.
func (o Options) sameCell(a, b parquet.Value) bool {
	if a.Kind() == parquet.Double && b.Kind() == parquet.Double && !a.IsNull() && !b.IsNull() {
		return math.Abs(a.Double()-b.Double()) <= o.Within*1000
	}
	return parquet.Equal(a, b)
}

// cell returns the values of a column in a row for a message.
func cell(values []parquet.Value) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return show(strings.Join(texts, ","))
}

// table reads the rows of a Parquet file.
type table struct {
	src     *os.File
	file    *parquet.File
	rows    *parquet.GenericReader[any]
	columns []string
	buffer  [1]parquet.Row
}

func openTable(path string) (t *table, err error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = src.Close()
		}
	}()
	defer parquetfile.Explain(&err)
	info, err := src.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquetfile.Open(src, info.Size())
	if err != nil {
		return nil, err
	}
	t = &table{src: src, file: file, rows: parquet.NewGenericReader[any](file)}
	for _, path := range file.Schema().Columns() {
		t.columns = append(t.columns, path[0])
	}
	return t, nil
}

// next returns the next row, which holds until the next call.
func (t *table) next() (row parquet.Row, err error) {
	defer parquetfile.Explain(&err)
	t.buffer[0] = t.buffer[0][:0]
	n, err := t.rows.ReadRows(t.buffer[:])
	if n == 1 {
		return t.buffer[0], nil
	}
	if err == nil {
		err = io.EOF
	}
	return nil, err
}

func (t *table) close() {
	_ = t.rows.Close()
	_ = t.src.Close()
}
