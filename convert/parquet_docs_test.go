package convert

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// columnsPage describes the columns of the Parquet files.
const columnsPage = "../docs/parquet.md"

// described is a column as the page describes it.
type described struct {
	name, kind string
	nullable   bool
}

// schemaColumns returns the columns of a row's type.
func schemaColumns(row any) (list []described) {
	for _, field := range parquet.SchemaOf(row).Fields() {
		c := described{name: field.Name(), nullable: field.Optional()}
		node := parquet.Node(field)
		if !node.Leaf() { // a list
			c.kind, c.nullable = "list of ", true // it may be empty, which the page says in the same column
			node = node.Fields()[0].Fields()[0]
		}
		kinds := map[parquet.Kind]string{parquet.ByteArray: "text", parquet.Boolean: "bool", parquet.Int32: "int32",
			parquet.Int64: "int64", parquet.Double: "float64"}
		c.kind += kinds[node.Type().Kind()]
		list = append(list, c)
	}
	return list
}

// The page describes each column of both files, in their order, with its type, and says when a value is null.
func TestColumnsAreDescribed(t *testing.T) {
	t.Parallel()
	var got []described
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\|([^|]*)\\| (.+) \\|$")
	for _, m := range row.FindAllStringSubmatch(testenv.ReadFile(t, columnsPage), -1) {
		got = append(got, described{m[1], m[2], strings.TrimSpace(m[3]) != ""})
	}
	want := append(schemaColumns(run.Row{}), schemaColumns(ChunkRow{})...)
	want = append(append(want, schemaColumns(SessionRow{})...), schemaColumns(MediaRow{})...)
	want = append(want, schemaColumns(SecondRow{})...)
	if !slices.Equal(got, want) {
		t.Errorf("%s has\n%+v\nwant\n%+v", columnsPage, got, want)
	}
}

// DuckDB answers the questions of the page.
func TestQueriesOfThePage(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "duckdb")
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(testenv.ReadFile(t, columnsPage), -1)
	if len(queries) < 3 {
		t.Fatalf("%s has %d queries", columnsPage, len(queries))
	}
	dir := t.TempDir()
	table := NewRequestTable(mustRead(t, asRecords(t, richLines())))
	if err := outfile.Write(filepath.Join(dir, "requests.parquet"), outfile.Options{}, table.WriteParquet); err != nil {
		t.Fatal(err)
	}
	seconds, _ := NewTimelineTable(NewReport(mustRead(t, asRecords(t, richLines())), Options{}))
	if err := outfile.Write(filepath.Join(dir, "timeline.parquet"), outfile.Options{},
		seconds.WriteParquet); err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		cmd := exec.Command(python, "-c", "import duckdb, json, sys\n"+
			"print(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))",
			strings.ReplaceAll(q[1], "> 500", "> 1")) // the sample is fast
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		var rows [][]any
		if err == nil {
			err = json.Unmarshal(out, &rows)
		}
		if err != nil || len(rows) == 0 || slices.Contains(rows[0], nil) {
			t.Errorf("%s\n%v, %s", q[1], err, out)
		}
	}
}
