package convert

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// WriteCSV writes one line per request, with the columns of [run.Row]. Undefined values are empty, and the elements of
// a list are separated by spaces. A text that a spreadsheet would compute gets an apostrophe before it; the other
// formats keep texts unchanged.
func (t RequestTable) WriteCSV(w io.Writer) error {
	return buffered(w, func(w io.Writer) error { return t.writeCSV(w) })
}

func (t RequestTable) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	columns := columnsOf(reflect.TypeFor[run.Row]())
	if err := out.Write(names(columns)); err != nil {
		return err
	}
	var rec record.Request
	var row run.Row
	rows := t.rows()
	for _, q := range run.Sent(t.run) {
		rows.fill(&row, q, &rec)
		if err := out.Write(csvLine(columns, row)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// columnsOf returns the columns of a row's type.
func columnsOf(row reflect.Type) (list []reflect.StructField) {
	for field := range row.Fields() {
		list = append(list, field)
	}
	return list
}

func names(columns []reflect.StructField) (list []string) {
	for _, c := range columns {
		name, _, _ := strings.Cut(c.Tag.Get("parquet"), ",")
		list = append(list, name)
	}
	return list
}

func csvLine(columns []reflect.StructField, row any) []string {
	values, fields := reflect.ValueOf(row), make([]string, len(columns))
	for i, c := range columns {
		v := values.FieldByIndex(c.Index)
		if v.IsZero() && strings.HasSuffix(c.Tag.Get("parquet"), ",optional") {
			continue // null
		}
		fields[i] = csvField(v)
	}
	return fields
}

func csvField(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		return ""
	case v.Kind() == reflect.Pointer:
		v = v.Elem()
	case v.Kind() == reflect.Slice:
		return strings.Trim(fmt.Sprint(v.Interface()), "[]")
	}
	if v.Kind() == reflect.String {
		return plain.CSVCell(v.String())
	}
	return fmt.Sprint(v.Interface())
}
