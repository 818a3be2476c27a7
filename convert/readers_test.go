package convert

import (
	"encoding/json"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// seen holds what a program read from the files.
type seen struct {
	Rows      int     `json:"rows"`
	TTFT      float64 `json:"ttft_ms"`
	Arrivals  int64   `json:"arrivals_us"`
	Failed    int     `json:"failed"`
	Cached    int64   `json:"cached"`
	ChunkRows int     `json:"chunk_rows"`
}

// Pyarrow, DuckDB and pandas read from Parquet and CSV files what was written to them.
func TestOtherProgramsReadOurTables(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "pyarrow", "duckdb", "pandas")
	run := mustRead(t, asRecords(t, richLines()))
	dir := t.TempDir()
	requests, chunks, table := filepath.Join(dir, "requests.parquet"), filepath.Join(dir, "chunks.parquet"),
		filepath.Join(dir, "requests.csv")
	for path, write := range map[string]func(io.Writer) error{requests: NewRequestTable(run).WriteParquet,
		chunks: NewRequestTable(run).WriteChunks,
		table:  NewRequestTable(run).WriteCSV} {
		if err := outfile.Write(path, outfile.Options{}, write); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/readers.py", requests, chunks, table)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		PyArrow, DuckDB, Pandas, CSV seen
		Compression                  string
		Dictionary                   bool
		RunID                        string `json:"run_id"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	want := facts(run)
	for name, s := range map[string]seen{"pyarrow": got.PyArrow, "duckdb": got.DuckDB, "pandas": got.Pandas,
		"csv": got.CSV} {
		if math.Abs(s.TTFT-want.TTFT) > 1e-6 {
			t.Errorf("%s: TTFT adds up to %v ms, want %v", name, s.TTFT, want.TTFT)
		}
		if s.TTFT = want.TTFT; s != want {
			t.Errorf("%s: got %+v, want %+v", name, s, want)
		}
	}
	if got.Compression != "ZSTD" || !got.Dictionary || got.RunID != run.ID() {
		t.Errorf("compression %s, dictionary %t, run %q", got.Compression, got.Dictionary, got.RunID)
	}
}

func facts(run *run.Run) (s seen) {
	var rec record.Request
	for _, q := range run.Requests {
		s.Rows++
		q.Unpack(&rec)
		s.ChunkRows += len(rec.Chunks)
		for _, us := range rec.Chunks {
			s.Arrivals += us
		}
		if q.Failed() {
			s.Failed++
		}
		if !math.IsNaN(q.TTFT) {
			s.TTFT += q.TTFT * 1000
		}
		s.Cached += int64(orElse(q.ServerCached, 0))
	}
	return s
}
