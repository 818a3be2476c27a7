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
	return buffered(w, func(w io.Writer) error { return writeCSVRows(t.run, w) })
}

func writeCSVRows(r *run.Run, w io.Writer) error {
	out := csv.NewWriter(w)
	row := reflect.TypeFor[run.Row]()
	fields := make([]string, row.NumField())
	for i := range fields {
		fields[i], _, _ = strings.Cut(row.Field(i).Tag.Get("parquet"), ",")
	}
	if err := out.Write(fields); err != nil {
		return err
	}
	var rec record.Request
	for _, q := range r.Requests {
		values := reflect.ValueOf(newRow(r, q, &rec))
		for i := range fields {
			fields[i] = csvField(values.Field(i))
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
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
