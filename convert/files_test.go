package convert

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// richLines returns a run with everything that a record can hold.
func richLines() []record.Line {
	lines := sampleLines()
	for i, line := range lines {
		q, ok := line.(*record.Request)
		if !ok || q.Stage < 0 {
			continue
		}
		q.Adapter = []string{"", "org/lora-a", "lora-b"}[i%3]
		q.SessionID, q.Turn = []string{"", "session-1"}[i%2], i%2
		q.MaxTokens, q.PromptAsked = 12, 30
		q.Prompt, q.Completion = new(31), new(2*len(q.Chunks))
		for range q.Chunks {
			q.ChunkTokens = append(q.ChunkTokens, 2)
		}
		if i%5 == 0 {
			q.Reasoning, q.ToolCalls = []int64{10, 20}, []int64{30}
		}
		if i%4 == 0 {
			q.Retries, q.Attempt = 2, q.Start+1000
		}
	}
	return append(lines, &record.Dropped{Scenario: "stage_1", Stage: 1, Count: 2},
		&record.Stage{Index: 0, Start: 1_700_000_000 * second, End: 1_700_000_010 * second, Status: "completed"})
}

func TestReportOfAParquetFileIsThatOfTheRecords(t *testing.T) {
	t.Parallel()
	late, _ := stalled(eachSecond(520_000, 250_000))
	for _, line := range late {
		if q, ok := line.(*record.Request); ok {
			q.Connected, q.Written = q.Start, q.Start+int64(9*time.Millisecond)
		}
	}
	served := slices.Insert(bounded(), 5,
		record.Line(&record.Server{Time: jointStart, Source: "p", Values: map[string]float64{"running": 3}}))
	for name, lines := range map[string][]record.Line{"plain": sampleLines(), "rich": richLines(), "late": late,
		"server": served, "search": runtest.SearchLines(1)} {
		first := mustRead(t, asRecords(t, lines))
		want, dir := reportFiles(t, first), t.TempDir()
		if err := outfile.Write(filepath.Join(dir, "requests.parquet"), outfile.Options{},
			NewRequestTable(first).WriteParquet); err != nil {
			t.Fatal(err)
		}
		second, err := run.ReadFiles(run.Options{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		got := reportFiles(t, second)
		if len(got) != len(want) {
			t.Errorf("%s: %d files, want %d", name, len(got), len(want))
		}
		for _, files := range []map[string]string{want, got} {
			files[reportdir.Summary] = anyOrigin(t, files[reportdir.Summary])
		}
		for path := range want {
			if path != "requests.parquet" && got[path] != want[path] {
				t.Errorf("%s: %s differs", name, path)
			}
		}
	}
}

func TestReadParquetRefuses(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, sampleLines()))
	dir := t.TempDir()
	good, chunks, cut := filepath.Join(dir, "good"), filepath.Join(dir, "chunks"), filepath.Join(dir, "cut")
	if err := outfile.Write(good, outfile.Options{}, NewRequestTable(r).WriteParquet); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(chunks, outfile.Options{}, NewRequestTable(r).WriteChunks); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{chunks: "it was not written by `llmconv parquet`", cut: "cut: "} {
		if _, err := run.ReadFiles(run.Options{}, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", filepath.Base(path), err, want)
		}
	}
}

func TestAdapterReports(t *testing.T) {
	t.Parallel()
	run := mustRead(t, asRecords(t, richLines()))
	dir := t.TempDir()
	if _, err := NewReport(run, Options{}).Write(dir, Files{Summary: true, Stages: true, Adapters: true,
		AdapterStages: true, Prefix: "x-"}); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range found {
		if name, lifecycle := strings.CutSuffix(filepath.Base(path), "_lifecycle_metrics.json"); lifecycle {
			names = append(names, name)
		}
	}
	want := []string{
		"x-adapter_lora-b", "x-adapter_lora-b_stage_0", "x-adapter_lora-b_stage_1", "x-adapter_org_lora-a",
		"x-adapter_org_lora-a_stage_0",
		"x-adapter_org_lora-a_stage_1", "x-stage_0", "x-stage_1", "x-summary",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	p := NewReport(run, Options{})
	a, b, both := p.Adapters["lora-b"].Load.Count, p.AdapterStages["lora-b"][0].Load.Count,
		p.AdapterStages["lora-b"][1].Load.Count
	if a == 0 || a != b+both || p.AdapterStages["lora-b"][0].Load.RequestedRate == nil ||
		p.Adapters["lora-b"].Load.RequestedRate != nil {
		t.Errorf("adapter has %d requests, its stages %d and %d", a, b, both)
	}
	if p.Adapters["lora-b"].Failures.Count == 0 {
		t.Error("failures lost their adapter")
	}
}

func TestCSVHasARowForEachRequest(t *testing.T) {
	t.Parallel()
	run := mustRead(t, asRecords(t, richLines()))
	path := filepath.Join(t.TempDir(), "r.csv")
	if err := outfile.Write(path, outfile.Options{}, NewRequestTable(run).WriteCSV); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 51 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	var rec record.Request
	run.Requests[0].Unpack(&rec)
	if got := rows[1][column("chunks_us")]; got == "" || "["+got+"]" != fmt.Sprint(rec.Chunks) {
		t.Errorf("chunks %q", got)
	}
	if got := rows[1][column("request_id")]; got != run.Requests[0].ID() {
		t.Errorf("request_id %q", got)
	}
	for _, row := range rows[1:] {
		if failed := row[column("error_type")] != ""; failed && row[column("finish_reason")] != "" {
			t.Errorf("row %q", row)
		}
	}
}

// A cell that a spreadsheet would compute becomes text. Numbers stay numbers, and the other formats keep texts
// unchanged.
func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	formulas := []string{`=HYPERLINK("http://evil","x")`, "+1", "-1", "@SUM(1)", "\t=1", "\r=1"}
	var requests []*record.Request
	for _, f := range formulas {
		requests = append(requests, &record.Request{
			Start: second, End: 2 * second, Model: f, Adapter: f, SessionID: f, Scenario: f, API: f, FinishReason: f,
			Error: f, ErrorType: f, Note: f,
		})
	}
	var out bytes.Buffer
	run := runOf(t, requests...)
	if err := NewRequestTable(run).writeCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(formulas)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var cells []string
	for i, row := range rows[1:] {
		for _, name := range []string{"model", "adapter", "session_id", "scenario", "finish_reason", "error",
			"error_type"} {
			if got, want := row[slices.Index(rows[0], name)], "'"+run.Requests[i].FinishReason; got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		for at, cell := range row {
			if _, isText := strconv.ParseFloat(cell, 64); isText != nil && strings.ContainsAny(cell[:min(len(cell), 1)],
				"=+-@\t\r") {
				t.Errorf("%s: got %q", rows[0][at], cell)
			}
		}
		cells = append(cells, run.Requests[i].FinishReason)
	}
	if slices.Sort(cells); !slices.Equal(cells, slices.Sorted(slices.Values(formulas))) {
		t.Errorf("the requests have %q, want them unchanged: %q", cells, formulas)
	}
}

// If there are too many adapters, those with the most requests have reports, and the summary mentions the others.
func TestAdaptersThatAreTooMany(t *testing.T) {
	t.Parallel()
	var requests []*record.Request
	for i := range mostAdapters + 2 {
		requests = append(requests, &record.Request{Start: second, End: 2 * second, Adapter: fmt.Sprintf("a%04d", i)})
	}
	const want = "the run has 1002 adapters: only the 1000 with the most requests have reports of their own; " +
		"--adapter reports on others"
	last := fmt.Sprintf("a%04d", mostAdapters+1)
	requests = append(requests, &record.Request{Start: second, End: 2 * second, Adapter: last})
	report := NewReport(runOf(t, requests...), Options{})
	if len(report.Adapters) != mostAdapters || report.Adapters[last] == nil ||
		!slices.Contains(report.Summary.Additions.Warnings, want) {
		t.Errorf("got %d adapters, %s among them: %t, warnings %q", len(report.Adapters), last,
			report.Adapters[last] != nil, report.Summary.Additions.Warnings)
	}
	report = NewReport(runOf(t, requests[:mostAdapters]...), Options{})
	if len(report.Adapters) != mostAdapters || slices.Contains(report.Summary.Additions.Warnings, want) {
		t.Errorf("got %d adapters, warnings %q", len(report.Adapters), report.Summary.Additions.Warnings)
	}
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	documents, err := NewReport(mustRead(t, asRecords(t, sampleLines())), Options{}).documents(Files{Summary: true,
		Stages: true})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteMarked(&out, documents); err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"SUMMARY", "STAGE_0", "STAGE_1"} {
		_, text, ok := strings.Cut(out.String(), "=== START_"+mark+" ===\n{\n  \"benchmark_time_seconds\"")
		if !ok || !strings.Contains(text, "\n}\n=== END_"+mark+" ===\n") {
			t.Errorf("%s is not between its markers", mark)
		}
	}
}
